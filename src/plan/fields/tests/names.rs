//! First, last and nickname: one unit.

use serde_json::json;

use super::desk::Desk;
use crate::{
    model::{link::Field, rules::WriteRule},
    plan::fields::Verdict,
};

fn named(every: WriteRule, name: &str) -> Desk {
    let mut desk = Desk::new(every);
    desk.says(name, "", "");
    desk
}

#[test]
fn a_name_is_split_where_that_is_certain_and_goes_whole_where_not() {
    let body = |name: &str| named(WriteRule::IfEmpty, name).body();
    assert_eq!(body("Mario  Rossi"), json!({"firstname": "Mario", "lastname": "Rossi"}));
    assert_eq!(body("De Luca, Maria"), json!({"firstname": "Maria", "lastname": "De Luca"}));
    assert_eq!(body("Hotel Bellavista S.r.l."), json!({"nickname": "Hotel Bellavista S.r.l."}));
    assert_eq!(body("Mario"), json!({"nickname": "Mario"}));
    assert_eq!(body("cliente"), json!({}), "says nothing about who it is");
}

#[test]
fn a_name_equal_by_folding_is_not_rewritten() {
    for every in [WriteRule::Always, WriteRule::IfEmpty, WriteRule::IfUnedited] {
        let mut desk = named(every, "MARIO ROSSI");
        desk.stands("firstname", "rossi").stands("lastname", "Mário");
        assert_eq!(desk.verdict(Field::Name), Verdict::Equal);
        let mut nickname = named(every, "Rossi Mario");
        nickname.stands("nickname", "Mario Rossi");
        assert_eq!(nickname.verdict(Field::Name), Verdict::Equal, "it stands there, if in one piece");
        nickname.stands("lastname", "Verdi");
        assert_ne!(nickname.verdict(Field::Name), Verdict::Equal);
    }
}

#[test]
fn one_part_that_stands_keeps_the_unit() {
    for part in ["firstname", "lastname", "nickname"] {
        let mut desk = named(WriteRule::IfEmpty, "Mario Rossi");
        desk.stands(part, "Somebody");
        assert_eq!(desk.pass(), json!({}), "{part}");
    }
    let mut blank = named(WriteRule::IfEmpty, "Mario Rossi");
    blank.stands("firstname", json!(null)).stands("lastname", " ").stands("nickname", "");
    assert_eq!(blank.pass(), json!({"firstname": "Mario", "lastname": "Rossi"}));
    let mut opaque = named(WriteRule::IfEmpty, "Mario Rossi");
    opaque.stands("nickname", json!(["Gigi"]));
    assert_eq!(opaque.pass(), json!({}), "something that is no text is somebody's");
}

#[test]
fn our_nickname_does_not_outlive_the_split_name_nor_the_other_way_round() {
    let mut desk = named(WriteRule::IfUnedited, "Bellavista");
    assert_eq!(desk.pass(), json!({"nickname": "Bellavista"}));
    desk.says("Mario Rossi", "", "");
    assert_eq!(desk.pass(), json!({"firstname": "Mario", "lastname": "Rossi", "nickname": ""}));
    desk.says("Hotel Bellavista", "", "");
    assert_eq!(desk.pass(), json!({"firstname": "", "lastname": "", "nickname": "Hotel Bellavista"}));
    assert_eq!(desk.pass(), json!({}));
}

#[test]
fn b4_beside_a_strangers_name_nothing_is_blanked() {
    let mut desk = named(WriteRule::Always, "Mario Rossi");
    desk.stands("nickname", "Gigi");
    assert_eq!(desk.pass(), json!({"firstname": "Mario", "lastname": "Rossi"}));
    assert_eq!(desk.customer.document["nickname"], "Gigi");
    assert_eq!(desk.pass(), json!({}));
    let mut whole = named(WriteRule::Always, "Hotel Bellavista");
    whole.stands("firstname", "Anna").stands("lastname", "Bianchi");
    assert_eq!(whole.pass(), json!({"nickname": "Hotel Bellavista"}));
    assert_eq!(whole.pass(), json!({}), "and not again, though it does not stand alone");
}

#[test]
fn an_agents_edit_of_a_part_survives() {
    for (part, value) in [("firstname", "Marco"), ("lastname", ""), ("nickname", "Gigi")] {
        let mut desk = named(WriteRule::IfUnedited, "Mario Rossi");
        desk.pass();
        desk.stands(part, value);
        assert_eq!(desk.pass(), json!({}), "{part}");
        desk.says("Luca Verdi", "", "");
        assert_eq!(desk.pass(), json!({}), "{part}");
        assert_eq!(desk.customer.document[part], value);
    }
}

#[test]
fn the_accounts_own_field_names_are_used() {
    let mut desk = named(WriteRule::IfEmpty, "Mario Rossi");
    desk.naming.first_name = "given".into();
    desk.naming.last_name = "family".into();
    desk.stands("firstname", "Somebody");
    assert_eq!(desk.pass(), json!({"given": "Mario", "family": "Rossi"}));
}
