//! Signals: what is in flight ends, nothing new is sent, all is recorded; and whoever waits for the end does not wait for long.

use std::time::Duration;

use anagrafe::sandbox::{Fault, FaultKind};

use super::{
    Daemon, all_done, slow,
    support::{On, both},
    town, until, until_async, until_done,
};

both!(f3_at_the_first_signal_the_call_in_flight_ends_and_nothing_new_is_sent, first);
async fn first(on: On) {
    let town = town(on).await;
    slow(&town, 300);
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let begun = town.calls("customers.update");
        let mut daemon = Daemon::of(&town);
        until(|| town.calls("customers.update") >= begun + 3).await;
        daemon.signal(signal);
        let sent = town.calls("customers.update");
        let (ended, took) = daemon.end().await;
        assert_eq!(ended, Some(code), "{}", daemon.log());
        assert!(took < Duration::from_secs(5), "{took:?}");
        // One may have been on its way while the signal was.
        assert!(town.calls("customers.update") <= sent + 1, "{signal}");
        assert_eq!(town.number("SELECT COUNT(*) FROM leases WHERE host IS NOT NULL").await, 0, "given back");
        assert_eq!(town.number("SELECT COUNT(*) FROM runs WHERE outcome = 'running'").await, 0, "recorded");
        assert_eq!(town.number("SELECT COUNT(*) FROM writes WHERE outcome IS NULL").await, 0, "settled");
    }
    town.sandbox.faults().clear();
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    daemon.stop().await;
    all_done(&town).await;
    assert_eq!(town.written().len(), town.sandbox.vivocha.customers().len(), "each customer once");
}

both!(f3_a_call_that_hangs_is_left_before_twenty_seconds_are_over, hangs);
async fn hangs(on: On) {
    let town = town(on).await;
    town.edit(|text| {
        text.replacen("timeout = \"1s\"", "timeout = \"60s\"", 1).replace("lease = \"11s\"", "lease = \"90s\"")
    });
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::HangAfter));
    let mut daemon = Daemon::of(&town);
    until(|| town.calls("customers.update") >= 1).await;
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let town = town(On::Sqlite).await;
    town.edit(|text| {
        text.replacen("timeout = \"1s\"", "timeout = \"60s\"", 1).replace("lease = \"11s\"", "lease = \"90s\"")
    });
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::HangAfter));
    let mut daemon = Daemon::of(&town);
    until(|| town.calls("customers.update") >= 1).await;
    daemon.signal("TERM");
    tokio::time::sleep(Duration::from_millis(300)).await;
    daemon.signal("TERM");
    let (code, took) = daemon.end().await;
    assert_eq!(code, Some(143));
    assert!(took < Duration::from_secs(2), "{took:?}");
}

/// One that installs no handler ends by the signal itself; but the first process of a container would go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_ends_at_once_and_changes_nothing() {
    let town = town(On::Postgres).await;
    // Another process migrates just now.
    town.number("SELECT COUNT(*) FROM pg_advisory_lock(7091186431)").await;
    let mut migration = Daemon { child: town.command(&["migrate"]).spawn().unwrap(), port: 0, log: town.config() };
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    until_async(async || town.number(waits).await == 1).await;
    migration.signal("TERM");
    let (code, took) = migration.end().await;
    assert_eq!(code, Some(143));
    assert!(took < Duration::from_secs(3), "{took:?}");
    town.number("SELECT COUNT(*) FROM pg_advisory_unlock(7091186431)").await;
    assert_eq!(town.number("SELECT COUNT(*) FROM accounts").await, 0);
    town.anagrafe(&["migrate"]).await.code(0);
    assert_eq!(town.number("SELECT COUNT(*) FROM accounts").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_nothing_to_do_ends_at_once() {
    let town = town(On::Sqlite).await;
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    daemon.signal("TERM");
    let (code, took) = daemon.end().await;
    assert_eq!(code, Some(143), "{}", daemon.log());
    assert!(took < Duration::from_secs(3), "{took:?}");
}
