//! Clocks that are wrong, and clocks that jump: they are shown to people, and decide nothing.

use std::{fs, path::Path, process::Command};

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::json;

use super::{
    PEOPLE, Running, all_done, slow,
    support::{On, Town, both, count},
    town, until,
};

/// A command whose calendar is off by so much. What counts the time since the boot stays right, as it does where a clock is set.
fn off(mut command: Command, by: &str) -> Command {
    command.env("LD_PRELOAD", library()).env("FAKETIME", by).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
}

fn library() -> String {
    let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
    let found = folders
        .map(|folder| format!("{folder}/faketime/libfaketimeMT.so.1"))
        .into_iter()
        .find(|path| Path::new(path).exists());
    found.expect("libfaketime is missing: tests/run says what to install")
}

const HOUR_EITHER_WAY: [&str; 2] = ["+3600", "-3600"];

both!(a_holder_whose_clock_is_an_hour_off_is_not_succeeded_while_it_lives, holder);
async fn holder(on: On) {
    for by in HOUR_EITHER_WAY {
        let town = town(on).await;
        slow(&town);
        let holder = Running::of(off(town.command(&["sync", "--json"]), by));
        until(|| town.calls("customers.update") > 0).await;
        town.anagrafe(&["sync"]).await.code(5);
        let waiting = Running::of(town.command(&["sync", "--json", "--wait"]));
        assert_eq!(holder.end().await.code(0).json()["counts"]["updated"], PEOPLE);
        assert_eq!(waiting.end().await.code(0).json()["counts"]["updated"], 0);
        town.sandbox.faults().clear();
        all_done(&town).await;
    }
}

both!(a_claimant_whose_clock_is_an_hour_off_does_not_succeed_a_living_holder, claimant);
async fn claimant(on: On) {
    let town = town(on).await;
    slow(&town);
    let holder = Running::sync(&town, 1).await;
    let claimants = HOUR_EITHER_WAY.map(|by| Running::of(off(town.command(&["sync"]), by)));
    for claimant in claimants {
        claimant.end().await.code(5);
    }
    let waiting = HOUR_EITHER_WAY.map(|by| Running::of(off(town.command(&["sync", "--json", "--wait"]), by)));
    assert_eq!(holder.end().await.code(0).json()["counts"]["updated"], PEOPLE);
    for claimant in waiting {
        assert_eq!(claimant.end().await.code(0).json()["counts"]["updated"], 0);
    }
    town.sandbox.faults().clear();
    assert_eq!(town.written().len(), usize::try_from(PEOPLE).unwrap());
    all_done(&town).await;
}

both!(a_clock_that_jumps_an_hour_forth_and_two_back_in_mid_run_disturbs_nothing, jumps);
async fn jumps(on: On) {
    let town = town(on).await;
    slow(&town);
    let clock = town.dir.path().join("clock");
    let set = |by: &str| fs::write(&clock, by).unwrap();
    set("+0");
    let mut command = off(town.command(&["sync", "--json"]), "");
    command.env_remove("FAKETIME").env("FAKETIME_TIMESTAMP_FILE", &clock).env("FAKETIME_NO_CACHE", "1");
    let holder = Running::of(command);
    for (sent, by) in [(3, "+3600"), (12, "-3600"), (20, "+0")] {
        until(|| town.calls("customers.update") >= sent).await;
        set(by);
        town.anagrafe(&["sync"]).await.code(5);
    }
    let report = holder.end().await.code(0).json();
    assert_eq!(report["counts"]["updated"], PEOPLE, "{report}");
    town.sandbox.faults().clear();
    all_done(&town).await;
}

/// One contact's update is refused once, and she is parked by a clock that is off.
async fn parked(on: On, by: &str) -> Town {
    let town = town(on).await;
    let refused = FaultKind::Status { status: 400, retry_after: None, body: Some(json!({"error": 400}).to_string()) };
    town.sandbox.faults().set(Fault::next("customers.update", 1, refused).after(5));
    Running::of(off(town.command(&["sync"]), by)).end().await.code(3);
    town.sandbox.faults().clear();
    town.sandbox.clear_journal();
    town
}

both!(whoever_was_parked_by_a_clock_that_was_ahead_is_tried_again_at_once, ahead);
async fn ahead(on: On) {
    for by in ["+3600", "+31536000"] {
        let town = parked(on, by).await;
        let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
        assert_eq!((count(&report, "updated"), count(&report, "parked")), (1, 0), "{by}: {report}");
        // Looked at by the right clock, everybody is at rest again.
        town.sandbox.clear_journal();
        let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
        assert_eq!(count(&report, "unchanged"), PEOPLE.unsigned_abs(), "{report}");
        assert_eq!(town.sandbox.journal().iter().filter(|entry| entry.system == "vivocha").count(), 0);
    }
}

both!(whoever_was_parked_by_a_clock_that_was_behind_is_due_when_it_is_right, behind);
async fn behind(on: On) {
    let town = parked(on, "-3600").await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!((count(&report, "updated"), count(&report, "parked")), (1, 0), "{report}");
}

both!(a_year_ahead_for_one_sync_does_not_end_the_history_of_what_was_read, history);
async fn history(on: On) {
    let town = town(on).await;
    let ahead = "SELECT COUNT(*) FROM observations WHERE at > 4000000000000";
    let all = "SELECT COUNT(*) FROM observations";
    Running::of(off(town.command(&["sync"]), "+3155760000")).end().await.code(0);
    assert_eq!(town.number(ahead).await, 1);
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!((town.number(ahead).await, town.number(all).await), (0, 1), "and a new one begins it");
}

both!(a_resync_that_a_jump_interrupted_ends, resync);
async fn resync(on: On) {
    let town = town(on).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 5"));
    town.anagrafe(&["sync"]).await.code(0);
    for by in ["+3600", "-3600", "+31536000"] {
        town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::NotJson).after(3));
        Running::of(off(town.command(&["resync"]), by)).end().await.code(1);
        town.sandbox.faults().clear();
        town.anagrafe(&["resync"]).await.code(0);
        assert_eq!(town.number("SELECT COUNT(*) FROM resyncs").await, 0, "{by}");
    }
    all_done(&town).await;
}
