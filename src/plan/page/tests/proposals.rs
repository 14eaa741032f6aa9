//! A proposal's id changes with what it rests on, and with nothing else.

use serde_json::json;

use super::world::{World, id, key};
use crate::model::{
    link::Role,
    proposal::{Authority, Proposal, Proposed},
    rules::WriteRule,
};

fn proposals(world: &World) -> Vec<Proposal> {
    world.plan().contacts.into_iter().flat_map(|contact| contact.proposals).collect()
}

fn only_id(world: &World) -> String {
    let proposals = proposals(world);
    assert_eq!(proposals.len(), 1, "{}", world.plan());
    proposals[0].id.0.clone()
}

fn merge() -> World {
    let mut world = World::new()
        .contact("1", "Mario Rossi", "mario@x.it", "333 1234567")
        .customer("C", json!({"email": "mario@x.it"}))
        .customer("D", json!({"email": "mario@x.it"}));
    world.matching.max_share = 9;
    world
}

fn link() -> World {
    World::new().contact("1", "Mario Rossi", "", "06 98765432").customer("C", json!({"telnum": "06 98765432"}))
}

#[test]
fn the_id_is_short_and_the_same_for_the_same_evidence() {
    assert_eq!(only_id(&merge()), only_id(&merge()));
    assert_eq!(only_id(&merge()).len(), 16);
    assert_ne!(only_id(&merge()), only_id(&link()));
}

#[test]
fn it_changes_with_the_contact_the_customers_and_the_doubts() {
    let was = only_id(&merge());
    let others = [
        merge().contact("1", "Mario Rossi", "mario@x.it", "347 7654321"),
        merge().contact("1", "Mario Maria Rossi", "mario@x.it", "333 1234567"),
        merge().customer("D", json!({"email": "mario@x.it", "telnum": "3331234567"})),
        merge().customer("D", json!({"email": "mario@x.it", "telnum": "347 7654321"})),
        merge().customer("D", json!({"email": "mario@x.it", "telnum": "?"})),
        merge().customer("D", json!({"email": "mario@x.it", "telnum": ["347 7654321"]})),
        merge().customer("D", json!({"email": "mario@x.it", "lastname": "Rossi"})),
        merge().customer("D", json!({"email": "mario@x.it", "nickname": "mario"})),
        merge().customer("E", json!({"email": "mario@x.it", "nickname": "mario"})),
        merge().link("1", "D", Role::Owner),
        merge().contact("b/7", "Mario Rossi", "", "").off_page("b/7").link("b/7", "D", Role::Owner),
    ];
    let mut ids: Vec<String> = others.iter().map(only_id).collect();
    ids.push(was);
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "each is another proposal");

    let asked = only_id(&link());
    assert_ne!(only_id(&link().customer("C", json!({"telnum": "06 98765432", "nickname": "Gigi"}))), asked);
    let shared = link().contact("1", "Mario Rossi", "mario@x.it", "06 98765432");
    assert_ne!(only_id(&shared), asked);
}

#[test]
fn it_does_not_change_with_spelling_rules_or_neighbours() {
    let was = only_id(&merge());
    assert_eq!(only_id(&merge().contact("1", "ROSSI  Mario", "Mario@X.it", "+39 333 1234567")), was);
    assert_eq!(only_id(&merge().customer("D", json!({"email": "MARIO@x.it ", "age": 7}))), was);
    assert_eq!(only_id(&merge().contact("2", "Luca Verdi", "luca@y.it", "")), was);
    let mut rules = merge();
    rules.matching.auto_merge = false;
    rules.matching.max_cluster = 1;
    let proposals = proposals(&rules);
    assert_eq!(proposals[0].id.0, was, "what the rules forbid today was never part of it");
    assert_eq!(proposals[0].authority, Authority::Ask(vec!["auto-merge-off".into(), "large-cluster".into()]));
}

#[test]
fn our_own_update_of_the_survivor_makes_no_other_proposal() {
    for every in [WriteRule::IfEmpty, WriteRule::IfUnedited, WriteRule::Always] {
        let mut world = merge();
        world.fields = super::world::field_rules(every);
        let was = only_id(&world);
        assert_eq!(world.pass().len(), 3, "first and last name and the number");
        let now = proposals(&world);
        assert_eq!(now[0].id.0, was, "{every:?}");
        assert_eq!(now[0].authority, Authority::Automatic);
        assert!(matches!(&now[0].proposed, Proposed::Merge { survivor, .. } if *survivor == id("C")));
    }
}

#[test]
fn an_agents_word_on_the_survivor_makes_another_one() {
    let mut world = merge();
    world.fields = super::world::field_rules(WriteRule::IfUnedited);
    let was = only_id(&world);
    world.pass();
    world.customers.get_mut(&id("C")).unwrap().insert("telnum".into(), json!("347 7654321"));
    assert_ne!(only_id(&world), was);
    assert_eq!(proposals(&world)[0].authority, Authority::Ask(vec!["other-phone".into()]));
}

#[test]
fn a_link_that_asks_for_the_owners_sake_is_another_one_than_for_its_row() {
    let asks = |owner: &str| {
        let world = World::new()
            .contact("1", "Mario Rossi", "mario@x.it", "")
            .customer("C", json!({"email": "mario@x.it", "lastname": owner}))
            .contact("b/1", "Anna Bianchi", "anna@x.it", "")
            .off_page("b/1")
            .link("b/1", "C", Role::Owner);
        proposals(&world)[0].clone()
    };
    assert_eq!(asks("").authority, Authority::Ask(vec!["owner-differs".into()]));
    assert_eq!(asks("Verdi").authority, Authority::Ask(vec!["email-other-name".into()]));
    assert_ne!(asks("").id, asks("Verdi").id);
    assert_eq!(asks("").contact, key("1"));
}
