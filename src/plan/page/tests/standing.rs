//! When a link stands, and when it is in question.

use serde_json::json;

use super::world::{World, key};
use crate::model::{
    link::{Role, Ruling},
    rules::WriteRule,
};

/// A contact that was linked as Mario Rossi, and the customer.
fn world() -> World {
    World::writing(WriteRule::Always)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it", "telnum": "3331234567"}))
        .link("1", "C", Role::Owner)
}

fn edited(name: &str, email: &str, phone: &str) -> World {
    world().contact("1", name, email, phone)
}

const QUESTIONED: &str = "a/1 waiting (questioned) ?link C (asks: questioned)";

#[test]
fn one_earlier_identifier_or_the_name_is_enough() {
    for world in [
        edited("Luca Verdi", "luca@y.it", "333 1234567"),
        edited("Luca Verdi", "mario@x.it", "347 7654321"),
        edited("Mario", "luca@y.it", "347 7654321"),
        edited("Mario Rossi", "", ""),
    ] {
        assert!(world.told()[0].starts_with("a/1 linked (email) -> C"), "{:?}", world.told());
    }
}

#[test]
fn a_record_reused_for_somebody_else_is_questioned_and_writes_nothing() {
    assert_eq!(edited("Luca Verdi", "luca@y.it", "347 7654321").told(), [QUESTIONED]);
    assert_eq!(edited("", "", "").told(), [QUESTIONED]);
    let mut world = edited("Luca Verdi", "luca@y.it", "347 7654321");
    assert!(world.pass().is_empty());
}

#[test]
fn what_is_questioned_stays_so_until_a_person_says() {
    let questioned = || {
        let mut world = edited("Luca Verdi", "luca@y.it", "347 7654321");
        world.pass();
        world
    };
    assert_eq!(questioned().told(), [QUESTIONED], "though it has not changed since");
    let same = questioned().ruled("1", "C", Ruling::Same);
    assert!(same.told()[0].starts_with("a/1 linked (person) -> C"));
    let different = questioned().ruled("1", "C", Ruling::Different);
    assert_eq!(different.told(), ["a/1 unmatched (nothing)"]);
}

#[test]
fn nobody_takes_the_place_of_an_owner_in_question() {
    let mut world = edited("Luca Verdi", "luca@y.it", "347 7654321").contact("2", "Mario Rossi", "mario@x.it", "");
    assert_eq!(world.told(), [QUESTIONED, "a/2 waiting (owner-differs) ?link C (asks: owner-differs)"]);
    assert!(world.pass().is_empty());
    assert!(world.has_one_owner_a_customer());
    let secondary = edited("Luca Verdi", "luca@y.it", "347 7654321")
        .contact("2", "Mario Rossi", "mario@x.it", "")
        .link("2", "C", Role::Secondary);
    assert_eq!(secondary.told()[1], "a/2 linked (email) -> C, secondary");
    // Who was a secondary and is in question leaves the place free.
    let free =
        world.ruled("1", "C", Ruling::Different).contact("3", "Neri", "neri@x.it", "").link("3", "C", Role::Secondary);
    let mut free = free;
    free.set_contact("3", "Gialli", "gialli@x.it", "");
    assert!(free.told()[1].starts_with("a/2 linked (email) -> C"), "{:#?}", free.told());
    assert_eq!(free.told()[2], "a/3 waiting (questioned) ?link C (asks: questioned)");
}

#[test]
fn a_link_whose_contact_never_had_anything_to_recognise_it_by_stands_while_nothing_changes() {
    let world = World::new().contact("1", "", "", "").customer("C", json!({})).link("1", "C", Role::Owner);
    assert_eq!(world.told(), ["a/1 linked (email) -> C"]);
}

#[test]
fn a_link_to_a_customer_that_is_gone_is_neither_kept_nor_questioned() {
    let mut world = edited("Luca Verdi", "luca@y.it", "347 7654321");
    world.customers.clear();
    assert_eq!(world.told(), ["a/1 unmatched (nothing)"]);
    world.pass();
    assert!(!world.links.contains_key(&key("1")));
}

#[test]
fn a_link_that_stands_needs_no_evidence_of_today() {
    let world = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .customer("C", json!({"email": "somebody@y.it", "lastname": "Verdi"}))
        .link("1", "C", Role::Owner);
    assert_eq!(world.told(), ["a/1 linked (email) -> C"]);
}

#[test]
fn it_is_judged_against_who_the_contact_was_when_its_link_last_stood() {
    let mut world = edited("Luca Verdi", "luca@y.it", "347 7654321");
    let linked_as = world.links[&key("1")].known_as.clone();
    world.pass();
    assert_eq!(world.links[&key("1")].known_as, linked_as, "in question it remembers whom it was made for");
    // Edited back: it is who it was, and nobody needs to be asked.
    world.set_contact("1", "Mario Rossi", "mario@x.it", "333 1234567");
    assert!(world.told()[0].starts_with("a/1 linked (email) -> C"));
    // Step by step everything may change.
    for (name, email, phone) in [
        ("Mario Rossi", "new@x.it", "333 1234567"),
        ("Mario Rossi", "new@x.it", "335 1112223"),
        ("Mario Neri", "new@x.it", "335 1112223"),
    ] {
        world.set_contact("1", name, email, phone);
        world.pass();
        assert_eq!(world.links[&key("1")].known_as, world.hashes(&key("1")), "{name} {email} {phone}");
    }
}
