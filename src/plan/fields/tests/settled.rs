//! What is remembered once a patch is done, and what that makes of the next one.

use serde_json::json;

use super::desk::Desk;
use crate::{
    model::{
        Keyed,
        link::{Baselines, Field},
        rules::WriteRule,
    },
    plan::{
        evidence::Declared,
        fields::{Verdict, adopted, still_ours},
    },
};

fn desk(every: WriteRule) -> Desk {
    let mut desk = Desk::new(every);
    desk.says("Mario Rossi", "mario@x.it", "333 1234567");
    desk
}

fn ours(desk: &Desk) -> Vec<Field> {
    still_ours(&desk.customer, &desk.baselines, &desk.reading()).into_iter().collect()
}

fn returned(baselines: &Baselines, field: Field) -> Option<Keyed> {
    baselines[&field].returned
}

#[test]
fn after_a_write_the_value_is_ours_and_a_second_pass_writes_nothing() {
    for every in [WriteRule::Always, WriteRule::IfEmpty, WriteRule::IfUnedited] {
        let mut desk = desk(every);
        desk.pass();
        assert_eq!(ours(&desk), [Field::Name, Field::Email, Field::Phone]);
        let baselines = desk.baselines.clone();
        assert_eq!(desk.pass(), json!({}));
        assert_eq!(desk.baselines, baselines, "and settles nothing anew");
    }
}

#[test]
fn what_was_equal_or_kept_is_settled_and_not_ours() {
    let mut desk = desk(WriteRule::IfUnedited);
    desk.stands("email", "Mario@x.it").stands("telnum", "347 7654321");
    assert_eq!((desk.verdict(Field::Email), desk.verdict(Field::Phone)), (Verdict::Equal, Verdict::Kept));
    desk.pass();
    assert_eq!(ours(&desk), [Field::Name]);
    assert_eq!((returned(&desk.baselines, Field::Email), returned(&desk.baselines, Field::Phone)), (None, None));
    // The source is settled: what an agent empties stays empty.
    desk.stands("email", "").stands("telnum", "");
    assert_eq!(desk.pass(), json!({}));
}

#[test]
fn an_agents_edit_survives_if_unedited_and_is_replaced_by_always_only_when_the_source_changes() {
    for (every, replaced) in [(WriteRule::IfUnedited, false), (WriteRule::IfEmpty, false), (WriteRule::Always, true)] {
        let mut desk = desk(every);
        desk.pass();
        desk.stands("email", "agent@y.it");
        assert_eq!(desk.pass(), json!({}), "{every:?}: the source did not change");
        desk.says("Mario Rossi", "new@x.it", "333 1234567");
        let expected = if replaced { json!({"email": "new@x.it"}) } else { json!({}) };
        assert_eq!(desk.pass(), expected, "{every:?}");
        assert_eq!(desk.pass(), json!({}), "{every:?}");
    }
}

#[test]
fn an_agents_blanking_survives_until_the_source_changes() {
    for every in [WriteRule::Always, WriteRule::IfEmpty, WriteRule::IfUnedited] {
        let mut desk = desk(every);
        desk.pass();
        desk.stands("telnum", "").stands("email", json!(null));
        assert_eq!(desk.pass(), json!({}), "{every:?}");
        desk.says("Mario Rossi", "mario@x.it", "347 7654321");
        assert_eq!(desk.pass(), json!({"telnum": "+393477654321"}), "{every:?}");
    }
}

#[test]
fn ours_is_replaced_when_the_source_changes_where_the_rule_says_so() {
    for (every, replaced) in [(WriteRule::IfUnedited, true), (WriteRule::Always, true), (WriteRule::IfEmpty, false)] {
        let mut desk = desk(every);
        desk.pass();
        desk.says("Mario Rossi", "new@x.it", "333 1234567");
        assert_eq!(desk.pass() == json!({"email": "new@x.it"}), replaced, "{every:?}");
        assert!(ours(&desk).contains(&Field::Email), "{every:?}: old or new, it is ours");
        assert_eq!(desk.pass(), json!({}));
    }
}

#[test]
fn a_value_that_the_server_trimmed_is_still_ours() {
    let mut desk = Desk::new(WriteRule::IfUnedited);
    desk.server = |text| text.chars().take(8).collect::<String>().to_uppercase();
    desk.says("Bartolomeo Rossi", "bartolomeo@x.it", "333 1234567");
    desk.contact.note = "a remark of some length".into();
    desk.pass();
    assert_eq!(desk.customer.document["firstname"], "BARTOLOM");
    assert_eq!(desk.pass(), json!({}), "what came back is not written again");
    assert_eq!(ours(&desk), [Field::Name, Field::Email, Field::Phone]);
    desk.says("Luca Verdi", "luca@x.it", "347 7654321");
    desk.contact.note = "another".into();
    assert_eq!(
        desk.pass(),
        json!({"firstname": "Luca", "lastname": "Verdi", "email": "luca@x.it", "telnum": "+393477654321", "remarks": "another"})
    );
}

#[test]
fn a_source_that_comes_back_is_written_again_only_where_it_no_longer_stands() {
    let mut desk = desk(WriteRule::IfUnedited);
    desk.pass();
    desk.says("Mario Rossi", "", "333 1234567");
    assert_eq!(desk.pass(), json!({}));
    desk.says("Mario Rossi", "mario@x.it", "333 1234567");
    assert_eq!(desk.verdict(Field::Email), Verdict::Equal);
    desk.says("Mario Rossi", "", "333 1234567");
    desk.pass();
    desk.stands("email", "");
    desk.says("Mario Rossi", "mario@x.it", "333 1234567");
    assert_eq!(desk.pass(), json!({"email": "mario@x.it"}));
}

#[test]
fn what_somebody_wrote_before_the_contact_said_so_is_hers() {
    let mut desk = desk(WriteRule::IfUnedited);
    desk.pass();
    desk.stands("email", "new@x.it");
    desk.says("Mario Rossi", "New@x.it", "333 1234567");
    assert_eq!(desk.verdict(Field::Email), Verdict::Equal);
    desk.pass();
    assert_eq!(ours(&desk), [Field::Name, Field::Phone]);
    desk.says("Mario Rossi", "newer@x.it", "333 1234567");
    assert_eq!(desk.verdict(Field::Email), Verdict::Kept);
}

#[test]
fn a_rule_that_becomes_never_forgets_nothing_and_touches_nothing() {
    let mut desk = desk(WriteRule::IfUnedited);
    desk.pass();
    let baselines = desk.baselines.clone();
    desk.rules.email.rule = WriteRule::Never;
    desk.says("Mario Rossi", "new@x.it", "333 1234567");
    assert_eq!(desk.pass(), json!({}));
    assert_eq!(desk.baselines, baselines);
    assert!(ours(&desk).contains(&Field::Email));
}

#[test]
fn a_lost_answer_is_adopted_where_what_was_to_be_sent_stands() {
    let mut desk = desk(WriteRule::IfUnedited);
    let patch = desk.patch();
    let declared: Declared = patch.sent().map(|(field, plan)| (field, (plan.source, plan.sent))).collect();
    assert_eq!(declared.len(), 3);
    assert!(adopted(&desk.customer, &declared, &desk.reading()).is_empty(), "it was never applied");
    desk.customer.document.extend(patch.body());
    let settled = patch.settled(&desk.baselines, &desk.customer, &desk.reading());
    assert_eq!(adopted(&desk.customer, &declared, &desk.reading()), settled);
    // The server wrote the identifiers its own way.
    desk.stands("email", "MARIO@X.IT").stands("telnum", "0039 333 1234567");
    desk.baselines = adopted(&desk.customer, &declared, &desk.reading());
    assert_eq!(ours(&desk), [Field::Name, Field::Email, Field::Phone]);
    desk.says("Mario Rossi", "new@x.it", "333 1234567");
    assert_eq!(desk.pass(), json!({"email": "new@x.it"}), "ours to replace");
    desk.stands("email", "agent@y.it").stands("lastname", "Verdi");
    let adopted = adopted(&desk.customer, &declared, &desk.reading());
    assert_eq!(adopted.into_keys().collect::<Vec<_>>(), [Field::Phone]);
}

#[test]
fn only_what_was_declared_is_sent() {
    let desk = desk(WriteRule::IfEmpty);
    let only = desk.patch().only(&[Field::Phone]);
    assert_eq!(serde_json::Value::Object(only.body()), json!({"telnum": "+393331234567"}));
    let settled = only.settled(&desk.baselines, &desk.customer, &desk.reading());
    assert_eq!(settled.into_keys().collect::<Vec<_>>(), [Field::Phone], "the others are as they were");
    assert!(desk.patch().only(&[]).is_empty());
}
