//! The daemon as it is installed: the real binary, real signals, real ports, a service manager's socket, a clock that is shifted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it fails"
)]

mod away;
mod clocks;
mod health;
mod manager;
mod reload;
mod schedule;
mod stopping;
#[path = "../support/mod.rs"]
mod support;
mod traces;
mod two;

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anagrafe::sandbox::{
    Fault, FaultKind, Options,
    population::{Population, ShopContact},
};
use serde_json::{Value, json};
use support::{On, Town, contact, postgres::free_port};

/// How many people are in a town.
const PEOPLE: i64 = 30;

/// A town in which every person has a customer to be updated, and writes go one by one.
async fn town(on: On) -> Town {
    let customers = (1..=PEOPLE).map(|n| json!({"id": format!("c{n}"), "email": format!("p{n}@example.it")}));
    let customers = customers.map(|customer| customer.as_object().unwrap().clone()).collect();
    let contacts = (1..=PEOPLE).map(person).collect();
    let town = Town::on(on, Population { contacts, customers, ..Population::default() }, Options::default()).await;
    town.edit(|text| {
        let text = text.replacen("timeout = \"5s\"", "timeout = \"1s\"\nconcurrency = 1", 1);
        text.replace("[store]", "[store]\nlease = \"11s\"")
    });
    town
}

fn person(n: i64) -> ShopContact {
    contact(n, "", &format!("p{n}@example.it"), &format!("333 {:07}", 1_000_000 + n))
}

/// Where the account lives is asked at Vivocha's front door from now on.
fn behind_the_door(town: &Town) {
    let base = format!("base_url = \"{}\"", town.sandbox.vivocha_base_url());
    town.edit(|text| text.replace(&base, &format!("www = \"{}\"", town.sandbox.www_url())));
}

/// Writes take so long from now on.
fn slow(town: &Town, ms: u64) {
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::Latency { ms }));
}

/// A daemon that runs beside the test.
struct Daemon {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl Daemon {
    /// On a port that was free.
    fn of(town: &Town) -> Self {
        Self::with(town, |_| {})
    }

    /// The same, with something changed.
    fn with(town: &Town, change: impl FnOnce(&mut Command)) -> Self {
        let port = free_port();
        let log = town.dir.path().join(format!("daemon-{port}.log"));
        let mut command = town.command(&["daemon"]);
        command.env("ANAGRAFE__OBSERVE__LISTEN", format!("127.0.0.1:{port}"));
        command.stdout(Stdio::null()).stderr(fs::File::create(&log).unwrap());
        change(&mut command);
        Self { child: command.spawn().unwrap(), port, log }
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end, and answers its exit code (none if it was killed) and how long that took.
    async fn end(&mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), began.elapsed());
            }
            assert!(began.elapsed() < Duration::from_mins(1), "it does not end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Asks it to stop, and waits for its end.
    async fn stop(&mut self) {
        self.signal("TERM");
        let (code, took) = self.end().await;
        assert_eq!(code, Some(143), "{}", self.log());
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// The status and the text of an answer; none while nobody listens.
    #[expect(clippy::disallowed_methods, reason = "who asks is a monitor, and no client of ours")]
    async fn get(&self, path: &str) -> Option<(u16, String)> {
        let answer = reqwest::get(format!("http://127.0.0.1:{}{path}", self.port)).await.ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    async fn status(&self) -> Value {
        let (_, text) = self.get("/status").await.expect("it listens");
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// Waits until it is ready.
    async fn ready(&self) {
        until_async(async || self.get("/readyz").await.is_some_and(|(status, _)| status == 200)).await;
    }

    /// The value of a figure with these labels, as they are written.
    async fn figure(&self, name: &str) -> Option<f64> {
        let (_, text) = self.get("/metrics").await?;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn until(mut holds: impl FnMut() -> bool) {
    until_async(async || holds()).await;
}

async fn until_async(mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_mins(2), "waited in vain");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs of a pass, by outcome if one is given.
async fn runs(town: &Town, pass: &str, outcome: Option<&str>) -> i64 {
    let outcome = outcome.map(|outcome| format!(" AND outcome = '{outcome}'")).unwrap_or_default();
    town.number(&format!("SELECT COUNT(*) FROM runs WHERE pass = '{pass}'{outcome}")).await
}

/// Waits until so many runs of a pass came to their end.
async fn until_done(town: &Town, pass: &str, many: i64) {
    until_async(async || runs(town, pass, Some("done")).await >= many).await;
}

/// Whether everybody was updated once, and the store knows it.
async fn all_done(town: &Town) {
    for n in 1..=PEOPLE {
        let customer = town.sandbox.vivocha.customer(&format!("c{n}")).unwrap();
        assert_eq!(customer["telnum"], format!("+39333{:07}", 1_000_000 + n));
    }
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'linked'").await, PEOPLE);
    town.doubts_end().await;
    assert_eq!(town.number("SELECT COUNT(*) FROM leases WHERE host IS NOT NULL").await, 0, "given back");
}

/// Whose calendar is this, `by` in libfaketime's words. What counts the time since the boot stays right.
fn shifted(command: &mut Command, by: &str) {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let library = folders.map(|folder| PathBuf::from(folder).join("faketime/libfaketimeMT.so.1"));
    let library =
        library.iter().find(|path| path.exists()).expect("libfaketime is missing: tests/run says what to install");
    command.env("LD_PRELOAD", library).env("FAKETIME", by).env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("TZ", "UTC");
}
