//! What Anagrafe costs where there is nothing to do: a command's start, a sync of a shop where nothing happened, a daemon that waits. Each on
//! the real binary, as released, with its floor beside it in the same run.
//!
//! `cargo bench --bench idle` runs it. Fails where `--version` takes more than 20 ms, an empty sync more than 300 ms beside its calls' own
//! latency, or an idle daemon more than 40 MiB or 0.2 % of a core.
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

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anagrafe::sandbox::{Options, population};
use serde_json::json;
use support::{On, Town, postgres::free_port};

const PEOPLE: usize = 1_000;
/// How often a command is run; the median is what it takes.
const TIMES: usize = 21;
/// How long a daemon is watched, and how long it has to come to rest before.
const WATCHED: Duration = Duration::from_mins(1);
const RESTS: Duration = Duration::from_secs(10);

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("{:>9} {:>22} {:>12} {:>12}", "store", "what", "it takes", "floor");
    runtime.block_on(async {
        version().await;
        for on in [On::Sqlite, On::Postgres] {
            let town = town(on).await;
            empty_sync(on, &town).await;
            idle(on, &town).await;
        }
    });
}

/// A shop that was crossed.
async fn town(on: On) -> Town {
    let town = Town::on(on, population::generate(2026, PEOPLE, PEOPLE * 4 / 5), Options::default()).await;
    for _ in 0..2 {
        town.anagrafe(&["sync", "--quiet"]).await.code(0);
    }
    town
}

/// The median of how long a command takes.
async fn median(mut command: impl FnMut() -> Command) -> Duration {
    let mut took = Vec::new();
    for _ in 0..TIMES {
        let mut command = command();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let began = Instant::now();
        let ended = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
        took.push(began.elapsed());
        assert!(ended.success(), "{ended}");
    }
    took.sort();
    took[TIMES / 2]
}

fn told(store: &str, what: &str, takes: Duration, floor: Duration) {
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
    println!("{store:>9} {what:>22} {:>12} {:>12}", ms(takes), ms(floor));
}

/// Beside it a program that does nothing.
async fn version() {
    let binary = env!("CARGO_BIN_EXE_anagrafe");
    let takes = median(|| {
        let mut command = Command::new(binary);
        command.arg("--version");
        command
    })
    .await;
    told("", "--version", takes, median(|| Command::new("true")).await);
    assert!(takes <= Duration::from_millis(20), "--version takes more than 20 ms");
}

/// Beside it the same requests, one after the other, by a bare client that does nothing with what it is answered.
async fn empty_sync(on: On, town: &Town) {
    town.sandbox.clear_journal();
    town.anagrafe(&["sync", "--quiet"]).await.code(0);
    let calls = town.sandbox.journal().len();
    assert!(calls > 0);
    let takes = median(|| town.command(&["sync", "--quiet"])).await;
    let client = reqwest::Client::new();
    let url = format!("{}/api/v10/commerce.contacts.count", town.sandbox.shop_url().trim_end_matches('/'));
    let key = town.sandbox.open2b.options().secret_key.clone();
    let began = Instant::now();
    for _ in 0..calls {
        let request = client.post(&url).header("X-Secret-Key", &key).json(&json!({}));
        let _ = request.send().await.unwrap().bytes().await.unwrap();
    }
    let floor = began.elapsed();
    told(&format!("{on:?}"), &format!("empty sync, {calls} calls"), takes, floor);
    assert!(takes.saturating_sub(floor) <= Duration::from_millis(300), "an empty sync takes more than 300 ms");
}

/// Beside it a process that sleeps.
async fn idle(on: On, town: &Town) {
    // No pass falls into the time it is watched.
    town.append("[schedule]\nsync = \"0 0 1 1 *\"\nresync = \"0 0 1 1 *\"");
    let port = free_port();
    let mut command = town.command(&["daemon"]);
    command.env("ANAGRAFE__OBSERVE__LISTEN", format!("127.0.0.1:{port}"));
    let mut daemon = Beside(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let began = Instant::now();
    while !is_ready(port).await {
        assert!(daemon.0.try_wait().unwrap().is_none(), "it ended");
        assert!(began.elapsed() < Duration::from_mins(1), "it is not ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let floor = Beside(Command::new("sleep").arg("1000").spawn().unwrap());
    // The pass that was missed is made up for first.
    tokio::time::sleep(RESTS).await;
    let before = [daemon.ticks(), floor.ticks()];
    tokio::time::sleep(WATCHED).await;
    let [share, floor_share] =
        [daemon.ticks() - before[0], floor.ticks() - before[1]].map(|ticks| f64::from(ticks) / WATCHED.as_secs_f64());
    let (rss, floor_rss) = (daemon.rss(), floor.rss());
    println!(
        "{:>9} {:>22} {:>12} {:>12}",
        format!("{on:?}"),
        "idle daemon, memory",
        format!("{rss} KiB"),
        format!("{floor_rss} KiB")
    );
    println!("{:>9} {:>22} {share:>10.2} % {floor_share:>10.2} %", format!("{on:?}"), "idle daemon, a core");
    assert!(rss <= 40 * 1024, "an idle daemon takes more than 40 MiB");
    assert!(share <= 0.2, "an idle daemon takes more than 0.2 % of a core");
}

async fn is_ready(port: u16) -> bool {
    let answer = reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// A process that is ended with the benchmark.
struct Beside(Child);

impl Beside {
    /// How much of a core it has taken, in hundredths of a second: those are the ticks of Linux.
    fn ticks(&self) -> u32 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        // Behind the name, which may hold anything: the state is the first, the times are the twelfth and the thirteenth.
        let (_, behind) = stat.rsplit_once(')').unwrap();
        behind.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum()
    }

    /// What it has in memory, in KiB.
    fn rss(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        rss.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
