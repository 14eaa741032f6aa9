//! What is sent for the other fields, and when two values are the same.

use serde_json::json;

use super::desk::Desk;
use crate::{
    model::{link::Field, rules::WriteRule},
    plan::{
        evidence::Declared,
        fields::{Verdict, adopted},
    },
};

const WRITING: [WriteRule; 3] = [WriteRule::Always, WriteRule::IfEmpty, WriteRule::IfUnedited];

#[test]
fn identifiers_are_sent_in_their_normal_form() {
    let mut desk = Desk::new(WriteRule::IfEmpty);
    desk.says("", " Mario@X.it", "06/98765432");
    assert_eq!(desk.body(), json!({"email": "mario@x.it", "telnum": "+390698765432"}));
}

#[test]
fn an_identifier_in_another_spelling_is_not_rewritten() {
    for every in WRITING {
        let mut desk = Desk::new(every);
        desk.says("", "mario@x.it", "333 1234567");
        for email in ["mario@x.it", " MARIO@x.IT "] {
            for phone in ["3331234567", "0039 333/1234567", "+39 333 123 45 67"] {
                desk.stands("email", email).stands("telnum", phone);
                assert_eq!(desk.verdict(Field::Email), Verdict::Equal, "{email}");
                assert_eq!(desk.verdict(Field::Phone), Verdict::Equal, "{phone}");
            }
        }
        desk.stands("telnum", "347 7654321");
        assert_ne!(desk.verdict(Field::Phone), Verdict::Equal);
    }
}

#[test]
fn a_note_is_sent_as_written_and_compared_as_written() {
    let mut desk = Desk::new(WriteRule::IfUnedited);
    desk.contact.note = " +393331234567 ".into();
    desk.stands("remarks", "333 1234567");
    assert_eq!(desk.verdict(Field::Note), Verdict::Kept, "a note is no telephone number");
    desk.stands("remarks", "+393331234567\n");
    assert_eq!(desk.verdict(Field::Note), Verdict::Equal);
    desk.stands("remarks", "");
    assert_eq!(desk.pass(), json!({"remarks": "+393331234567"}));
    desk.contact.note = "pays late".into();
    assert_eq!(desk.pass(), json!({"remarks": "pays late"}));
}

#[test]
fn ids_keep_what_other_shops_put_there() {
    let with = |ids: serde_json::Value| {
        let mut desk = Desk::new(WriteRule::Never);
        desk.rules.ids.rule = WriteRule::Always;
        desk.stands("ids", ids);
        desk
    };
    let mut desk = with(json!({"other": 3, "deep": {"x": [1]}}));
    assert_eq!(desk.pass(), json!({"ids": {"other": 3, "deep": {"x": [1]}, "main": 7}}));
    assert_eq!(desk.pass(), json!({}));
    assert_eq!(with(json!({"main": 7, "other": 3})).verdict(Field::Ids), Verdict::Equal);
    assert_eq!(with(json!({})).body(), json!({"ids": {"main": 7}}));
    assert_eq!(with(json!(null)).body(), json!({"ids": {"main": 7}}));
}

#[test]
fn b8_each_shop_has_its_own_entry_of_ids_in_either_order() {
    for every in [WriteRule::IfEmpty, WriteRule::IfUnedited, WriteRule::Always] {
        for (first, second) in [("main", "other"), ("other", "main")] {
            let mut desk = Desk::new(WriteRule::Never);
            desk.rules.ids.rule = every;
            desk.shop = first.parse().unwrap();
            assert_eq!(desk.pass(), json!({"ids": {first: 7}}));
            let of_first = std::mem::take(&mut desk.baselines);
            desk.shop = second.parse().unwrap();
            assert_eq!(desk.pass(), json!({"ids": {first: 7, second: 7}}), "{every:?}: the other's stays as it is");
            assert_eq!(desk.pass(), json!({}));
            // What the second one added is no edit of what the first one wrote.
            desk.shop = first.parse().unwrap();
            desk.baselines = of_first.clone();
            assert_eq!(desk.pass(), json!({}));
            assert_eq!(desk.baselines, of_first, "{every:?}");
        }
    }
}

#[test]
fn an_entry_of_ids_is_replaced_where_it_is_ours_and_kept_where_it_is_not() {
    for (every, ours, theirs) in
        [(WriteRule::IfEmpty, 7, 5), (WriteRule::IfUnedited, 8, 5), (WriteRule::Always, 8, 8), (WriteRule::Never, 7, 5)]
    {
        let mut desk = Desk::new(WriteRule::Never);
        desk.rules.ids.rule = WriteRule::IfEmpty;
        desk.stands("ids", json!({"other": 3}));
        desk.pass();
        // Another contact of the shop, which inherits.
        desk.contact.id = 8.try_into().unwrap();
        desk.rules.ids.rule = every;
        let baselines = desk.baselines.clone();
        desk.pass();
        assert_eq!(desk.customer.document["ids"], json!({"other": 3, "main": ours}), "{every:?}");
        desk.baselines = baselines;
        desk.stands("ids", json!({"other": 3, "main": 5}));
        desk.pass();
        assert_eq!(desk.customer.document["ids"], json!({"other": 3, "main": theirs}), "{every:?}: an agent's");
    }
}

#[test]
fn a_lost_write_of_ids_is_adopted_by_the_shop_that_wrote_it() {
    let mut desk = Desk::new(WriteRule::Never);
    desk.rules.ids.rule = WriteRule::IfUnedited;
    let patch = desk.patch();
    let declared: Declared = patch.sent().map(|(field, plan)| (field, (plan.source, plan.sent))).collect();
    desk.stands("ids", json!({"main": 7, "other": 9}));
    let settled = patch.settled(&desk.baselines, &desk.customer, &desk.reading());
    assert_eq!(adopted(&desk.customer, &declared, &desk.reading()), settled);
    desk.stands("ids", json!({"other": 7}));
    assert!(adopted(&desk.customer, &declared, &desk.reading()).is_empty(), "another shop's contact of that number");
}

#[test]
fn what_is_no_object_stays_under_if_empty_and_if_unedited() {
    for ids in [json!("7"), json!(7), json!([7])] {
        for every in [WriteRule::IfEmpty, WriteRule::IfUnedited] {
            let mut desk = Desk::new(WriteRule::Never);
            desk.rules.ids.rule = every;
            desk.stands("ids", ids.clone());
            assert_eq!(desk.pass(), json!({}), "{every:?} {ids}");
        }
    }
}

#[test]
fn a_guard_blocks_identifiers_only() {
    let mut desk = Desk::new(WriteRule::Always);
    desk.says("Mario Rossi", "mario@x.it", "333 1234567");
    desk.guard.email_shared = true;
    desk.guard.email_held_by = vec!["D".parse().unwrap()];
    desk.guard.phone_held_by = vec!["D".parse().unwrap()];
    assert_eq!(desk.verdict(Field::Email), Verdict::Shared);
    assert_eq!(desk.verdict(Field::Phone), Verdict::HeldByAnother);
    assert_eq!(desk.pass(), json!({"firstname": "Mario", "lastname": "Rossi"}));
    assert!(!desk.baselines.contains_key(&Field::Email), "what is blocked is not settled");
    desk.guard = crate::plan::fields::Guard::default();
    assert_eq!(desk.pass(), json!({"email": "mario@x.it", "telnum": "+393331234567"}));
}

#[test]
fn b4_blank_and_unusable_sources_write_nothing() {
    for every in WRITING {
        for (name, email, phone) in [("", "", ""), (" ", "\t", " "), ("cliente", "mario@", "12 / 34")] {
            let mut desk = Desk::clearing(every);
            desk.says(name, email, phone);
            desk.stands("email", "m@y.it").stands("telnum", "347 7654321").stands("lastname", "Verdi");
            assert_eq!(desk.pass(), json!({}), "{every:?} {email}");
            assert!(desk.baselines.is_empty());
        }
    }
}

#[test]
fn what_became_blank_is_cleared_only_where_the_rule_says_so() {
    let written = |mut desk: Desk| {
        desk.says("Mario Rossi", "mario@x.it", "333 1234567");
        desk.contact.note = "note".into();
        desk.pass();
        desk.says("", "", "");
        desk.contact.note = String::new();
        desk
    };
    let all = json!({"firstname": "", "lastname": "", "email": "", "telnum": "", "remarks": ""});
    for every in [WriteRule::Always, WriteRule::IfUnedited] {
        assert_eq!(written(Desk::new(every)).pass(), json!({}));
        let mut clears = written(Desk::clearing(every));
        assert_eq!(clears.pass(), all, "{every:?}");
        assert_eq!(clears.pass(), json!({}));
        clears.stands("email", "agent@y.it");
        assert_eq!(clears.pass(), json!({}), "what an agent wrote afterwards is not cleared again");
    }
    assert_eq!(written(Desk::clearing(WriteRule::IfEmpty)).pass(), json!({}));
    let mut edited = written(Desk::clearing(WriteRule::IfUnedited));
    edited.stands("email", "agent@y.it").stands("firstname", "Marco");
    assert_eq!(edited.pass(), json!({"telnum": "", "remarks": ""}));
}

#[test]
fn a_slip_in_the_shop_clears_nothing() {
    let mut desk = Desk::clearing(WriteRule::Always);
    desk.says("Mario Rossi", "mario@x.it", "333 1234567");
    desk.pass();
    desk.says("n/a", "mario@", "333");
    assert_eq!(desk.pass(), json!({}));
    desk.says("", "", "");
    assert_eq!(desk.pass(), json!({"firstname": "", "lastname": "", "email": "", "telnum": ""}), "only blank is blank");
}

#[test]
fn of_ids_nothing_is_ever_blanked() {
    let mut desk = Desk::clearing(WriteRule::Always);
    desk.rules.ids.rule = WriteRule::Always;
    assert_eq!(desk.pass(), json!({"ids": {"main": 7}}));
    assert_eq!(desk.pass(), json!({}));
}

#[test]
fn no_debug_output_shows_a_person() {
    let mut desk = Desk::new(WriteRule::Always);
    desk.says("Mario Rossi", "mario@x.it", "333 1234567");
    let patch = desk.patch();
    let all = format!("{patch:?} {:?} {:?} {:?}", patch.fields(), desk.contact, desk.customer);
    assert!(!all.contains("ario") && !all.contains("333"), "{all}");
}
