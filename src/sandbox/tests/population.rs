//! What a population promises of itself. Nothing here matches anybody: it is counted and looked up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    super::population::{Expected, Kind, Population, Why, generate},
    Value,
};

fn people() -> Population {
    generate(7, 4000, 3600)
}

#[test]
fn the_same_seed_gives_the_same_people_and_another_gives_others() {
    assert_eq!(generate(1, 500, 450), generate(1, 500, 450));
    assert_ne!(generate(1, 500, 450).contacts, generate(2, 500, 450).contacts);
}

#[test]
fn there_are_exactly_as_many_as_asked_for() {
    for (contacts, customers) in [(0, 0), (1, 0), (0, 5), (5, 5), (100, 10), (100, 1000), (1000, 900), (3000, 1000)] {
        let people = generate(3, contacts, customers);
        assert_eq!((people.contacts.len(), people.customers.len()), (contacts, customers));
        assert_eq!((people.truth.contacts.len(), people.truth.customers.len()), (contacts, customers));
    }
}

#[test]
fn contacts_keep_to_the_vendors_lengths_and_ids_rise() {
    let mut last = 0;
    for contact in people().contacts {
        let length = |text: &str| text.chars().count();
        assert!(contact.id > last && contact.customer >= 1);
        assert!((1..=50).contains(&length(&contact.name)) && length(&contact.phone) <= 15);
        assert!(contact.email.is_none_or(|email| (3..=120).contains(&length(&email))));
        assert!(length(&contact.note) <= 255);
        last = contact.id;
    }
}

#[test]
fn the_mix_is_as_intended_and_every_kind_is_there() {
    let people = people();
    let mut kinds: BTreeMap<Kind, usize> = BTreeMap::new();
    for truth in people.truth.contacts.values() {
        *kinds.entry(truth.kind).or_default() += 1;
    }
    let share = |kind: Kind| kinds.get(&kind).copied().unwrap_or(0) * 1000 / people.contacts.len();
    assert!((500..=580).contains(&share(Kind::Plain)), "{kinds:?}");
    assert!((130..=200).contains(&share(Kind::NoCounterpart)), "{kinds:?}");
    assert!((35..=45).contains(&share(Kind::SeveralCustomers)), "{kinds:?}");
    assert_eq!(kinds.len(), 15, "every kind but strangers has contacts: {kinds:?}");
    assert!(people.truth.customers.values().any(|truth| truth.kind == Kind::Stranger));
    let states: BTreeSet<Expected> = people.truth.contacts.values().map(|truth| truth.state).collect();
    assert_eq!(states.len(), 4);
    let merges: BTreeSet<bool> =
        people.truth.contacts.values().filter_map(|truth| Some(truth.merge.as_ref()?.automatic)).collect();
    assert_eq!(merges.len(), 2);
    let asks: BTreeSet<String> =
        people.truth.contacts.values().flat_map(|truth| &truth.asks).map(|ask| format!("{:?}", ask.why)).collect();
    assert_eq!(asks.len(), [Why::NamesDiffer, Why::FixedLineAlone, Why::EmailDiffers].len());
}

#[test]
fn the_truth_speaks_only_of_customers_that_are_there() {
    let people = people();
    let ids: BTreeSet<&str> = people.customers.iter().map(|customer| customer["id"].as_str().unwrap()).collect();
    for truth in people.truth.contacts.values() {
        let merged = truth.merge.iter().flat_map(|merge| merge.absorbed.iter().chain([&merge.survivor]));
        let asked = truth.asks.iter().map(|ask| &ask.customer);
        for id in truth.customer.iter().chain(&truth.counterpart).chain(merged).chain(asked) {
            assert!(ids.contains(id.as_str()));
        }
        assert_eq!(truth.customer.is_some(), truth.state == Expected::Linked);
        assert_eq!(truth.state == Expected::Waiting, truth.customer.is_none() && !truth.asks.is_empty());
        assert!(truth.owner || truth.writes.is_empty());
        if let Some(merge) = &truth.merge {
            assert_eq!(Some(&merge.survivor), truth.customer.as_ref());
        }
        if let Some(counterpart) = &truth.counterpart {
            assert_eq!(people.truth.customers[counterpart].person, truth.person);
        }
    }
}

#[test]
fn each_linked_customer_has_one_owner_and_is_written_only_where_it_is_blank() {
    let people = people();
    let customers: HashMap<&str, _> =
        people.customers.iter().map(|customer| (customer["id"].as_str().unwrap(), customer)).collect();
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for truth in people.truth.contacts.values() {
        let Some(id) = truth.customer.as_deref() else { continue };
        *owners.entry(id).or_default() += usize::from(truth.owner);
        for field in truth.writes.keys() {
            let held = customers[id].get(field);
            assert!(held.is_none_or(|held| held.is_null() || held == ""), "{field} of a {:?}", truth.kind);
        }
    }
    assert!(owners.values().all(|owners| *owners == 1));
}

#[test]
fn what_cannot_be_found_is_spelled_as_nobody_searches() {
    let people = people();
    let customers: HashMap<&str, _> =
        people.customers.iter().map(|customer| (customer["id"].as_str().unwrap(), customer)).collect();
    let odd = |text: &str| text.contains([' ', '-', '(']) || text.chars().any(char::is_uppercase);
    let hidden = people.truth.contacts.values().filter(|truth| truth.kind == Kind::NotFindable);
    for truth in hidden {
        let contact = people.contacts.iter().find(|contact| contact.id == truth.contact).unwrap();
        let customer = customers[truth.counterpart.as_deref().unwrap()];
        for field in ["email", "telnum"] {
            let held = customer.get(field).and_then(Value::as_str).unwrap_or_default();
            assert!(held.is_empty() || odd(held), "{held}");
            assert!(held.is_empty() || (held != contact.phone && Some(held) != contact.email.as_deref()));
        }
        assert!(!truth.findable && truth.state == Expected::Unmatched);
    }
}

#[test]
fn two_groups_never_hold_the_same_identifier() {
    let people = people();
    let mut holders: HashMap<String, BTreeSet<&str>> = HashMap::new();
    for contact in &people.contacts {
        let truth = &people.truth.contacts[&contact.id];
        let digits: String = contact.phone.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= 9 {
            let national = digits.trim_start_matches("00").strip_prefix("39").filter(|rest| rest.len() >= 9);
            holders.entry(national.unwrap_or(&digits).to_owned()).or_default().insert(truth.case);
        }
        if let Some(email) = contact.email.as_ref().filter(|email| email.len() > 16) {
            holders.entry(email.to_lowercase()).or_default().insert(truth.case);
        }
    }
    let together = |cases: &BTreeSet<&str>| {
        cases.len() == 1
            || cases.iter().all(|case| case.starts_with("registered twice"))
            || cases.contains("the victim")
    };
    for (identifier, cases) in &holders {
        assert!(together(cases), "{identifier}: {cases:?}");
    }
}
