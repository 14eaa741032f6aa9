//! The first crossing and what comes after it, measured against the truth about a population.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use anagrafe::sandbox::population::{ContactTruth, Expected, Kind};
use serde_json::{Map, Value};
use support::{Town, count, kept};

/// Contacts, customers, seed of the big crossing: the figures of the promise, in the gate.
const CONTACTS: usize = 10_000;
const CUSTOMERS: usize = 8_000;

fn by_id(customers: Vec<Map<String, Value>>) -> BTreeMap<String, Map<String, Value>> {
    customers.into_iter().map(|customer| (customer["id"].as_str().unwrap().to_owned(), customer)).collect()
}

fn word(expected: Expected) -> &'static str {
    match expected {
        Expected::Linked => "linked",
        Expected::Unmatched => "unmatched",
        Expected::Waiting => "waiting",
        Expected::Invalid => "invalid",
        Expected::Gone => "gone",
    }
}

/// What of the truth is not so in the store: the contact, what was expected, what is.
fn differences(truth: &BTreeMap<i64, ContactTruth>, kept: &BTreeMap<i64, kept::Kept>) -> Vec<String> {
    truth
        .values()
        .filter_map(|truth| {
            let kept = &kept[&truth.contact];
            let same = kept.state.as_deref() == Some(word(truth.state)) && kept.customer == truth.customer;
            (!same).then(|| format!("{:?}/{}: {truth:?} is {kept:?}", truth.kind, truth.case))
        })
        .collect()
}

/// Customers whose owner is not who the truth says. The truth ranks all contacts of a person; a crossing meets them page by
/// page, and an owner stays while its link stands. So a person registered twice, on two pages, may be owned by the one that
/// was met first: that is the only difference there may be.
fn other_owners(truth: &BTreeMap<i64, ContactTruth>, kept: &BTreeMap<i64, kept::Kept>) -> Vec<String> {
    let mut owners: BTreeMap<&String, Vec<i64>> = BTreeMap::new();
    for (id, kept) in kept.iter().filter(|(_, kept)| kept.customer.is_some()) {
        let owners = owners.entry(kept.customer.as_ref().unwrap()).or_default();
        owners.extend((kept.role.as_deref() == Some("owner")).then_some(*id));
    }
    let right = |owner: i64| truth[&owner].owner || truth[&owner].kind == Kind::RegisteredTwice;
    owners.iter().filter(|(_, ids)| ids.len() != 1 || !right(ids[0])).map(|o| format!("{o:?}")).collect()
}

/// Fields of customers that are neither as before nor as the truth wants them.
fn wrong_fields(
    before: &BTreeMap<String, Map<String, Value>>,
    after: &BTreeMap<String, Map<String, Value>>,
    wanted: &BTreeMap<String, BTreeMap<String, String>>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let nothing = BTreeMap::new();
    for (id, after) in after {
        let (before, wanted) = (&before[id], wanted.get(id).unwrap_or(&nothing));
        let fields: BTreeSet<&String> = before.keys().chain(after.keys()).chain(wanted.keys()).collect();
        for field in fields {
            let (was, is) = (before.get(field), after.get(field));
            let right = match wanted.get(field) {
                Some(value) => is.and_then(Value::as_str) == Some(value),
                None => was == is,
            };
            if !right {
                wrong.push(format!("{id}.{field}: {was:?} became {is:?}, wanted {:?}", wanted.get(field)));
            }
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_crossing_of_ten_thousand_links_and_writes_nothing_wrong_and_a_second_one_writes_nothing() {
    let town = Town::of(2026, CONTACTS, CUSTOMERS).await;
    let truth = town.sandbox.truth.contacts.clone();
    let before = by_id(town.sandbox.vivocha.customers());

    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["outcome"], "done");
    assert_eq!(report["read"], CONTACTS as u64);
    let sum: u64 = report["counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(sum, CONTACTS as u64, "a7: each contact read counts once");

    let kept = kept::contacts(&town.store()).await;
    assert_eq!(kept.len(), CONTACTS);
    assert!(kept.values().all(|kept| kept.state.is_some()), "every contact is in one state");
    let found = differences(&truth, &kept);
    assert!(
        found.is_empty(),
        "{} states differ from the truth, such as\n{}",
        found.len(),
        found[..found.len().min(20)].join("\n")
    );

    assert_eq!(other_owners(&truth, &kept), Vec::<String>::new());

    let mut wanted: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for truth in truth.values().filter(|truth| !truth.writes.is_empty()) {
        wanted.entry(truth.customer.clone().unwrap()).or_default().extend(truth.writes.clone());
    }
    let after = by_id(town.sandbox.vivocha.customers());
    let wrong = wrong_fields(&before, &after, &wanted);
    assert!(wrong.is_empty(), "{} wrong fields, such as\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));

    // Calls: finds, searches, one get and one update per customer changed, and the canary read back.
    let pages = CONTACTS.div_ceil(1000);
    assert!(town.calls("contacts.find") <= 2 * (pages + 1), "{} finds", town.calls("contacts.find"));
    assert!(town.calls("customers.search") <= CONTACTS / 30, "{} searches", town.calls("customers.search"));
    assert_eq!(town.calls("customers.update"), wanted.len());
    assert_eq!(town.calls("customers.get"), wanted.len() + 1, "one get each, and the canary");
    assert_eq!(town.calls("customers.merge"), 0);

    town.sandbox.clear_journal();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "unchanged"), report["read"].as_u64().unwrap());
    let to_vivocha: Vec<_> = town.sandbox.journal().into_iter().filter(|entry| entry.system == "vivocha").collect();
    assert!(to_vivocha.is_empty(), "a second pass makes no call to Vivocha: {to_vivocha:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_are_those_of_the_truth() {
    let town = Town::of(11, 2_000, 1_600).await.merging();
    town.anagrafe(&["sync", "--json"]).await.code(4);
    let found = kept::proposals(&town.store()).await;
    let mut differ = Vec::new();
    for truth in town.sandbox.truth.contacts.values() {
        let of = |kind: &str| found.iter().filter(|p| p.0 == truth.contact && p.1 == kind).collect::<Vec<_>>();
        let asked: BTreeSet<&String> = of("link").iter().map(|p| &p.2).collect();
        let wanted: BTreeSet<&String> = truth.asks.iter().map(|ask| &ask.customer).collect();
        if asked != wanted {
            differ.push(format!("{:?}/{} asks {asked:?}, wanted {wanted:?}", truth.kind, truth.case));
        }
        let merges: Vec<_> = of("merge").iter().map(|p| (p.2.clone(), p.3.clone(), !p.4)).collect();
        let wanted: Vec<_> =
            truth.merge.iter().map(|m| (m.survivor.clone(), m.absorbed.clone(), m.automatic)).collect();
        if merges != wanted {
            differ.push(format!("{:?}/{} merges {merges:?}, wanted {wanted:?}", truth.kind, truth.case));
        }
    }
    assert!(differ.is_empty(), "{}\n{}", differ.len(), differ.join("\n"));
}
