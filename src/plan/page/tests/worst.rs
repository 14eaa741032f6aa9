//! Pages as bad as they get are planned all the same. What grew with the square of the page would keep these tests for minutes.

use serde_json::json;

use super::world::{World, id, key};
use crate::{
    model::rules::{MAX_HOLDERS, WriteRule},
    plan::page::{self, PagePlan},
};

const PAGE: usize = 1000;
/// As many contacts as may hold an address together, and more customers than a person has.
const CONTACTS: usize = MAX_HOLDERS - 1;
const CUSTOMERS: usize = 50;

fn planned(world: &World) -> PagePlan {
    page::plan(&world.evidence(), &world.matching, &world.reading())
}

#[test]
fn a_thousand_contacts_with_fifty_holders_each() {
    let mut world = World::writing(WriteRule::IfUnedited);
    for at in 0..PAGE {
        // Twenty-one people of forty-nine records each, and fifty records of each in Vivocha.
        let (name, email, phone) = person(at / CONTACTS);
        world.set_contact(&format!("{}", at + 1), &name, &email, &phone);
        let (name, email, phone) = person(at / CUSTOMERS);
        world = world.customer(&format!("C{at:04}"), json!({"email": email, "telnum": phone, "lastname": name}));
    }
    let plan = planned(&world);
    assert_eq!(plan.contacts.len(), PAGE);
    assert_eq!(plan.to_string().matches("large-cluster").count(), PAGE / CUSTOMERS);
}

fn person(at: usize) -> (String, String, String) {
    (format!("Mario Rossi {}", letters(at)), format!("p{at}@x.it"), format!("33312345{at:02}"))
}

#[test]
fn a_thousand_contacts_and_customers_of_one_address() {
    for names in ["alike", "blank", "differ"] {
        let mut world = World::writing(WriteRule::IfUnedited);
        world.matching.max_share = 2000;
        for at in 0..PAGE {
            let name = match names {
                "alike" => "Mario Rossi".to_owned(),
                "blank" => String::new(),
                _ => letters(at),
            };
            world.contacts.insert(key(&format!("{}", at + 1)), world_contact(at, &name));
            world.customers.insert(id(&format!("C{at:04}")), document(at, &name));
        }
        let plan = planned(&world);
        assert_eq!(plan.contacts.len(), PAGE);
        assert!(plan.contacts.iter().all(|contact| contact.shared.email.is_some()));
    }
}

#[test]
fn as_many_contacts_as_may_and_a_thousand_customers_of_one_address() {
    let mut world = World::writing(WriteRule::IfUnedited);
    for at in 0..PAGE {
        if at < CONTACTS {
            world.contacts.insert(key(&format!("{}", at + 1)), world_contact(at, "Mario Rossi"));
        }
        world.customers.insert(id(&format!("C{at:04}")), document(at, "Mario Rossi"));
    }
    let plan = planned(&world);
    assert!(plan.to_string().starts_with("a/1 linked (email) -> C0000 ?merge"));
}

fn world_contact(at: usize, name: &str) -> crate::model::Contact {
    let world = World::new().contact(&format!("{}", at + 1), name, "all@x.it", "");
    world.contacts.into_values().next().unwrap()
}

fn document(at: usize, name: &str) -> serde_json::Map<String, serde_json::Value> {
    let world = World::new().customer(&format!("C{at:04}"), json!({"email": "all@x.it", "lastname": name}));
    world.customers.into_values().next().unwrap()
}

/// A number as a word that is a name.
fn letters(mut number: usize) -> String {
    let mut word = String::from("Z");
    loop {
        word.push(char::from(b"abcdefghij"[number % 10]));
        number /= 10;
        if number == 0 {
            return word;
        }
    }
}
