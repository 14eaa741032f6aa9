//! How much memory a run takes, and that it depends on the page and not on the shop: the peak resident set of the real binary, as released,
//! while it crosses and resyncs a small shop and a large one over real HTTP, on either store. Beside each run its floor: the same pages
//! read by a bare client that does nothing with them.
//!
//! `cargo bench --bench memory` runs it; with `ANAGRAFE_SLOW` the large shop has 200 000 contacts, else 40 000. Fails where a run takes more than
//! 64 MiB, or the large shop more than 1.1 times what the small one takes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark ends where it fails, and says what it found"
)]

#[path = "../support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use anagrafe::sandbox::{Options, Sandbox, population};
use serde_json::json;
use support::{On, Town, peak::peak};

const SMALL: usize = 10_000;
const MOST_KIB: u64 = 64 * 1024;

fn main() {
    let large = if std::env::var_os("ANAGRAFE_SLOW").is_some() { 200_000 } else { 40_000 };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!(
        "{:>9} {:>9} {:>13} {:>10} {:>9} {:>12} {:>10}",
        "store", "contacts", "run", "peak KiB", "seconds", "contacts/s", "floor s"
    );
    let peaks = [On::Sqlite, On::Postgres].map(|on| {
        let small = runtime.block_on(town(on, SMALL)).into_iter().max().unwrap();
        (on, small, runtime.block_on(town(on, large)).into_iter().max().unwrap())
    });
    for (on, small, large) in peaks {
        #[expect(clippy::cast_precision_loss, reason = "some tens of thousands")]
        let ratio = large as f64 / small as f64;
        println!("{on:?}: peak {large} KiB against {small} KiB: {ratio:.3} times");
    }
    for (on, small, large) in peaks {
        assert!(large <= MOST_KIB, "{on:?}: more than 64 MiB");
        assert!(large * 10 <= small * 11, "{on:?}: memory grows with the shop");
    }
}

/// Crosses a shop, resyncs it, then with everybody looked at, and answers the peaks in KiB.
async fn town(on: On, contacts: usize) -> Vec<u64> {
    let town = Town::on(on, population::generate(2026, contacts, contacts * 4 / 5), Options::default()).await;
    let mut peaks = Vec::new();
    for run in [&["sync", "--quiet"][..], &["resync", "--quiet"], &["resync", "--force", "--quiet"]] {
        let floor = floor(&town.sandbox).await;
        let (peak, took) = peak(town.command(run)).await;
        #[expect(clippy::cast_precision_loss, reason = "some hundred thousands")]
        let rate = contacts as f64 / took.as_secs_f64();
        let name = run.split_last().unwrap().1.concat();
        println!(
            "{:>9} {contacts:>9} {name:>13} {peak:>10} {:>9.1} {rate:>12.0} {:>10.1}",
            format!("{on:?}"),
            took.as_secs_f64(),
            floor.as_secs_f64()
        );
        peaks.push(peak);
        town.sandbox.clear_journal();
    }
    peaks
}

/// How long it takes to read the same pages and do nothing with them.
async fn floor(sandbox: &Sandbox) -> Duration {
    let began = Instant::now();
    let client = reqwest::Client::new();
    let url = format!("{}/api/v10/commerce.contacts.find", sandbox.shop_url().trim_end_matches('/'));
    let mut after = 0;
    loop {
        let body = json!({"fields": ["id", "customer", "name", "phone", "email"], "conditions": {"after": after}, "limit": 1000});
        let response = client
            .post(&url)
            .header("X-Secret-Key", &sandbox.open2b.options().secret_key)
            .json(&body)
            .send()
            .await
            .unwrap();
        let answer: serde_json::Value = response.json().await.unwrap();
        let Some(last) = answer["contacts"].as_array().and_then(|page| page.last()) else { return began.elapsed() };
        after = last["id"].as_i64().unwrap();
    }
}
