//! What two customers tell of a merge between them, case by case.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end so")]

use serde_json::json;

use super::*;

fn id(text: &str) -> CustomerId {
    text.parse().unwrap()
}

fn is(value: &Value) -> Customer {
    let document = value.as_object().unwrap().clone();
    Customer { id: id(value["id"].as_str().unwrap()), document }
}

fn told(before: Option<(&Value, &Value)>, one: Option<Value>, other: Option<Value>, answered: Option<&str>) -> Found {
    let (survivor, absorbed) = (id("a"), id("b"));
    let (one, other) = (one.map(|one| is(&one)), other.map(|other| is(&other)));
    let before = before.map(|(a, b)| (a.as_object().unwrap(), b.as_object().unwrap()));
    let answered = answered.map(id);
    let pair = Pair { survivor: &survivor, absorbed: &absorbed };
    found(pair, before, (one.as_ref(), other.as_ref()), answered.as_ref())
}

fn applied(remains: &str) -> Found {
    Found::Applied { remains: id(remains) }
}

fn anna() -> (Value, Value) {
    let a = json!({"id": "a", "email": "anna@x.it", "telnum": "", "tags": ["new"]});
    let b = json!({"id": "b", "email": "anna@x.it", "telnum": "+393331234567", "tags": ["vip"], "note": null});
    (a, b)
}

#[test]
fn c2_that_one_is_not_found_proves_nothing_alone() {
    let (a, b) = anna();
    assert_eq!(told(Some((&a, &b)), Some(a.clone()), None, None), Found::Unclear("absorbed-not-found"));
    assert_eq!(told(Some((&a, &b)), None, Some(b.clone()), None), Found::Unclear("survivor-not-found"));
    assert_eq!(told(Some((&a, &b)), None, None, None), Found::Unclear("neither-found"));
    let edited = json!({"id": "a", "email": "anna@x.it", "telnum": "+39061234567", "tags": ["new"]});
    assert_eq!(told(Some((&a, &b)), Some(edited), None, None), Found::Unclear("absorbed-not-found"), "an agent's edit");
    assert_eq!(told(None, Some(a), None, None), Found::Unclear("absorbed-not-found"), "nothing is known of before");
}

#[test]
fn c2_the_survivor_holds_something_of_the_other_that_it_did_not_hold() {
    let (a, b) = anna();
    for (field, value) in [
        ("telnum", json!("+393331234567")),
        ("telnum", json!("+393331234567, ")),
        ("tags", json!(["new", "vip"])),
        ("absorbed", json!(["b"])),
        ("data", json!({"merged": {"from": "b"}})),
    ] {
        let mut now = a.clone();
        now[field] = value;
        assert_eq!(told(Some((&a, &b)), Some(now), None, None), applied("a"), "{field}");
    }
    let mut other_way = b.clone();
    other_way["tags"] = json!(["vip", "new"]);
    assert_eq!(told(Some((&a, &b)), None, Some(other_way), None), applied("b"), "the other one survived");
}

#[test]
fn c2_the_absorbed_id_answers_as_the_survivor() {
    let (a, b) = anna();
    assert_eq!(told(Some((&a, &b)), Some(a.clone()), Some(a.clone()), None), applied("a"));
    assert_eq!(told(Some((&a, &b)), Some(b.clone()), Some(b.clone()), None), applied("b"));
    let mut under_its_id = a.clone();
    under_its_id["telnum"] = b["telnum"].clone();
    let one = under_its_id.clone();
    under_its_id["id"] = json!("b");
    assert_eq!(told(Some((&a, &b)), Some(one), Some(under_its_id), None), applied("a"));
    assert_eq!(told(None, Some(a.clone()), Some(a), None), applied("a"), "whatever is known of before");
}

#[test]
fn both_are_there_and_two() {
    let (a, b) = anna();
    assert_eq!(told(Some((&a, &b)), Some(a.clone()), Some(b.clone()), None), Found::NotApplied);
    assert_eq!(told(None, Some(a.clone()), Some(b.clone()), None), Found::NotApplied);
    let twin = json!({"id": "b", "email": "anna@x.it", "telnum": "", "tags": ["new"]});
    assert_eq!(told(Some((&a, &twin)), Some(a.clone()), Some(twin.clone()), None), Found::NotApplied);
    assert_eq!(told(None, Some(a), Some(twin), None), Found::Unclear("alike"));
}

#[test]
fn an_agent_took_one_of_them_elsewhere() {
    let (a, b) = anna();
    let third = json!({"id": "c", "email": "anna@x.it"});
    let elsewhere = Found::Unclear("merged-elsewhere");
    assert_eq!(told(Some((&a, &b)), Some(a.clone()), Some(third.clone()), None), elsewhere);
    assert_eq!(told(Some((&a, &b)), Some(third.clone()), Some(third.clone()), None), elsewhere);
    assert_eq!(told(Some((&a, &b)), Some(third), None, None), elsewhere);
}

#[test]
fn a_merge_that_was_answered_is_believed_where_one_of_them_is_gone() {
    let (a, b) = anna();
    assert_eq!(told(Some((&a, &b)), Some(a.clone()), None, Some("a")), applied("a"));
    assert_eq!(told(Some((&a, &b)), None, Some(b.clone()), Some("b")), applied("b"));
    assert_eq!(told(Some((&a, &b)), Some(a.clone()), None, Some("b")), Found::Unclear("absorbed-not-found"));
    assert_eq!(
        told(Some((&a, &b)), Some(a.clone()), Some(b.clone()), Some("a")),
        Found::NotApplied,
        "and not where both are"
    );
}

#[test]
fn a_doubt_is_over_later_than_what_is_late_may_be_applied_by_a_clock_nobody_can_set() {
    let second = Duration::from_secs(1);
    let at = |boot: &str, uptime| Doubt { boot: boot.into(), uptime: second * uptime };
    let noticed = Moment::from_millis(1_000_000);
    let past = |doubt: Option<Doubt>, seconds: i64, here: Doubt| {
        let now = Moment::from_millis(1_000_000 + seconds * 1000);
        is_past(doubt.as_ref(), noticed, second * 120, now, &here)
    };
    assert!(!past(Some(at("x", 50)), 3600, at("x", 170)), "an hour was skipped by the calendar only");
    assert!(past(Some(at("x", 50)), -3600, at("x", 171)), "nor does an hour back keep anybody waiting");
    assert!(!past(Some(at("x", 500)), 3600, at("x", 50)), "a machine does not grow younger");
    assert!(past(Some(at("x", 50)), 121, at("y", 1)) && !past(Some(at("x", 50)), 120, at("y", 900)), "elsewhere");
    assert!(past(None, 121, at("x", 1)) && past(Some(at("", 50)), 121, at("", 51)));
    assert!(is_hopeless(noticed, Moment::from_millis(1_000_000 + 86_400_000)));
    assert!(!is_hopeless(noticed, Moment::from_millis(1_000_000 + 86_399_999)));
}
