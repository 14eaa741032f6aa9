//! How much memory a run takes, and that it depends on the page and not on the shop: the peak resident set of the real binary, as released,
//! while it crosses and resyncs a small shop and a large one over real HTTP. Beside each run its floor: the same pages read by a bare
//! client that does nothing with them.
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

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anagrafe::sandbox::{Options, Sandbox, population};
use serde_json::json;

const SMALL: usize = 10_000;
const MOST_KIB: u64 = 64 * 1024;

fn main() {
    let large = if std::env::var_os("ANAGRAFE_SLOW").is_some() { 200_000 } else { 40_000 };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!(
        "{:>9} {:>8} {:>10} {:>9} {:>12} {:>10}",
        "contacts", "run", "peak KiB", "seconds", "contacts/s", "floor s"
    );
    let small = runtime.block_on(town(SMALL));
    let large = runtime.block_on(town(large));
    let (small, large) = (small.iter().max().unwrap(), large.iter().max().unwrap());
    #[expect(clippy::cast_precision_loss, reason = "some tens of thousands")]
    let ratio = *large as f64 / *small as f64;
    println!("peak {large} KiB against {small} KiB: {ratio:.3} times");
    assert!(*large <= MOST_KIB, "more than 64 MiB");
    assert!(ratio <= 1.1, "memory grows with the shop");
}

/// Crosses a shop, resyncs it with everybody looked at, and answers the peaks in KiB.
async fn town(contacts: usize) -> Vec<u64> {
    let population = population::generate(2026, contacts, contacts * 4 / 5);
    let sandbox = Sandbox::start(population, Options::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("anagrafe.toml");
    fs::write(&config, sandbox.configuration(&dir.path().join("state"))).unwrap();
    let mut peaks = Vec::new();
    for run in [&["sync"][..], &["resync"], &["resync", "--force"]] {
        let floor = floor(&sandbox).await;
        let (peak, took) = peak(&config, run).await;
        #[expect(clippy::cast_precision_loss, reason = "some hundred thousands")]
        let rate = contacts as f64 / took.as_secs_f64();
        let name = run.concat();
        println!(
            "{contacts:>9} {name:>8} {peak:>10} {:>9.1} {rate:>12.0} {:>10.1}",
            took.as_secs_f64(),
            floor.as_secs_f64()
        );
        peaks.push(peak);
        sandbox.clear_journal();
    }
    sandbox.shutdown().await;
    peaks
}

/// The peak resident set of a run, in KiB, and how long it took.
async fn peak(config: &Path, run: &[&str]) -> (u64, Duration) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_anagrafe"))
        .args(run)
        .args(["--quiet", "--config"])
        .arg(config)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    loop {
        // The kernel keeps the high-water mark itself: a look now and then misses nothing but the last moments.
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = mark.and_then(|mark| mark.split_whitespace().next()?.parse().ok()).unwrap_or(peak).max(peak);
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success(), "{run:?} ended with {ended}");
            return (peak, began.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
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
