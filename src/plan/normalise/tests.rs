//! What holds for every text. The rules themselves are tables under `tests/golden/`.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use proptest::prelude::*;

use super::{Defect, Field, Region, email, identity, phone};
use crate::plan::names::fold;

fn region() -> impl Strategy<Value = Region> {
    prop::sample::select(vec!["IT", "SM", "FR", "DE", "GB", "US", "AR", "BR"])
        .prop_map(|code| Region::parse(code).unwrap())
}

/// Texts that look like telephone numbers often enough.
fn dialled() -> impl Strategy<Value = String> {
    prop_oneof![
        "[+0-9 ()/.-]{0,20}",
        "(\\+39|0039|39|) ?3[2-9][0-9] ?[0-9]{6,7}",
        "(\\+39|0039|39|)[ /(]{0,2}0[1-9][0-9]{0,2}[ /)-]{0,3}[0-9]{4,8}",
        "(\\+378|\\+39|0039|) ?0549 ?[89][0-9]{5}",
        "\\+[1-9][0-9]{7,14}",
        "\\+(33|44|49|1)\\+?(\\(0\\))?[0-9]{8,11}",
        "0[0-9]{5,11}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_them_panic(text in any::<String>(), region in region()) {
        let read = identity(&text, &text, &text, region);
        prop_assert!(read.defects.len() <= 2);
    }

    #[test]
    fn a_normalised_e_mail_gives_itself(text in "[\\PC&&[^@]]{1,8}@[a-zA-Z0-9À-ž-]{1,9}\\.[a-zA-Z]{2,4}") {
        if let Ok(Some(read)) = email(&text) {
            prop_assert_eq!(email(read.as_str()), Ok(Some(read)));
        }
    }

    #[test]
    fn the_case_of_a_latin_e_mail_does_not_count(text in "[a-z.+_-]{1,12}@[a-z0-9-]{1,9}\\.[a-z]{2,4}") {
        prop_assert_eq!(email(&text), email(&text.to_uppercase()));
    }

    #[test]
    fn a_normalised_number_gives_itself_in_every_country(text in dialled(), home in region(), elsewhere in region()) {
        if let Ok(Some(read)) = phone(&text, home) {
            prop_assert_eq!(phone(read.e164(), elsewhere), Ok(Some(read)));
        }
    }

    #[test]
    fn spaces_within_a_number_do_not_count(text in "(\\+39|)3[2-9][0-9]{8}", at in 1_usize..9) {
        let it = Region::parse("IT").unwrap();
        let at = at.min(text.len());
        let spaced = format!(" {} {} ", &text[..at], &text[at..]);
        prop_assert_eq!(phone(&spaced, it), phone(&text, it));
    }

    #[test]
    fn letters_never_become_digits(before in "3[0-9]{3,5}", letter in "[a-zA-Zà-öø-ž]", after in "[0-9]{3,5}") {
        let read = phone(&format!("{before}{letter}{after}"), Region::parse("IT").unwrap());
        prop_assert!(matches!(read, Err(Defect::PhoneLetters | Defect::PhoneExtension)), "{:?}", read);
    }
}

#[test]
fn every_defect_has_one_code_wherever_it_is_shown() {
    for defect in Defect::ALL {
        assert_eq!(defect.to_string(), defect.code());
        assert_eq!(serde_json::to_value(defect).unwrap(), defect.code());
        assert_eq!(serde_json::from_value::<Defect>(defect.code().into()).unwrap(), defect);
        assert_eq!(serde_json::to_value(defect.field()).unwrap(), defect.code().split('-').next().unwrap());
        assert!(defect.explain().contains(';'), "{defect} says what happened but not what to do");
    }
    assert!(Defect::ALL.is_sorted_by(|a, b| a < b));
}

#[test]
fn a_person_is_read_whole_and_each_field_by_itself() {
    let it = Region::parse("it").unwrap();
    let read = identity("Rossi, Mario", "Mario@Example.com", "333 12345O7", it);
    assert_eq!(read.email.as_ref().map(crate::model::Email::as_str), Some("mario@example.com"));
    assert_eq!(read.phone, None);
    assert_eq!(read.defects, [(Field::Phone, Defect::PhoneLetters)]);
    assert_eq!(read.name, fold("Mario Rossi"));
    let shown = format!("{read:?}").to_lowercase();
    assert!(!shown.contains("mario") && !shown.contains("333"), "{shown}");
    assert_eq!(identity("", " ", "-", it).defects, []);
}

#[test]
fn a_region_is_a_country_with_numbers() {
    assert_eq!(Region::parse("IT").unwrap().to_string(), "IT");
    assert_eq!(Region::parse("it"), Region::parse("IT"));
    assert_eq!(Region::parse("IT").unwrap().calling_code(), Some(39));
    for text in ["", "I", "ITA", "XX", "ZZ", "001", "39", "Ü"] {
        assert_eq!(Region::parse(text), None, "{text}");
    }
    let it: Region = serde_json::from_str("\"IT\"").unwrap();
    assert_eq!(serde_json::to_string(&it).unwrap(), "\"IT\"");
    assert!(serde_json::from_str::<Region>("\"Italy\"").unwrap_err().to_string().contains("ISO 3166"));
}
