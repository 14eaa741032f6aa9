//! A person's word, and what happens to it in time.

use serde_json::json;

use super::world::{World, id, key};
use crate::model::{
    link::{Role, Ruling},
    rules::WriteRule,
};

/// A contact that fits C, and a customer that fits nothing.
fn world() -> World {
    World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .customer("C", json!({"email": "mario@x.it", "lastname": "Rossi"}))
        .customer("D", json!({"email": "other@y.it", "lastname": "Verdi"}))
}

const MERGE: &str = "?merge C into D (asks: names-differ, names-do-not-confirm, no-identifier-agrees, other-email)";

#[test]
fn who_is_assigned_goes_where_the_person_said_whatever_fits_better_or_stood_before() {
    assert_eq!(world().ruled("1", "D", Ruling::Same).told(), [format!("a/1 linked (person) -> D {MERGE}")]);
    let mut linked = world();
    linked.pass();
    let mut linked = linked.ruled("1", "D", Ruling::Same);
    assert_eq!(linked.told(), [format!("a/1 linked (person) -> D {MERGE}")]);
    let only_d = || linked.customers[&id("D")].clone();
    let before = only_d();
    assert!(linked.pass().is_empty(), "what stands there is somebody's");
    assert_eq!(linked.customers[&id("D")], before);
    assert_eq!((linked.links[&key("1")].customer.as_str(), linked.former[&key("1")].len()), ("D", 1));
    assert_eq!(linked.told(), [format!("a/1 linked (person) -> D {MERGE}")], "and says so again");
}

#[test]
fn who_is_assigned_leaves_a_link_in_question_behind() {
    let mut world = world();
    world.pass();
    world.set_contact("1", "Luca Neri", "luca@z.it", "");
    assert!(world.told()[0].contains("questioned"));
    let mut world = world.ruled("1", "D", Ruling::Same);
    assert_eq!(world.told(), ["a/1 linked (person) -> D"]);
    assert!(world.pass().is_empty());
    assert_eq!(world.links[&key("1")].role, Role::Owner);
}

#[test]
fn who_is_assigned_is_the_owner_where_nobody_is_and_fills_what_is_empty() {
    let empty = || {
        World::writing(WriteRule::IfUnedited)
            .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
            .customer("D", json!({}))
            .ruled("1", "D", Ruling::Same)
    };
    assert_eq!(empty().told(), ["a/1 linked (person) -> D +name:write +email:write +phone:write"]);
    let owned = empty().contact("b/2", "Anna Bianchi", "a@z.it", "").off_page("b/2").link("b/2", "D", Role::Owner);
    assert_eq!(owned.told(), ["a/1 linked (person) -> D, secondary"]);
}

#[test]
fn of_two_the_same_person_the_linked_one_survives() {
    let both = || world().ruled("1", "C", Ruling::Same).ruled("1", "D", Ruling::Same);
    let told = both().told();
    assert!(told[0].starts_with("a/1 linked (person) -> C ?merge D into C (asks:"), "{told:?}");
    let linked = both().link("1", "D", Role::Owner).told();
    assert!(linked[0].starts_with("a/1 linked (person) -> D ?merge C into D (asks:"), "{linked:?}");
}

#[test]
fn a_detached_link_is_gone_and_what_was_written_stays_ours() {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}));
    world.pass();
    let mut world = world.ruled("1", "C", Ruling::Different);
    assert_eq!(world.told(), ["a/1 unmatched (nothing)"]);
    world.pass();
    assert_eq!(world.told(), ["a/1 unmatched (nothing)"], "nor is it restored");
    assert!(world.wrote("C", "email") && world.ours("C").len() == 2);
    // Nobody is linked by what we wrote there.
    let other = world.contact("2", "Mario Rossi", "mario@x.it", "347 7654321");
    assert_eq!(other.told()[1], "a/2 unmatched (nothing)");
}

#[test]
fn same_after_different_brings_back_what_was_settled() {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}));
    world.pass();
    let settled = world.links[&key("1")].baselines.clone();
    let mut world = world.ruled("1", "C", Ruling::Different);
    world.pass();
    let mut world = world.ruled("1", "C", Ruling::Same);
    assert!(world.pass().is_empty());
    assert_eq!(world.told(), ["a/1 linked (person) -> C"]);
    assert_eq!(world.links[&key("1")].baselines, settled);
    world.set_contact("1", "Mario Rossi", "new@x.it", "333 1234567");
    world.pass();
    assert_eq!(world.stands("C", "email"), "new@x.it", "ours to replace");
}

#[test]
fn different_after_same_ends_it() {
    let mut world = world().ruled("1", "D", Ruling::Same);
    world.pass();
    let world = world.ruled("1", "D", Ruling::Different);
    assert_eq!(world.told(), ["a/1 linked (email) -> C"]);
}
