//! c5: every fault of the sandbox on every call it can hit. The run it strikes ends with a code and words that are fit to be seen;
//! once it is over, three runs are enough: the last one writes nothing, and everybody is as if nothing had ever been wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it fails"
)]

mod support;

use std::{collections::BTreeMap, time::Duration};

use anagrafe::sandbox::{
    Fault,
    FaultKind::{self, *},
    Malformed, Options,
    RetryAfter::{Date, Seconds},
    population,
};
use futures::{StreamExt as _, stream};
use serde_json::{Map, Value};
use support::{Ended, Town, kept};

/// Where in the life of a town a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// The very first sync.
    First,
    /// A later one, after newcomers and edits.
    Later,
    /// A later one, which fetches a contact by id because it was parked.
    Due,
}

const PAGES: &[&str] = &["contacts.find", "customers.search"];
const SHOP: &[&str] = &["contacts.count", "contacts.find", "contacts.get"];
const WRITES: &[&str] = &["customers.update"];
/// What reads and writes people.
const PEOPLE: &[&str] =
    &["contacts.count", "contacts.find", "contacts.get", "customers.search", "customers.get", "customers.update"];
/// Those, and what has to go well before.
const ALL: &[&str] = &[
    "world",
    "token",
    "openapi",
    "contacts.count",
    "contacts.find",
    "contacts.get",
    "customers.search",
    "customers.get",
    "customers.update",
];
/// The front door has a deadline of its own, half a minute: too long to be waited for here.
const ALL_BUT_THE_DOOR: &[&str] = ALL.split_at(1).1;

/// The table; and a match, so that a fault that is added to the sandbox and not here is an error of the compiler.
macro_rules! table {
    ($($pattern:pat => $([$($kind:expr),+] on $calls:expr),+;)+) => {
        fn table() -> Vec<(Vec<FaultKind>, &'static [&'static str])> {
            vec![$($((vec![$($kind),+], $calls)),+),+]
        }

        const fn has_a_row(kind: &FaultKind) {
            match kind {
                $($pattern => {})+
            }
        }
    };
}

const fn status(status: u16) -> FaultKind {
    Status { status, retry_after: None, body: None }
}

table! {
    Status { .. } => [
        status(400), status(401), status(403), status(404), status(410), status(500),
        Status { status: 429, retry_after: Some(Date(1)), body: None }
    ] on PEOPLE, [
        status(503),
        Status { status: 429, retry_after: Some(Seconds(1)), body: None }
    ] on ALL;
    StatusAfter { .. } => [StatusAfter { status: 500 }, StatusAfter { status: 503 }] on PEOPLE;
    ResetBefore => [ResetBefore] on ALL;
    ResetAfter => [ResetAfter] on ALL;
    HangBefore => [HangBefore] on ALL_BUT_THE_DOOR;
    HangAfter => [HangAfter] on ALL_BUT_THE_DOOR;
    LateApply { .. } => [LateApply { ms: 1500 }] on ALL_BUT_THE_DOOR;
    Latency { .. } => [Latency { ms: 20 }] on ALL;
    Truncated => [Truncated] on ALL;
    NotJson => [NotJson] on ALL;
    InvalidUtf8 => [InvalidUtf8] on ALL;
    Nested { .. } => [Nested { depth: 100_000 }] on ALL;
    Huge { .. } => [Huge { bytes: 33 << 20 }] on PEOPLE;
    Bomb { .. } => [Bomb { bytes: 33 << 20 }] on PEOPLE;
    Redirect { .. } => [Redirect { location: "http://127.0.0.1:9/elsewhere".into() }] on ALL;
    RepeatedPage => [RepeatedPage] on PAGES;
    ReversedPage => [ReversedPage] on PAGES;
    EmptyPage => [EmptyPage] on PAGES;
    MalformedRecord { .. } => [
        MalformedRecord { how: Malformed::Types },
        MalformedRecord { how: Malformed::Id },
        MalformedRecord { how: Malformed::Null }
    ] on PAGES;
    IgnoredFilter => [IgnoredFilter] on &["contacts.count", "contacts.find", "customers.search"];
    OverridingUpdate => [OverridingUpdate] on WRITES;
    TrimmingUpdate { .. } => [TrimmingUpdate { to: 5 }] on WRITES;
    SilentUpdate => [SilentUpdate] on WRITES;
    StrictSchema => [StrictSchema] on WRITES;
    SearchLag { .. } => [SearchLag { ms: 60_000 }] on WRITES;
    LateIds { .. } => [LateIds { every: 3 }] on SHOP;
    OtherPeople => [OtherPeople] on &["contacts.find", "contacts.get"];
    AnotherId => [AnotherId] on &["contacts.get", "customers.get", "customers.update"];
    WrongCount { .. } => [WrongCount { to: 0 }, WrongCount { to: 1_000_000 }] on &["contacts.count", "customers.search"];
}

fn everybody(town: &Town) -> Vec<String> {
    let people = town.sandbox.open2b.contacts().into_iter().flat_map(|c| [Some(c.name), c.email, Some(c.phone)]);
    let chats = town.sandbox.vivocha.customers().into_iter().flat_map(|customer| {
        ["email", "telnum", "firstname", "lastname", "nickname"]
            .map(|field| customer.get(field).and_then(Value::as_str).map(str::to_owned))
    });
    people.chain(chats).flatten().filter(|text| text.trim().len() >= 6).collect()
}

async fn sql(town: &Town, text: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(town.store());
    let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    sqlx::query(text).execute(&mut db).await.unwrap();
    sqlx::Connection::close(db).await.unwrap();
}

/// Makes what is parked due now, instead of in a minute.
async fn make_due(town: &Town) {
    if town.store().exists() {
        sql(town, "UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
    }
}

/// A town at the point where the fault strikes.
async fn town(scene: Scene) -> Town {
    let town = Town::with(population::generate(61, 26, 30), Options::default()).await;
    let www = town.sandbox.www_url();
    town.edit(|text| {
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("base_url")).collect();
        kept.join("\n")
            .replace("[vivocha]\n", &format!("[vivocha]\nwww = \"{www}\"\n"))
            .replace("[shops.main]\n", "[shops.main]\npage_size = 10\n")
            .replace("mode = \"client\"", "mode = \"oauth\"")
            .replace("timeout = \"5s\"", "timeout = \"1s\"")
    });
    match scene {
        Scene::First => {}
        Scene::Later => {
            town.anagrafe(&["sync"]).await.code(0);
            for (contact, number) in town.sandbox.open2b.contacts().into_iter().zip(0..6) {
                town.sandbox.open2b.edit_contact(contact.id, |contact| contact.phone = format!("+39347555000{number}"));
            }
            for contact in population::generate(62, 6, 12).contacts {
                town.sandbox.open2b.add_contact(contact);
            }
            for customer in population::generate(62, 6, 12).customers {
                town.sandbox.vivocha.add_customer(customer);
            }
        }
        Scene::Due => {
            town.sandbox.faults().set(Fault::always("contacts.find", MalformedRecord { how: Malformed::Types }));
            town.anagrafe(&["sync"]).await.code(3);
            town.sandbox.faults().clear();
            make_due(&town).await;
        }
    }
    town.sandbox.clear_journal();
    town
}

/// What everybody has come to: contacts in the store, customers at Vivocha.
type World = (BTreeMap<i64, kept::Kept>, BTreeMap<String, Map<String, Value>>);

async fn world(town: &Town) -> World {
    let customers = town.sandbox.vivocha.customers().into_iter();
    let customers = customers.map(|customer| (customer["id"].as_str().unwrap().to_owned(), customer)).collect();
    (kept::contacts(&town.store()).await, customers)
}

/// The first run with the fault, then runs without; how the first ended, and what is wrong.
async fn strike(scene: Scene, kind: FaultKind, call: &'static str, wanted: &World) -> (String, Vec<String>) {
    let town = town(scene).await;
    town.sandbox.faults().set(Fault::always(call, kind.clone()));
    let ended = town.anagrafe(&["sync"]).await;
    let hit = town.sandbox.journal().iter().any(|entry| !entry.faults.is_empty());
    town.sandbox.faults().clear();
    let mut wrong = unfit(&town, &ended);
    if !hit {
        wrong.push("it was not hit".into());
    }
    if kind == OverridingUpdate {
        // Such a server is not written to until a person has looked.
        town.anagrafe(&["resume"]).await.code(0);
    }
    if let LateApply { ms } = kind {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let wanted = if let TrimmingUpdate { to } = kind { &cut(wanted, scene, to).await } else { wanted };
    let mut differ = vec!["it is not quiet after three runs".to_owned()];
    for _ in 0..3 {
        make_due(&town).await;
        town.sandbox.clear_journal();
        let again = town.anagrafe(&["sync"]).await;
        wrong.extend(unfit(&town, &again));
        differ = differences(&world(&town).await, wanted);
        if again.code != 0 {
            differ.push(format!("it ends {}: {}", again.code, again.stderr));
        }
        if !town.written().is_empty() {
            differ.push("it still writes".into());
        }
        if differ.is_empty() {
            break;
        }
    }
    wrong.extend(differ);
    (format!("{scene:?} {call} {kind:?}: {}", ended.code), wrong)
}

fn differences(found: &World, wanted: &World) -> Vec<String> {
    let contacts = wanted.0.iter().filter(|(id, kept)| found.0.get(id) != Some(kept));
    let customers = wanted.1.iter().filter(|(id, customer)| found.1.get(*id) != Some(customer));
    contacts
        .map(|(id, kept)| format!("contact {id} is {:?}, wanted {kept:?}", found.0.get(id)))
        .chain(customers.map(|(id, held)| format!("customer {id} is {:?}, wanted {held:?}", found.1.get(id))))
        .collect()
}

/// What a server that cuts texts makes of what is written: values that stood before are whole.
async fn cut(wanted: &World, scene: Scene, to: usize) -> World {
    let mut wanted = wanted.clone();
    let before = town(scene).await;
    for (id, customer) in &mut wanted.1 {
        let stood = before.sandbox.vivocha.customer(id).unwrap();
        for (field, value) in customer.iter_mut().filter(|(field, value)| stood.get(*field) != Some(value)) {
            let text = value.as_str().unwrap_or_else(|| panic!("{field} is no text"));
            *value = text.chars().take(to).collect::<String>().into();
        }
    }
    wanted
}

/// What is not fit to be seen: a panic, a failure that does not say where, a person's data.
fn unfit(town: &Town, ended: &Ended) -> Vec<String> {
    let mut wrong = Vec::new();
    let said = format!("{}{}", ended.stdout, ended.stderr);
    if ![0, 1, 3, 4].contains(&ended.code) || said.contains("panicked") {
        wrong.push(format!("no way to end: {ended:?}"));
    }
    let places = ["shop main", "vivocha", "Vivocha", "outage", "update"];
    if ended.code == 1 && !places.iter().any(|place| said.contains(place)) {
        wrong.push(format!("it does not say where: {ended:?}"));
    }
    if ended.code == 4 && !said.contains("anagrafe ") && !said.contains("hold") {
        wrong.push(format!("it does not say what a person is to do: {ended:?}"));
    }
    let personal = everybody(town).into_iter().filter(|personal| said.contains(personal));
    wrong.extend(personal.map(|_| format!("a person's data was said: {said}")));
    wrong
}

#[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
fn slow() -> bool {
    std::env::var_os("ANAGRAFE_SLOW").is_some()
}

/// Every kind on every call; where a kind has several forms they take turns, and all come on every call in the slow programme.
fn cases() -> Vec<(FaultKind, &'static str)> {
    let slow = slow();
    let of = |(kinds, calls): (Vec<FaultKind>, &'static [&'static str])| {
        let forms = move |(turn, call): (usize, &&'static str)| {
            let all = kinds.iter().cloned().enumerate();
            let taken: Vec<_> =
                all.filter(|(at, _)| slow || turn % kinds.len() == *at).map(|(_, kind)| (kind, *call)).collect();
            taken
        };
        calls.iter().enumerate().flat_map(forms).collect::<Vec<_>>()
    };
    let cases: Vec<_> = table().into_iter().flat_map(of).collect();
    for (kind, _) in &cases {
        has_a_row(kind);
    }
    cases
}

/// Where a case strikes: contacts are fetched by id only where some are due; the others take turns, in the slow programme both.
fn strikes(scene: Scene, number: usize, kind: &FaultKind, call: &str) -> bool {
    let slow = slow();
    match scene {
        Scene::Due => call == "contacts.get",
        _ if call == "contacts.get" => false,
        // Whom a shop showed first it is believed: its own people are then the strangers, and held until a person has said.
        Scene::First => (slow || number.is_multiple_of(2)) && *kind != OtherPeople,
        Scene::Later => slow || !number.is_multiple_of(2) || *kind == OtherPeople,
    }
}

async fn every_fault(scene: Scene) {
    let undisturbed = town(scene).await;
    for _ in 0..2 {
        make_due(&undisturbed).await;
        undisturbed.anagrafe(&["sync"]).await.code(0);
    }
    let wanted = &world(&undisturbed).await;
    let cases = cases().into_iter().enumerate().filter(|(number, (kind, call))| strikes(scene, *number, kind, call));
    let strikes = stream::iter(cases).map(|(_, (kind, call))| strike(scene, kind, call, wanted));
    let struck: Vec<(String, Vec<String>)> = strikes.buffer_unordered(6).collect().await;
    assert!(struck.len() >= 15, "{} cases", struck.len());
    let wrong: Vec<String> = struck
        .into_iter()
        .filter(|(_, wrong)| !wrong.is_empty())
        .map(|(line, wrong)| format!("{line}\n    {}", wrong[..wrong.len().min(4)].join("\n    ")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_once_a_fault_of_the_first_sync_is_over_three_runs_are_enough_to_be_quiet() {
    every_fault(Scene::First).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_once_a_fault_of_a_later_sync_is_over_three_runs_are_enough_to_be_quiet() {
    every_fault(Scene::Later).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_once_a_fault_of_a_contact_fetched_by_id_is_over_three_runs_are_enough_to_be_quiet() {
    every_fault(Scene::Due).await;
}

/// Whom a first sync linked, and a field that it wrote.
async fn written_to() -> (Town, i64, String) {
    let town = town(Scene::First).await;
    town.anagrafe(&["sync"]).await.code(0);
    let written = |truth: &&population::ContactTruth| truth.owner && truth.writes.contains_key("telnum");
    let truth = town.sandbox.truth.contacts.values().find(written).unwrap().clone();
    (town, truth.contact, truth.customer.unwrap())
}

fn reuse(town: &Town, id: i64) {
    town.sandbox.open2b.edit_contact(id, |contact| {
        contact.name = "Zeno Altrove".into();
        contact.email = Some("zeno@altrove.example".into());
        contact.phone = "+393475550001".into();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_reused_for_somebody_else_is_questioned_also_where_nothing_could_be_searched_at_first() {
    let (town, id, customer) = written_to().await;
    let before = town.sandbox.vivocha.customer(&customer);
    reuse(&town, id);
    town.sandbox.faults().set(Fault::always("customers.search", status(503)));
    town.anagrafe(&["sync"]).await.code(3);
    town.sandbox.faults().clear();
    make_due(&town).await;
    town.anagrafe(&["sync"]).await.code(0);
    let kept = &kept::contacts(&town.store()).await[&id];
    assert_eq!((kept.state.as_deref(), kept.reason.as_deref()), (Some("waiting"), Some("questioned")), "{kept:?}");
    assert_eq!(kept.customer.as_deref(), Some(customer.as_str()));
    assert_eq!(town.sandbox.vivocha.customer(&customer), before, "nothing of another person was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_questioned_stays_so_through_an_outage() {
    let (town, id, customer) = written_to().await;
    let before = town.sandbox.vivocha.customer(&customer);
    reuse(&town, id);
    town.anagrafe(&["sync"]).await.code(0);
    for fault in [
        Fault::always("customers.search", status(503)),
        Fault::always("contacts.find", MalformedRecord { how: Malformed::Types }),
    ] {
        sql(&town, "UPDATE contacts SET recheck_at = 1 WHERE reason = 'questioned'").await;
        town.sandbox.faults().set(fault);
        town.anagrafe(&["sync"]).await;
        town.sandbox.faults().clear();
        make_due(&town).await;
        town.anagrafe(&["sync"]).await.code(0);
        let kept = &kept::contacts(&town.store()).await[&id];
        assert_eq!((kept.state.as_deref(), kept.reason.as_deref()), (Some("waiting"), Some("questioned")), "{kept:?}");
    }
    assert_eq!(town.sandbox.vivocha.customer(&customer), before, "nothing of another person was written");
}
