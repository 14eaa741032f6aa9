//! The calendar: both changes of summer time, and clocks that are set.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::{
    Daemon, runs, shifted,
    support::{On, Town},
    town, until_async,
};

/// Runs a daemon over a change of summer time in Rome, six minutes in each second, and answers the hours in which each pass
/// began: syncs, resyncs.
async fn over(change: &str, until: &str) -> [Vec<String>; 2] {
    let town = town(On::Sqlite).await;
    let mut daemon = Daemon::with(&town, |command| {
        shifted(command, &format!("@{change} x360"));
        command.env("ANAGRAFE__SCHEDULE__TIMEZONE", "Europe/Rome").env("ANAGRAFE__SCHEDULE__SYNC", "0 * * * *");
        command.env("ANAGRAFE__SCHEDULE__RESYNC", "30 2 * * *").env("ANAGRAFE__SCHEDULE__CATCH_UP", "false");
    });
    let until = chrono::NaiveDateTime::parse_from_str(until, "%Y-%m-%d %H:%M:%S").unwrap().and_utc().timestamp_millis();
    until_async(async || town.number("SELECT COALESCE(MAX(started_at), 0) FROM runs").await >= until).await;
    daemon.stop().await;
    [began(&town, "sync").await, began(&town, "resync").await]
}

async fn began(town: &Town, pass: &str) -> Vec<String> {
    let of = format!("SELECT CAST(started_at AS TEXT) FROM runs WHERE pass = '{pass}' ORDER BY run");
    let moment = |text: String| chrono::DateTime::from_timestamp_millis(text.parse().unwrap()).unwrap();
    town.texts(&of).await.into_iter().map(|text| moment(text).format("%H").to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_clocks_go_forward_nothing_is_left_out_and_nothing_comes_twice() {
    // At 01:00 UTC it is three in Rome instead of two: half past two does not come, and its run comes at three.
    let [syncs, resyncs] = over("2026-03-28 23:50:00", "2026-03-29 03:00:00").await;
    assert_eq!(syncs, ["00", "01", "02", "03"]);
    assert_eq!(resyncs, ["01"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_clocks_go_back_a_run_of_the_hour_that_comes_twice_comes_once() {
    // At 01:00 UTC it is two in Rome again instead of three: half past two comes at 00:30 and at 01:30 UTC.
    let [syncs, resyncs] = over("2026-10-24 22:50:00", "2026-10-25 03:00:00").await;
    assert_eq!(syncs, ["23", "00", "01", "02", "03"]);
    assert_eq!(resyncs.len(), 1, "{resyncs:?}");
}

/// An offset of about so many seconds at which a minute is just about to be full.
fn about(seconds: i64) -> String {
    let now = i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    format!("{:+}", seconds + 57 - (now + seconds).rem_euclid(60))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_an_hour_forth_and_back_stops_no_schedule() {
    let town = town(On::Sqlite).await;
    let clock = town.dir.path().join("clock");
    let set = |by: String| fs::write(&clock, by).unwrap();
    set(about(0));
    let mut daemon = Daemon::with(&town, |command| {
        shifted(command, "");
        command.env_remove("FAKETIME").env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_NO_CACHE", "1");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "* * * * *");
    });
    until_async(async || runs(&town, "sync", Some("done")).await >= 2).await;
    for by in [3600, -3600, 0] {
        let done = runs(&town, "sync", Some("done")).await;
        set(about(by));
        let began = Instant::now();
        until_async(async || runs(&town, "sync", Some("done")).await > done).await;
        assert!(began.elapsed() < Duration::from_secs(15), "{by}: {:?}", began.elapsed());
    }
    daemon.stop().await;
    assert!(daemon.log().contains("the clock was set back"), "{}", daemon.log());
}
