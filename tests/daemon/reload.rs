//! SIGHUP: a new configuration and new secrets are taken up between two runs; one that will not do is refused, and the old one goes on.

use std::time::Duration;

use anagrafe::{
    model::HashKey,
    sandbox::{Fault, FaultKind, RetryAfter},
};

use super::{
    Daemon, PEOPLE, all_done, behind_the_door, person, runs, slow,
    support::{On, Town, both},
    town, until, until_async, until_done,
};

async fn reloads(daemon: &Daemon, outcome: &str) -> f64 {
    daemon.figure(&format!("anagrafe_config_reloads_total{{outcome=\"{outcome}\"}}")).await.unwrap_or(0.0)
}

both!(a_new_configuration_is_in_force_after_a_reload_and_a_bad_one_is_refused, reloaded);
async fn reloaded(on: On) {
    let town = town(on).await;
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    let next = daemon.status().await["daemon"]["next"]["resync"].clone();

    town.append("[schedule]\nresync = \"17 5 * * *\"");
    daemon.signal("HUP");
    until_async(async || reloads(&daemon, "taken").await >= 1.0).await;
    let after = daemon.status().await["daemon"]["next"]["resync"].clone();
    assert!(after != next && after.as_str().unwrap().contains("T05:17:00"), "{after}");

    town.edit(|text| text.replace("17 5 * * *", "nonsense"));
    daemon.signal("HUP");
    until_async(async || reloads(&daemon, "refused").await >= 1.0).await;
    assert_eq!(daemon.status().await["daemon"]["next"]["resync"], after, "the old one stays");
    assert!(
        daemon.log().contains("schedule.resync") && daemon.log().contains("the old one stays in force"),
        "{}",
        daemon.log()
    );
    assert_eq!(daemon.get("/readyz").await.unwrap().0, 200);
    daemon.stop().await;
    all_done(&town).await;
}

both!(a_reload_that_meets_a_passing_fault_is_tried_again_until_it_is_taken, passing);
async fn passing(on: On) {
    let town = town(on).await;
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    let next = daemon.status().await["daemon"]["next"]["resync"].clone();
    behind_the_door(&town);
    town.append("[schedule]\nresync = \"17 5 * * *\"");
    let kind = FaultKind::Status { status: 503, retry_after: Some(RetryAfter::Seconds(3_600)), body: None };
    town.sandbox.faults().set(Fault::always("world", kind));
    daemon.signal("HUP");
    until(|| town.calls("world") >= 3).await;
    assert_eq!((reloads(&daemon, "taken").await, reloads(&daemon, "refused").await), (0.0, 0.0));
    assert!(reloads(&daemon, "postponed").await >= 2.0, "whoever watches sees that it waits");
    assert_eq!(daemon.status().await["daemon"]["next"]["resync"], next, "the old one is in force");
    assert_eq!(daemon.get("/readyz").await.unwrap().0, 200);
    assert_eq!(daemon.log().matches("cannot be taken up yet").count(), 1, "told seldom: {}", daemon.log());

    town.sandbox.faults().clear();
    until_async(async || reloads(&daemon, "taken").await >= 1.0).await;
    let after = daemon.status().await["daemon"]["next"]["resync"].clone();
    assert!(after.as_str().unwrap().contains("T05:17:00"), "{after}");
    let asked = town.calls("world");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!((town.calls("world"), reloads(&daemon, "taken").await), (asked, 1.0), "and no more");
    daemon.stop().await;
    all_done(&town).await;
}

/// Also one that waits for the lease, which another process has for as long as this takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_is_tried_again_while_it_stands_by() {
    let town = town(On::Sqlite).await;
    slow(&town, 700);
    let mut first = Daemon::of(&town);
    until(|| town.calls("customers.update") >= 1).await;
    let mut second = Daemon::of(&town);
    until_async(async || second.get("/status").await.is_some_and(|(_, text)| text.contains("standing-by"))).await;
    behind_the_door(&town);
    let kind = FaultKind::Status { status: 503, retry_after: Some(RetryAfter::Seconds(3_600)), body: None };
    town.sandbox.faults().set(Fault::next("world", 2, kind));
    second.signal("HUP");
    until_async(async || reloads(&second, "taken").await >= 1.0).await;
    assert_eq!(runs(&town, "sync", Some("done")).await, 0, "the other one works still");
    town.sandbox.faults().clear();
    until_done(&town, "sync", 1).await;
    for daemon in [&mut first, &mut second] {
        daemon.stop().await;
    }
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_changed_is_read_anew() {
    let town = town(On::Sqlite).await;
    let secret = town.dir.path().join("shop.secret");
    std::fs::write(&secret, "not the key\n").unwrap();
    town.edit(|text| text.replace("secret_key = \"sandbox-secret-key\"", "secret_key_file = \"shop.secret\""));
    let mut daemon = Daemon::with(&town, |command| {
        super::shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "* * * * *");
    });
    until_async(async || runs(&town, "survey", Some("failed")).await >= 1).await;
    std::fs::write(&secret, &town.sandbox.open2b.options().secret_key).unwrap();
    daemon.signal("HUP");
    until_done(&town, "sync", 1).await;
    daemon.stop().await;
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_in_mid_run_loses_no_work() {
    let town = town(On::Sqlite).await;
    slow(&town, 100);
    let mut daemon = Daemon::of(&town);
    until(|| town.calls("customers.update") >= 5).await;
    daemon.signal("HUP");
    until(|| daemon.log().contains("asked by a signal to read the configuration anew")).await;
    assert_eq!(runs(&town, "sync", Some("done")).await, 0, "it is told at once that the signal was heard");
    until_async(async || reloads(&daemon, "taken").await >= 1.0).await;
    assert_eq!(runs(&town, "sync", Some("done")).await, 1, "the run came to its end first");
    daemon.stop().await;
    all_done(&town).await;
    assert_eq!(town.written().len(), town.sandbox.vivocha.customers().len(), "each customer once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_is_another_after_a_reload_and_how_it_is_written_is_told_to_be_the_same() {
    let town = town(On::Sqlite).await;
    town.append("[observe]\nlog = \"error\"\nlog_format = \"json\"");
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    assert_eq!(daemon.log(), "");
    town.edit(|text| text.replace("log = \"error\"", "log = \"info\"").replace("\"json\"", "\"pretty\""));
    daemon.signal("HUP");
    until(|| daemon.log().contains("is in force")).await;
    let log = daemon.log();
    assert!(
        log.contains("observe.log_format is another now") && log.lines().all(|line| line.starts_with('{')),
        "{log}"
    );

    town.edit(|text| text.replace("log = \"info\"", "log = \"error\""));
    daemon.signal("HUP");
    until_async(async || reloads(&daemon, "taken").await >= 2.0).await;
    daemon.stop().await;
    assert!(
        !daemon.log().contains("\"stopped\"") && daemon.log().matches("is in force").count() == 1,
        "{}",
        daemon.log()
    );
}

const OLD: &str = "the key of these tests, until now";
const NEW: &str = "the key of these tests, from now on";

/// Under which key the store is.
async fn is_under(town: &Town, key: &str) -> bool {
    let check = HashKey::new(key.as_bytes()).unwrap().check_value().to_string();
    town.texts("SELECT key_check FROM accounts").await == [check]
}

both!(a_daemon_goes_on_under_the_key_that_its_own_resync_changed_to, rotated);
async fn rotated(on: On) {
    let town = town(on).await;
    town.keys(Some(OLD), None);
    let mut daemon = Daemon::with(&town, |command| {
        super::shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "* * * * *").env("ANAGRAFE__SCHEDULE__RESYNC", "*/5 * * * *");
    });
    until_done(&town, "sync", 1).await;
    town.keys(Some(NEW), Some(OLD));
    daemon.signal("HUP");
    until_async(async || is_under(&town, NEW).await).await;
    let before = runs(&town, "sync", None).await;
    town.sandbox.open2b.add_contact(person(PEOPLE + 1));
    until_async(async || runs(&town, "sync", Some("done")).await >= before + 3).await;
    daemon.stop().await;
    assert_eq!(runs(&town, "sync", Some("failed")).await, 0, "none asked under the old one: {}", daemon.log());
    assert_eq!(town.number(&format!("SELECT COUNT(*) FROM contacts WHERE id = {}", PEOPLE + 1)).await, 1);
    assert_eq!(town.written().len(), town.sandbox.vivocha.customers().len(), "nobody is written anew for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_goes_on_under_the_key_that_another_process_changed_to() {
    let town = town(On::Sqlite).await;
    town.keys(Some(OLD), None);
    town.anagrafe(&["sync"]).await.code(0);
    town.keys(Some(NEW), Some(OLD));
    let mut daemon = Daemon::with(&town, |command| {
        command.env("ANAGRAFE__SCHEDULE__SYNC", "* * * * *");
    });
    daemon.ready().await;
    town.anagrafe(&["resync", "--wait"]).await.code(0);
    assert!(is_under(&town, NEW).await);
    let before = runs(&town, "sync", None).await;
    town.sandbox.open2b.add_contact(person(PEOPLE + 1));
    let began = std::time::Instant::now();
    while runs(&town, "sync", Some("done")).await <= before {
        assert!(began.elapsed().as_secs() < 120, "{}", daemon.log());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(town.number(&format!("SELECT COUNT(*) FROM contacts WHERE id = {}", PEOPLE + 1)).await, 1);
    daemon.stop().await;
}
