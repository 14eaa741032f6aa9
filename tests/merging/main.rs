//! Merges, with the real binary on both stores against a stateful account over real HTTP: who authorises them, what holds them, what
//! drops them, and what becomes of those whose outcome is in doubt.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test ends where it fails, and says how much it looked at"
)]

#[path = "../support/mod.rs"]
mod support;

mod budgets;
mod crashes;
mod doubt;
mod first;
mod fresh;
mod people;

use anagrafe::sandbox::{
    Options,
    population::{Population, ShopContact},
};
use serde_json::{Value, json};
use support::{Ended, On, Town, contact};

/// A town of these people, where nothing takes long.
async fn town(on: On, contacts: Vec<ShopContact>, customers: Vec<Value>, options: Options) -> Town {
    let customers = customers.into_iter().map(|customer| customer.as_object().unwrap().clone()).collect();
    let town = Town::on(on, Population { contacts, customers, ..Population::default() }, options).await.merging();
    town.edit(|text| {
        text.replace("timeout = \"5s\"", "timeout = \"1s\"").replace("late_apply = \"5s\"", "late_apply = \"1s\"")
    });
    town
}

fn person(n: i64) -> ShopContact {
    contact(n, &format!("{} {}", word(n), word(n * 7 + 1)), &email(n), &format!("333 {:07}", 1_000_000 + n))
}

fn email(n: i64) -> String {
    format!("p{n}@example.it")
}

/// A name that no other number has.
fn word(n: i64) -> String {
    const SYLLABLES: [&str; 10] = ["ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su"];
    let digits = n.to_string();
    let word: String = digits.bytes().map(|digit| SYLLABLES[usize::from(digit - b'0')]).collect();
    let (first, rest) = word.split_at(1);
    format!("{}{rest}n", first.to_uppercase())
}

/// The two chats of a person: `a1` has her e-mail, `b1` also her number and something an agent noted. Each has something that the other
/// one has not: where no answer comes, that is what tells.
fn chats(n: i64) -> [Value; 2] {
    let (email, number) = (email(n), format!("+39333{:07}", 1_000_000 + n));
    [
        json!({"id": format!("a{n}"), "email": email, "telnum": "", "vvcu": format!("v{n}")}),
        json!({"id": format!("b{n}"), "email": email, "telnum": number, "tags": [format!("of b{n}")]}),
    ]
}

/// So many people, each of whom chatted twice.
async fn twins(on: On, count: i64) -> Town {
    twins_in(on, count, Options::default()).await
}

async fn twins_in(on: On, count: i64, options: Options) -> Town {
    town(on, (1..=count).map(person).collect(), (1..=count).flat_map(chats).collect(), options).await
}

/// A sync that puts the first merges up for a look, and their release.
async fn release(town: &Town) -> Ended {
    let first = town.anagrafe(&["sync", "--json"]).await.code(4);
    let hold = first.json()["holds"][0]["id"].as_i64().unwrap().to_string();
    town.anagrafe(&["holds", "release", &hold]).await.code(0)
}

/// After a person has looked at merges of the shop once: those of a pair that is no part of the test.
async fn looked_at(town: &Town) {
    town.execute(
        "INSERT INTO holds (account, shop, kind, bound, reason, count, sample, run, since, released_at, released_by)
         SELECT account, shop, 'merges', '00000000000000000000000000000000', 'a look', 1, '[]', MIN(run), 1, 1, 'eva'
           FROM runs GROUP BY account, shop",
    )
    .await;
}

/// Merges that the account carried out since the journal was cleared: who was asked to stay, and who to go.
fn merged(town: &Town) -> Vec<(String, String)> {
    sent(town, true)
}

/// The same of all that were sent, in order.
fn sent(town: &Town, applied_only: bool) -> Vec<(String, String)> {
    let merges = town.sandbox.journal().into_iter().filter(|entry| entry.call == "customers.merge");
    merges
        .filter(|entry| !applied_only || entry.wrote.is_some())
        .map(|entry| {
            let stays = entry.path.split('/').rev().nth(2).unwrap().to_owned();
            (stays, entry.sent.unwrap()["id"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn customer(town: &Town, id: &str) -> Option<Value> {
    town.sandbox.vivocha.customer(id).map(Value::Object)
}

/// What became of declared merges, in order: the word, and which remains.
async fn outcomes(town: &Town) -> Vec<String> {
    let sql = "SELECT COALESCE(outcome, 'none') || COALESCE(' ' || remains, '') FROM merges ORDER BY merge";
    town.texts(sql).await
}

/// Long enough for what was late to be too late.
async fn past_the_horizon() {
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
}
