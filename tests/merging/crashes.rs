//! C1, B2: a run with twenty merges, killed at each of its requests, before and after it is applied; then run again. The same final state,
//! and each merge once. A sample in the gate, every one with `ANAGRAFE_SLOW`.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::Value;

use super::{
    merged, outcomes, past_the_horizon, release,
    support::{On, Town, both},
    twins,
};

const PEOPLE: i64 = 20;

fn slow() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
    std::env::var_os("ANAGRAFE_SLOW").is_some()
}

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
    release(&town).await;
    town.sandbox.clear_journal();
    town
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

both!(c1_killed_at_every_request_of_twenty_merges_each_is_made_once, killed);
async fn killed(on: On) {
    let undisturbed = ready(on).await;
    undisturbed.anagrafe(&["sync"]).await.code(0);
    let requests = u32::try_from(undisturbed.sandbox.journal().len()).unwrap();
    undisturbed.anagrafe(&["resync"]).await.code(0);
    let wanted = state(&undisturbed).await;
    assert_eq!(wanted.merges.len(), 20);
    let step = if slow() { 1 } else { 37 };
    let mut killed = 0;
    for request in (0..requests).step_by(step) {
        for applied in [false, true] {
            let town = ready(on).await;
            if !killed_at(&town, request, applied).await {
                continue;
            }
            killed += 1;
            let when = format!("killed at request {request} of {requests}, applied {applied}");
            for _ in 0..4 {
                past_the_horizon().await;
                town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
                town.anagrafe(&["sync"]).await;
            }
            let ended = town.anagrafe(&["resync"]).await;
            assert_eq!(ended.code, 0, "{when}: {:?} {ended:?}", outcomes(&town).await);
            let mut made = merged(&town);
            made.sort();
            made.dedup();
            assert_eq!((made.len(), merged(&town).len()), (20, 20), "{when}: {:?}", outcomes(&town).await);
            let found = state(&town).await;
            assert_eq!(found, wanted, "{when}");
            town.sandbox.clear_journal();
            town.anagrafe(&["resync"]).await.code(0);
            assert_eq!(town.written(), Vec::<String>::new(), "{when}: and then it is quiet");
        }
    }
    assert!(killed >= 6, "{killed} were killed");
}
