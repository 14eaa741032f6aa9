//! Contacts that are gone and come back; who inherits meanwhile.

use serde_json::json;

use super::world::{World, id, key};
use crate::{
    model::{
        link::{Field, Role, Ruling},
        rules::WriteRule,
    },
    plan::page::PagePlan,
};

/// A customer known by its mobile only, after we wrote name and e-mail to it.
fn written() -> World {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}));
    world.pass();
    world
}

fn link(plan: &PagePlan, at: usize) -> (&str, Role, bool) {
    let link = plan.contacts[at].link.as_ref().unwrap();
    (link.row.as_str(), link.role, link.standing)
}

#[test]
fn who_is_back_is_linked_as_before_and_writes_nothing_anew() {
    let mut world = written();
    let before = world.links[&key("1")].clone();
    world.gone("1");
    assert_eq!(world.ours("C"), [Field::Name, Field::Email], "what was written stays ours");
    // The number went from both meanwhile: no evidence of today is needed.
    world.by_agent("C", "telnum", &json!(""));
    world.set_contact("1", "Mario Rossi", "mario@x.it", "");
    let plan = world.plan();
    assert_eq!(link(&plan, 0), ("mobile", Role::Owner, true));
    assert!(world.pass().is_empty());
    let now = &world.links[&key("1")];
    assert_eq!(now.baselines[&Field::Email], before.baselines[&Field::Email]);
    assert_eq!((now.grounds, &now.row), (before.grounds, &before.row));
    assert!(world.former[&key("1")].is_empty());
}

#[test]
fn what_an_agent_wrote_meanwhile_is_kept() {
    let mut world = written();
    world.gone("1");
    world.by_agent("C", "email", &json!("agent@y.it"));
    world.set_contact("1", "Mario Rossi", "new@x.it", "333 1234567");
    assert!(world.pass().is_empty());
    assert_eq!(world.stands("C", "email"), "agent@y.it");
}

#[test]
fn somebody_else_under_the_same_id_is_no_return() {
    let mut world = written();
    world.gone("1");
    world.set_contact("1", "Luca Verdi", "luca@y.it", "347 7654321");
    assert_eq!(world.told(), ["a/1 unmatched (nothing)"]);
    // Nor does a number that comes with it make him the person who was there; what the table says holds.
    world.set_contact("1", "Luca Verdi", "luca@y.it", "");
    world.by_agent("C", "email", &json!("luca@y.it"));
    let plan = world.plan();
    assert_eq!(link(&plan, 0), ("email", Role::Owner, false), "{plan}");
}

#[test]
fn nobody_is_restored_against_a_persons_word() {
    let mut world = written();
    world.gone("1");
    world.set_contact("1", "Mario Rossi", "mario@x.it", "333 1234567");
    let world = world.ruled("1", "C", Ruling::Different);
    assert_eq!(world.told(), ["a/1 unmatched (nothing)"]);
}

#[test]
fn the_owner_that_took_its_place_stays() {
    let mut world = written().contact("2", "Mario Rossi", "", "333 1234567");
    world.pass();
    world.gone("1");
    assert!(world.pass().is_empty());
    assert_eq!(world.links[&key("2")].role, Role::Owner);
    world.set_contact("1", "Mario Rossi", "mario@x.it", "333 1234567");
    let back = ["a/1 linked (mobile) -> C, secondary", "a/2 linked (mobile) -> C"];
    assert_eq!(world.told(), back);
    assert!(world.pass().is_empty());
    assert!(world.has_one_owner_a_customer());
    assert_eq!(world.ours("C"), [Field::Name, Field::Email]);
    world.elsewhere.insert(key("2"));
    assert_eq!(world.told(), [back[0]], "also where it is of another page");
}

#[test]
fn an_owner_that_is_back_before_anybody_took_its_place_is_it_again() {
    let mut world = written().contact("0/2", "Mario Rossi", "", "333 1234567");
    world.pass();
    world.gone("1");
    world.set_contact("1", "Mario Rossi", "mario@x.it", "333 1234567");
    assert_eq!(world.told(), ["0/2 linked (mobile) -> C, secondary", "a/1 linked (mobile) -> C"]);
}

#[test]
fn whose_name_differs_from_the_new_owners_asks() {
    let mut world = written().contact("2", "", "", "333 1234567");
    world.pass();
    world.gone("1");
    world.set_contact("2", "Luca Verdi", "", "333 1234567");
    world.pass();
    world.set_contact("1", "Mario Rossi", "mario@x.it", "");
    assert_eq!(world.told()[0], "a/1 waiting (owner-differs) ?link C (asks: owner-differs)");
    world.pass();
    assert_eq!(world.former[&key("1")].len(), 1, "and nothing is forgotten");
}

#[test]
fn b6_a_former_link_neither_owns_nor_blocks_nor_counts_for_a_merge() {
    let mut world = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "")
        .customer("C", json!({"email": "mario@x.it"}))
        .customer("D", json!({"email": "mario@x.it"}))
        .contact("9", "Luca Verdi", "", "")
        .link("9", "D", Role::Owner);
    assert!(world.told()[0].contains("linked-to-another-contact"));
    world.gone("9");
    assert_eq!(world.told(), ["a/1 linked (email) -> C ?merge D into C (automatic)"]);
    let mut owned = World::new()
        .contact("1", "Anna Bianchi", "mario@x.it", "")
        .customer("C", json!({"email": "mario@x.it"}))
        .contact("9", "Luca Verdi", "", "")
        .link("9", "C", Role::Owner);
    assert!(owned.told()[0].contains("owner-differs"));
    owned.gone("9");
    assert_eq!(owned.told(), ["a/1 linked (email) -> C"]);
}

/// The owner wrote, an agent edited, the owner is gone: the next one.
fn inherited(every: WriteRule) -> World {
    let mut world = World::writing(every)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .contact("2", "Mario Rossi", "second@x.it", "333 1234567")
        .customer("C", json!({"telnum": "3331234567"}));
    world.pass();
    assert_eq!((world.links[&key("2")].role, world.stands("C", "email")), (Role::Secondary, "mario@x.it"));
    world
}

#[test]
fn who_inherits_replaces_what_is_ours_and_keeps_what_an_agent_wrote() {
    for (every, ours) in
        [(WriteRule::IfUnedited, "second@x.it"), (WriteRule::Always, "second@x.it"), (WriteRule::IfEmpty, "mario@x.it")]
    {
        let mut world = inherited(every);
        world.gone("1");
        world.pass();
        assert_eq!((world.links[&key("2")].role, world.stands("C", "email")), (Role::Owner, ours), "{every:?}");
        assert!(world.ours("C").contains(&Field::Email));
        assert!(world.pass().is_empty());
    }
    for every in [WriteRule::IfUnedited, WriteRule::IfEmpty] {
        let mut world = inherited(every);
        world.by_agent("C", "email", &json!("agent@y.it"));
        world.gone("1");
        assert!(world.pass().is_empty(), "{every:?}");
        assert_eq!(world.stands("C", "email"), "agent@y.it");
        assert_eq!(world.ours("C"), [Field::Name]);
        // Nor later, when the heir says something new.
        world.set_contact("2", "Mario Rossi", "third@x.it", "333 1234567");
        assert!(world.pass().is_empty(), "{every:?}");
    }
}

#[test]
fn what_an_agent_put_back_is_hers_though_an_owner_long_gone_wrote_the_same() {
    let mut world = inherited(WriteRule::IfUnedited);
    world.gone("1");
    world.pass();
    assert_eq!(world.stands("C", "email"), "second@x.it");
    world.by_agent("C", "email", &json!("mario@x.it"));
    world.set_contact("2", "Mario Rossi", "third@x.it", "333 1234567");
    world.pass();
    assert_eq!(world.stands("C", "email"), "mario@x.it");
    // The one who wrote it once comes back beside the owner, and inherits from it: the latest word counts.
    world.set_contact("1", "Mario Rossi", "fourth@x.it", "333 1234567");
    world.pass();
    world.gone("2");
    world.pass();
    assert_eq!((world.links[&key("1")].role, world.stands("C", "email")), (Role::Owner, "mario@x.it"));
}

#[test]
fn who_comes_long_after_the_last_owner_inherits_from_it() {
    let mut world = inherited(WriteRule::IfUnedited);
    world.gone("1");
    world.pass();
    world.gone("2");
    world.clock += 1;
    assert_eq!(world.ours("C"), [Field::Name, Field::Email]);
    let mut world = world.contact("b/3", "Mario Rossi", "third@x.it", "333 1234567");
    world.pass();
    assert_eq!(world.stands("C", "email"), "third@x.it", "what the latest one wrote is ours to replace");
    assert_eq!(world.links[&key("b/3")].role, Role::Owner);
    assert!(world.pass().is_empty());
}

#[test]
fn whose_link_went_elsewhere_and_back_finds_what_it_wrote() {
    let mut world = written().customer("D", json!({"lastname": "Rossi"})).ruled("1", "D", Ruling::Same);
    world.pass();
    assert_eq!(world.links[&key("1")].customer, id("D"));
    assert_eq!(world.former[&key("1")][0].customer, id("C"));
    world.rulings.clear();
    let mut world = world.ruled("1", "D", Ruling::Different);
    world.pass();
    assert_eq!(world.links[&key("1")].customer, id("C"));
    assert_eq!(world.ours("C"), [Field::Name, Field::Email]);
    world.set_contact("1", "Mario Rossi", "new@x.it", "333 1234567");
    world.pass();
    assert_eq!(world.stands("C", "email"), "new@x.it");
}
