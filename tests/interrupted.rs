//! Runs that are interrupted, doubtful or shared: what was begun is completed, and nothing is counted or done twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

mod support;

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anagrafe::sandbox::{
    Fault, FaultKind, Options, Sandbox,
    population::{self, Population},
};
use serde_json::{Value, json};
use support::{Town, contact, count, kept};

async fn one_person() -> Town {
    let customer = json!({"id": "c1", "email": "anna@example.it"});
    let contacts = vec![contact(1, "Anna Neri", "anna@example.it", "333 1234568")];
    let customers = vec![customer.as_object().unwrap().clone()];
    Town::with(Population { contacts, customers, ..Population::default() }, Options::default()).await
}

/// Makes what is parked due now.
async fn make_due(town: &Town) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(town.store());
    let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    sqlx::query("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").execute(&mut db).await.unwrap();
    sqlx::Connection::close(db).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_was_answered_and_could_not_be_read_back_is_in_doubt_and_stays_ours() {
    let town = one_person().await;
    // The look before it is answered; the look after the run's first write is rubbish, which ends the run.
    town.sandbox.faults().set(Fault::next("customers.get", 1, FaultKind::InvalidUtf8).after(1));
    let ended = town.anagrafe(&["sync"]).await.code(1);
    assert!(ended.stderr.contains("could not be read back"), "{ended:?}");
    assert_eq!(town.texts("SELECT outcome FROM writes").await, ["unknown"], "it may have been applied");
    town.anagrafe(&["sync"]).await.code(0);
    make_due(&town).await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.calls("customers.update"), 1, "nothing is sent twice");
    let ours = town.texts("SELECT baselines FROM links WHERE ended_at IS NULL").await.concat();
    assert!(ours.contains("returned"), "what we wrote is known to be ours: {ours}");
}

/// Found by the endurance tests: the doubt ended with a run that was stopped before it recorded the contact, and what we had written was
/// somebody else's from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_does_not_end_with_a_run_that_is_stopped_before_it_records_what_it_came_to() {
    let town = one_person().await;
    town.sandbox.faults().set(Fault::next("customers.get", 1, FaultKind::InvalidUtf8).after(1));
    town.anagrafe(&["sync"]).await.code(1);
    assert_eq!(town.texts("SELECT outcome FROM writes").await, ["unknown"], "it may have been applied");
    // Another person of the same page, whose update is refused: the run ends there.
    town.sandbox.vivocha.add_customer(json!({"id": "c2", "email": "bea@example.it"}).as_object().unwrap().clone());
    town.sandbox.open2b.add_contact(contact(2, "Bea Verdi", "bea@example.it", "333 7654321"));
    let refused = FaultKind::Status { status: 401, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::next("customers.update", 9, refused));
    town.anagrafe(&["sync"]).await.code(1);
    town.sandbox.faults().clear();
    town.anagrafe(&["sync"]).await.code(0);
    let ours = town.texts("SELECT baselines FROM links WHERE id = 1 AND ended_at IS NULL").await.concat();
    assert!(ours.contains("returned"), "what we wrote is known to be ours: {ours}");
    assert_eq!(town.texts("SELECT outcome FROM writes WHERE id = 1").await, ["applied"]);
}

/// As when a proxy in between had kept it back.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_applied_while_the_next_run_plans_it_again_stays_ours() {
    let town = one_person().await;
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::LateApply { ms: 2_500 }));
    let mut child = town.command(&["sync", "--quiet"]).stderr(Stdio::null()).spawn().unwrap();
    // It is in the journal only once it is applied; the look just before it is at once.
    while town.calls("customers.get") < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    // It is planned on what stood there before, and looked at after.
    town.sandbox.faults().set(Fault::always("customers.get", FaultKind::Latency { ms: 3_500 }));
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.calls("customers.update"), 1, "on the second look there was nothing to send");
    assert_eq!(town.texts("SELECT outcome FROM writes ORDER BY write").await.last().unwrap(), "stale");
    let ours = town.texts("SELECT baselines FROM links WHERE ended_at IS NULL").await.concat();
    assert!(ours.contains("returned"), "what we wrote is known to be ours: {ours}");
}

/// What came too late overwrites what the shop said since; both were ours, so the newer one is written again.
async fn comes_late(killed: bool) {
    let town = one_person().await;
    let shorter = "timeout = \"1s\"\nlate_apply = \"7s\"";
    town.edit(|text| text.replace("timeout = \"5s\"\nlate_apply = \"5s\"", shorter));
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::LateApply { ms: 6_000 }));
    let mut child = town.command(&["sync", "--quiet"]).stderr(Stdio::null()).spawn().unwrap();
    // It is in the journal only once it is applied; the look just before it is at once.
    while town.calls("customers.get") < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    let sent = Instant::now();
    if killed {
        child.kill().unwrap();
    }
    tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    town.sandbox.open2b.edit_contact(1, |contact| contact.phone = "333 7654321".into());
    town.anagrafe(&["sync"]).await.code(0);
    let looked = Instant::now();
    assert!(sent.elapsed() < Duration::from_secs(6), "this machine is too slow for the test");
    let phone = || town.sandbox.vivocha.customer("c1").unwrap()["telnum"].clone();
    assert_eq!(phone(), "+393337654321");
    let open = "SELECT COUNT(*) FROM writes WHERE outcome IS NULL OR outcome = 'unknown'";
    assert_eq!(town.number(open).await, 1, "it may still come");
    tokio::time::sleep(Duration::from_millis(6_500).saturating_sub(sent.elapsed())).await;
    assert_eq!(phone(), "+393331234568", "and so it did");
    // Looked at by itself once it is too late for it, though nothing else changed.
    tokio::time::sleep(Duration::from_millis(8_500).saturating_sub(looked.elapsed())).await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(phone(), "+393337654321");
    assert_eq!(town.number(open).await, 0);
    let before = town.calls("customers.update");
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.calls("customers.update"), before, "and then it is quiet");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_comes_late_and_overwrites_a_newer_one_is_found_and_set_right() {
    comes_late(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_a_killed_run_that_comes_late_is_found_and_set_right() {
    comes_late(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_the_run_with_its_own_exit_code_and_the_next_one_goes_on() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let town = Town::of(31, 400, 400).await;
        town.sandbox.faults().set(Fault::always("customers.update", FaultKind::Latency { ms: 150 }));
        let mut child = town.command(&["sync", "--json"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while town.calls("customers.update") < 9 {
            assert!(began.elapsed() < Duration::from_secs(30), "updates have begun");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        std::process::Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
        let asked = Instant::now();
        let output = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut text).unwrap();
            (child.wait().unwrap().code(), text)
        })
        .await
        .unwrap();
        assert_eq!(output.0, Some(code), "{}", output.1);
        assert!(asked.elapsed() < Duration::from_secs(5), "it stopped after the calls in flight");
        let report: Value = serde_json::from_str(&output.1).unwrap();
        assert_eq!(report["outcome"], "stopped");
        let sent = town.written().len();
        let settled = kept::number(&town.store(), "SELECT COUNT(*) FROM writes WHERE outcome = 'applied'").await;
        assert_eq!(usize::try_from(settled).unwrap(), sent, "what was sent is recorded");
        assert_eq!((&report["updates"], &report["counts"]["updated"]), (&json!(sent), &json!(sent)), "and told");
        assert_eq!(kept::number(&town.store(), "SELECT COUNT(*) FROM writes WHERE outcome IS NULL").await, 0);

        town.sandbox.faults().clear();
        let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
        assert_eq!(report["read"], 400);
        let updates =
            kept::number(&town.store(), "SELECT COUNT(DISTINCT customer) FROM writes WHERE outcome = 'applied'").await;
        assert_eq!(usize::try_from(updates).unwrap(), town.written().len(), "no customer was written twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_without_an_answer_that_was_applied_is_found_to_be_ours() {
    let town = one_person().await;
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::ResetAfter));
    let report = town.anagrafe(&["sync", "--json"]).await.code(3).json();
    assert_eq!(count(&report, "parked"), 1);
    assert_eq!(kept::number(&town.store(), "SELECT COUNT(*) FROM writes WHERE outcome = 'unknown'").await, 1);
    make_due(&town).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(
        (report["read"].as_u64(), count(&report, "linked")),
        (Some(1), 1),
        "due and in the page, and read once: {report}"
    );
    assert_eq!(town.calls("customers.update"), 1, "it was not sent again");
    assert_eq!(kept::number(&town.store(), "SELECT COUNT(*) FROM writes WHERE outcome = 'applied'").await, 1);
    // What is ours may be replaced by a new value of the shop's.
    town.sandbox.open2b.edit_contact(1, |contact| contact.phone = "333 7654321".into());
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.sandbox.vivocha.customer("c1").unwrap()["telnum"], "+393337654321");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_never_arrived_is_made_by_a_later_run() {
    let town = one_person().await;
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::ResetBefore));
    town.anagrafe(&["sync"]).await.code(3);
    make_due(&town).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "updated"), 1);
    assert_eq!(kept::number(&town.store(), "SELECT COUNT(*) FROM writes WHERE outcome = 'unknown'").await, 1);
    // The later one wrote the same, and once it is too late for the first, nothing of it is open.
    town.execute("UPDATE writes SET settled_at = 1 WHERE outcome = 'unknown'").await;
    make_due(&town).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "linked"), 1);
    assert_eq!(kept::number(&town.store(), "SELECT COUNT(*) FROM writes WHERE outcome = 'unknown'").await, 0);
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "unchanged"), 1);
    assert_eq!(town.sandbox.journal().iter().filter(|entry| entry.system == "vivocha").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_is_refused_parks_its_contact_and_no_other() {
    let town = Town::of(33, 200, 200).await;
    let refused = FaultKind::Status {
        status: 400,
        retry_after: None,
        body: Some(json!({"error": 400, "message": "duplicate key"}).to_string()),
    };
    town.sandbox.faults().set(Fault::next("customers.update", 1, refused).after(5));
    let report = town.anagrafe(&["sync", "--json"]).await.code(3).json();
    assert_eq!((report["read"].as_u64(), count(&report, "parked")), (Some(200), 1));
    let status = town.anagrafe(&["status", "--json"]).await.code(0).json();
    assert!(status["shops"]["main"]["next_retry"].is_string(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shops_of_one_account_are_surveyed_before_either_is_crossed() {
    let town = one_person().await;
    // The other shop knows the same address under another name: from the first contact on it is nobody's alone.
    let other = Population { contacts: vec![contact(7, "Ugo Bassi", "anna@example.it", "")], ..Population::default() };
    let second = Sandbox::start(other, Options::default()).await.unwrap();
    town.append(&format!(
        "[shops.second]\nurl = \"{}\"\nsecret_key = \"sandbox-secret-key\"\nrate = \"100000/s\"",
        second.shop_url()
    ));
    let reports = town.anagrafe(&["sync", "--json"]).await.code(0).json_lines();
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|report| count(report, "unmatched") == 1), "{reports:?}");
    assert_eq!(town.written(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_base_url_the_accounts_world_is_looked_up() {
    let town = Town::with(population::generate(1, 60, 60), Options::default()).await;
    let www = town.sandbox.www_url();
    town.edit(|text| {
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("base_url")).collect();
        kept.join("\n").replace("[vivocha]\n", &format!("[vivocha]\nwww = \"{www}\"\n"))
    });
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!((report["read"].as_u64(), town.calls("world")), (Some(60), 1));
    town.edit(|text| text.replace("account = \"acme\"", "account = \"nobody\""));
    let ended = town.anagrafe(&["sync"]).await.code(1);
    assert!(ended.stderr.contains("account"), "{ended:?}");
}
