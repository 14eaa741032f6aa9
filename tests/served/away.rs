//! A server that is away: absent, restarted, full. Waited for within bounds, and then said so; nothing is lost.

use std::{process::Stdio, sync::Arc, time::Duration};

use anagrafe::sandbox::{Fault, FaultKind};

use crate::{Cluster, Served, Town, customers_of, support::Ended, undisturbed};

/// A sync under way.
fn spawned(town: &Town) -> tokio::task::JoinHandle<Ended> {
    let mut command = town.command(&["sync", "--json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    tokio::task::spawn_blocking(move || {
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    })
}

async fn on_its_own(seed: u64, contacts: usize, customers: usize) -> (Arc<Cluster>, Served) {
    let cluster = Arc::new(Cluster::new(&[]));
    let served = Served::on(&cluster, Town::of(seed, contacts, customers).await).await;
    (cluster, served)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_absent_at_the_start_is_named_and_one_that_comes_is_waited_for() {
    let (cluster, served) = on_its_own(1, 100, 100).await;
    cluster.control(&["stop", "--mode", "fast"]);
    served.fails(1, &["is away", "cannot be reached", &served.database.name, "store.url", "refused"]).await;
    served.town.anagrafe(&["status"]).await.code(1);
    assert_eq!(served.town.sandbox.journal().len(), 0, "nobody was asked anything");

    served.patient();
    let sync = spawned(&served.town);
    cluster.control(&["start"]);
    let ended = sync.await.unwrap().code(0);
    assert_eq!(ended.json()["read"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_in_mid_run_does_not_fail_it() {
    let (states, customers) = undisturbed(11, 600, 300, 100).await;
    for mode in ["fast", "immediate"] {
        let (cluster, served) = on_its_own(11, 600, 300).await;
        served.patient();
        served.replace("[shops.main]", "[shops.main]\npage_size = 100");
        // While an answer of Vivocha's is awaited no commit is: what a commit without an answer does is told elsewhere.
        served.town.sandbox.faults().set(Fault::always("customers.search", FaultKind::Latency { ms: 700 }).after(4));
        let sync = spawned(&served.town);
        served.calls("customers.search", 5).await;
        cluster.control(&["restart", "--mode", mode]);
        served.calls("customers.search", 9).await;
        cluster.control(&["restart", "--mode", mode]);
        served.town.sandbox.faults().clear();
        let ended = sync.await.unwrap().code(0);
        assert_eq!(ended.json()["read"], 600, "{mode}: {ended:?}");
        assert_eq!(served.contacts().await, states, "{mode}");
        assert_eq!(customers_of(&served.town), customers, "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_away_ends_the_run_and_the_next_one_goes_on() {
    let (states, customers) = undisturbed(12, 600, 300, 100).await;
    let (cluster, served) = on_its_own(12, 600, 300).await;
    served.replace("[shops.main]", "[shops.main]\npage_size = 100");
    served.town.sandbox.faults().set(Fault::always("customers.search", FaultKind::Latency { ms: 300 }).after(8));
    let sync = spawned(&served.town);
    served.calls("customers.search", 9).await;
    cluster.control(&["stop", "--mode", "immediate"]);
    let ended = sync.await.unwrap().code(1);
    assert!(ended.stderr.contains("cannot be reached") || ended.stderr.contains("not known"), "{ended:?}");
    let sent = served.town.written().len();
    cluster.control(&["start"]);
    served.town.sandbox.faults().clear();
    let report = served.town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert!(report["read"].as_u64().unwrap() < 600, "what was recorded is not read again: {report}");
    assert_eq!(served.contacts().await, states);
    assert_eq!(customers_of(&served.town), customers);
    let mut written = served.town.written();
    assert!(written.len() > sent || sent == 0, "the rest was sent");
    written.sort();
    written.dedup();
    assert_eq!(written.len(), served.town.written().len(), "and nothing twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_waiting_for_a_server() {
    let (cluster, served) = on_its_own(1, 60, 60).await;
    served.patient();
    cluster.control(&["stop", "--mode", "fast"]);
    let mut command = served.town.command(&["sync"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let waits = tokio::task::spawn_blocking(move || {
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stderr));
        let said = lines.find(|line| line.as_ref().unwrap().contains("is away")).is_some();
        (said, lines)
    });
    let (said, rest) = waits.await.unwrap();
    assert!(said);
    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let asked = std::time::Instant::now();
    let code = tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap();
    drop(rest);
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_connection_to_spare_is_waited_for() {
    let cluster = Arc::new(Cluster::new(&["max_connections=7", "superuser_reserved_connections=3"]));
    let served = Served::on(&cluster, Town::of(1, 100, 100).await).await;
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(cluster.connect("anagrafe", &served.database.name).await);
    }
    served.fails(1, &["is away", "connection slots", &served.database.name]).await;
    served.patient();
    let sync = spawned(&served.town);
    tokio::time::sleep(Duration::from_millis(700)).await;
    for connection in taken {
        sqlx::Connection::close(connection).await.unwrap();
    }
    let ended = sync.await.unwrap().code(0);
    assert_eq!(ended.json()["read"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_a_standby_that_takes_over_in_mid_run_ends_it_and_the_next_one_is_in_doubt() {
    let (states, customers) = undisturbed(14, 400, 200, 100).await;
    let (cluster, served) = on_its_own(14, 400, 200).await;
    served.patient();
    served.replace("[shops.main]", "[shops.main]\npage_size = 100");
    served.town.anagrafe(&["migrate"]).await.code(0);
    let standby = Cluster::standby(&cluster);
    // What stands at the address is first the one, then the other.
    let line = crate::between::Line::to(cluster.port).await;
    served.replace(&format!(":{}/", cluster.port), &format!(":{}/", line.port));
    served.town.sandbox.faults().set(Fault::always("customers.search", FaultKind::Latency { ms: 700 }).after(4));
    let sync = spawned(&served.town);
    served.calls("customers.search", 5).await;
    cluster.control(&["stop", "--mode", "fast"]);
    // Until somebody answers again, the run waits.
    tokio::time::sleep(Duration::from_secs(3)).await;
    standby.control(&["promote"]);
    line.leads_to(standby.port);
    let ended = sync.await.unwrap().code(1);
    // Whichever unit meets the other server first says so: what it keeps is another's, and the lease is not proved there.
    let said = format!("{} {}", ended.stdout, ended.stderr);
    assert!(["taken over", "lease"].iter().any(|word| said.contains(word)), "{ended:?}");
    served.town.sandbox.faults().clear();

    served.town.anagrafe(&["sync"]).await.code(4);
    let told = served.town.anagrafe(&["status", "--json"]).await.code(0).json();
    assert!(told["shops"]["main"]["doubted_at"].is_string(), "{told}");
    served.town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(customers_of(&served.town), customers);
    let there = served.contacts_on(&standby).await;
    assert_eq!(there, states);
}
