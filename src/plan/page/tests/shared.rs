//! Identifiers that are not one person's, of every kind, never match alone.

use serde_json::json;

use super::world::{World, key};
use crate::model::link::Role;

/// One contact and the customer she would be linked to, were it not for what is added.
fn one() -> World {
    World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it", "lastname": "Rossi"}))
}

#[test]
fn a_listed_address_matches_nobody() {
    let mut world = one();
    world.matching.shared_emails = vec!["MARIO@*".into()];
    assert_eq!(world.told(), ["a/1 unmatched (shared)"]);
    let phone = World::new()
        .contact("1", "Mario Rossi", "", "06 12345678")
        .customer("C", json!({"telnum": "0612345678", "firstname": "Mario", "lastname": "Rossi"}));
    assert_eq!(phone.told(), ["a/1 unmatched (shared)"]);
}

#[test]
fn an_address_of_contacts_whose_names_differ_matches_nobody_whatever_the_page() {
    let page = one().contact("2", "Luca Verdi", "mario@x.it", "");
    assert_eq!(page.told(), ["a/1 unmatched (shared)", "a/2 unmatched (shared)"]);
    let elsewhere = one().contact("b/7", "Luca Verdi", "mario@x.it", "").off_page("b/7");
    assert_eq!(elsewhere.told(), ["a/1 unmatched (shared)"]);
}

#[test]
fn contacts_whose_names_agree_are_one_person_and_blank_ones_count_each() {
    let agreeing = one().contact("2", "ROSSI MARIO", "mario@x.it", "").contact("3", "Mario", "mario@x.it", "");
    assert_eq!(agreeing.told()[0], "a/1 linked (email) -> C");
    let one_blank = one().contact("2", "", "mario@x.it", "");
    assert_eq!(one_blank.told()[0], "a/1 linked (email) -> C");
    let two_blank = one().contact("2", "", "mario@x.it", "").contact("3", "", "mario@x.it", "");
    assert_eq!(two_blank.told()[0], "a/1 unmatched (shared)", "three people, where max_share is 2");
}

#[test]
fn an_address_of_more_customers_than_max_share_matches_nobody() {
    let named = |third: &str| {
        one()
            .customer("D", json!({"email": "mario@x.it", "lastname": "Verdi"}))
            .customer("E", json!({"email": "mario@x.it", "lastname": third}))
    };
    assert_eq!(named("Neri").told(), ["a/1 unmatched (shared)"]);
    assert!(named("Verdi").told()[0].starts_with("a/1 linked (email) -> C"), "two people, one of them twice");
}

#[test]
fn an_address_of_more_customers_than_can_be_read_matches_nobody() {
    let mut world = one();
    world.crowded_emails.insert(key("1"));
    assert_eq!(world.told(), ["a/1 unmatched (shared)"]);
}

#[test]
fn a_shared_identifier_is_lacking_on_either_side_and_the_other_one_still_tells() {
    let mine = World::new()
        .contact("1", "Mario Rossi", "info@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@y.it", "telnum": "3331234567"}));
    assert_eq!(mine.told(), ["a/1 linked (mobile) -> C"]);
    let theirs = World::new()
        .contact("1", "Mario Rossi", "mario@y.it", "333 1234567")
        .customer("C", json!({"email": "info@x.it", "telnum": "3331234567"}));
    assert_eq!(theirs.told(), ["a/1 linked (mobile) -> C"]);
    let both = World::new()
        .contact("1", "Mario Rossi", "info@x.it", "333 1234567")
        .customer("C", json!({"email": "info@x.it", "telnum": "3331234567"}));
    assert_eq!(both.plan().contacts[0].link.as_ref().unwrap().row, "mobile");
}

#[test]
fn what_we_wrote_makes_no_address_shared_and_our_names_make_no_two_holders_one() {
    // Two strangers hold the address; on a third customer it is ours, so that it is still two people's.
    let mut world = World::writing(crate::model::rules::WriteRule::IfEmpty)
        .contact("9", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}));
    assert_eq!(world.pass().len(), 3);
    assert_eq!(world.ours("C"), [crate::model::link::Field::Name, crate::model::link::Field::Email]);
    let two = world
        .customer("D", json!({"email": "mario@x.it", "lastname": "Verdi"}))
        .customer("E", json!({"email": "mario@x.it", "lastname": "Neri"}))
        .off_page("9")
        .contact("1", "", "mario@x.it", "");
    assert!(two.plan().contacts[0].shared.email.is_none());
    // Blank customers that hold the address count each, also after we named them all alike.
    let mut named = World::writing(crate::model::rules::WriteRule::IfEmpty);
    for at in 1..=3 {
        let (who, whom, phone) = (format!("{at}"), format!("C{at}"), format!("33312345{at}0"));
        named = named
            .contact(&who, "Mario Rossi", "", &phone)
            .customer(&whom, json!({"email": "mario@x.it", "telnum": phone}))
            .link(&who, &whom, Role::Owner);
    }
    assert_eq!(named.pass().len(), 6);
    let named = named.contact("9", "Mario Rossi", "mario@x.it", "");
    assert_eq!(named.told()[3], "a/9 unmatched (shared)");
}
