//! What is run when: by the schedule, never two at once, and what was missed once.

use std::{process::Stdio, time::Duration};

use anagrafe::sandbox::{Fault, FaultKind};

use super::{
    Daemon, PEOPLE, all_done, runs, shifted, slow,
    support::{On, both},
    town, until_async, until_done,
};

both!(a_missed_sync_is_made_up_for_at_start_and_then_the_schedule_is_kept, kept);
async fn kept(on: On) {
    let town = town(on).await;
    // A minute goes by in each second.
    let mut daemon = Daemon::with(&town, |command| {
        shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "* * * * *");
    });
    until_done(&town, "sync", 4).await;
    daemon.stop().await;
    assert_eq!(town.written().len(), usize::try_from(PEOPLE).unwrap());
    all_done(&town).await;
    let log = daemon.log();
    assert!(log.contains("a run that was missed is made up for") && log.contains("the daemon begins"), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    let begins = log.lines().find(|line| line.contains("the daemon begins")).unwrap();
    let begins: serde_json::Value = serde_json::from_str(begins).unwrap();
    for next in ["next_syncs", "next_resyncs"] {
        assert_eq!(begins[next].as_str().unwrap().split(", ").count(), 3, "{begins}");
    }
    assert_eq!(runs(&town, "resync", None).await, 0, "who was never resynced is not owed a resync");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_made_up_for_is_not() {
    let town = town(On::Sqlite).await;
    let mut daemon = Daemon::with(&town, |command| {
        command.env("ANAGRAFE__SCHEDULE__CATCH_UP", "false").env("ANAGRAFE__SCHEDULE__SYNC", "0 0 1 1 *");
    });
    daemon.ready().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    daemon.stop().await;
    assert_eq!(runs(&town, "sync", None).await, 0);
}

both!(a_resync_that_was_interrupted_is_made_up_for_and_goes_on, goes_on);
async fn goes_on(on: On) {
    let town = town(on).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 5"));
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 400 }));
    let mut resync = town.command(&["resync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until_async(async || town.number("SELECT COUNT(*) FROM resyncs WHERE after >= 10").await == 1).await;
    resync.kill().unwrap();
    resync.wait().unwrap();
    town.sandbox.faults().clear();
    assert_eq!(town.number("SELECT COUNT(*) FROM resyncs WHERE whole = 0").await, 1, "in its midst");
    // It was the first one, and no tick of the schedule was missed.
    let mut daemon = Daemon::with(&town, |command| {
        command.env("ANAGRAFE__SCHEDULE__SYNC", "0 0 1 1 *").env("ANAGRAFE__SCHEDULE__RESYNC", "0 0 2 1 *");
    });
    until_done(&town, "resync", 1).await;
    daemon.stop().await;
    let log = daemon.log();
    assert!(log.contains("the resync goes on where it was interrupted"), "{log}");
    assert_eq!(town.number("SELECT COUNT(*) FROM resyncs").await, 0);
    assert_eq!(runs(&town, "resync", None).await, 2, "the one that died, and one");
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resync_that_was_missed_is_made_up_for() {
    let town = town(On::Sqlite).await;
    town.anagrafe(&["resync"]).await.code(0);
    // Of yesterday; at tonight's nobody was there.
    town.execute("UPDATE runs SET started_at = started_at - 86400000").await;
    let mut daemon = Daemon::with(&town, |command| {
        command.env("ANAGRAFE__SCHEDULE__SYNC", "0 0 1 1 *");
    });
    until_done(&town, "resync", 2).await;
    daemon.stop().await;
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_that_finds_its_pass_running_is_left_out_and_counted() {
    let town = town(On::Sqlite).await;
    slow(&town, 200);
    let mut daemon = Daemon::with(&town, |command| {
        shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "* * * * *");
    });
    until_async(async || {
        daemon.figure("anagrafe_ticks_skipped_total{pass=\"sync\"}").await.is_some_and(|skipped| skipped >= 2.0)
    })
    .await;
    assert_eq!(runs(&town, "sync", None).await, 1, "one at a time");
    assert!(daemon.status().await["daemon"]["skipped"]["sync"].as_u64().unwrap() >= 2);
    town.sandbox.faults().clear();
    until_done(&town, "sync", 2).await;
    daemon.stop().await;
    all_done(&town).await;
}

both!(a_sync_that_comes_due_runs_between_the_pages_of_a_resync, between);
async fn between(on: On) {
    let town = town(on).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 3"));
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["resync"]).await.code(0);
    town.execute("UPDATE runs SET started_at = started_at - 200000000").await;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 400 }));
    let mut daemon = Daemon::with(&town, |command| {
        shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "* * * * *").env("ANAGRAFE__SCHEDULE__LOOKBACK_PAGES", "1");
    });
    until_done(&town, "resync", 2).await;
    daemon.stop().await;
    let within = "SELECT COUNT(*) FROM runs s JOIN runs r ON r.run < s.run WHERE s.pass = 'sync' AND r.pass = 'resync' \
                  AND r.outcome = 'done' AND r.run = (SELECT MAX(run) FROM runs WHERE pass = 'resync' AND outcome = 'done')";
    assert!(town.number(within).await >= 1, "{}", daemon.log());
    town.sandbox.faults().clear();
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_by_hand_goes_between_those_of_a_daemon() {
    let town = town(On::Sqlite).await;
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    until_async(async || town.number("SELECT COUNT(*) FROM leases WHERE host IS NOT NULL").await == 0).await;
    town.anagrafe(&["resync", "--wait"]).await.code(0);
    daemon.stop().await;
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_cannot_be_kept_is_refused_at_start() {
    let town = town(On::Sqlite).await;
    for (key, value, says) in [
        ("SYNC", "0 0 30 2 *", "never comes"),
        ("SYNC", "0 0 1 * 1", "restricts both"),
        ("RESYNC", "* * * * * *", "five fields"),
        ("SYNC", "@hourly", "five fields"),
        ("TIMEZONE", "Europe/Atlantis", "not a time zone"),
    ] {
        let mut daemon = Daemon::with(&town, |command| {
            command.env(format!("ANAGRAFE__SCHEDULE__{key}"), value);
        });
        assert_eq!(daemon.end().await.0, Some(2), "{value}");
        assert!(daemon.log().contains(says), "{value}: {}", daemon.log());
    }
}
