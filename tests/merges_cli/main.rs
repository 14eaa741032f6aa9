//! Merges as a person at a terminal meets them: the real binary, its words, its exit codes, and what was sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it fails"
)]

mod by_hand;
mod deciding;
mod explaining;
mod restoring;
mod standing;
#[path = "../support/mod.rs"]
mod support;

use anagrafe::sandbox::{Options, population::Population};
use serde_json::{Map, Value, json};
use support::{On, Town, contact};

pub(crate) fn document(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Anna is two customers by her e-mail: the rules merge them. Bruno is two by e-mail and telephone, without a name: a person is asked.
/// Carla is two by her e-mail, one with another number: a person is asked.
pub(crate) async fn town() -> Town {
    town_on(On::Sqlite).await
}

async fn town_on(on: On) -> Town {
    let contacts = vec![
        contact(1, "Anna Rossi", "anna@example.it", ""),
        contact(2, "Bruno Verdi", "bruno@example.it", "333 1000002"),
        contact(3, "Carla Neri", "carla@example.it", "333 1000003"),
    ];
    let customers = [
        json!({"id": "a1", "email": "anna@example.it", "tags": ["vip"]}),
        json!({"id": "a2", "email": "anna@example.it", "nickname": "annina", "city": "Torino"}),
        json!({"id": "b1", "email": "bruno@example.it"}),
        json!({"id": "b2", "telnum": "+393331000002"}),
        json!({"id": "c1", "email": "carla@example.it"}),
        json!({"id": "c2", "email": "carla@example.it", "telnum": "+393339999999"}),
        json!({"id": "z1", "email": "zeno@example.it", "note": "of zeno"}),
        json!({"id": "z2", "nickname": "zenone", "telnum": "+393331000007"}),
    ];
    let customers = customers.iter().map(document).collect();
    Town::on(on, Population { contacts, customers, ..Population::default() }, Options::default()).await.merging()
}

/// The same, synced once: the first merges are held.
pub(crate) async fn synced() -> Town {
    synced_on(On::Sqlite).await
}

pub(crate) async fn synced_on(on: On) -> Town {
    let town = town_on(on).await;
    town.append("[safeguards]\nmax_approved_per_day = 50");
    town.anagrafe(&["sync"]).await.code(4);
    town.sandbox.clear_journal();
    town
}

/// The id of the merge proposed for a contact.
pub(crate) async fn proposal(town: &Town, contact: i64) -> String {
    let all = town.anagrafe(&["merges", "list", "--all", "--json"]).await.code(0).json();
    let of = |one: &&Value| one["contact"] == format!("main/{contact}") || one["contact"]["id"] == contact;
    all.as_array().unwrap().iter().find(of).unwrap_or_else(|| panic!("{all}"))["id"].as_str().unwrap().to_owned()
}

/// Merges sent since the journal was cleared.
pub(crate) fn merges(town: &Town) -> usize {
    town.calls("customers.merge")
}
