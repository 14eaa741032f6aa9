//! C1, B2: a run with twenty merges, killed at each of its requests, before and after it is applied, and at each of its transactions,
//! before, amid and after its commit; then run again. The same final state, and each merge once. A sample in the gate, every one with
//! `ANAGRAFE_SLOW`.

use std::{
    collections::BTreeMap,
    process::Stdio,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::Value;

use super::{
    merged, outcomes, past_the_horizon, release, sent,
    support::{
        On, Town, both, figure,
        mortal::{Death, at_each, commits, deaths, die, without_renewals},
    },
    twins,
};

const PEOPLE: i64 = 20;

/// All that a town has come to, without the times.
#[derive(Debug, PartialEq)]
struct State {
    customers: BTreeMap<String, Value>,
    links: Vec<String>,
    proposals: Vec<String>,
    merges: Vec<String>,
}

async fn state(town: &Town) -> State {
    let mut links = town
        .texts("SELECT id || ' ' || customer || ' ' || role || ' ' || baselines FROM links WHERE ended_at IS NULL")
        .await;
    let mut proposals = town.texts("SELECT proposal || ' ' || state FROM proposals").await;
    let applied = "SELECT survivor || ' ' || absorbed || ' ' || remains FROM merges WHERE outcome = 'applied'";
    let mut merges = town.texts(applied).await;
    links.sort();
    proposals.sort();
    merges.sort();
    let customers = town.sandbox.vivocha.customers().into_iter();
    let customers = customers.map(|c| (c["id"].as_str().unwrap().to_owned(), Value::Object(c))).collect();
    State { customers, links, proposals, merges }
}

async fn ready(on: On) -> Town {
    let town = twins(on, PEOPLE).await;
    if on == On::Sqlite {
        // One key, so that hashes compare.
        town.edit(|text| {
            text.replace("url = \"sqlite", "hash_key = \"a key of the tests, and of nobody else\"\nurl = \"sqlite")
        });
    }
    without_renewals(&town);
    release(&town).await;
    town.sandbox.clear_journal();
    town
}

/// The same run, undisturbed: what it comes to, how many requests it makes and how many commits.
async fn undisturbed(on: On) -> (State, u32, u64) {
    let town = ready(on).await;
    let commits = commits(&town, &["sync"]).await;
    let requests = u32::try_from(town.sandbox.journal().len()).unwrap();
    town.anagrafe(&["resync"]).await.code(0);
    let wanted = state(&town).await;
    assert_eq!(wanted.merges.len(), 20);
    (wanted, requests, commits)
}

/// Run again until it is done: each merge was made once, all is as it would have been, and then it is quiet.
async fn is_made_good(town: &Town, wanted: &State, when: &str) {
    for _ in 0..4 {
        if town.number("SELECT COUNT(*) FROM merges WHERE outcome IS NULL OR outcome = 'unknown'").await > 0 {
            past_the_horizon().await;
        }
        town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
        town.anagrafe(&["sync"]).await;
    }
    let ended = town.anagrafe(&["resync"]).await;
    assert_eq!(ended.code, 0, "{when}: {:?} {ended:?}", outcomes(town).await);
    let mut made = merged(town);
    made.sort();
    made.dedup();
    assert_eq!((made.len(), merged(town).len()), (20, 20), "{when}: {:?}", outcomes(town).await);
    each_sending_was_declared(town, when).await;
    let found = state(town).await;
    assert_eq!(found, *wanted, "{when}");
    town.sandbox.clear_journal();
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.written(), Vec::<String>::new(), "{when}: and then it is quiet");
}

/// A merge was sent again only where the one before was proven not to have been applied: of its declarations one was, no sending is
/// without one, and none is left open.
async fn each_sending_was_declared(town: &Town, when: &str) {
    let open =
        "SELECT COUNT(*) FROM merges WHERE outcome IS NULL OR outcome NOT IN ('applied', 'not-applied', 'stale')";
    assert_eq!(town.number(open).await, 0, "{when}: {:?}", outcomes(town).await);
    let declared = town.texts("SELECT survivor || ' ' || absorbed FROM merges").await;
    let sent = sent(town, false).into_iter().map(|(stays, goes)| format!("{stays} {goes}"));
    let mut left = declared.clone();
    for pair in sent {
        let at = left.iter().position(|declared| *declared == pair);
        left.swap_remove(
            at.unwrap_or_else(|| panic!("{when}: {pair} was sent more often than declared: {declared:?}")),
        );
    }
}

/// The merging run, killed when it waits for the answer to this request.
async fn killed_at(town: &Town, request: u32, applied: bool) -> bool {
    let kind = if applied { FaultKind::HangAfter } else { FaultKind::HangBefore };
    town.sandbox.faults().set(Fault::next("*", 1, kind).after(request));
    let mut child = town.command(&["sync", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ended = loop {
        if child.try_wait().unwrap().is_some() {
            break true;
        }
        // What hangs is in the journal once it was applied, or let pass.
        if town.sandbox.journal().iter().any(|entry| !entry.faults.is_empty()) {
            tokio::time::sleep(Duration::from_millis(u64::from(request % 7) * 3)).await;
            break false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    child.kill().unwrap();
    child.wait().unwrap();
    town.sandbox.faults().clear();
    !ended
}

both!(c1_killed_at_every_request_of_twenty_merges_each_is_made_once, at_requests);
async fn at_requests(on: On) {
    let (wanted, requests, _) = undisturbed(on).await;
    let all = (0..requests).step_by(figure(151, 1)).flat_map(|request| [(request, false), (request, true)]);
    let points: Vec<_> = all.collect();
    let killed = AtomicUsize::new(0);
    let ready = async || ready(on).await;
    at_each(&points, ready, async |town, (request, applied)| {
        if killed_at(town, request, applied).await {
            killed.fetch_add(1, Ordering::Relaxed);
            let when = format!("killed at request {request} of {requests}, applied {applied}");
            is_made_good(town, &wanted, &when).await;
        }
    })
    .await;
    let killed = killed.into_inner();
    assert!(killed >= 2, "{killed} were killed");
    eprintln!("{on:?}: killed at {killed} of {} points of {requests} requests", points.len());
}

both!(c1_killed_at_every_transaction_of_twenty_merges_each_is_made_once, at_transactions);
async fn at_transactions(on: On) {
    let (wanted, _, commits) = undisturbed(on).await;
    assert!(commits >= 2 * 20, "each merge is declared and settled: {commits}");
    let points = deaths(commits, figure(61, 1));
    let ready = async || ready(on).await;
    at_each(&points, ready, async |town, death: Death| {
        die(town, &["sync", "--quiet"], death).await;
        is_made_good(town, &wanted, &format!("died {death} of {commits}")).await;
    })
    .await;
    eprintln!("{on:?}: died at {} points of {commits} commits", points.len());
}
