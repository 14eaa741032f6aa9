//! A write probe in which calls fail, in which answers never come, or which is killed: the customer is as it was in the
//! end, or what is not is said by the names of its fields.

use std::{
    os::unix::process::ExitStatusExt as _,
    time::{Duration, Instant},
};

use anagrafe::sandbox::{Fault, FaultKind};
use futures::{StreamExt as _, stream};
use serde_json::json;

use super::{
    probing::{begin, home_of, nina, now, probe, sent, set, until_updates},
    said::replace,
    support::Town,
};

async fn home() -> Town {
    let town = home_of(&nina()).await;
    replace(&town, "timeout = \"5s\"\nlate_apply = \"5s\"", "timeout = \"1s\"\nlate_apply = \"4s\"");
    town
}

fn status(status: u16) -> FaultKind {
    FaultKind::Status { status, retry_after: None, body: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_fails_and_however_the_customer_is_as_before() {
    let kinds = [FaultKind::ResetAfter, FaultKind::HangAfter, FaultKind::NotJson, status(500), FaultKind::Truncated];
    let cells = kinds.iter().flat_map(|kind| [0, 1, 2, 4, 5].map(|write| (kind.clone(), write)));
    let tried = cells.map(|(kind, write)| async move {
        let town = home().await;
        set(&town, Fault::next("customers.update", 1, kind.clone()).after(write));
        let checked = probe(&town).await;
        assert_eq!(now(&town), nina(), "{kind:?} at write {write}: {}", checked.stdout);
        assert!(checked.told("customer", "confirmed").contains("put back"), "{kind:?} at write {write}");
    });
    stream::iter(tried).buffer_unordered(8).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_in_the_middle_does_not_keep_it_from_putting_back() {
    let tried = (2..7).map(|reads| async move {
        let town = home().await;
        // Of the reads, the first asks for nobody and the second for the customer before anything is written.
        set(&town, Fault::next("customers.get", 4, status(503)).after(reads));
        let checked = probe(&town).await;
        assert_eq!(now(&town), nina(), "from read {reads} on: {}", checked.stdout);
    });
    stream::iter(tried).buffer_unordered(8).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_applied_long_after_its_time_is_waited_for_and_put_back() {
    let town = home().await;
    set(&town, Fault::next("customers.update", 1, FaultKind::LateApply { ms: 3_000 }));
    let checked = probe(&town).await;
    checked.contradicts(&["customers.update"]);
    assert!(checked.told("customers.update", "contradicted").contains("no answer within 1s"));
    assert!(checked.told("customer", "confirmed").contains("put back"));
    assert_eq!((now(&town), sent(&town).len()), (nina(), 2), "applied late, and put back after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_write_is_applied_late_the_customer_stays_as_before_after_the_command_ended() {
    // The second is longer after the call was sent than `late_apply`, and not so long after it ran into its timeout.
    let whens = [2_000, 4_500].into_iter().flat_map(|ms| [1, 2].map(|times| (ms, times)));
    let cells = whens.flat_map(|(ms, times)| (0..8).map(move |write| (ms, times, write)));
    let tried = cells.map(|(ms, times, write)| async move {
        let town = home().await;
        set(&town, Fault::next("customers.update", times, FaultKind::LateApply { ms }).after(write));
        let checked = probe(&town).await;
        let cell = format!("{times} from write {write} on, {ms} ms late");
        assert!(checked.told("customer", "confirmed").contains("put back"), "{cell}: {}", checked.stdout);
        assert_eq!(now(&town), nina(), "{cell}, at the end: {}", checked.stdout);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(now(&town), nina(), "{cell}, after it: {}", checked.stdout);
    });
    stream::iter(tried).buffer_unordered(16).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_never_comes_is_waited_for_no_longer_than_it_may_come() {
    let town = home().await;
    set(&town, Fault::next("customers.update", 1, FaultKind::HangBefore));
    let checked = probe(&town).await;
    checked.contradicts(&["customers.update"]);
    assert!(checked.told("customer", "confirmed").contains("put back"));
    assert_eq!((now(&town), town.written().len()), (nina(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_put_back_is_said_by_name_and_the_next_check_puts_it_back() {
    let town = home().await;
    set(&town, Fault::always("customers.update", status(503)).after(1));
    let checked = probe(&town).await;
    let told = checked.told("customer", "contradicted");
    assert!(told.contains("not as before: nickname") && told.contains("customers get c1"), "{told}");
    assert_eq!(checked.code, 1);
    let said = format!("{}{}", checked.stdout, checked.stderr);
    assert!(!said.contains("nina") && !said.contains("example.it"), "{said}");
    let left = now(&town)["nickname"].as_str().unwrap().to_owned();
    assert!(left.starts_with("nina [anagrafe-check t "), "an agent can read what it was: {left}");
    town.sandbox.faults().clear();
    let again = probe(&town).await;
    assert_eq!(again.code, 0, "{}", again.stdout);
    assert!(again.told("customer", "confirmed").contains("earlier check was killed"));
    assert_eq!(now(&town), nina());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_is_killed_is_put_back_by_the_next_one_whatever_stood_there() {
    for before in [json!("nina"), json!(null), json!("")] {
        let mut document = nina();
        document["nickname"] = before;
        let town = home_of(&document).await;
        set(&town, Fault::always("customers.update", FaultKind::SearchLag { ms: 600_000 }));
        let mut child = begin(&town);
        until_updates(&town, 1).await;
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        assert_ne!(now(&town), document);
        town.sandbox.faults().clear();
        let again = probe(&town).await;
        assert_eq!(now(&town), document, "{}", again.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_in_the_middle_stops_the_probe_and_not_the_putting_back() {
    let town = home().await;
    set(&town, Fault::always("customers.update", FaultKind::SearchLag { ms: 1_500 }));
    let child = begin(&town);
    until_updates(&town, 1).await;
    town.anagrafe(&["pause", "look"]).await.code(0);
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let out = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(4), "{out}");
    assert!(out.contains("writing is paused"), "{out}");
    assert_eq!((now(&town), sent(&town).len()), (nina(), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_while_an_answer_is_waited_for_tells_what_may_still_come() {
    let town = home().await;
    replace(&town, "late_apply = \"4s\"", "late_apply = \"10m\"");
    set(&town, Fault::next("customers.update", 1, FaultKind::HangBefore));
    let child = begin(&town);
    let begun = Instant::now();
    while town.calls("customers.update") < 1 {
        assert!(begun.elapsed() < Duration::from_mins(1), "an update is sent");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let asked = Instant::now();
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert!(asked.elapsed() < Duration::from_secs(20), "soon");
    let out = String::from_utf8_lossy(&ended.stdout);
    assert!(out.contains("a write without an answer may still be applied within 9m"), "{out}");
    assert_eq!(ended.status.code(), Some(143), "{out}");
}
