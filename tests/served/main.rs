//! The real binary with its state in a Postgres: what it does there is what it does with a file, and whatever is wrong with
//! a server is told, waited for or survived, with nothing lost and nothing written that should not be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test ends where it fails"
)]

mod away;
mod between;
mod checked;
#[path = "../support/migrations.rs"]
mod migrations;
mod refused;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anagrafe::sandbox::{Options, population};
use support::postgres::{Cluster, Database};
use support::{
    Town, count,
    kept::{self, Kept},
};

/// A town whose state is kept on a server, which is waited for a second.
pub struct Served {
    /// Both systems.
    pub town: Town,
    /// The server's.
    pub database: Database,
}

impl Served {
    /// People of a seed, on the server that the tests share.
    pub async fn of(seed: u64, contacts: usize, customers: usize) -> Self {
        Self::on(&Cluster::shared(), Town::of(seed, contacts, customers).await).await
    }

    /// A town, on a server.
    pub async fn on(cluster: &Arc<Cluster>, town: Town) -> Self {
        let database = cluster.database().await;
        town.edit(|text| {
            let key = "hash_key = \"a key for the tests of a server\"\npatience = \"1s\"";
            text.replace("url = \"sqlite://anagrafe.db\"", &format!("url = \"{}\"\n{key}", database.url()))
        });
        Self { town, database }
    }

    /// The same with another line in its configuration.
    pub fn replace(&self, from: &str, to: &str) {
        self.town.edit(|text| {
            assert!(text.contains(from), "{from} is not in {text}");
            text.replace(from, to)
        });
    }

    /// Waits for a server for longer than a test lets it be away.
    pub fn patient(&self) {
        self.replace("patience = \"1s\"", "patience = \"60s\"");
    }

    /// All contacts, by id.
    pub async fn contacts(&self) -> BTreeMap<i64, Kept> {
        self.contacts_on(&self.database.cluster).await
    }

    /// The same on another server.
    pub async fn contacts_on(&self, cluster: &Cluster) -> BTreeMap<i64, Kept> {
        let mut admin = cluster.connect("postgres", &self.database.name).await;
        support::kept::contacts_of(&mut admin).await
    }

    /// Waits until the binary has made so many calls of a kind.
    pub async fn calls(&self, name: &str, at_least: usize) {
        let began = Instant::now();
        while self.town.calls(name) < at_least {
            assert!(began.elapsed() < Duration::from_mins(1), "{name} has been called {at_least} times");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A sync that fails so: this code, these words, and nothing was written to Vivocha.
    pub async fn fails(&self, code: i32, words: &[&str]) {
        self.town.sandbox.clear_journal();
        let ended = self.town.anagrafe(&["sync"]).await.code(code);
        for word in words {
            assert!(ended.stderr.contains(word), "{word:?} is not in {ended:?}");
        }
        assert!(!ended.stderr.contains("a key for the tests"), "{ended:?}");
        assert_eq!(self.town.written(), Vec::<String>::new());
    }
}

/// The states that an undisturbed run with a file comes to, by pages of a size, and the customers after it.
pub async fn undisturbed(seed: u64, contacts: usize, customers: usize, page: u32) -> (BTreeMap<i64, Kept>, String) {
    let town = Town::of(seed, contacts, customers).await;
    town.edit(|text| text.replace("[shops.main]", &format!("[shops.main]\npage_size = {page}")));
    town.anagrafe(&["sync"]).await.code(0);
    (kept::contacts(&town.store()).await, customers_of(&town))
}

/// All customers as they are.
#[must_use]
pub fn customers_of(town: &Town) -> String {
    let mut customers: Vec<String> =
        town.sandbox.vivocha.customers().into_iter().map(|customer| format!("{customer:?}")).collect();
    customers.sort();
    customers.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_on_a_server_does_what_one_with_a_file_does_and_the_next_one_nothing() {
    let (states, customers) = undisturbed(5, 400, 300, 1000).await;
    let served = Served::of(5, 400, 300).await;
    let report = served.town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["read"], 400);
    assert_eq!(served.contacts().await, states);
    assert_eq!(customers_of(&served.town), customers);
    served.town.sandbox.clear_journal();
    let report = served.town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "unchanged"), 400, "{report}");
    assert_eq!(served.town.written(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_plan_writes_nothing_neither_to_vivocha_nor_to_the_server() {
    let served = Served::of(5, 300, 300).await;
    let tables = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
    let plan = served.town.anagrafe(&["plan", "--full", "--json"]).await.code(0);
    assert_eq!(served.database.number(tables).await, 0, "a plan makes no store");
    let would = plan.json_lines().pop().unwrap();
    assert!(would["plan"]["updates"].as_u64().unwrap() > 0, "{would}");

    served.town.anagrafe(&["sync", "--limit", "100"]).await.code(0);
    let sums =
        "SELECT CAST((SELECT SUM(epoch) FROM leases) + (SELECT COUNT(*) FROM runs) + (SELECT COUNT(*) FROM writes)
                       + (SELECT SUM(hashtext(CAST(contacts AS TEXT))) FROM contacts) AS BIGINT)";
    let before = served.database.number(sums).await;
    served.town.sandbox.clear_journal();
    let plan = served.town.anagrafe(&["plan", "--json"]).await.code(0);
    let rest = plan.json_lines().pop().unwrap();
    assert_eq!(rest["report"]["read"], 200, "it knows what was read: {rest}");
    assert_eq!(served.database.number(sums).await, before);
    assert_eq!(served.town.written(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_finds_the_server() {
    let served = Served::of(5, 200, 200).await;
    let town = &served.town;
    town.anagrafe(&["status"]).await.code(1);
    let checked = town.anagrafe(&["check"]).await;
    assert!(checked.stdout.contains("the first sync makes it"), "{checked:?}");
    let made = town.anagrafe(&["migrate", "--json"]).await.code(0).json();
    assert_eq!(made["from"], 0);
    assert!(made["store"].as_str().unwrap().contains(&served.database.name), "{made}");
    let again = town.anagrafe(&["migrate", "--json"]).await.code(0).json();
    assert_eq!((&again["from"], &again["to"]), (&made["to"], &made["to"]));
    town.anagrafe(&["pause", "a look first"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(4);
    town.anagrafe(&["resume"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    let checked = town.anagrafe(&["check"]).await;
    assert!(checked.stdout.contains("can be written to") && checked.stdout.contains("PostgreSQL"), "{checked:?}");
    let status = town.anagrafe(&["status", "--json"]).await.code(0).json();
    assert_eq!(status["shops"]["main"]["crossed"], true, "{status}");
    let runs = town.anagrafe(&["runs", "--json"]).await.code(0);
    assert!(runs.stdout.contains("\"sync\""), "{runs:?}");
    let linked = served.contacts().await.into_iter().find(|(_, kept)| kept.customer.is_some()).unwrap();
    town.anagrafe(&["explain", "contact", &format!("main/{}", linked.0)]).await.code(0);
    for list in [["links", "list"], ["merges", "list"], ["holds", "list"]] {
        town.anagrafe(&list).await.code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d1_of_several_that_start_at_once_one_works_and_the_others_are_busy_or_wait() {
    let town = Town::with(
        population::generate(7, 200, 200),
        Options { latency: Duration::from_millis(20), ..Options::default() },
    )
    .await;
    let served = Served::on(&Cluster::shared(), town).await;
    let town = &served.town;
    let (one, two, three) =
        tokio::join!(town.anagrafe(&["sync"]), town.anagrafe(&["sync"]), town.anagrafe(&["sync", "--wait"]));
    let mut codes = [one.code, two.code, three.code];
    codes.sort_unstable();
    assert!(codes[0] == 0 && codes.iter().all(|code| [0, 5].contains(code)), "{one:?} {two:?} {three:?}");
    assert_eq!(three.code, 0, "who waits gets its turn: {three:?}");
    let mut written = town.written();
    let all = written.len();
    written.sort();
    written.dedup();
    assert_eq!(written.len(), all, "no customer was written twice");
    assert_eq!(served.contacts().await.len(), 200);
}
