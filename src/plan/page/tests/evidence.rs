//! What we wrote ourselves is never evidence.

use serde_json::json;

use super::world::{World, id, key};
use crate::{
    model::{
        link::{Baseline, Field, Role},
        rules::WriteRule,
    },
    plan::evidence::Declared,
};

/// A customer that had a mobile and nothing else, after we wrote name and e-mail to it.
fn written() -> World {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}));
    let fields: Vec<String> = world.pass().into_iter().map(|(_, field, _)| field).collect();
    assert_eq!(fields, ["firstname", "lastname", "email"]);
    world
}

#[test]
fn an_address_of_ours_links_nobody_else() {
    let world = written().contact("2", "Mario Rossi", "mario@x.it", "347 7654321");
    assert_eq!(world.told()[1], "a/2 unmatched (nothing)");
}

#[test]
fn b7_our_own_writing_makes_no_bridge() {
    // Without what we wrote the names do not confirm, and neither does the e-mail hold both together.
    let world = written().customer("D", json!({"email": "mario@x.it", "lastname": "Rossi"}));
    assert_eq!(world.told(), ["a/1 linked (mobile) -> C ?merge D into C (asks: names-do-not-confirm)"]);
    let own = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567", "firstname": "Mario", "lastname": "Rossi"}))
        .customer("D", json!({"email": "mario@x.it", "lastname": "Rossi"}));
    assert_eq!(own.told(), ["a/1 linked (mobile) -> C ?merge D into C (automatic)"]);
}

#[test]
fn what_an_agent_wrote_over_ours_is_evidence_again() {
    let mut world = written();
    world.customers.get_mut(&id("C")).unwrap().insert("email".into(), json!("other@x.it"));
    assert_eq!(world.ours("C"), [Field::Name]);
    let world = world.contact("2", "", "other@x.it", "");
    assert_eq!(world.told()[1], "a/2 linked (email) -> C, secondary");
}

#[test]
fn our_number_in_another_spelling_is_still_ours() {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it"}));
    world.pass();
    for spelling in ["+393331234567", "333 123 4567", "0039 333/1234567"] {
        world.customers.get_mut(&id("C")).unwrap().insert("telnum".into(), json!(spelling));
        assert!(world.ours("C").contains(&Field::Phone), "{spelling}");
    }
    world.customers.get_mut(&id("C")).unwrap().insert("telnum".into(), json!("347 7654321"));
    assert!(!world.ours("C").contains(&Field::Phone));
}

#[test]
fn our_name_stays_ours_beside_a_nickname_and_an_agents_does_not_become_ours() {
    let mut world = written();
    world.customers.get_mut(&id("C")).unwrap().insert("nickname".into(), json!("Mariolino"));
    assert_eq!(world.ours("C"), [Field::Name, Field::Email]);
    world.customers.get_mut(&id("C")).unwrap().insert("firstname".into(), json!("Marco"));
    assert_eq!(world.ours("C"), [Field::Email]);

    let mut nickname = World::writing(WriteRule::IfUnedited)
        .contact("1", "Hotel Bellavista", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}));
    nickname.pass();
    assert_eq!(nickname.stands("C", "nickname"), "Hotel Bellavista");
    nickname.customers.get_mut(&id("C")).unwrap().insert("firstname".into(), json!("Cliente"));
    assert_eq!(nickname.ours("C"), [Field::Name, Field::Email]);
    nickname.customers.get_mut(&id("C")).unwrap().insert("firstname".into(), json!("Marco"));
    assert_eq!(nickname.ours("C"), [Field::Email]);
}

#[test]
fn what_a_former_owner_wrote_stays_ours() {
    let mut world = written();
    world.links.get_mut(&key("1")).unwrap().role = Role::Secondary;
    assert_eq!(world.ours("C"), [Field::Name, Field::Email]);
    let world = world.contact("0/1", "", "", "").off_page("0/1").link("0/1", "C", Role::Owner);
    let plan = world.plan();
    assert_eq!(plan.contacts[0].to_string(), "a/1 linked (mobile) -> C, secondary");
    assert_eq!(plan.contacts[0].baselines, world.links[&key("1")].baselines, "it keeps what says so");
}

#[test]
fn a_write_whose_outcome_a_crash_kept_from_us_is_ours_if_it_stands() {
    let lost = |standing: &str| {
        let mut world = written();
        let baselines = world.links.remove(&key("1")).unwrap().baselines;
        let declared: Declared = baselines
            .iter()
            .filter_map(|(field, Baseline { source, returned })| Some((*field, (*source, (*returned)?))))
            .collect();
        world.declared.insert((key("1"), id("C")), declared);
        world.customers.get_mut(&id("C")).unwrap().insert("email".into(), json!(standing));
        world
    };
    let mut stands = lost("mario@x.it");
    assert_eq!(stands.ours("C"), [Field::Name, Field::Email]);
    assert!(stands.pass().is_empty(), "nothing is sent twice");
    assert_eq!(stands.ours("C"), [Field::Name, Field::Email], "adopted, so that it stays ours");
    assert_eq!(lost("MARIO@X.it").ours("C"), [Field::Name, Field::Email], "whatever the server made of it");
    assert_eq!(lost("another@x.it").ours("C"), [Field::Name]);
}

#[test]
fn who_inherits_a_customer_inherits_what_is_ours_on_it() {
    let mut world = written().contact("2", "Mario Rossi", "", "333 1234567");
    assert!(world.pass().is_empty());
    assert_eq!(world.links[&key("2")].role, Role::Secondary);
    // The first one goes elsewhere within this page.
    let mut world = world.ruled("1", "C", crate::model::link::Ruling::Different);
    assert_eq!(world.told(), ["a/1 unmatched (nothing)", "a/2 linked (mobile) -> C"]);
    world.pass();
    assert_eq!(world.links[&key("2")].role, Role::Owner);
    assert_eq!(world.ours("C"), [Field::Name, Field::Email]);
}
