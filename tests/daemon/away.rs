//! What a monitor sees of a daemon that cannot work: the store is away, or a shop is none that the store takes. Nothing of it stands still,
//! and nothing says that all is well.

use std::{fs, sync::Arc, time::Duration};

use anagrafe::sandbox::{Fault, FaultKind, RetryAfter};

use super::{
    Daemon, all_done, behind_the_door, shifted,
    support::{On, Town, postgres::Cluster},
    town, until, until_async, until_done,
};

const SYNCED: &str = "anagrafe_staleness_seconds{shop=\"main\",pass=\"sync\"}";

/// Waits until a figure that is there has grown by so much.
async fn grows(daemon: &Daemon, figure: &str, by: f64) {
    let before = daemon.figure(figure).await.expect(figure);
    until_async(async || daemon.figure(figure).await.expect(figure) >= before + by).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_store_is_away_staleness_grows_and_nothing_says_that_all_is_well() {
    let cluster = Arc::new(Cluster::new(&[]));
    let database = cluster.database().await;
    let town = town(On::Sqlite).await;
    let store = format!(
        "url = \"{}\"\npatience = \"2s\"\nhash_key = \"a key of the tests, and of nobody else\"",
        database.url()
    );
    town.edit(|text| text.replace("url = \"sqlite://anagrafe.db\"", &store));
    cluster.control(&["stop", "--mode", "fast"]);
    // A sync every five seconds.
    let mut daemon = Daemon::with(&town, |command| {
        shifted(command, "+0 x60");
        command.env("ANAGRAFE__SCHEDULE__SYNC", "*/5 * * * *");
    });
    until_async(async || daemon.figure("anagrafe_store_up").await == Some(0.0)).await;
    assert_eq!(daemon.figure("anagrafe_ready").await, Some(0.0));
    grows(&daemon, SYNCED, 1.0).await;
    grows(&daemon, "anagrafe_staleness_seconds{shop=\"main\",pass=\"resync\"}", 1.0).await;

    cluster.control(&["start"]);
    let done = "anagrafe_runs_total{shop=\"main\",pass=\"sync\",outcome=\"done\"}";
    until_async(async || daemon.figure(done).await.is_some_and(|runs| runs >= 2.0)).await;
    assert_eq!(
        (daemon.figure("anagrafe_store_up").await, daemon.figure("anagrafe_ready").await),
        (Some(1.0), Some(1.0))
    );
    assert_eq!(daemon.figure("anagrafe_first_crossing{shop=\"main\"}").await, Some(0.0));

    cluster.control(&["stop", "--mode", "immediate"]);
    until_async(async || daemon.figure("anagrafe_store_up").await == Some(0.0)).await;
    assert_eq!(daemon.figure("anagrafe_ready").await, Some(0.0));
    // It goes on from when it last went well: by a minute each second.
    grows(&daemon, SYNCED, 600.0).await;
    let away = async || {
        let status = daemon.status().await;
        assert_ne!(status["daemon"]["activity"], "standing-by", "nobody else works: {status}");
        assert!(status["daemon"]["not_ready"].is_string(), "{status}");
        status["daemon"]["activity"] == "awaiting-store"
    };
    until_async(away).await;
    assert_eq!(daemon.get("/readyz").await.unwrap().0, 503);

    cluster.control(&["start"]);
    until_async(async || daemon.figure("anagrafe_ready").await == Some(1.0)).await;
    let before = daemon.figure(done).await.unwrap();
    until_async(async || daemon.figure(done).await.is_some_and(|runs| runs > before)).await;
    assert!(daemon.status().await["daemon"]["not_ready"].is_null());
    let told = |text| daemon.log().matches(text).count();
    assert!(told("is away; it is waited for") <= 2, "at its start, and when it went: {}", daemon.log());
    assert_eq!(told("answers again"), 1, "{}", daemon.log());
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_was_never_synced_grows_stale_and_one_that_is_not_configured_any_more_is_not_told() {
    let town = town(On::Sqlite).await;
    town.anagrafe(&["sync"]).await.code(0);
    let right = fs::read_to_string(town.config()).unwrap();
    town.edit(|text| text.replace("[shops.main]", "[shops.other]"));
    let mut daemon = Daemon::of(&town);
    let failed = "anagrafe_passes_failed_total{pass=\"sync\"}";
    until_async(async || daemon.figure(failed).await.is_some_and(|failed| failed >= 1.0)).await;
    assert!(daemon.log().contains("already knows as main"), "{}", daemon.log());
    grows(&daemon, "anagrafe_staleness_seconds{shop=\"other\",pass=\"sync\"}", 1.0).await;
    let told = daemon.get("/metrics").await.unwrap().1;
    assert!(!told.contains("shop=\"main\""), "{told}");

    // Under its name it is told again, and the other one no more.
    fs::write(town.config(), right).unwrap();
    daemon.signal("HUP");
    until_async(async || daemon.figure(SYNCED).await.is_some()).await;
    until_async(async || daemon.figure("anagrafe_contacts{shop=\"main\",state=\"linked\"}").await == Some(30.0)).await;
    let told = daemon.get("/metrics").await.unwrap().1;
    assert!(!told.contains("shop=\"other\""), "{told}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(daemon.figure(SYNCED).await.unwrap() >= 1.0, "from its last run on");
    daemon.stop().await;
}

/// Sessions of a daemon's stores.
async fn sessions(town: &Town) -> i64 {
    let ours =
        "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'anagrafe' AND datname = current_database()";
    town.number(ours).await
}

/// The front door is away, and asks nobody to try again soon.
fn door_is_shut(town: &Town, status: u16) {
    let kind = FaultKind::Status { status, retry_after: Some(RetryAfter::Seconds(3_600)), body: None };
    town.sandbox.faults().set(Fault::always("world", kind));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_kept_of_a_store_with_which_nobody_could_begin() {
    let town = town(On::Postgres).await;
    behind_the_door(&town);
    door_is_shut(&town, 503);
    let mut daemon = Daemon::of(&town);
    until(|| town.calls("world") >= 4).await;
    let kept = sessions(&town).await;
    assert!(kept <= 1, "after four tries: {kept}");
    town.sandbox.faults().clear();
    until_done(&town, "sync", 1).await;
    until_async(async || daemon.status().await["daemon"]["activity"] == "idle").await;

    let before = sessions(&town).await;
    door_is_shut(&town, 404);
    let reloads = async |outcome: &str| {
        daemon.figure(&format!("anagrafe_config_reloads_total{{outcome=\"{outcome}\"}}")).await.unwrap_or(0.0)
    };
    for refused in [1.0, 2.0, 3.0, 4.0] {
        daemon.signal("HUP");
        until_async(async || reloads("refused").await >= refused).await;
    }
    let after = sessions(&town).await;
    // Its own may be some more by now: it was looked at meanwhile.
    assert!(after <= before + 2, "{before}, and after four reloads {after}");
    town.sandbox.faults().clear();
    daemon.signal("HUP");
    until_async(async || reloads("taken").await >= 1.0).await;
    until_async(async || sessions(&town).await <= before).await;
    daemon.stop().await;
    all_done(&town).await;
}
