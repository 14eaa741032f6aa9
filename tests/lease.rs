//! The lease of an account among real processes on both stores: one holder at a time, whatever is killed, stopped, cloned or told a
//! wrong time; and nothing is sent or kept once it is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

#[path = "lease/clocks.rs"]
mod clocks;
#[path = "lease/elsewhere.rs"]
mod elsewhere;
#[path = "lease/replaced.rs"]
mod replaced;
mod support;

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anagrafe::sandbox::{Fault, FaultKind, Options, population::Population};
use elsewhere::{LONG, in_seconds};
use serde_json::json;
use support::{Ended, On, Town, both, contact};

/// How many people are in a town, and how long each of their updates takes where the town is slow.
const PEOPLE: i64 = 30;
const SLOW: u64 = 400;

/// A town in which every person has a customer to be updated, the lease is as short as it can be, and writes go one by one.
async fn town(on: On) -> Town {
    let customers = (1..=PEOPLE).map(|n| json!({"id": format!("c{n}"), "email": format!("p{n}@example.it")}));
    let customers = customers.map(|customer| customer.as_object().unwrap().clone()).collect();
    let person = |n| contact(n, "", &format!("p{n}@example.it"), &format!("333 {:07}", 1_000_000 + n));
    let contacts = (1..=PEOPLE).map(person).collect();
    let town = Town::on(on, Population { contacts, customers, ..Population::default() }, Options::default()).await;
    town.edit(|text| {
        let text = text.replacen("timeout = \"5s\"", "timeout = \"1s\"\nconcurrency = 1", 1);
        text.replace("[store]", "[store]\nlease = \"11s\"")
    });
    town
}

fn slow(town: &Town) {
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::Latency { ms: SLOW }));
}

/// A command that runs beside the test.
struct Running(Child);

impl Running {
    fn of(mut command: Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// A sync that has sent so many updates.
    async fn sync(town: &Town, sent: usize) -> Self {
        let running = Self::of(town.command(&["sync", "--json"]));
        until(|| town.calls("customers.update") >= sent).await;
        running
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    async fn end(self) -> Ended {
        let output = tokio::task::spawn_blocking(move || self.0.wait_with_output().unwrap()).await.unwrap();
        Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

async fn until(mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_mins(2), "waited in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
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
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await.code(0);
    assert!(town.written().is_empty());
}

both!(d2_a_worker_that_slept_through_its_lease_sends_nothing_any_more, asleep);
async fn asleep(on: On) {
    let town = town(on).await;
    slow(&town);
    let sleeper = Running::sync(&town, 5).await;
    sleeper.signal("STOP");
    let waiting = Running::of(town.command(&["sync", "--json", "--wait"]));
    let ended = waiting.end().await.code(0);
    assert_eq!(ended.json()["outcome"], "done", "{ended:?}");
    let kept = town.contacts().await;
    town.sandbox.clear_journal();
    sleeper.signal("CONT");
    let ended = sleeper.end().await.code(1);
    assert_eq!(town.calls("customers.update"), 0, "nothing was sent");
    assert!(ended.stderr.contains("another process has taken over"), "{ended:?}");
    assert_eq!(town.contacts().await, kept, "nothing was kept");
    town.sandbox.faults().clear();
    all_done(&town).await;
}

both!(d2_a_write_to_the_store_from_a_lost_lease_changes_nothing, lost);
async fn lost(on: On) {
    let town = town(on).await;
    slow(&town);
    let holder = Running::sync(&town, 3).await;
    // Somebody has it now, on this host and alive: this very test.
    town.execute("UPDATE leases SET epoch = epoch + 1, beat = 0").await;
    let kept = town.contacts().await;
    let ended = holder.end().await.code(1);
    assert!(ended.stderr.contains("another process has taken over"), "{ended:?}");
    assert!(town.calls("customers.update") < usize::try_from(PEOPLE).unwrap(), "it stopped when it heard of it");
    assert_eq!(town.contacts().await, kept);
    assert_eq!(town.number("SELECT COUNT(*) FROM writes WHERE outcome IS NOT NULL").await, 0);
    assert_eq!(town.number("SELECT COUNT(*) FROM leases WHERE host IS NOT NULL").await, 1, "nor is it given back");
    town.sandbox.faults().clear();
    town.anagrafe(&["sync"]).await.code(0);
    all_done(&town).await;
}

both!(d1_of_three_processes_one_works_one_waits_and_one_is_told_that_it_is_busy, three);
async fn three(on: On) {
    let town = town(on).await;
    slow(&town);
    let holder = Running::sync(&town, 1).await;
    let waiting = Running::of(town.command(&["sync", "--json", "--wait"]));
    let busy = town.anagrafe(&["sync", "--json"]).await.code(5);
    assert!(busy.stderr.contains("busy"), "{busy:?}");
    assert_eq!(town.anagrafe(&["resync"]).await.code, 5);
    let first = holder.end().await.code(0).json();
    let second = waiting.end().await.code(0).json();
    assert_eq!((&first["counts"]["updated"], &second["counts"]["unchanged"]), (&json!(PEOPLE), &json!(PEOPLE)));
    assert_eq!(town.written().len(), usize::try_from(PEOPLE).unwrap(), "each once");
    all_done(&town).await;
}

both!(d1_five_processes_at_once_do_what_one_does, five);
async fn five(on: On) {
    let town = town(on).await;
    let all: Vec<Running> = (0..5).map(|_| Running::of(town.command(&["sync", "--json", "--wait"]))).collect();
    let mut updated = 0;
    for running in all {
        updated += running.end().await.code(0).json()["counts"]["updated"].as_i64().unwrap();
    }
    assert_eq!((updated, town.written().len()), (PEOPLE, usize::try_from(PEOPLE).unwrap()));
    all_done(&town).await;
}

both!(a_dead_holder_on_this_host_is_succeeded_at_once_also_as_a_zombie, dead);
async fn dead(on: On) {
    let town = town(on).await;
    for reaped in [false, true] {
        slow(&town);
        let mut holder = Running::sync(&town, 3).await;
        holder.signal("KILL");
        if reaped {
            holder.0.wait().unwrap();
        }
        town.sandbox.faults().clear();
        // Long before it runs out: else it would be busy.
        town.execute(&format!("UPDATE leases SET {LONG}, expires_at = {}", in_seconds(500))).await;
        town.anagrafe(&["sync", "--limit", "5"]).await.code(0);
        holder.0.wait().unwrap();
        town.sandbox.clear_journal();
        for n in 1..=PEOPLE {
            town.sandbox.open2b.edit_contact(n, |contact| contact.phone = format!("333 {:07}", 1_000_000 + n));
        }
    }
    town.anagrafe(&["sync"]).await.code(0);
    all_done(&town).await;
}

both!(a_run_that_failed_or_was_stopped_gives_the_lease_back, ends);
async fn ends(on: On) {
    let town = town(on).await;
    let held = "SELECT COUNT(*) FROM leases WHERE host IS NOT NULL";
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::NotJson));
    town.anagrafe(&["sync"]).await.code(1);
    assert_eq!(town.number(held).await, 0);
    // A run that cannot even begin.
    town.sandbox.faults().clear();
    town.anagrafe(&["sync", "--limit", "1"]).await.code(0);
    town.edit(|text| text.replace("[shops.main]", "[shops.other]"));
    for pass in ["sync", "resync"] {
        town.anagrafe(&[pass]).await.code(2);
        assert_eq!(town.number(held).await, 0, "{pass}");
    }
    town.edit(|text| text.replace("[shops.other]", "[shops.main]"));
    slow(&town);
    let holder = Running::sync(&town, 3).await;
    let waiting = Running::of(town.command(&["sync", "--wait"]));
    holder.signal("TERM");
    assert_eq!(holder.end().await.code, 143);
    town.sandbox.faults().clear();
    waiting.end().await.code(0);
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_cannot_outlive_a_call_is_refused_at_start() {
    let town = town(On::Sqlite).await;
    town.edit(|text| text.replacen("timeout = \"1s\"", "timeout = \"2s\"", 1));
    let ended = town.anagrafe(&["sync"]).await.code(2);
    assert!(ended.stderr.contains("store.lease") && ended.stderr.contains("at least 12s"), "{}", ended.stderr);
    assert!(!town.store().exists());
}

/// Two renewals may fail before less is left than a call may take: a lease that the configuration allows is enough for a long run.
#[tokio::test(flavor = "multi_thread")]
async fn the_shortest_lease_that_is_allowed_is_enough() {
    let town = town(On::Sqlite).await;
    town.edit(|text| {
        let text = text.replacen("timeout = \"1s\"", "timeout = \"20s\"", 1);
        text.replace("lease = \"11s\"", "lease = \"30s\"")
    });
    slow(&town);
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.faults().clear();
    all_done(&town).await;
}
