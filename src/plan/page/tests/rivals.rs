//! An owner whose customer turns out to be somebody else's; and who can bring that about.

use serde_json::json;

use super::world::{World, key};
use crate::model::{
    link::{Grounds, Role, Ruling},
    rules::WriteRule,
};

/// Linked long ago as the owner, whose customer says by now that it is Luca Verdi.
fn world() -> World {
    World::writing(WriteRule::Always)
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .customer("C", json!({"email": "luca@y.it", "firstname": "Luca", "lastname": "Verdi"}))
        .link("1", "C", Role::Owner)
}

fn rivalled() -> World {
    world().contact("2", "Luca Verdi", "luca@y.it", "")
}

const QUESTIONED: &str = "a/1 waiting (questioned) ?link C (asks: another-contact-fits)";
const WAITS: &str = "a/2 waiting (owner-differs) ?link C (asks: owner-differs)";

#[test]
fn an_owner_that_contradicts_its_customer_is_questioned_once_another_contact_fits() {
    assert!(world().told()[0].starts_with("a/1 linked (email) -> C"), "nobody else says so");
    let mut both = rivalled();
    assert_eq!(both.told(), [QUESTIONED, WAITS]);
    assert!(both.pass().is_empty());
    assert_eq!(both.told(), [QUESTIONED, WAITS], "and again");
    assert_eq!(both.links[&key("1")].role, Role::Owner, "it keeps its link until a person says");
    // The owner's own judgement sees it in the index.
    assert_eq!(rivalled().off_page("2").told(), [QUESTIONED]);
}

#[test]
fn the_newcomer_makes_the_owner_due() {
    let plan = rivalled().off_page("1").plan();
    assert_eq!(plan.to_string(), format!("{WAITS}\n"));
    assert_eq!(plan.contacts[0].look_again, [key("1")]);
    assert!(rivalled().plan().contacts.iter().all(|contact| contact.look_again.is_empty()), "it is of this page");
    let decided = rivalled().off_page("1").linked_by("1", "C", Role::Owner, Grounds::Person);
    assert!(decided.plan().contacts[0].look_again.is_empty());
}

#[test]
fn a_persons_answer_ends_it_either_way() {
    let same = rivalled().ruled("1", "C", Ruling::Same);
    assert!(same.told()[0].starts_with("a/1 linked (person) -> C"), "{:?}", same.told());
    let by_hand = rivalled().linked_by("1", "C", Role::Owner, Grounds::Person);
    assert!(by_hand.told()[0].starts_with("a/1 linked (email) -> C"));
    let different = rivalled().ruled("1", "C", Ruling::Different);
    assert_eq!(different.told(), ["a/1 unmatched (nothing)", "a/2 linked (email) -> C"]);
    // Whoever waited for it is looked at again.
    let apart = rivalled().ruled("1", "C", Ruling::Different).off_page("2");
    assert_eq!(apart.plan().contacts[0].look_again, [key("2")]);
}

#[test]
fn one_agreement_is_enough_to_be_left_alone() {
    let linked = |world: &World| world.told()[0].starts_with("a/1 linked");
    let phone = || {
        rivalled()
            .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
            .link("1", "C", Role::Owner)
            .customer("C", json!({"email": "luca@y.it", "telnum": "3331234567", "lastname": "Verdi"}))
    };
    assert!(linked(&phone()));
    let name = rivalled().customer("C", json!({"email": "luca@y.it", "lastname": "Rossi"}));
    assert!(linked(&name), "{:?}", name.told());
    let nickname = rivalled().customer("C", json!({"email": "luca@y.it", "nickname": "Luca"}));
    assert!(linked(&nickname), "a nickname never contradicts");
    let lacking = rivalled().contact("1", "Mario Rossi", "", "333 1234567").link("1", "C", Role::Owner);
    assert!(linked(&lacking), "nothing of it differs");
    let listed =
        rivalled().customer("C", json!({"email": ["mario@x.it"], "telnum": "+393331234567", "lastname": "Verdi"}));
    assert!(linked(&listed));
}

#[test]
fn a_hostile_shopper_takes_no_agreement_away_by_sharing_it() {
    let victim = || {
        World::writing(WriteRule::Always)
            .contact("1", "Mario Rossi", "mario@x.it", "")
            .customer(
                "C",
                json!({"email": "mario@x.it", "telnum": "347 7654321", "firstname": "Luca", "lastname": "Verdi"}),
            )
            .link("1", "C", Role::Owner)
    };
    // He registers her address under other names, and a contact that fits the rest.
    let hostile = victim()
        .contact("7", "Anna Bianchi", "mario@x.it", "")
        .contact("8", "Gino Neri", "mario@x.it", "")
        .contact("9", "Luca Verdi", "", "347 7654321");
    assert!(hostile.told()[0].starts_with("a/1 linked (email) -> C"), "{:?}", hostile.told());
}

#[test]
fn neither_the_nameless_nor_the_many_nor_a_shared_identifier_question_anybody() {
    let linked = |world: &World| world.told()[0].starts_with("a/1 linked");
    assert!(linked(&world().contact("2", "", "luca@y.it", "")));
    assert!(linked(&world().contact("2", "Gino Neri", "luca@y.it", "")));
    assert!(linked(&rivalled().contact("3", "Gino Neri", "luca@y.it", "")), "two people's address");
    let listed = World {
        matching: crate::model::rules::MatchingRules { shared_emails: vec!["luca@*".into()], ..world().matching },
        ..rivalled()
    };
    assert!(linked(&listed));
    let secondary = rivalled().link("1", "C", Role::Secondary);
    assert!(secondary.told()[0].starts_with("a/1 "), "{:?}", secondary.told());
    assert!(!secondary.told()[0].contains("questioned"));
}

#[test]
fn what_we_wrote_to_the_customer_speaks_for_nobody() {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}));
    world.pass();
    // Her name and address change; what stands there is ours, and so nobody's evidence.
    world.set_contact("1", "Anna Bianchi", "anna@z.it", "333 1234567");
    world.fields = super::world::field_rules(WriteRule::Never);
    let world = world.contact("2", "Mario Rossi", "mario@x.it", "");
    assert!(world.told()[0].starts_with("a/1 linked"), "{:?}", world.told());
}

#[test]
fn who_is_back_and_contradicts_is_not_restored_where_another_fits() {
    let mut world = world();
    world.gone("1");
    world.set_contact("1", "Mario Rossi", "mario@x.it", "");
    let world = world.contact("2", "Luca Verdi", "luca@y.it", "");
    let told = world.told();
    assert_eq!(told[0], QUESTIONED);
    assert_eq!(told[1], "a/2 linked (email) -> C", "the place is free");
}
