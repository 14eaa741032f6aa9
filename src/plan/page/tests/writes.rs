//! What a page writes: an identifier only where it is not shared and no other customer holds it or gets it.

use serde_json::json;

use super::world::{World, id};
use crate::model::{link::Ruling, rules::WriteRule};

#[test]
fn what_is_empty_is_filled() {
    let mut world = World::writing(WriteRule::IfEmpty)
        .contact("1", "Mario Rossi", "Mario@X.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it", "note": "of somebody"}));
    assert_eq!(world.told(), ["a/1 linked (email) -> C +name:write +phone:write"]);
    world.pass();
    let document = serde_json::to_value(&world.customers[&id("C")]).unwrap();
    assert_eq!(
        document,
        json!({"id": "C", "email": "mario@x.it", "note": "of somebody", "firstname": "Mario", "lastname": "Rossi",
               "telnum": "+393331234567"})
    );
}

#[test]
fn a_shared_identifier_is_not_written() {
    let world = World::writing(WriteRule::Always)
        .contact("1", "Mario Rossi", "mario@x.it", "06 12345678")
        .customer("C", json!({"email": "mario@x.it", "lastname": "Rossi"}));
    assert_eq!(world.told(), ["a/1 linked (email) -> C +name:write"]);
    let patch = &world.plan().contacts[0].patch;
    assert_eq!(patch.fields()[&crate::model::link::Field::Phone].verdict.as_str(), "shared");
}

#[test]
fn an_identifier_of_another_customer_is_not_written_however_it_is_spelled_or_wrapped() {
    for theirs in
        [json!("333/1234567"), json!("0039 333 1234567"), json!(["347 1", "+393331234567"]), json!(3_331_234_567_u64)]
    {
        let world = World::writing(WriteRule::Always)
            .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
            .customer("C", json!({"email": "mario@x.it", "firstname": "Mario", "lastname": "Rossi"}))
            .customer("D", json!({"telnum": theirs, "email": "somebody@y.it", "lastname": "Verdi"}));
        assert!(!world.told()[0].contains("+phone"), "{theirs}: {:?}", world.told());
        assert_eq!(world.plan().contacts[0].guard.phone_held_by, [id("D")]);
    }
    let email = World::writing(WriteRule::Always)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}))
        .customer("D", json!({"email": ["mario@x.it"]}));
    assert_eq!(email.told(), ["a/1 linked (mobile) -> C +name:write"]);
}

#[test]
fn of_two_customers_that_would_get_the_same_number_from_one_page_the_first_contacts_gets_it() {
    let mut world = World::writing(WriteRule::IfEmpty)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .contact("2", "Rossi Mario", "m@y.it", "333 1234567")
        .customer("C", json!({"email": "m@y.it", "firstname": "Mario", "lastname": "Rossi"}))
        .customer("D", json!({"email": "mario@x.it", "firstname": "Mario", "lastname": "Rossi"}));
    assert_eq!(world.told(), ["a/1 linked (email) -> D +phone:write", "a/2 linked (email) -> C"]);
    assert_eq!(world.pass().len(), 1);
    assert!(world.pass().is_empty());
    assert_eq!(world.stands("C", "telnum"), "");
}

#[test]
fn a_number_that_was_held_back_is_written_once_it_is_free() {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it"}))
        .customer("D", json!({"telnum": "3331234567", "lastname": "Verdi"}))
        .ruled("1", "D", Ruling::Different);
    world.pass();
    assert_eq!(world.stands("C", "telnum"), "");
    world.customers.remove(&id("D"));
    world.pass();
    assert_eq!(world.stands("C", "telnum"), "+393331234567");
}

#[test]
fn a_dry_plan_prints_ids_and_codes_and_no_person() {
    let world = World::writing(WriteRule::Always)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it", "nickname": "Gigi"}))
        .customer("D", json!({"email": "mario@x.it", "lastname": "Verdi"}));
    let plan = world.plan();
    let all = format!("{plan}{plan:?}{}", serde_json::to_string(&plan).unwrap());
    for personal in ["mario", "Mario", "rossi", "Rossi", "x.it", "333", "Gigi", "gigi", "Verdi", "verdi"] {
        assert!(!all.contains(personal), "{personal} in {all}");
    }
}

#[test]
fn where_nothing_is_written_all_is_settled_and_what_an_agent_empties_stays_empty() {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it", "firstname": "Mario", "lastname": "Rossi", "telnum": "3331234567"}));
    assert_eq!(world.told(), ["a/1 linked (both) -> C"]);
    // Whoever records the plan records these: there is no update whose answer would be asked.
    let settled = world.plan().contacts[0].baselines.clone();
    assert_eq!(settled.len(), 3);
    assert!(settled.values().all(|baseline| baseline.returned.is_none()), "and nothing of it is ours");
    assert!(world.pass().is_empty());
    assert_eq!(world.plan().contacts[0].baselines, settled);
    let standing = world.customers.get_mut(&id("C")).unwrap();
    standing.insert("telnum".into(), json!(""));
    assert_eq!(world.told(), ["a/1 linked (both) -> C"]);
}
