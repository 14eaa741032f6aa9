//! Whose an identifier is not: every way to be shared, to the one.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use super::*;
use crate::{
    model::HashKey,
    plan::{evidence::hashed_name, names::fold, normalise},
};

fn email(text: &str) -> Email {
    normalise::email(text).unwrap().unwrap()
}

fn held_by(names: &[&str]) -> BTreeMap<ContactKey, Vec<Keyed>> {
    let key = HashKey::new(b"0123456789abcdef").unwrap();
    let holder = |(at, name): (usize, &&str)| {
        let id = i64::try_from(at + 1).unwrap().try_into().unwrap();
        (ContactKey { shop: "a".parse().unwrap(), id }, hashed_name(&fold(name), &key))
    };
    names.iter().enumerate().map(holder).collect()
}

#[test]
fn a_star_stands_for_anything_also_for_nothing() {
    let fits = |pattern: &str, text: &str| listed_email(&email(text), &[pattern.to_owned()]).is_some();
    for (pattern, text, listed) in [
        ("info@*", "info@x.it", true),
        ("info@*", "my.info@x.it", false),
        ("*@x.it", "a@x.it", true),
        ("*@x.it", "a@y.x.it", false),
        ("*x.it", "a@y.x.it", true),
        ("INFO@X.IT", "info@x.it", true),
        ("a*a@x.it", "a@x.it", false),
        ("a*a@x.it", "aa@x.it", true),
        ("a*b*c@x.it", "abbc@x.it", true),
        ("a*b*c@x.it", "acb@x.it", false),
        ("*", "a@x.it", true),
        ("", "a@x.it", false),
    ] {
        assert_eq!(fits(pattern, text), listed, "{pattern} {text}");
    }
}

#[test]
fn a_number_is_listed_as_it_is_normalised() {
    let phone = normalise::phone("06 12345678", normalise::Region::parse("IT").unwrap()).unwrap().unwrap();
    assert_eq!(listed_phone(&phone, &["+390612345678".into()]), Some(Shared::Listed));
    assert_eq!(listed_phone(&phone, &["0612345678".into()]), None);
}

#[test]
fn holders_whose_names_agree_count_as_one_and_nameless_ones_each() {
    let shared = |names: &[&str], max| by_contacts(&held_by(names), max);
    assert_eq!(shared(&[], 0), None);
    assert_eq!(shared(&["Mario Rossi"], 1), None);
    assert_eq!(shared(&["Mario Rossi"], 0), Some(Shared::Contacts));
    assert_eq!(shared(&["Mario Rossi", "ROSSI MARIO", "Mario", "Mario Maria Rossi"], 1), None);
    assert_eq!(shared(&["Mario Rossi", "Luca Verdi"], 9), Some(Shared::NamesDiffer));
    assert_eq!(shared(&["Mario Rossi", "Mario", "Mario Verdi"], 9), Some(Shared::NamesDiffer));
    assert_eq!(shared(&["Mario Rossi", "", ""], 3), None);
    assert_eq!(shared(&["Mario Rossi", "", ""], 2), Some(Shared::Contacts));
    assert_eq!(shared(&["", "", ""], 2), Some(Shared::Contacts));
}

#[test]
fn a_list_that_may_have_been_cut_is_shared_whatever_the_names() {
    let alike = |count| by_contacts(&held_by(&vec!["Mario Rossi"; count]), 9);
    assert_eq!(alike(MAX_HOLDERS - 1), None);
    assert_eq!(alike(MAX_HOLDERS), Some(Shared::Contacts));
}

#[test]
fn among_customers_names_may_differ_and_people_are_counted() {
    let shared = |names: &[&str], max| {
        let names: Vec<FoldedName> = names.iter().map(|name| fold(name)).collect();
        by_customers(names.iter(), max)
    };
    assert_eq!(shared(&["Mario Rossi", "Luca Verdi"], 2), None);
    assert_eq!(shared(&["Mario Rossi", "Luca Verdi", "verdi luca"], 2), None);
    assert_eq!(shared(&["Mario Rossi", "Luca Verdi", ""], 2), Some(Shared::Customers));
    // Agreement is not transitive: who is called Mario belongs to one of them, in any order.
    for names in [["Mario", "Mario Rossi", "Mario Verdi"], ["Mario Verdi", "Mario", "Mario Rossi"]] {
        assert_eq!(shared(&names, 2), None);
        assert_eq!(shared(&names, 1), Some(Shared::Customers));
    }
}
