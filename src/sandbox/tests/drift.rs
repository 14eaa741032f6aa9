//! What happens between two passes, held to what it says of itself; and two shops that share people. Nothing here matches anybody.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use super::{
    super::{
        Absorbed, Options, Sandbox,
        drift::{Amounts, Change, Drift, apply},
        population::{Expected, Kind, Population, ShopContact, Sizes, generate, two_shops},
    },
    Value, got, start,
    vivocha::get,
};

const AMOUNTS: Amounts = Amounts { edits: 60, deletions: 20, late_ids: 15, chats: 40, merges: 16, agent_edits: 48 };

async fn drifted() -> (Sandbox, Vec<ShopContact>, Drift) {
    let sandbox = start(generate(5, 3000, 2800)).await;
    let before = sandbox.open2b.contacts();
    let drift = apply(&sandbox.open2b, &sandbox.vivocha, &sandbox.truth, 9, &AMOUNTS);
    (sandbox, before, drift)
}

#[tokio::test]
async fn as_much_happens_as_was_asked_for_and_every_change_is_met() {
    use Change::{Deleted, Heir, Late, LateAndKnown, LinkedAbsorbed, MergedIntoLinked};
    let (_, _, drift) = drifted().await;
    let of = |kinds: &[Change]| drift.count(|change| kinds.contains(&change));
    assert_eq!((of(&[Deleted]), of(&[Late, LateAndKnown]), of(&[LinkedAbsorbed, MergedIntoLinked])), (20, 15, 16));
    assert_eq!(drift.absorbed.len(), 16);
    let whole =
        AMOUNTS.edits + AMOUNTS.deletions + AMOUNTS.late_ids + AMOUNTS.chats + AMOUNTS.merges + AMOUNTS.agent_edits;
    assert_eq!(drift.changed.len() - of(&[Heir]), whole, "each contact is touched once");
    let kinds: BTreeSet<Change> = drift.changed.values().copied().collect();
    assert_eq!(kinds.len(), 29, "{kinds:?}");
}

#[tokio::test]
async fn the_same_seed_does_the_same_to_the_same_people() {
    assert_eq!(drifted().await.2, drifted().await.2);
}

#[tokio::test]
async fn the_shop_differs_just_where_something_happened_there() {
    let (sandbox, before, drift) = drifted().await;
    let before: BTreeMap<i64, ShopContact> = before.into_iter().map(|contact| (contact.id, contact)).collect();
    let after: BTreeMap<i64, ShopContact> = sandbox.open2b.contacts().into_iter().map(|c| (c.id, c)).collect();
    let highest = *before.keys().next_back().unwrap();
    for id in before.keys().chain(after.keys()) {
        let change = drift.changed.get(id);
        assert!(before.get(id) == after.get(id) || change.is_some(), "{id}");
        assert_eq!(after.contains_key(id), drift.truth.contacts[id].state != Expected::Gone, "{change:?}");
        assert!(*id <= highest, "late ids lie below those already read");
    }
    let (added, gone) =
        (after.keys().filter(|id| !before.contains_key(id)), before.keys().filter(|id| !after.contains_key(id)));
    assert_eq!((added.count(), gone.count()), (15, 20));
}

#[tokio::test]
async fn the_truth_afterwards_speaks_of_customers_that_are_there_and_writes_only_where_something_happened() {
    let (sandbox, _, drift) = drifted().await;
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for truth in drift.truth.contacts.values() {
        let changed = drift.changed.contains_key(&truth.contact);
        assert!(truth.writes.is_empty() || (changed && truth.owner), "{truth:?}");
        let questioned = truth.state == Expected::Waiting && truth.customer.is_some();
        assert_eq!(truth.customer.is_some(), truth.state == Expected::Linked || questioned, "{truth:?}");
        let merged = truth.merge.iter().flat_map(|merge| merge.absorbed.iter().chain([&merge.survivor]));
        for id in truth.customer.iter().chain(merged).chain(truth.asks.iter().map(|ask| &ask.customer)) {
            assert!(sandbox.vivocha.customer(id).is_some(), "{truth:?}");
            assert!(drift.truth.customers.contains_key(id), "{truth:?}");
        }
        if let Some(customer) = truth.customer.as_deref() {
            *owners.entry(customer).or_default() += usize::from(truth.owner);
        }
    }
    assert!(owners.values().all(|owners| *owners == 1));
    // The first name is what the first crossing wrote, and there was none here.
    for stands in drift.stands.iter().filter(|stands| stands.field != "firstname") {
        let held = sandbox.vivocha.customer(&stands.customer).unwrap();
        assert_eq!(held.get(&stands.field).unwrap_or(&Value::Null), &stands.value);
    }
}

#[tokio::test]
async fn an_absorbed_customer_answers_as_it_is_told_to() {
    for (how, status, id) in [
        (Absorbed::NotFound, 404, None),
        (Absorbed::Gone, 410, None),
        (Absorbed::AnswersAsSurvivor, 200, Some("d1")),
        (Absorbed::AnswersUnderItsId, 200, Some("b2")),
    ] {
        let sandbox = super::vivocha::account().await;
        sandbox.vivocha.set_options(|options| options.absorbed = how);
        assert!(sandbox.vivocha.merge_customers("d1", "b2"));
        let answer = got(get(&sandbox, "customers/b2")).await;
        assert_eq!((answer.status, answer.json()["id"].as_str()), (status, id), "{how:?}");
        assert_eq!(got(get(&sandbox, "customers/nobody")).await.status, 404);
    }
}

fn two() -> Population {
    two_shops(3, Sizes { first: 1000, second: 600, shared: 200, customers: 1200 })
}

#[test]
fn two_shops_are_as_large_as_asked_and_share_people_under_other_ids() {
    let people = two();
    let second = &people.others[0];
    assert_eq!((people.contacts.len(), second.contacts.len(), people.customers.len()), (1000, 600, 1200));
    let first: BTreeMap<u32, _> = people.truth.contacts.values().map(|truth| (truth.person, truth)).collect();
    let truths = &people.truth.others["second"];
    let shared: Vec<_> = truths.values().filter_map(|truth| Some((truth, *first.get(&truth.person)?))).collect();
    assert_eq!(shared.len(), 200);
    for (here, there) in shared {
        assert_eq!((here.state, &here.customer), (there.state, &there.customer));
        assert!(here.writes.is_empty() && !here.owner, "the first shop owns");
        assert!(matches!(here.kind, Kind::Plain | Kind::NoCounterpart));
    }
    let same_id = second.contacts.iter().filter(|contact| people.truth.contacts.contains_key(&contact.id));
    assert!(same_id.count() > 100, "ids of one shop are other people's in the other");
    let spelled = |contact: &ShopContact| (contact.name.clone(), contact.email.clone(), contact.phone.clone());
    let written: BTreeSet<_> = people.contacts.iter().map(spelled).collect();
    let otherwise = second.contacts.iter().filter(|contact| first.contains_key(&truths[&contact.id].person));
    assert!(otherwise.filter(|contact| !written.contains(&spelled(contact))).count() > 100);
}

#[tokio::test]
async fn a_shop_of_two_hundred_thousand_is_served_at_once() {
    let contact = |id| ShopContact { id, customer: 1, name: "Anna".into(), ..ShopContact::default() };
    let contacts = (1..=200_000).map(contact).collect();
    let sandbox = Sandbox::start(Population { contacts, ..Population::default() }, Options::default()).await.unwrap();
    let find = serde_json::json!({ "order": ["id"], "limit": 2, "conditions": { "after": 199_000 }, "fields": ["id"] });
    let began = std::time::Instant::now();
    for _ in 0..50 {
        let rows = got(super::open2b::call(&sandbox, "contacts.find", &find)).await.json();
        assert_eq!(rows["contacts"][1]["id"], 199_002);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}: it does not look at everybody", began.elapsed());
}
