//! What changes behind our back: edits, deletions, late ids, agents at work, rules that change, a store that went back in time. Each on
//! both stores, with the real binary and both systems over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

#[path = "../support/mod.rs"]
mod support;

mod agents;
mod deletions;
mod doubt;
mod erased;
mod held;
mod late;
mod resyncs;

use anagrafe::sandbox::{
    Options,
    population::{Population, ShopContact},
};
use serde_json::{Value, json};
use support::{On, Town, contact};

/// A town of these people, on this store.
async fn town(on: On, contacts: Vec<ShopContact>, customers: Vec<Value>) -> Town {
    let customers = customers.into_iter().map(|customer| customer.as_object().unwrap().clone()).collect();
    Town::on(on, Population { contacts, customers, ..Population::default() }, Options::default()).await
}

/// So many people with an e-mail and a number of their own, each with a customer `c1`, `c2`, ….
async fn people(on: On, count: i64) -> Town {
    let customers = (1..=count).map(|n| json!({"id": format!("c{n}"), "email": email(n)})).collect();
    town(on, (1..=count).map(person).collect(), customers).await
}

fn email(n: i64) -> String {
    format!("p{n}@example.it")
}

fn person(n: i64) -> ShopContact {
    contact(n, &format!("{} {}", word(n), word(n * 7 + 1)), &email(n), &format!("333 {:07}", 1_000_000 + n))
}

/// A name that no other number has.
fn word(n: i64) -> String {
    const SYLLABLES: [&str; 10] = ["ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su"];
    let digits = n.to_string();
    let word: String = digits.bytes().map(|digit| SYLLABLES[usize::from(digit - b'0')]).collect();
    let (first, rest) = word.split_at(1);
    format!("{}{rest}n", first.to_uppercase())
}

/// What a customer's field holds now.
fn field(town: &Town, customer: &str, field: &str) -> Value {
    town.sandbox.vivocha.customer(customer).unwrap().get(field).cloned().unwrap_or_default()
}
