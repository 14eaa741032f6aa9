//! Every kind of value, before, of the one that is gone, and now: what goes back and what stays.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it fails")]

use serde_json::json;

use super::*;

fn document(value: &Value) -> Document {
    value.as_object().unwrap().clone()
}

fn of(before: &Value, absorbed: &[Value], now: &Value) -> Restoration {
    let absorbed: Vec<Document> = absorbed.iter().map(document).collect();
    restoration(Documents { before: &document(before), absorbed: &absorbed, now: &document(now), id: "id" })
}

/// One field: `was`, `theirs`, `is`.
fn one(was: &Value, theirs: &Value, is: &Value) -> Restoration {
    let field = |value: &Value, id: &str| json!({"id": id, "x": value});
    of(&field(was, "c1"), &[field(theirs, "c2")], &field(is, "c1"))
}

#[test]
fn a_field_is_what_it_was_or_came_or_is_somebody_elses() {
    let null = Value::Null;
    let table = [
        // What it was: nothing to do.
        (json!("a"), json!("b"), json!("a"), "as it was"),
        (json!("a"), json!("b"), json!(" a "), "as it was"),
        (null.clone(), json!("b"), null.clone(), "as it was"),
        (null.clone(), json!("b"), json!(""), "as it was"),
        (json!(""), json!("b"), null.clone(), "as it was"),
        (json!([1]), json!([2]), json!([1]), "as it was"),
        // It is what the other one held.
        (null.clone(), json!("b"), json!("b"), "null"),
        (json!(""), json!("b"), json!("b"), "\"\""),
        (json!("a"), json!("b"), json!("b"), "\"a\""),
        (json!("a"), json!("b"), json!("b "), "\"a\""),
        (json!(1), json!(2), json!(2), "1"),
        (null.clone(), json!(true), json!(true), "null"),
        (json!("a"), json!(["b"]), json!(["b"]), "\"a\""),
        (null.clone(), json!(["b"]), json!(["b"]), "null"),
        (null.clone(), json!({"k": 1}), json!({"k": 1}), "null"),
        // It is both.
        (json!("vip"), json!("late payer"), json!("vip, late payer"), "\"vip\""),
        (json!("vip"), json!("late payer"), json!("late payer / vip"), "\"vip\""),
        (json!([1]), json!([2]), json!([1, 2]), "[1]"),
        (json!([1]), json!([1, 2]), json!([1, 2]), "[1]"),
        (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2}), r#"{"a":1}"#),
        (json!({"a": null}), json!({"a": 2}), json!({"a": 2, "b": 3}), r#"{"a":null,"b":3}"#),
        (json!({"a": {"b": 1}}), json!({"a": {"c": 2}}), json!({"a": {"b": 1, "c": 2}}), r#"{"a":{"b":1}}"#),
        // Both, and what somebody added since stays.
        (json!([1]), json!([2]), json!([1, 2, 3]), "[1,3]"),
        (null.clone(), json!([2]), json!([2, 3]), "[3]"),
        (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2, "c": 3}), r#"{"a":1,"c":3}"#),
        (json!({"a": 1}), json!({"b": 2}), json!({"a": 9, "b": 2}), r#"{"a":9}"#),
        // Somebody else's.
        (json!("a"), json!("b"), json!("c"), "stays"),
        (json!("a"), json!("b"), null.clone(), "stays"),
        (json!("a"), null.clone(), null.clone(), "stays"),
        (null.clone(), null.clone(), json!("c"), "stays"),
        (null.clone(), json!("an"), json!("anna"), "stays"),
        (json!("x"), json!("an"), json!("anna"), "stays"),
        (json!("vip"), json!("late"), json!("vip, late, moved"), "stays"),
        (json!(1), json!(2), json!(3), "stays"),
        (json!([1]), json!([2]), json!([1, 3]), "stays"),
        (json!("a"), json!([2]), json!([1, 2]), "stays"),
        (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "c": 3}), "stays"),
        (json!("a"), json!({"b": 2}), json!({"b": 2, "c": 3}), "stays"),
        (json!("a"), json!("b"), json!({"b": 2}), "stays"),
        // The other one held nothing: nothing came of it.
        (json!("a"), json!(""), json!(""), "stays"),
    ];
    for (was, theirs, is, expected) in table {
        let found = one(&was, &theirs, &is);
        let told = match (found.back.get("x"), found.stays.contains("x")) {
            (Some(value), false) => value.to_string(),
            (None, true) => "stays".to_owned(),
            (None, false) => "as it was".to_owned(),
            (Some(_), true) => "both".to_owned(),
        };
        assert_eq!(told, expected, "{was} {theirs} {is}");
    }
}

#[test]
fn the_id_is_no_field_and_a_field_that_was_not_there_goes_to_null() {
    let found = of(
        &json!({"id": "c1", "email": "a@x.it"}),
        &[json!({"id": "c2", "telnum": "333", "nickname": "nina"})],
        &json!({"id": "c1", "email": "a@x.it", "telnum": "333", "nickname": "nina", "seen": 7}),
    );
    assert_eq!(found.back, document(&json!({"nickname": null, "telnum": null})));
    assert_eq!(found.stays, BTreeSet::from(["seen".to_owned()]));
}

#[test]
fn of_several_that_went_into_one_each_takes_its_own_with_it() {
    let found = of(
        &json!({"id": "c1", "tags": ["a"]}),
        &[json!({"id": "c2", "tags": ["b"], "telnum": "333"}), json!({"id": "c3", "tags": ["c"], "note": "x"})],
        &json!({"id": "c1", "tags": ["a", "b", "c", "d"], "telnum": "333", "note": "x"}),
    );
    assert_eq!(found.back, document(&json!({"note": null, "tags": ["a", "d"], "telnum": null})));
    assert!(found.stays.is_empty());
}

#[test]
fn once_restored_there_is_nothing_more_to_do() {
    let (before, absorbed) = (
        json!({"id": "c1", "tags": ["a"], "data": {"k": 1}}),
        json!({"id": "c2", "tags": ["b"], "data": {"l": 2}, "n": "x"}),
    );
    let now = json!({"id": "c1", "tags": ["a", "b", "z"], "data": {"k": 1, "l": 2, "m": 3}, "n": "x", "own": 1});
    let first = of(&before, std::slice::from_ref(&absorbed), &now);
    let mut after = document(&now);
    after.extend(first.back.clone());
    let again = of(&before, &[absorbed], &Value::Object(after));
    assert!(again.back.is_empty());
    assert_eq!(again.stays, BTreeSet::from(["data".to_owned(), "own".to_owned(), "tags".to_owned()]));
}

impl std::fmt::Debug for Restoration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Restoration").field("back", &self.back).field("stays", &self.stays).finish()
    }
}
