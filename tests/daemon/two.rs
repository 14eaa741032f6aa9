//! Two daemons on one account: one works, the other stands by, and takes over.

use std::time::{Duration, Instant};

use anagrafe::sandbox::{Fault, FaultKind};

use super::{
    Daemon, PEOPLE, all_done, runs, shifted, slow,
    support::{On, both},
    town, until, until_async, until_done,
};

both!(d1_two_daemons_do_the_work_of_one, one);
async fn one(on: On) {
    let town = town(on).await;
    slow(&town, 50);
    let change = |command: &mut std::process::Command| {
        shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "*/5 * * * *");
    };
    let mut daemons = [Daemon::with(&town, change), Daemon::with(&town, change)];
    until(|| town.calls("customers.update") >= 5).await;
    let mut activities = Vec::new();
    until_async(async || {
        activities.clear();
        for daemon in &daemons {
            activities.push(daemon.status().await["daemon"]["activity"].as_str().unwrap_or_default().to_owned());
        }
        activities.sort();
        activities == ["running", "standing-by"]
    })
    .await;
    for daemon in &daemons {
        assert_eq!(daemon.get("/readyz").await.unwrap().0, 200, "whoever stands by is ready");
    }
    until_done(&town, "sync", 3).await;
    for daemon in &mut daemons {
        daemon.stop().await;
    }
    assert_eq!(town.written().len(), usize::try_from(PEOPLE).unwrap(), "each customer once");
    let twice = "SELECT COUNT(*) FROM (SELECT started_at / 300000 AS tick FROM runs WHERE pass = 'sync' AND outcome = 'done' \
                 GROUP BY started_at / 300000 HAVING COUNT(*) > 2) AS twice";
    assert_eq!(town.number(twice).await, 0, "no tick is served by both");
    all_done(&town).await;
}

both!(a_tick_whose_run_failed_is_not_tried_by_both, failing);
async fn failing(on: On) {
    let town = town(on).await;
    town.anagrafe(&["sync"]).await.code(0);
    let before = runs(&town, "sync", None).await;
    // Refused at once: no run lasts until the next tick.
    let kind = FaultKind::Status { status: 403, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("contacts.find", kind));
    let change = |command: &mut std::process::Command| {
        shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "*/5 * * * *").env("ANAGRAFE__SCHEDULE__CATCH_UP", "false");
    };
    let mut daemons = [Daemon::with(&town, change), Daemon::with(&town, change)];
    for daemon in &daemons {
        daemon.ready().await;
    }
    until_async(async || runs(&town, "sync", Some("failed")).await >= 4).await;
    for daemon in &mut daemons {
        daemon.stop().await;
    }
    let of_a_tick = "SELECT COUNT(*) FROM (SELECT started_at / 300000 AS tick FROM runs WHERE pass = 'sync' GROUP BY started_at / 300000) t";
    assert_eq!(town.number(of_a_tick).await, runs(&town, "sync", None).await, "one run for each tick");
    assert_eq!(runs(&town, "sync", Some("failed")).await, runs(&town, "sync", None).await - before);
}

both!(a_shop_that_nobody_can_survey_is_tried_once_for_each_tick, unsurveyed);
async fn unsurveyed(on: On) {
    let town = town(on).await;
    let kind = FaultKind::Status { status: 403, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("contacts.find", kind));
    let change = |command: &mut std::process::Command| {
        shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "*/5 * * * *").env("ANAGRAFE__SCHEDULE__CATCH_UP", "false");
    };
    let mut daemons = [Daemon::with(&town, change), Daemon::with(&town, change)];
    until_async(async || runs(&town, "survey", Some("failed")).await >= 3).await;
    for daemon in &mut daemons {
        daemon.stop().await;
    }
    let ticks = "SELECT COUNT(*) FROM (SELECT started_at / 300000 AS tick FROM runs GROUP BY started_at / 300000) t";
    assert_eq!(town.number(ticks).await, runs(&town, "survey", None).await, "one survey for each tick");
}

both!(a_daemon_that_died_on_this_machine_is_succeeded_at_once, here);
async fn here(on: On) {
    let town = town(on).await;
    slow(&town, 200);
    let mut first = Daemon::of(&town);
    until(|| town.calls("customers.update") >= 3).await;
    let mut second = Daemon::of(&town);
    until_async(async || second.get("/status").await.is_some_and(|(_, text)| text.contains("standing-by"))).await;
    first.signal("KILL");
    first.end().await;
    let died = Instant::now();
    until_async(async || second.status().await["daemon"]["activity"] == "running").await;
    assert!(died.elapsed() < Duration::from_secs(5), "{:?}", died.elapsed());
    town.sandbox.faults().clear();
    until_done(&town, "sync", 1).await;
    second.stop().await;
    all_done(&town).await;
}

both!(a_daemon_that_died_elsewhere_is_succeeded_within_its_lease_and_five_seconds, elsewhere);
async fn elsewhere(on: On) {
    let town = town(on).await;
    slow(&town, 200);
    let mut first = Daemon::of(&town);
    until(|| town.calls("customers.update") >= 3).await;
    first.signal("STOP");
    town.execute("UPDATE leases SET host = 'elsewhere'").await;
    first.signal("KILL");
    first.end().await;
    let died = Instant::now();
    let mut second = Daemon::of(&town);
    second.ready().await;
    until_async(async || second.status().await["daemon"]["activity"] == "running").await;
    let took = died.elapsed();
    assert!(took >= Duration::from_secs(11), "not before its lease is over: {took:?}");
    assert!(took <= Duration::from_secs(16), "{took:?}");
    // It says that it runs before its run is recorded.
    until_async(async || runs(&town, "sync", None).await == 2).await;
    town.sandbox.faults().clear();
    until_done(&town, "sync", 1).await;
    second.stop().await;
    all_done(&town).await;
}
