//! Customers that an agent merged away and that answer nothing any more.

use serde_json::json;

use super::world::{World, id, key};
use crate::model::{
    link::{Field, Grounds, Role},
    rules::WriteRule,
};

/// A customer known by its mobile only, after we wrote name and e-mail to it; and one that an agent prefers.
fn world() -> World {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("A", json!({"telnum": "3331234567"}));
    world.pass();
    assert_eq!(world.ours("A"), [Field::Name, Field::Email]);
    world.customer("B", json!({"telnum": "347 7654321", "age": 7}))
}

/// The same after the merge: of what identifies the person B has only what we wrote to A.
fn merged() -> World {
    let mut world = world();
    world.absorbed("A", "B");
    assert_eq!(world.stands("B", "email"), "mario@x.it");
    world
}

#[test]
fn who_is_known_by_nothing_but_what_we_wrote_is_found_where_it_went() {
    let mut world = merged();
    assert_eq!(world.told(), ["a/1 linked (email) -> B"]);
    assert!(world.pass().is_empty());
    let link = &world.links[&key("1")];
    assert_eq!((link.customer.as_str(), link.role, link.grounds), ("B", Role::Owner, Grounds::Email));
    assert_eq!(world.former[&key("1")][0].customer, id("A"));
    assert_eq!(world.ours("B"), [Field::Name, Field::Email], "and is ours there");
    // No loop: the link stands, and says the same of itself.
    let links = world.links.clone();
    assert_eq!(world.told(), ["a/1 linked (email) -> B"]);
    assert!(world.pass().is_empty());
    assert_eq!(world.links, links);
}

#[test]
fn if_unedited_goes_on_working_there() {
    let mut world = merged();
    world.pass();
    world.set_contact("1", "Mario Rossi", "new@x.it", "333 1234567");
    world.pass();
    assert_eq!(world.stands("B", "email"), "new@x.it");
    assert_eq!(world.stands("B", "telnum"), "347 7654321", "what B had of its own is not ours");

    // In one step as well: changed and merged between two readings.
    let mut at_once = merged();
    at_once.set_contact("1", "Mario Rossi", "mario@x.it", "335 1112223");
    at_once.pass();
    assert_eq!(at_once.stands("B", "telnum"), "347 7654321");

    let mut edited = merged();
    edited.by_agent("B", "lastname", &json!("Verdi-Rossi"));
    edited.pass();
    assert_eq!(edited.ours("B"), [Field::Email]);
    edited.set_contact("1", "Mario Maria Rossi", "mario@x.it", "333 1234567");
    edited.pass();
    assert_eq!(edited.stands("B", "lastname"), "Verdi-Rossi");
}

#[test]
fn b7_it_is_no_evidence_for_a_merge_now_or_later() {
    // Another customer of her own typing, so that the two look like one person's by one address.
    let mut world = merged().customer("D", json!({"email": "mario@x.it"}));
    world.by_agent("B", "telnum", &json!(""));
    world.matching.max_share = 9;
    let told = world.told();
    assert!(told[0].starts_with("a/1 linked (email) -> B"), "{told:?}");
    assert!(told[0].contains("?merge D into B (asks:") && told[0].contains("may-be-our-writing"), "{told:?}");
    let ids = |world: &World| world.plan().contacts[0].proposals.clone();
    let first = ids(&world);
    world.pass();
    assert_eq!(ids(&world), first, "the run after proposes the same");
}

#[test]
fn b7_nor_where_the_other_one_holds_it_and_is_not_the_heir() {
    let mut world = World::writing(WriteRule::IfUnedited)
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("A", json!({"telnum": "3331234567"}));
    world.pass();
    world.customers.remove(&id("A"));
    let mut world = world
        .customer("B", json!({"email": "mario@x.it", "firstname": "Mario", "lastname": "Rossi"}))
        .customer("D", json!({"email": "mario@x.it", "lastname": "Rossi"}));
    for _ in 0..3 {
        let told = world.told();
        assert!(told[0].contains("-> B") && told[0].contains("may-be-our-writing"), "{told:?}");
        world.pass();
    }
}

#[test]
fn it_links_nobody_else() {
    let world = merged().contact("2", "Mario Rossi", "mario@x.it", "");
    assert_eq!(world.told(), ["a/1 linked (email) -> B", "a/2 unmatched (nothing)"]);
}

#[test]
fn a_record_reused_for_somebody_else_follows_nothing() {
    let mut world = merged();
    world.set_contact("1", "Luca Verdi", "luca@y.it", "");
    assert_eq!(world.told(), ["a/1 unmatched (nothing)"]);
}

#[test]
fn whoever_was_linked_beside_it_comes_along_on_the_page_and_after_it() {
    let both = || {
        let mut world = world().contact("b/2", "Mario Rossi", "mario@x.it", "");
        world = world.link("b/2", "A", Role::Secondary);
        world.absorbed("A", "B");
        world
    };
    let linked = ["a/1 linked (email) -> B", "b/2 linked (email) -> B, secondary"];
    assert_eq!(both().told(), linked);
    let mut first = both().off_page("b/2");
    assert_eq!(first.told(), linked[..1]);
    assert_eq!(first.plan().contacts[0].look_again, [key("b/2")]);
    first.pass();
    first.elsewhere = [key("1")].into();
    assert_eq!(first.told(), linked[1..], "by what its neighbour wrote");
    assert!(first.plan().contacts[0].look_again.is_empty());
    let mut other = both().off_page("1");
    assert_eq!(other.plan().contacts[0].look_again, [key("1")]);
    other.pass();
    assert_eq!(other.ours("B"), [Field::Name, Field::Email], "what the neighbour wrote is ours at once");
    other.elsewhere.clear();
    let mut owner = other.told();
    owner.sort();
    assert_eq!(owner.len(), 2);
    assert!(owner.iter().all(|line| line.contains("-> B")), "{owner:?}");
    assert!(other.pass().is_empty());
    assert!(other.has_one_owner_a_customer());
}

#[test]
fn absorbed_by_a_customer_of_somebody_else() {
    let owned_by =
        |name: &str| merged().contact("b/9", name, "", "347 7654321").off_page("b/9").link("b/9", "B", Role::Owner);
    let mut another = owned_by("Luca Verdi");
    assert_eq!(another.told(), ["a/1 waiting (owner-differs) ?link B (asks: owner-differs)"]);
    let proposal = another.plan().contacts[0].proposals.clone();
    assert!(another.pass().is_empty());
    assert_eq!(another.plan().contacts[0].proposals, proposal, "one proposal, not one a day");
    for name in ["Mario Rossi", ""] {
        let mut same = owned_by(name);
        assert_eq!(same.told(), ["a/1 linked (email) -> B, secondary"]);
        assert!(same.pass().is_empty());
        assert_eq!(same.ours("B"), [Field::Name, Field::Email]);
        assert_eq!(same.told(), ["a/1 linked (email) -> B, secondary"]);
    }
}

#[test]
fn an_absorbed_customer_that_comes_back_takes_nobody_back() {
    let mut world = merged();
    let a = self::world().customers[&id("A")].clone();
    world.pass();
    world.customers.insert(id("A"), a.clone());
    assert!(world.told()[0].starts_with("a/1 linked (email) -> B"), "{:?}", world.told());
    assert!(!world.told()[0].contains("automatic"));
    assert!(world.pass().is_empty());
    // Where nothing else had been found, it is as if it had never been away.
    let mut alone = self::world();
    alone.customers.remove(&id("A"));
    assert_eq!(alone.told(), ["a/1 unmatched (nothing)"]);
    let baselines = alone.links[&key("1")].baselines.clone();
    alone.pass();
    alone.customers.insert(id("A"), a);
    assert_eq!(alone.told(), ["a/1 linked (mobile) -> A"]);
    assert!(alone.pass().is_empty());
    assert_eq!(alone.links[&key("1")].baselines, baselines);
}

#[test]
fn merged_twice_it_is_found_with_and_without_a_reading_between() {
    for between in [true, false] {
        let mut world = world().customer("C", json!({"age": 9}));
        world.absorbed("A", "B");
        if between {
            world.pass();
        }
        world.absorbed("B", "C");
        assert_eq!(world.told(), ["a/1 linked (email) -> C"], "{between}");
        assert!(world.pass().is_empty());
        assert_eq!(world.ours("C"), [Field::Name, Field::Email]);
        assert!(world.pass().is_empty());
    }
}

#[test]
fn who_is_back_after_its_customer_was_merged_away_is_found_too() {
    let mut world = world();
    world.gone("1");
    world.absorbed("A", "B");
    world.set_contact("1", "Mario Rossi", "mario@x.it", "333 1234567");
    assert_eq!(world.told(), ["a/1 linked (email) -> B"]);
    assert!(world.pass().is_empty());
    assert_eq!(world.ours("B"), [Field::Name, Field::Email]);
}

#[test]
fn where_the_names_differ_a_person_decides() {
    let mut world = world();
    world.by_agent("B", "lastname", &json!("Bianchi"));
    world.absorbed("A", "B");
    world.by_agent("B", "firstname", &json!("Anna"));
    assert_eq!(world.told(), ["a/1 waiting (email-other-name) ?link B (asks: email-other-name)"]);
    let first = world.plan().contacts[0].proposals.clone();
    world.pass();
    assert_eq!(world.plan().contacts[0].proposals, first);
}

#[test]
fn what_stands_already_is_not_written_again() {
    let typed = |email: &str, first: &str, last: &str| json!({"email": email, "telnum": "", "firstname": first, "lastname": last, "nickname": "", "note": "kept"});
    let mut world = World::writing(WriteRule::Always)
        .contact("1", "Mario", "mario@x.it", "")
        .customer("A", typed("mario@x.it", "", ""))
        .customer("B", typed("", "Mario Rossi", "Rossi"));
    world.pass();
    assert_eq!(world.stands("A", "nickname"), "Mario");
    world.absorbed("A", "B");
    // B's first and last name are an agent's; the nickname is what we wrote to A, and nobody remembers.
    world.forget("B");
    assert_eq!(world.stands("B", "nickname"), "Mario");
    assert_eq!(world.told(), ["a/1 linked (email) -> B"]);
    assert!(world.pass().is_empty());
    assert_eq!(world.told(), ["a/1 linked (email) -> B"]);
    assert!(!world.ours("B").contains(&Field::Name));
}
