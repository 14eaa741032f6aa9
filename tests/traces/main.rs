//! Traces, with the real binary against both systems and something that takes traces, all over real HTTP: what is in them and what is
//! not, and that nothing depends on whoever takes them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod endpoints;
mod nested;
mod private;

use std::collections::BTreeMap;

use serde_json::Value;
use support::{
    Ended, Town,
    collector::{Collector, Mood, Tree},
};

/// A town of some pages, and what takes its traces.
async fn traced(mood: Mood) -> (Town, Collector) {
    let town = Town::of(21, 230, 200).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 50"));
    let collector = Collector::start(mood).await;
    town.append(&collector.table());
    (town, collector)
}

/// The same with something in the environment.
async fn anagrafe(town: &Town, args: &[&str], environment: &[(&str, &str)]) -> Ended {
    let mut command = town.command(args);
    command.envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Requests of a trace, by system and call.
fn calls(tree: &Tree) -> BTreeMap<(String, String), u64> {
    let mut calls = BTreeMap::new();
    for call in tree.calls() {
        let system = call.says("anagrafe.system").as_str().unwrap().replace("shop main", "open2b");
        *calls.entry((system, call.name.clone())).or_default() += 1;
    }
    calls
}

/// The same of a report.
fn reported(report: &Value) -> BTreeMap<(String, String), u64> {
    let mut calls = BTreeMap::new();
    for system in ["open2b", "vivocha"] {
        for (call, count) in report["calls"][system].as_object().unwrap() {
            calls.insert((system.to_owned(), call.clone()), count.as_u64().unwrap());
        }
    }
    calls
}
