//! What of a proposal is still so, and what drops it.
#![allow(clippy::panic, reason = "a test may end so")]

use serde_json::json;

use super::*;
use crate::plan::page::tests::world::{World, id};

/// A contact, where several nameless customers may be one person.
fn several() -> World {
    let mut world = World::new().contact("1", "Mario Rossi", "mario@x.it", "333 1234567");
    world.matching.max_share = 4;
    world
}

/// A contact whose three customers are one person.
fn three() -> World {
    several()
        .customer("C", json!({"email": "mario@x.it"}))
        .customer("D", json!({"email": "mario@x.it"}))
        .customer("E", json!({"email": "mario@x.it"}))
}

/// The same once D went into C, which took something along.
fn two() -> World {
    several()
        .customer("C", json!({"email": "mario@x.it", "nickname": "super"}))
        .customer("E", json!({"email": "mario@x.it"}))
}

fn plan(world: &World) -> ContactPlan {
    world.plan().contacts.remove(0)
}

fn proposal(world: &World) -> Proposal {
    plan(world).proposals.remove(0)
}

fn after_d(world: &World) -> Tried {
    let first = again(&proposal(world), &AuthorisedBy::Rules, &Tried::default(), &plan(world));
    let rests_on = first.map(|rest| rest.rests_on).unwrap_or_default();
    Tried { gone: vec![id("D")], rests_on, ..Tried::default() }
}

const RULES: AuthorisedBy = AuthorisedBy::Rules;

fn eva() -> AuthorisedBy {
    AuthorisedBy::Person("eva".into())
}

#[test]
fn what_is_proposed_again_to_the_letter_stands() {
    let kept = proposal(&three());
    let rest = again(&kept, &RULES, &Tried::default(), &plan(&three()));
    let rest = rest.unwrap_or_else(|changed| panic!("{changed:?}"));
    assert_eq!((rest.survivor, rest.absorbed), (id("C"), vec![id("D"), id("E")]));
    assert_eq!(rest.rests_on.len(), 3);
}

#[test]
fn b3_whatever_the_decision_rested_on_drops_it_when_it_changes() {
    let kept = proposal(&three());
    let told = |world: World, by: &AuthorisedBy| again(&kept, by, &Tried::default(), &plan(&world)).map(drop);
    let with = |whom: &str, document| three().customer(whom, document);
    for by in [RULES, eva()] {
        assert_eq!(
            told(with("D", json!({"email": "mario@x.it", "telnum": "347 7654321"})), &by),
            Err(Changed::Another)
        );
        assert_eq!(told(with("C", json!({"email": "mario@x.it", "nickname": "nina"})), &by), Err(Changed::Another));
        assert_eq!(told(with("F", json!({"email": "mario@x.it"})), &by), Err(Changed::Another), "one more");
        assert_eq!(told(three().contact("1", "Mario Verdi", "mario@x.it", "333 1234567"), &by), Err(Changed::Another));
        assert_eq!(told(three().contact("1", "Mario Rossi", "m@x.it", ""), &by), Err(Changed::NotProposed));
    }
}

#[test]
fn what_the_rules_ask_about_now_is_a_persons() {
    let mut world = three();
    world.matching.auto_merge = false;
    let kept = proposal(&three());
    assert_eq!(again(&kept, &RULES, &Tried::default(), &plan(&world)).map(drop), Err(Changed::Asks));
    assert_eq!(again(&kept, &eva(), &Tried::default(), &plan(&world)).map(drop), Ok(()));
}

#[test]
fn the_rest_of_what_was_begun_stands_while_it_says_the_same() {
    let kept = proposal(&three());
    let tried = after_d(&three());
    let rest = again(&kept, &eva(), &tried, &plan(&two())).unwrap_or_else(|changed| panic!("{changed:?}"));
    assert_eq!((rest.survivor, rest.absorbed), (id("C"), vec![id("E")]));
    let edited = two().customer("E", json!({"email": "mario@x.it", "nickname": "nina"}));
    assert_eq!(again(&kept, &eva(), &tried, &plan(&edited)).map(drop), Err(Changed::Another), "another one said so");
    let contradicts = two().customer("C", json!({"email": "mario@x.it", "telnum": "347 7654321"}));
    assert_eq!(again(&kept, &eva(), &tried, &plan(&contradicts)).map(drop), Err(Changed::Another), "a doubt is new");
    let more = two().customer("F", json!({"email": "mario@x.it"}));
    assert_eq!(again(&kept, &eva(), &tried, &plan(&more)).map(drop), Err(Changed::Another));
}

#[test]
fn where_the_other_one_survived_the_rest_goes_into_that_one() {
    let kept = proposal(&three());
    let tried = Tried { gone: vec![id("C")], ..after_d(&three()) };
    let now = several()
        .customer("D", json!({"email": "mario@x.it", "nickname": "super"}))
        .customer("E", json!({"email": "mario@x.it"}));
    let rest = again(&kept, &eva(), &tried, &plan(&now)).unwrap_or_else(|changed| panic!("{changed:?}"));
    assert_eq!((rest.survivor, rest.absorbed), (id("D"), vec![id("E")]));
}
