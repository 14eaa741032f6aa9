//! `anagrafe check --write-probe`: what it measures of each way an account may update, and that whatever happens in the
//! middle the customer is as it was, to the letter.

use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anagrafe::{
    model::time::Moment,
    sandbox::{Fault, FaultKind, Options, population::Population},
    store::{Acquired, Claim, Decision, Holder, Store as _},
    sync::{Clock as _, SystemClock},
};
use serde_json::{Map, Value, json};

use super::{
    said::{self, Checked, replace, store},
    support::Town,
};

const WRITES: [&str; 2] = ["customers.update", "customers.patch"];

pub fn nina() -> Value {
    json!({
        "id": "c1", "email": "nina@example.it", "telnum": "+393331234567", "nickname": "nina", "firstname": "Giovannina",
        "tags": ["vip"], "data": {"since": 2019}, "note": null, "open2b": {"main": 7}
    })
}

/// A town where one customer lives, in an account that behaves so.
pub async fn home_of(document: &Value) -> Town {
    let customers = vec![document.as_object().unwrap().clone()];
    Town::with(Population { customers, ..Population::default() }, Options::default()).await
}

pub async fn probe(town: &Town) -> Checked {
    said::checked(town.command(&["check", "--json", "--write-probe", "c1"])).await
}

pub fn now(town: &Town) -> Value {
    Value::Object(town.sandbox.vivocha.customer("c1").unwrap())
}

/// What was sent to customers, in order.
pub fn sent(town: &Town) -> Vec<Map<String, Value>> {
    let journal = town.sandbox.journal();
    let writes = journal.iter().filter(|entry| WRITES.contains(&entry.call));
    writes.filter_map(|entry| entry.sent.as_ref()?.as_object().cloned()).collect()
}

pub fn set(town: &Town, fault: Fault) {
    town.sandbox.faults().set(fault);
}

/// Waits until so many updates have been answered.
pub async fn until_updates(town: &Town, count: usize) {
    let begun = Instant::now();
    while town.written().len() < count {
        assert!(begun.elapsed() < Duration::from_mins(1), "{count} updates are made");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn begin(town: &Town) -> Child {
    let mut command = town.command(&["check", "--json", "--write-probe", "c1"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_updates_as_assumed_is_confirmed_and_the_customer_is_as_before() {
    let town = home_of(&nina()).await;
    let checked = probe(&town).await;
    assert_eq!((checked.code, checked.ok()), (0, Some(true)), "{}{}", checked.stdout, checked.stderr);
    let confirmed = checked.subjects("confirmed");
    for subject in [
        "vivocha.auth Customer.update",
        "customers.update",
        "customers.update answer",
        "customers.update text",
        "customers.update partial",
        "customers.update with an empty text",
        "customers.update with a null",
        "customers.update email",
        "customers.update phone",
        "customers.update ids",
        "customers.search lag",
        "customers.search by its e-mail",
        "customers.search by its e-mail among others",
        "customers.search by its number among others",
        "customers.search in a whole batch",
        "customers.search letter case",
        "customers.search spellings",
        "customer",
    ] {
        assert!(confirmed.contains(subject), "{subject} in {confirmed:?}");
    }
    assert!(checked.told("customer", "confirmed").contains("read to be as it was before"));
    assert!(checked.told("customers.update with a null", "confirmed").contains("leaves a null"));
    assert!(checked.told("customers.search letter case", "confirmed").contains("letter by letter"));
    assert!(checked.told("customers.search spellings", "confirmed").contains("only as it is written"));
    assert_eq!(now(&town), nina());
    for fields in sent(&town) {
        assert_eq!(fields.len(), 1, "one field at a time: {fields:?}");
        let (field, value) = fields.iter().next().unwrap();
        assert!(field == "nickname" || nina()[field] == *value, "identifiers only as they stand: {field}");
    }
    let said = format!("{}{}", checked.stdout, checked.stderr);
    for personal in ["nina", "Nina", "Giovannina", "3331234567", "example.it"] {
        assert!(!said.contains(personal), "{personal} in\n{said}");
    }
    assert!(town.anagrafe(&["status", "--json"]).await.json()["lease"].is_null(), "the lease was given back");
    let declared =
        "SELECT COUNT(*) FROM by_hand WHERE why = 'check --write-probe' AND outcome = 'applied' AND epoch > 0";
    assert_eq!(town.number(declared).await, i64::try_from(sent(&town).len()).unwrap(), "each was declared");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_overrides_is_named_and_what_it_dropped_is_put_back() {
    let town = home_of(&nina()).await;
    set(&town, Fault::always("customers.update", FaultKind::OverridingUpdate));
    let checked = probe(&town).await;
    checked.contradicts(&["customers.update partial"]);
    let told = checked.told("customers.update partial", "contradicted");
    assert!(told.contains("email") && told.contains("tags") && told.contains("set vivocha.endpoints.update"), "{told}");
    assert_eq!(now(&town), nina());
    assert_eq!(sent(&town).len(), 2, "one update and one that puts back: {:?}", sent(&town));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cuts_texts_is_named_and_no_identifier_is_cut() {
    let town = home_of(&nina()).await;
    set(&town, Fault::always("customers.update", FaultKind::TrimmingUpdate { to: 8 }));
    let checked = probe(&town).await;
    checked.contradicts(&["customers.update text"]);
    assert!(checked.told("customers.update text", "contradicted").contains("is cut to 8"));
    assert!(checked.told("customers.update email", "unknown").contains("would cut it"));
    assert_eq!(now(&town), nina());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_refuses_long_texts_is_measured_with_a_short_one() {
    let town = home_of(&nina()).await;
    let refused = FaultKind::Status { status: 400, retry_after: None, body: None };
    set(&town, Fault::next("customers.update", 1, refused));
    let checked = probe(&town).await;
    checked.contradicts(&["customers.update text"]);
    assert!(checked.told("customers.update text", "contradicted").contains("ask Vivocha how long"));
    assert!(checked.subjects("confirmed").contains("customers.update partial"), "the rest was measured");
    assert_eq!(now(&town), nina());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_cuts_for_good_is_said_by_its_name_only() {
    let long = json!({"id": "c1", "email": "nina@example.it", "nickname": "Giovannina"});
    let town = home_of(&long).await;
    set(&town, Fault::always("customers.update", FaultKind::TrimmingUpdate { to: 8 }));
    let checked = probe(&town).await;
    checked.contradicts(&["customer", "customers.update text"]);
    let told = checked.told("customer", "contradicted");
    assert!(told.contains("not as before: nickname") && told.contains("does not take what stood there"), "{told}");
    assert!(!told.contains("Giovann"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_says_done_and_does_nothing_is_named() {
    let town = home_of(&nina()).await;
    set(&town, Fault::always("customers.update", FaultKind::SilentUpdate));
    let checked = probe(&town).await;
    checked.contradicts(&["customers.update"]);
    assert!(checked.told("customers.update", "contradicted").contains("changed nothing"));
    assert_eq!((now(&town), sent(&town).len()), (nina(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_the_account_refuses_is_named_and_nothing_is_changed() {
    let mut other = nina();
    other["nick"] = json!("nina");
    let town = home_of(&other).await;
    town.append("[vivocha.fields]\nnickname = \"nick\"");
    set(&town, Fault::always("customers.update", FaultKind::StrictSchema));
    let checked = probe(&town).await;
    checked.contradicts(&["customers.update"]);
    assert!(checked.told("customers.update", "contradicted").contains("nick (additionalProperties)"));
    assert_eq!(now(&town), other);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_field_of_the_ids_that_a_strict_account_does_not_know_is_named() {
    let town = home_of(&nina()).await;
    set(&town, Fault::always("customers.update", FaultKind::StrictSchema));
    let checked = probe(&town).await;
    checked.contradicts(&["customers.update ids"]);
    assert!(checked.told("customers.update ids", "contradicted").contains("set the rule of [fields] ids to \"never\""));
    assert_eq!(now(&town), nina());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_drops_and_does_not_take_back_is_said_by_name() {
    let town = home_of(&nina()).await;
    set(&town, Fault::always("customers.update", FaultKind::OverridingUpdate));
    set(&town, Fault::always("customers.update", FaultKind::StrictSchema));
    let checked = probe(&town).await;
    checked.contradicts(&["customer", "customers.update partial"]);
    let told = checked.told("customer", "contradicted");
    assert!(told.contains("not as before: note, open2b") && told.contains("customers get c1"), "{told}");
    let mut rest = nina();
    for dropped in ["note", "open2b"] {
        rest.as_object_mut().unwrap().remove(dropped);
    }
    assert_eq!(now(&town), rest, "everything else is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lag_of_searches_is_measured_in_either_mode() {
    for mode in ["rql", "params"] {
        let town = home_of(&nina()).await;
        replace(&town, "[vivocha]\n", &format!("[vivocha]\nsearch = \"{mode}\"\n"));
        set(&town, Fault::always("customers.update", FaultKind::SearchLag { ms: 700 }));
        let begun = Instant::now();
        let checked = probe(&town).await;
        assert_eq!(checked.code, 0, "{}", checked.stdout);
        let told = checked.told("customers.search lag", "confirmed");
        assert!(told.contains("after it was written") && !told.contains(" 0ms"), "{told}");
        assert!(begun.elapsed() > Duration::from_millis(700), "it was waited for");
        assert_eq!(now(&town), nina());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_may_not_update_are_named() {
    let mut options = Options::default();
    options.account.scopes = vec!["Customer.query".into(), "Customer.read".into()];
    let customers = vec![nina().as_object().unwrap().clone()];
    let town = Town::with(Population { customers, ..Population::default() }, options).await;
    let checked = probe(&town).await;
    checked.contradicts(&["vivocha.auth Customer.update"]);
    assert_eq!((now(&town), town.written()), (nina(), vec![]));
    let without = said::check(&town).await;
    assert!(without.told("vivocha.auth Customer.update", "unknown").contains("--write-probe"), "{}", without.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_a_nickname_or_none_at_all_is_left_alone() {
    let town = home_of(&json!({"id": "c1", "email": "nina@example.it"})).await;
    let checked = probe(&town).await;
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    let told = checked.told("customer", "unknown");
    assert!(told.contains("anagrafe customers update c1 nickname=test"), "{told}");
    let nobody = said::checked(town.command(&["check", "--json", "--write-probe", "c9"])).await;
    nobody.contradicts(&["customer"]);
    assert_eq!(sent(&town).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn blanks_are_put_back_as_the_blanks_they_were() {
    for blank in [json!(null), json!("")] {
        let document = json!({"id": "c1", "email": "nina@example.it", "nickname": blank});
        let town = home_of(&document).await;
        assert_eq!(probe(&town).await.code, 0);
        assert_eq!(now(&town), document);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_paused_or_busy_nothing_is_sent() {
    let town = home_of(&nina()).await;
    let held = store(&town).await;
    held.decide(&Decision::Pause("moving".into()), "ugo", Moment::from_millis(1)).await.unwrap();
    let args = ["check", "--write-probe", "c1"];
    let paused = town.anagrafe(&args).await.code(4);
    assert!(paused.stderr.contains("anagrafe resume"), "{paused:?}");
    held.decide(&Decision::Resume, "ugo", Moment::from_millis(2)).await.unwrap();
    let holder = Holder { host: "elsewhere".into(), boot: "b".into(), pid: 1, started: 1, purpose: "sync".into() };
    // Signed by a clock that agrees with ours: any other lease is watched before it is believed.
    let now = SystemClock.now();
    let claim = Claim { holder, ttl: Duration::from_mins(5), now, succession: None, witness: None };
    assert!(matches!(held.acquire(&claim).await.unwrap(), Acquired::Ours { .. }));
    held.close().await;
    let busy = town.anagrafe(&args).await.code(5);
    assert!(busy.stderr.contains("busy: sync"), "{busy:?}");
    assert!(town.sandbox.journal().is_empty(), "nobody was asked anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_in_the_middle_ends_with_everything_put_back() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let town = home_of(&nina()).await;
        set(&town, Fault::always("customers.update", FaultKind::SearchLag { ms: 600_000 }));
        let child = begin(&town);
        until_updates(&town, 1).await;
        assert_ne!(now(&town), nina(), "it is in the middle");
        let pid = child.id().to_string();
        std::process::Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
        let asked = Instant::now();
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
        assert_eq!(ended.status.code(), Some(code), "{}", String::from_utf8_lossy(&ended.stdout));
        assert!(asked.elapsed() < Duration::from_secs(20), "soon");
        assert_eq!(now(&town), nina());
        assert!(String::from_utf8_lossy(&ended.stdout).contains("put back"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_changes_meanwhile_stays() {
    let town = home_of(&nina()).await;
    set(&town, Fault::always("customers.update", FaultKind::SearchLag { ms: 1_500 }));
    let child = begin(&town);
    until_updates(&town, 1).await;
    town.sandbox.vivocha.edit_customer("c1", |customer| drop(customer.insert("firstname".into(), json!("Nina"))));
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let out = String::from_utf8_lossy(&ended.stdout);
    assert!(out.contains("left as it is: firstname"), "{out}");
    let mut expected = nina();
    expected["firstname"] = json!("Nina");
    assert_eq!(now(&town), expected);
}
