//! The outcome table as pages: every row with what an operator would read.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::world::World;
use crate::model::{link::Ruling, rules::AskOrLink};

const EMAILS: [(&str, Option<&str>); 3] =
    [("agree", Some("MARIO@x.it")), ("lacking", None), ("differ", Some("m@y.it"))];
const NAMES: [(&str, [&str; 2]); 3] =
    [("agree", ["ROSSI", "Mario"]), ("blank", ["", "Cliente"]), ("differ", ["Luca", "Verdi"])];

fn customer(email: Option<&str>, phone: Option<&str>, name: [&str; 2]) -> Value {
    let mut fields = Map::new();
    let [first, last] = name;
    for (field, value) in [("email", email), ("telnum", phone), ("firstname", Some(first)), ("lastname", Some(last))] {
        fields.extend(value.map(|value| (field.to_owned(), json!(value))));
    }
    Value::Object(fields)
}

#[test]
fn every_combination_is_read_as_a_page() {
    let mut table = String::new();
    for (line, mine, spelled) in
        [("mobile", "333 1234567", "00393331234567"), ("fixed", "06 98765432", "+390698765432")]
    {
        let phones = [("agree", Some(spelled)), ("lacking", None), ("differ", Some("3477654321"))];
        for (email, theirs) in EMAILS {
            for (phone, number) in phones {
                for (names, name) in NAMES {
                    let world = World::new()
                        .contact("1", "Mario Rossi", "mario@x.it", mine)
                        .customer("C", customer(theirs, number, name));
                    writeln!(table, "{email:<8}{line:<7}{phone:<8}{names:<7}{}", world.told().join("|")).unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_operator_may_link_fixed_lines_alone_and_differing_names() {
    let fixed = |choice| {
        let mut world =
            World::new().contact("1", "", "", "06 98765432").customer("C", json!({"telnum": "06 98765432"}));
        world.matching.fixed_line_alone = choice;
        world.told()
    };
    assert_eq!(fixed(AskOrLink::Ask), ["a/1 waiting (fixed-alone) ?link C (asks: fixed-alone)"]);
    assert_eq!(fixed(AskOrLink::Link), ["a/1 linked (fixed-alone) -> C"]);
    let names = |choice| {
        let mut world = World::new()
            .contact("1", "Mario Rossi", "mario@x.it", "")
            .customer("C", json!({"email": "mario@x.it", "lastname": "Verdi"}));
        world.matching.names_differ = choice;
        world.told()
    };
    assert_eq!(names(AskOrLink::Ask), ["a/1 waiting (email-other-name) ?link C (asks: email-other-name)"]);
    assert_eq!(names(AskOrLink::Link), ["a/1 linked (email-other-name) -> C"]);
}

#[test]
fn who_has_no_identifier_is_invalid_and_says_what_is_wrong() {
    let world = World::new().contact("1", "Mario Rossi", "mario@", "12").contact("2", "", "", "");
    assert_eq!(world.told(), ["a/1 invalid (no-identifier)", "a/2 invalid (no-identifier)"]);
    let plan = world.plan();
    assert_eq!(plan.contacts[0].defects.len(), 2);
    assert!(plan.contacts[1].defects.is_empty());
}

#[test]
fn who_finds_nobody_is_unmatched_and_told_apart_from_who_shares() {
    let world = World::new().contact("1", "Mario Rossi", "mario@x.it", "").contact("2", "", "info@x.it", "");
    assert_eq!(world.told(), ["a/1 unmatched (nothing)", "a/2 unmatched (shared)"]);
}

#[test]
fn a_nickname_confirms_and_never_contradicts() {
    let with = |nickname: &str| {
        World::new()
            .contact("1", "Mario Rossi", "", "06 98765432")
            .customer("C", json!({"telnum": "06 98765432", "nickname": nickname}))
            .told()
    };
    assert_eq!(with("Rossi M"), ["a/1 waiting (fixed-alone) ?link C (asks: fixed-alone)"]);
    assert_eq!(with("mario"), ["a/1 linked (fixed-and-name) -> C"]);
    let differs = World::new()
        .contact("1", "Mario Rossi", "", "06 98765432")
        .customer("C", json!({"telnum": "06 98765432", "lastname": "Verdi", "nickname": "Mario Rossi"}));
    assert_eq!(differs.told(), ["a/1 waiting (phone-other-name) ?link C (asks: phone-other-name)"]);
}

#[test]
fn what_cannot_be_read_is_lacking_and_what_is_no_text_is_somebodys() {
    let with = |email: Value| {
        World::new()
            .contact("1", "", "mario@x.it", "333 1234567")
            .customer("C", json!({"telnum": "+393331234567", "email": email}))
            .told()
    };
    assert_eq!(with(json!("mario at x")), ["a/1 linked (mobile) -> C"]);
    let asks = ["a/1 waiting (phone-other-email) ?link C (asks: phone-other-email)"];
    assert_eq!(with(json!({"address": "mario@x.it"})), asks);
    assert_eq!(with(json!(["mario@x.it"])), asks);
    assert_eq!(with(json!(17)), asks);
    let number = World::new().contact("1", "", "", "333 1234567").customer("C", json!({"telnum": 393_331_234_567_u64}));
    assert_eq!(number.told(), ["a/1 unmatched (nothing)"]);
}

#[test]
fn of_several_candidates_those_that_link_proceed_and_the_others_stand_as_proposals() {
    let world = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it"}))
        .customer("D", json!({"email": "mario@x.it", "lastname": "Verdi"}));
    assert_eq!(world.told(), ["a/1 linked (email) -> C ?link D (asks: email-other-name)"]);
    let asking = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it", "lastname": "Neri"}))
        .customer("D", json!({"telnum": "3331234567", "lastname": "Verdi"}));
    assert_eq!(
        asking.told(),
        ["a/1 waiting (email-other-name) ?link C (asks: email-other-name) ?link D (asks: phone-other-name)"]
    );
}

#[test]
fn a_persons_word_outranks_every_row() {
    let world = || {
        World::new()
            .contact("1", "Mario Rossi", "mario@x.it", "")
            .customer("C", json!({"email": "mario@x.it", "lastname": "Rossi"}))
            .customer("D", json!({"email": "other@y.it", "lastname": "Verdi"}))
    };
    assert_eq!(world().told(), ["a/1 linked (email) -> C"]);
    assert_eq!(world().ruled("1", "C", Ruling::Different).told(), ["a/1 unmatched (nothing)"]);
    let same = world().ruled("1", "C", Ruling::Different).ruled("1", "D", Ruling::Same);
    assert_eq!(same.told(), ["a/1 linked (person) -> D"]);
    let nobody = World::new().contact("1", "Mario Rossi", "mario@x.it", "").ruled("1", "Z", Ruling::Same);
    assert_eq!(nobody.told(), ["a/1 unmatched (nothing)"]);
}
