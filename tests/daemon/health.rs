//! What a monitor sees: alive, ready, figures, status; and that none of it is about a person.

use std::{collections::BTreeSet, fs, net::TcpListener, sync::Arc};

use anagrafe::observe::metrics::ALL;

use super::{
    Daemon, PEOPLE, all_done,
    support::{On, Town, both, postgres::Cluster},
    town, until_async, until_done,
};

both!(it_is_alive_ready_and_tells_how_things_stand, stands);
async fn stands(on: On) {
    let town = town(on).await;
    let mut daemon = Daemon::of(&town);
    daemon.ready().await;
    until_done(&town, "sync", 1).await;
    assert_eq!(daemon.get("/healthz").await.unwrap(), (200, "alive\n".into()));
    assert_eq!(daemon.get("/nowhere").await.unwrap().0, 404);
    let status = daemon.status().await;
    assert_eq!(status["shops"]["main"]["states"]["linked"], PEOPLE, "{status}");
    assert!(status["daemon"]["next"]["sync"].is_string(), "{status}");
    assert_eq!(daemon.figure("anagrafe_contacts{shop=\"main\",state=\"linked\"}").await, Some(30.0));
    assert_eq!(daemon.figure("anagrafe_updates_total{shop=\"main\"}").await, Some(30.0));
    let calls = "anagrafe_calls_total{system=\"vivocha\",call=\"customers.update\",verdict=\"ok\"}";
    assert_eq!(daemon.figure(calls).await, Some(30.0));
    // What is due is whose time has come, and not who is parked.
    let due = "anagrafe_due_contacts{shop=\"main\"}";
    assert_eq!(daemon.figure(due).await, Some(0.0));
    town.execute("UPDATE contacts SET retry_at = 1 WHERE id <= 7").await;
    assert_eq!(daemon.figure(due).await, Some(7.0));
    daemon.stop().await;
    all_done(&town).await;
}

/// Names of figures in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("anagrafe_")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_one_of_the_list_and_every_dashboard_and_rule_asks_for_one_of_it() {
    let mut known = BTreeSet::new();
    for metric in ALL {
        known.extend(["", "_bucket", "_sum", "_count"].map(|end| format!("{}{end}", metric.name)));
    }
    let town = town(On::Sqlite).await;
    let daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    let told = names(&daemon.get("/metrics").await.unwrap().1);
    assert!(told.len() > 20, "{told:?}");
    assert!(told.is_subset(&known), "{:?}", told.difference(&known));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/observability");
    for file in fs::read_dir(folder).into_iter().flatten() {
        let path = file.unwrap().path();
        let asked = names(&fs::read_to_string(&path).unwrap());
        assert!(asked.is_subset(&known), "{}: {:?}", path.display(), asked.difference(&known));
    }
}

both!(g1_nothing_that_it_tells_is_about_a_person, personal);
async fn personal(on: On) {
    let town = town(on).await;
    let mut daemon = Daemon::with(&town, |command| {
        command.env("ANAGRAFE__OBSERVE__LOG", "trace");
    });
    until_done(&town, "sync", 1).await;
    town.anagrafe(&["pause", "p1@example.it called"]).await.code(0);
    let mut all = String::new();
    for path in ["/metrics", "/status", "/healthz", "/readyz"] {
        all += &daemon.get(path).await.unwrap().1;
    }
    daemon.stop().await;
    all += &daemon.log();
    for n in 1..=PEOPLE {
        let (email, phone) = (format!("p{n}@example.it"), format!("{:07}", 1_000_000 + n));
        assert!(!all.contains(&email), "{email}");
        assert!(!all.contains(&format!("333{phone}")) && !all.contains(&format!("333 {phone}")), "{phone}");
    }
    assert!(!all.contains("sandbox-secret-key") && !all.contains("sandbox-client-secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_told_and_nothing_is_run() {
    let town = town(On::Sqlite).await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut daemon = Daemon::with(&town, |command| {
        command.env("ANAGRAFE__OBSERVE__LISTEN", format!("127.0.0.1:{port}"));
    });
    assert_eq!(daemon.end().await.0, Some(1));
    let log = daemon.log();
    // In the form of all the rest: whoever gathers the log reads why a daemon ended as it reads what it did.
    let last: serde_json::Value =
        serde_json::from_str(log.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{log}"));
    assert_eq!((&last["level"], &last["exit"]), (&serde_json::json!("ERROR"), &serde_json::json!(1)), "{last}");
    let error = last["error"].as_str().unwrap_or_default();
    assert!(error.contains("observe.listen") && error.contains(&port.to_string()), "{last}");
    assert!(town.sandbox.journal().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_to_the_port_of_health_keep_nobody_out_and_are_cut() {
    let town = town(On::Sqlite).await;
    let mut daemon = Daemon::of(&town);
    until_done(&town, "sync", 1).await;
    let mut idle = Vec::new();
    // More than there are places.
    for _ in 0..320 {
        idle.push(tokio::net::TcpStream::connect(("127.0.0.1", daemon.port)).await.unwrap());
    }
    for path in ["/healthz", "/readyz", "/metrics", "/status"] {
        let asked = std::time::Instant::now();
        assert_eq!(daemon.get(path).await.unwrap().0, 200, "{path}");
        assert!(asked.elapsed() < std::time::Duration::from_secs(3), "{path}: {:?}", asked.elapsed());
    }
    for mut silent in idle {
        let cut =
            tokio::time::timeout(std::time::Duration::from_secs(15), tokio::io::AsyncReadExt::read_u8(&mut silent));
        assert!(cut.await.expect("it is cut").is_err());
    }
    daemon.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_that_is_none_is_told() {
    let town = town(On::Sqlite).await;
    fs::write(town.dir.path().join("state"), "a file").unwrap();
    let mut daemon = Daemon::of(&town);
    until_async(async || daemon.get("/readyz").await.is_some_and(|(status, _)| status == 503)).await;
    assert_eq!(daemon.get("/healthz").await.unwrap().0, 200, "it lives, and is not ready");
    let (_, why) = daemon.get("/readyz").await.unwrap();
    assert!(why.contains("store.state_dir: cannot make hash.key in ") && why.contains("may write to"), "{why}");
    assert_eq!(why.matches("os error").count(), 1, "said once: {why}");
    // Once that is put right, it works.
    fs::remove_file(town.dir.path().join("state")).unwrap();
    until_done(&town, "sync", 1).await;
    daemon.stop().await;
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_in_the_log_as_all_else_is_and_once() {
    let town = town(On::Sqlite).await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store =
        format!("url = \"postgres://somebody@{nobody}/x\"\npatience = \"200ms\"\nhash_key = \"a key of the tests\"");
    town.edit(|text| text.replace("url = \"sqlite://anagrafe.db\"", &store));
    let mut daemon = Daemon::of(&town);
    until_async(async || daemon.get("/readyz").await.is_some_and(|(_, why)| why.contains("cannot be reached"))).await;
    // It tries after 2 s, and 4 s after that.
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    daemon.stop().await;
    let log = daemon.log();
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
    assert_eq!((log.matches("is away").count(), log.matches("not ready yet").count()), (1, 1), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_cannot_be_read_or_is_empty_is_told_by_its_key() {
    let town = town(On::Sqlite).await;
    town.edit(|text| text.replace("secret_key = \"sandbox-secret-key\"", "secret_key_file = \"shop.secret\""));
    let mut daemon = Daemon::of(&town);
    assert_eq!(daemon.end().await.0, Some(2));
    assert!(daemon.log().contains("shops.main.secret_key_file"), "{}", daemon.log());
    fs::write(town.dir.path().join("shop.secret"), "\n").unwrap();
    let mut daemon = Daemon::of(&town);
    assert_eq!(daemon.end().await.0, Some(2));
    assert!(daemon.log().contains("shops.main.secret_key_file"), "{}", daemon.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_at_start_is_waited_for_and_one_that_restarts_in_mid_run_loses_nothing() {
    let cluster = Arc::new(Cluster::new(&[]));
    let database = cluster.database().await;
    let town: Town = town(On::Sqlite).await;
    let store = format!(
        "url = \"{}\"\npatience = \"2s\"\nhash_key = \"a key of the tests, and of nobody else\"",
        database.url()
    );
    town.edit(|text| text.replace("url = \"sqlite://anagrafe.db\"", &store));
    cluster.control(&["stop", "--mode", "fast"]);
    let mut daemon = Daemon::of(&town);
    until_async(async || {
        daemon.get("/readyz").await.is_some_and(|(status, why)| status == 503 && why.contains("cannot be reached"))
    })
    .await;
    assert_eq!(daemon.get("/healthz").await.unwrap().0, 200);
    super::slow(&town, 100);
    cluster.control(&["start"]);
    super::until(|| town.calls("customers.update") >= 5).await;
    cluster.control(&["restart", "--mode", "immediate"]);
    let linked = "anagrafe_contacts{shop=\"main\",state=\"linked\"}";
    until_async(async || daemon.figure(linked).await == Some(30.0)).await;
    assert_eq!(daemon.get("/readyz").await.unwrap().0, 200);
    daemon.stop().await;
    for n in 1..=PEOPLE {
        let customer = town.sandbox.vivocha.customer(&format!("c{n}")).unwrap();
        assert_eq!(customer["telnum"], format!("+39333{:07}", 1_000_000 + n));
    }
}
