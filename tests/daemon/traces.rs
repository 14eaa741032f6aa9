//! Traces of a daemon: those of a run that a signal ended arrive, and nothing waits long for whoever takes them.

use std::{fs, time::Duration};

use super::{
    Daemon, slow,
    support::{
        On,
        collector::{Collector, Mood},
    },
    town, until, until_async, until_done,
};

/// The names of its threads, as the system has them: fifteen letters.
fn threads(daemon: &Daemon) -> Vec<String> {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.child.id())).unwrap();
    tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok()).collect()
}

fn collects(daemon: &Daemon) -> bool {
    threads(daemon).iter().any(|name| name.starts_with("OpenTelemetry"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_did_until_a_signal_ended_it_is_brought_before_the_process_ends() {
    let town = town(On::Sqlite).await;
    let collector = Collector::start(Mood::Takes).await;
    town.append(&collector.table());
    slow(&town, 300);
    let mut daemon = Daemon::of(&town);
    until(|| town.calls("customers.update") >= 3).await;
    daemon.signal("TERM");
    let (code, took) = daemon.end().await;
    assert_eq!(code, Some(143), "{}", daemon.log());
    assert!(took < Duration::from_secs(5), "{took:?}");
    let syncs = collector.trees("sync");
    assert_eq!(syncs.len(), 1, "{:?}", collector.spans());
    assert_eq!(syncs[0].root().says("anagrafe.outcome"), "stopped");
    assert!(!syncs[0].root().failed, "somebody wanted it");
    let updates = syncs[0].named("customers.update").len();
    assert_eq!(updates, town.calls("customers.update"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_ends_in_time_where_whoever_takes_traces_hangs() {
    let town = town(On::Sqlite).await;
    let collector = Collector::start(Mood::Hangs).await;
    town.append(&collector.table());
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    until(|| !collector.deliveries().is_empty()).await;
    daemon.signal("TERM");
    let (code, took) = daemon.end().await;
    assert_eq!(code, Some(143), "{}", daemon.log());
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(daemon.log().matches("traces do not arrive").count(), 1, "{}", daemon.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_endpoint_nothing_is_built_and_a_new_one_waits_for_the_next_start() {
    let town = town(On::Sqlite).await;
    let collector = Collector::start(Mood::Takes).await;
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    assert!(!collects(&daemon), "{:?}", threads(&daemon));
    town.append(&collector.table());
    daemon.signal("HUP");
    until_async(async || daemon.log().contains("observe.otlp_endpoint")).await;
    assert!(daemon.log().contains("after the next start"), "{}", daemon.log());
    assert!(!collects(&daemon));
    daemon.stop().await;
    assert_eq!(collector.deliveries().len(), 0);

    let mut daemon = Daemon::of(&town);
    daemon.ready().await;
    assert!(collects(&daemon), "{:?}", threads(&daemon));
    daemon.stop().await;
}
