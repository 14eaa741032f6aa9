//! Being told of a chat while a long run lasts, also of another process: whoever chats does not wait for its end.

use std::{process::Stdio, time::Duration};

use anagrafe::sandbox::{Fault, FaultKind, Options, population::Population};
use serde_json::{Value, json};

use crate::{
    daemon::Daemon,
    support::{On, Town, both, contact},
};

/// How soon a chat's customer is to be linked.
const SOON: Duration = Duration::from_secs(5);
/// So many contacts, each with a customer but for the first and the last.
const PEOPLE: i64 = 150;
/// Ended by SIGTERM.
const STOPPED: i32 = 143;

fn address(n: i64) -> String {
    format!("p{n}@example.it")
}

/// A town whose updates come one after the other, with so many contacts on a page.
async fn town(on: On, page: u32) -> Town {
    let contacts = (1..=PEOPLE).map(|n| contact(n, "", &address(n), &format!("333 {:07}", 1_000_000 + n))).collect();
    let customers = (2..PEOPLE).map(|n| json!({ "id": format!("c{n}"), "email": address(n) }));
    let customers = customers.map(|customer| customer.as_object().unwrap().clone()).collect();
    let town = Town::on(on, Population { contacts, customers, ..Population::default() }, Options::default()).await;
    town.edit(|text| {
        let text = text.replacen("timeout = \"5s\"", "timeout = \"5s\"\nconcurrency = 1", 1);
        text.replace("[shops.main]", &format!("[shops.main]\npage_size = {page}"))
    });
    town
}

fn slow(town: &Town, call: &str, ms: u64) {
    town.sandbox.faults().set(Fault::always(call, FaultKind::Latency { ms }));
}

/// A contact chats: answers the customer's id.
fn chats(town: &Town, n: i64) -> String {
    let customer: Value = json!({ "email": address(n) });
    town.sandbox.vivocha.add_customer(customer.as_object().unwrap().clone())
}

/// The hook of `ear` is told, and the contact is linked soon though somebody's run lasts. Answers how long that took.
async fn is_linked_soon(town: &Town, ear: &Daemon, n: i64) -> Duration {
    let customer = chats(town, n);
    assert_eq!(ear.told(&json!({ "cust_id": customer })).await, 202);
    let link = format!("SELECT COUNT(*) FROM links WHERE id = {n} AND customer = '{customer}' AND ended_at IS NULL");
    ear.within(SOON, "who chats is linked", async || town.number(&link).await == 1).await
}

/// Of everybody there is one link, and nothing was written twice.
async fn each_once(town: &Town) {
    let links = "SELECT COUNT(*) FROM links WHERE ended_at IS NULL";
    assert_eq!(town.number(links).await, PEOPLE, "everybody is linked");
    let mut written = town.written();
    let all = written.len();
    written.sort();
    written.dedup();
    assert_eq!((all, written.len()), (usize::try_from(PEOPLE).unwrap(), all), "each customer once");
}

both!(a_call_does_not_wait_for_the_end_of_a_long_crossing_nor_of_another_daemons, crossing);
async fn crossing(on: On) {
    // All of them are on one page, which lasts half a minute.
    let town = town(on, 1000).await;
    slow(&town, "customers.update", 100);
    let works = Daemon::begin(&town, &[]);
    works.until("it crosses", async || town.calls("customers.update") >= 10).await;
    let stands_by = Daemon::begin(&town, &[]);
    stands_by.ready().await;
    // One that was passed by, and one that is far ahead.
    let passed = is_linked_soon(&town, &works, 1).await;
    let ahead = is_linked_soon(&town, &stands_by, PEOPLE).await;
    let left = PEOPLE - i64::try_from(town.written().len()).unwrap();
    assert!(left > 0 && works.syncs().await == 0, "the crossing has not ended");
    println!("linked {passed:?} and {ahead:?} after the calls, {left} contacts before the end of the crossing");
    works.within(Duration::from_mins(2), "the crossing has ended", async || works.syncs().await > 0).await;
    each_once(&town).await;
    // Whoever was looked at twice counts once.
    let runs = town.anagrafe(&["runs", "--json"]).await.code(0).json();
    let read =
        runs.as_array().unwrap().iter().filter(|run| run["pass"] == "sync").filter_map(|run| run["read"].as_i64());
    assert_eq!(read.max(), Some(PEOPLE), "{runs}");
    assert_eq!((works.stop().await, stands_by.stop().await), (STOPPED, STOPPED));
}

both!(nor_does_it_wait_for_the_end_of_a_resync_by_hand, resync);
async fn resync(on: On) {
    let town = town(on, 5).await;
    town.anagrafe(&["sync"]).await.code(0);
    let daemon = Daemon::begin(&town, &[]);
    daemon.ready().await;
    slow(&town, "customers.search", 300);
    let before = town.calls("customers.search");
    let mut by_hand = town.command(&["resync", "--force"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    daemon.until("it resyncs", async || town.calls("customers.search") >= before + 3).await;
    is_linked_soon(&town, &daemon, PEOPLE).await;
    is_linked_soon(&town, &daemon, 1).await;
    assert!(by_hand.try_wait().unwrap().is_none(), "the resync has not ended");
    let ended = tokio::task::spawn_blocking(move || by_hand.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
    each_once(&town).await;
    assert_eq!(daemon.stop().await, STOPPED);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_be_read_is_not_asked_for_after_every_page() {
    let town = town(On::Sqlite, 5).await;
    slow(&town, "customers.update", 100);
    let kind = FaultKind::Status { status: 400, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("contacts.get", kind));
    let daemon = Daemon::begin(&town, &[]);
    daemon.until("it crosses", async || town.calls("customers.update") >= 10).await;
    assert_eq!(daemon.told(&json!({ "cust_id": chats(&town, 1) })).await, 202);
    daemon.within(Duration::from_mins(1), "the crossing has ended", async || daemon.syncs().await > 0).await;
    let asked = town.calls("contacts.get");
    // Each look is four tries: three looks in a crossing of thirty pages, and one by the sync that follows it.
    assert!((4..=16).contains(&asked), "{asked} times");
    // Nothing is lost by it.
    town.sandbox.faults().clear();
    town.anagrafe(&["sync", "--wait"]).await.code(0);
    let link = "SELECT COUNT(*) FROM links WHERE id = 1 AND ended_at IS NULL";
    assert_eq!(town.number(link).await, 1);
}
