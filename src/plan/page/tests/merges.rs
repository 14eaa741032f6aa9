//! When a merge is proposed, into whom, and when nobody needs to be asked.

use serde_json::{Value, json};

use super::world::{World, id};
use crate::{
    model::{
        link::{Baseline, Field, Grounds, Role, Ruling},
        proposal::{Authority, Proposed},
    },
    plan::page::PagePlan,
};

/// Into whom, and `automatic` or the reasons to ask.
fn merge(plan: &PagePlan) -> (String, Vec<String>) {
    let merges: Vec<_> = plan
        .contacts
        .iter()
        .flat_map(|contact| &contact.proposals)
        .filter_map(|proposal| match &proposal.proposed {
            Proposed::Merge { survivor, absorbed } => {
                let absorbed: Vec<&str> = absorbed.iter().map(crate::model::CustomerId::as_str).collect();
                let authority = match &proposal.authority {
                    Authority::Automatic => vec!["automatic".to_owned()],
                    Authority::Ask(reasons) => reasons.clone(),
                };
                Some((format!("{} into {survivor}", absorbed.join(", ")), authority))
            }
            Proposed::Link { .. } => None,
        })
        .collect();
    assert_eq!(merges.len(), 1, "{plan}");
    merges.into_iter().next().unwrap()
}

fn authority(world: &World) -> Vec<String> {
    merge(&world.plan()).1
}

/// Two customers of one address; `more` goes onto the second.
fn one_address(more: &Value) -> World {
    let mut second = json!({"email": "mario@x.it"});
    second.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it"}))
        .customer("D", second)
}

#[test]
fn customers_that_all_hold_the_address_are_merged_without_asking() {
    assert_eq!(merge(&one_address(&json!({})).plan()), ("D into C".into(), vec!["automatic".into()]));
    assert_eq!(authority(&one_address(&json!({"lastname": "Rossi"}))), ["automatic"]);
    assert_eq!(authority(&one_address(&json!({"nickname": "Nobody"}))), ["automatic"], "a nickname never contradicts");
}

#[test]
fn each_contradiction_asks() {
    assert_eq!(authority(&one_address(&json!({"telnum": "347 7654321"}))), ["other-phone"]);
    assert_eq!(authority(&one_address(&json!({"telnum": "somewhere"}))), ["other-phone"], "who knows whose that is");
    assert_eq!(authority(&one_address(&json!({"telnum": ["333 1234567"]}))), ["other-phone"]);
    let names = one_address(&json!({"lastname": "Rossi"}));
    let mut among_themselves = names.customer("C", json!({"email": "mario@x.it", "lastname": "Verdi"}));
    among_themselves.contacts.clear();
    let among_themselves = among_themselves.contact("1", "", "mario@x.it", "333 1234567");
    assert_eq!(authority(&among_themselves), ["names-differ"]);
    let email = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it", "lastname": "Rossi"}))
        .customer("D", json!({"email": "m@y.it", "telnum": "3331234567", "lastname": "Rossi"}));
    assert_eq!(authority(&email), ["other-email"]);
    let unknown_number = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .customer("C", json!({"email": "mario@x.it"}))
        .customer("D", json!({"email": "mario@x.it", "telnum": "3331234567"}));
    assert_eq!(authority(&unknown_number), ["other-phone"], "a shopper cannot vouch for a number she does not have");
}

#[test]
fn b7_a_bridge_or_a_telephone_alone_needs_names_that_all_agree() {
    let bridge = |one: &str, other: &str, contact: &str| {
        World::new()
            .contact("1", contact, "mario@x.it", "333 1234567")
            .customer("C", json!({"email": "mario@x.it", "lastname": one}))
            .customer("D", json!({"telnum": "3331234567", "lastname": other}))
    };
    assert_eq!(authority(&bridge("Rossi", "Rossi", "Mario Rossi")), ["automatic"]);
    assert_eq!(authority(&bridge("", "Rossi", "Mario Rossi")), ["names-do-not-confirm"]);
    assert_eq!(authority(&bridge("Rossi", "", "Mario Rossi")), ["names-do-not-confirm"]);
    assert_eq!(authority(&bridge("Rossi", "Rossi", "")), ["names-do-not-confirm"]);
    // Both agree with "Mario Rossi", and not with one another.
    let pair = bridge("Mario", "Rossi", "Mario Rossi");
    assert_eq!(authority(&pair), ["names-differ", "names-do-not-confirm"].map(str::to_owned));
    let telephone = |name: &str| {
        World::new()
            .contact("1", "Mario Rossi", "", "333 1234567")
            .customer("C", json!({"telnum": "3331234567", "lastname": "Rossi"}))
            .customer("D", json!({"telnum": "+393331234567", "nickname": name}))
    };
    assert_eq!(authority(&telephone("rossi")), ["automatic"]);
    assert_eq!(authority(&telephone("")), ["names-do-not-confirm"]);
}

#[test]
fn rules_and_size_may_ask_for_a_person() {
    let mut off = one_address(&json!({}));
    off.matching.auto_merge = false;
    assert_eq!(authority(&off), ["auto-merge-off"]);
    let mut large = one_address(&json!({})).customer("E", json!({"email": "mario@x.it"}));
    large.matching.max_share = 9;
    large.matching.max_cluster = 2;
    assert_eq!(merge(&large.plan()), ("D, E into C".into(), vec!["large-cluster".into()]));
    large.matching.max_cluster = 3;
    assert_eq!(authority(&large), ["automatic"]);
}

#[test]
fn a_customer_of_another_contact_is_not_merged_without_asking() {
    let elsewhere = one_address(&json!({})).contact("b/2", "Mario Rossi", "", "347 1112223").off_page("b/2").link(
        "b/2",
        "D",
        Role::Owner,
    );
    assert_eq!(authority(&elsewhere), ["linked-to-another-contact"]);
    // In this very page another contact is linked to one of them: the store would know only afterwards.
    let now = one_address(&json!({})).contact("2", "Mario Rossi", "m@y.it", "").ruled("2", "D", Ruling::Same);
    assert_eq!(now.told()[1], "a/2 linked (person) -> D");
    assert_eq!(authority(&now), ["linked-to-another-contact"]);
}

#[test]
fn a_customer_without_any_identifier_of_today_is_not_merged_without_asking() {
    // The link stands by the name; an agent took the address away.
    let world = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .customer("C", json!({"lastname": "Rossi"}))
        .customer("D", json!({"email": "mario@x.it", "lastname": "Rossi"}))
        .link("1", "C", Role::Owner);
    assert_eq!(merge(&world.plan()), ("D into C".into(), vec!["no-identifier-agrees".into()]));
}

#[test]
fn the_survivor_is_the_linked_one_else_who_holds_more_else_the_smallest_id() {
    let world = || {
        World::new()
            .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
            .customer("C", json!({"email": "mario@x.it"}))
            .customer("D", json!({"email": "mario@x.it", "telnum": "3331234567"}))
    };
    assert_eq!(merge(&world().plan()).0, "C into D");
    assert_eq!(merge(&world().link("1", "C", Role::Owner).plan()).0, "D into C");
    let mut more = world().customer("B", json!({"email": "mario@x.it", "telnum": "3331234567"}));
    more.matching.max_share = 3;
    assert_eq!(merge(&more.plan()).0, "C, D into B");
}

#[test]
fn two_contacts_of_one_person_make_one_proposal() {
    let world = one_address(&json!({})).contact("2", "Mario Rossi", "mario@x.it", "");
    assert_eq!(
        world.told(),
        [
            "a/1 linked (email) -> C ?merge D into C (asks: linked-to-another-contact)",
            "a/2 linked (email) -> C, secondary"
        ]
    );
}

#[test]
fn clusters_that_overlap_ask() {
    let world = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .contact("2", "Mario Rossi", "m@y.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it", "lastname": "Rossi"}))
        .customer("D", json!({"email": "mario@x.it", "telnum": "3331234567", "lastname": "Rossi"}))
        .customer("E", json!({"email": "m@y.it", "lastname": "Rossi"}));
    let asks: Vec<bool> = world.told().iter().map(|line| line.contains("overlapping-clusters")).collect();
    assert_eq!(asks, [true, true], "{:#?}", world.told());
}

#[test]
fn whom_a_person_called_different_is_never_in_a_cluster() {
    let world = one_address(&json!({})).ruled("1", "D", Ruling::Different);
    assert_eq!(world.told(), ["a/1 linked (email) -> C"]);
}

#[test]
fn b7_a_shopper_with_somebody_elses_address_causes_no_merge() {
    let victim = || {
        World::new()
            .customer("V", json!({"email": "victim@x.it", "telnum": "347 7654321", "lastname": "Bianchi"}))
            .customer("H", json!({"telnum": "3331234567", "nickname": "Bianchi"}))
    };
    // Her address and his number, with his name, hers, or none.
    for name in ["", "Luca Verdi", "Bianchi", "Anna Bianchi"] {
        let world = victim().contact("1", name, "victim@x.it", "333 1234567");
        for proposal in world.plan().contacts.iter().flat_map(|contact| &contact.proposals) {
            assert_ne!(proposal.authority, Authority::Automatic, "{name}");
        }
    }
    // Her own contact makes it two people's address, or her customer hers.
    let known = victim()
        .contact("1", "Bianchi", "victim@x.it", "333 1234567")
        .contact("2", "Anna Bianchi", "victim@x.it", "347 7654321")
        .link("2", "V", Role::Owner);
    assert!(known.told()[0].contains("linked-to-another-contact"), "{:#?}", known.told());
    // And what he registers does not land on his customer, nor his number on hers.
    let mut writes = World::writing(crate::model::rules::WriteRule::Always);
    writes.customers = victim().customers;
    let mut writes = writes
        .contact("1", "Luca Verdi", "victim@x.it", "333 1234567")
        .ruled("1", "H", Ruling::Same)
        .ruled("1", "V", Ruling::Different);
    let written = writes.pass();
    assert!(written.iter().all(|(customer, field, _)| *customer == id("H") && field != "email"), "{written:?}");
}

#[test]
fn different_people_splits_every_later_cluster() {
    let two = || {
        let mut world = one_address(&json!({}));
        world.matching.max_share = 4;
        world
    };
    let three = || two().customer("E", json!({"email": "mario@x.it"}));
    assert_eq!(merge(&three().plan()).0, "D, E into C");
    assert_eq!(merge(&three().parted("C", "D").plan()).0, "E into C");
    assert_eq!(merge(&three().parted("D", "E").plan()).0, "D into C", "nor both by way of C");
    let none = two().parted("D", "C").plan();
    assert!(none.contacts.iter().all(|contact| contact.proposals.is_empty()), "{none}");
}

#[test]
fn b7_what_is_left_of_a_name_that_we_wrote_confirms_no_bridge() {
    let person = |last: &str| json!({"telnum": "333 1234567", "lastname": last});
    let mut world = World::new()
        .contact("1", "Mario Rossi", "info@x.it", "333 1234567")
        .customer("C", person("Rossi"))
        .customer("D", person("Rossi"))
        .linked_by("1", "C", Role::Owner, Grounds::Phone);
    assert_eq!(authority(&world), ["automatic"]);
    // We wrote first and last name; an agent has taken the first name away since.
    let written = world.key.hash("name", "Mario and Rossi");
    for link in world.links.values_mut() {
        link.baselines.insert(Field::Name, Baseline { source: written, returned: Some(written) });
    }
    assert_eq!(authority(&world), ["may-be-our-writing"]);
}
