//! Several contacts, one customer: who writes, who does not, and whose name is another's.

use serde_json::json;

use super::world::{World, id, key};
use crate::model::{
    link::{Grounds, Role, Ruling},
    rules::WriteRule,
};

fn world() -> World {
    World::new().customer("C", json!({"email": "mario@x.it", "telnum": "3331234567"}))
}

#[test]
fn both_identifiers_before_the_e_mail_before_the_telephone() {
    let world = world()
        .contact("1", "Mario Rossi", "", "333 1234567")
        .contact("2", "Mario Rossi", "mario@x.it", "")
        .contact("3", "Mario Rossi", "mario@x.it", "333 1234567");
    assert_eq!(
        world.told(),
        ["a/1 linked (mobile) -> C, secondary", "a/2 linked (email) -> C, secondary", "a/3 linked (both) -> C"]
    );
    let without = world.off_page("3");
    assert_eq!(without.told(), ["a/1 linked (mobile) -> C, secondary", "a/2 linked (email) -> C"]);
}

#[test]
fn on_the_same_grounds_the_lowest_shop_and_id_owns() {
    let world = world().contact("10", "", "mario@x.it", "").contact("2", "", "mario@x.it", "");
    assert_eq!(world.told(), ["a/2 linked (email) -> C", "a/10 linked (email) -> C, secondary"]);
    let shops = self::world().contact("b/1", "", "mario@x.it", "").contact("a/2", "", "mario@x.it", "");
    assert_eq!(shops.told(), ["a/2 linked (email) -> C", "b/1 linked (email) -> C, secondary"]);
}

#[test]
fn a_persons_choice_comes_first_where_nobody_owns_yet() {
    let world = world()
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .contact("2", "Mario Rossi", "", "347 7654321")
        .ruled("2", "C", Ruling::Same);
    assert_eq!(world.told(), ["a/1 linked (both) -> C, secondary", "a/2 linked (person) -> C"]);
}

#[test]
fn an_owner_stays_while_its_link_stands_on_the_page_and_off_it() {
    let world = || {
        self::world()
            .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
            .contact("9", "Mario Rossi", "", "333 1234567")
            .linked_by("9", "C", Role::Owner, Grounds::Phone)
    };
    assert_eq!(world().told(), ["a/1 linked (both) -> C, secondary", "a/9 linked (email) -> C"]);
    assert_eq!(world().off_page("9").told(), ["a/1 linked (both) -> C, secondary"]);
    let gone = world().ruled("9", "C", Ruling::Different);
    assert_eq!(gone.told(), ["a/1 linked (both) -> C", "a/9 unmatched (nothing)"]);
}

#[test]
fn whose_name_differs_from_the_owners_asks() {
    // Two people of one household: her address, his number.
    let page = world().contact("1", "Anna Bianchi", "mario@x.it", "").contact("2", "Luca Verdi", "", "333 1234567");
    assert_eq!(page.told(), ["a/1 linked (email) -> C", "a/2 waiting (owner-differs) ?link C (asks: owner-differs)"]);
    let elsewhere = world()
        .contact("b/1", "Anna Bianchi", "a@y.it", "")
        .off_page("b/1")
        .link("b/1", "C", Role::Owner)
        .contact("2", "Luca Verdi", "mario@x.it", "333 1234567");
    assert_eq!(elsewhere.told(), ["a/2 waiting (owner-differs) ?link C (asks: owner-differs)"]);
    let said = elsewhere.ruled("2", "C", Ruling::Same);
    assert_eq!(said.told(), ["a/2 linked (person) -> C, secondary"]);
    let blank = world().contact("1", "Anna Bianchi", "mario@x.it", "").contact("2", "", "", "333 1234567");
    assert_eq!(blank.told(), ["a/1 linked (email) -> C", "a/2 linked (mobile) -> C, secondary"]);
}

#[test]
fn a_secondary_that_stands_is_not_questioned_by_the_owners_name() {
    let world = world()
        .contact("1", "Anna Bianchi", "mario@x.it", "")
        .contact("2", "Luca Verdi", "", "333 1234567")
        .link("1", "C", Role::Owner)
        .link("2", "C", Role::Secondary);
    assert_eq!(world.told(), ["a/1 linked (email) -> C", "a/2 linked (email) -> C, secondary"]);
}

#[test]
fn a_secondary_writes_nothing() {
    let mut world = World::writing(WriteRule::Always)
        .customer("C", json!({"email": "mario@x.it", "telnum": "3331234567"}))
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .contact("2", "Rossi Mario Maria", "", "333 1234567");
    let written = world.pass();
    assert_eq!(world.stands("C", "lastname"), "Rossi");
    assert_eq!(written.len(), 2, "{written:?}");
    assert!(world.pass().is_empty());
    assert!(world.links[&key("2")].baselines.is_empty());
}

#[test]
fn who_was_followed_from_an_absorbed_customer_does_not_become_a_second_owner() {
    // The store has another owner for the survivor; gathering brings the followed link as a secondary.
    let mut world = world()
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .contact("2", "Mario Rossi", "", "333 1234567")
        .link("1", "C", Role::Owner)
        .link("2", "C", Role::Owner)
        .off_page("1");
    let mut evidence = world.evidence();
    for link in &mut evidence.customers.get_mut(&id("C")).unwrap().links {
        if link.contact == key("2") {
            link.role = Role::Secondary;
        }
    }
    let plan = crate::plan::page::plan(&evidence, &world.matching, &world.reading());
    assert_eq!(plan.to_string(), "a/2 linked (email) -> C, secondary\n");
    world.apply(&plan);
    assert!(world.has_one_owner_a_customer());
}
