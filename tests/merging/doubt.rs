//! C2, C3: whatever becomes of the call, the merge is applied once, and what nobody can tell a person decides.

use std::time::Duration;

use anagrafe::sandbox::{Absorbed, Fault, FaultKind, RetryAfter, Survivor};
use serde_json::json;

use super::{
    customer, merged, outcomes, past_the_horizon, release, sent,
    support::{On, Town, both, figure},
    twins,
};

async fn released(on: On) -> Town {
    let town = twins(on, 1).await;
    release(&town).await;
    town
}

/// Runs until all is told: at most five.
async fn until_quiet(town: &Town) {
    for _ in 0..5 {
        past_the_horizon().await;
        town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
        town.anagrafe(&["sync"]).await;
        let open = "SELECT COUNT(*) FROM merges WHERE outcome IS NULL OR outcome = 'unknown'";
        let left = "SELECT COUNT(*) FROM proposals WHERE state = 'approved'";
        if town.number(open).await == 0 && town.number(left).await == 0 {
            return;
        }
    }
    panic!("it is not quiet: {:?}", outcomes(town).await);
}

both!(c2_whatever_becomes_of_the_call_it_is_applied_once, table);
async fn table(on: On) {
    use FaultKind::*;
    let status = |status| Status { status, retry_after: None, body: None };
    let table = [
        (HangAfter, 1),
        (HangBefore, 2),
        (ResetAfter, 1),
        (ResetBefore, 2),
        (StatusAfter { status: 500 }, 1),
        (StatusAfter { status: 504 }, 1),
        (status(500), 2),
        (status(503), 2),
        (Redirect { location: "http://127.0.0.1:9/elsewhere".into() }, 2),
        (Truncated, 1),
        (NotJson, 1),
        (InvalidUtf8, 1),
        (Nested { depth: 100_000 }, 1),
        (Huge { bytes: 33 << 20 }, 1),
        (Bomb { bytes: 33 << 20 }, 1),
        // An answer may lie about who remains: both are read.
        (AnotherId, 1),
        // Refused before it was looked at, and sent again.
        (Status { status: 429, retry_after: Some(RetryAfter::Seconds(1)), body: None }, 2),
        (Status { status: 429, retry_after: Some(RetryAfter::Date(1)), body: None }, 2),
        (status(401), 2),
        (status(403), 2),
        // Applied when the client has given up, and before it is too late.
        (LateApply { ms: 1500 }, 1),
    ];
    // In the gate the stores take turns.
    let here = |row: usize| figure(row.is_multiple_of(2) == (on == On::Sqlite), true);
    for (_, (kind, sent_in_all)) in table.into_iter().enumerate().filter(|(row, _)| here(*row)) {
        for absorbed in [Absorbed::NotFound, Absorbed::AnswersAsSurvivor, Absorbed::AnswersUnderItsId] {
            // What an account answers for one that is gone does not depend on what is struck: for one of a kind all three.
            let all = on == On::Sqlite && matches!(kind, HangAfter | HangBefore | LateApply { .. });
            if !all && absorbed != Absorbed::NotFound {
                continue;
            }
            let when = format!("{kind:?}, {absorbed:?}");
            let town = released(on).await;
            town.sandbox.vivocha.set_options(|options| options.absorbed = absorbed);
            town.sandbox.faults().set(Fault::next("customers.merge", 1, kind.clone()));
            town.anagrafe(&["sync"]).await;
            until_quiet(&town).await;
            assert_eq!(merged(&town), [("b1".into(), "a1".into())], "{when}");
            assert_eq!(sent(&town, false).len(), sent_in_all, "{when}: {:?}", outcomes(&town).await);
            assert_eq!(town.sandbox.vivocha.customers().len(), 1, "{when}");
            assert_eq!(town.contact(1).await.customer.as_deref(), Some("b1"), "{when}");
            assert_eq!(town.number("SELECT COUNT(*) FROM proposals WHERE state = 'done'").await, 1, "{when}");
            town.sandbox.clear_journal();
            town.anagrafe(&["resync"]).await.code(0);
            assert_eq!(town.written(), Vec::<String>::new(), "{when}");
        }
    }
}

both!(c3_while_it_is_in_doubt_nothing_is_planned_for_its_customers, pinned);
async fn pinned(on: On) {
    let town = released(on).await;
    town.edit(|text| text.replace("late_apply = \"1s\"", "late_apply = \"10m\""));
    town.sandbox.faults().set(Fault::next("customers.merge", 1, FaultKind::HangBefore));
    let first = town.anagrafe(&["sync", "--json"]).await.json();
    assert_eq!(first["merges"]["unknown"], 1, "{first}");
    assert_eq!(outcomes(&town).await, ["unknown"]);
    town.sandbox.open2b.edit_contact(1, |contact| contact.name = "Altro Nome".into());
    town.sandbox.clear_journal();
    let second = town.anagrafe(&["resync", "--json", "--force"]).await.code(3).json();
    assert_eq!(second["counts"]["parked"], 1, "{second}");
    assert_eq!(town.written(), Vec::<String>::new());
    assert_eq!(sent(&town, false), []);
    let deciding = town.texts("SELECT proposal FROM proposals WHERE state = 'approved'").await.remove(0);
    let refused = town.anagrafe(&["merges", "reject", &deciding]).await.code(2);
    assert!(refused.stderr.contains("not known yet"), "{refused:?}");
    // The horizon passes.
    town.edit(|text| text.replace("late_apply = \"10m\"", "late_apply = \"1s\""));
    past_the_horizon().await;
    town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(outcomes(&town).await[0], "not-applied");
}

both!(c2_one_that_is_applied_after_the_horizon_is_sent_again_and_harms_nobody, too_late);
async fn too_late(on: On) {
    let town = released(on).await;
    // Against what the account's operator was told: applied when nobody expects it any more.
    town.sandbox.faults().set(Fault::next("customers.merge", 1, FaultKind::LateApply { ms: 25_000 }));
    town.anagrafe(&["sync"]).await;
    until_quiet(&town).await;
    assert_eq!(outcomes(&town).await, ["not-applied", "applied b1"]);
    while sent(&town, false).len() < 2 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(town.sandbox.vivocha.customers().len(), 1);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(1).await.customer.as_deref(), Some("b1"));
}

both!(c2_an_absorbed_one_that_is_not_found_is_no_proof_and_a_person_decides, person);
async fn person(on: On) {
    for (word, outcome) in [("approve", "applied b1"), ("reject", "not-applied")] {
        let town = released(on).await;
        town.sandbox.faults().set(Fault::next("customers.merge", 1, FaultKind::HangBefore));
        town.anagrafe(&["sync"]).await;
        // An agent takes the one elsewhere before anybody can look.
        let elsewhere = json!({"id": "z", "email": "z@example.it", "telnum": "1"});
        town.sandbox.vivocha.add_customer(elsewhere.as_object().unwrap().clone());
        assert!(town.sandbox.vivocha.merge_customers("z", "a1"));
        past_the_horizon().await;
        town.anagrafe(&["sync"]).await;
        assert_eq!(outcomes(&town).await, ["person"]);
        let report = town.anagrafe(&["resync", "--json", "--force"]).await.json();
        assert_eq!((sent(&town, true), &report["merges"]["unknown"]), (vec![], &json!(1)), "{report}");
        let id = town.texts("SELECT proposal FROM merges").await.remove(0);
        town.anagrafe(&["merges", word, &id]).await.code(0);
        assert_eq!(outcomes(&town).await, [outcome]);
        town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
        town.anagrafe(&["sync"]).await.code(0);
        assert_eq!(merged(&town), []);
        assert_eq!(town.contact(1).await.state.as_deref(), Some("linked"));
    }
}

both!(c4_what_cannot_be_read_is_a_persons_within_a_day, a_day);
async fn a_day(on: On) {
    let town = released(on).await;
    town.sandbox.faults().set(Fault::next("customers.merge", 1, FaultKind::HangBefore));
    town.anagrafe(&["sync"]).await;
    past_the_horizon().await;
    let away = FaultKind::Status { status: 503, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("customers.get", away));
    town.anagrafe(&["sync"]).await;
    assert_eq!(outcomes(&town).await, ["unknown"]);
    town.execute("UPDATE merges SET declared_at = declared_at - 86400000").await;
    town.anagrafe(&["sync"]).await;
    assert_eq!(outcomes(&town).await, ["person"]);
}

both!(a_merge_that_vivocha_refuses_is_not_sent_again_by_itself, refused);
async fn refused(on: On) {
    let town = released(on).await;
    let refusal = FaultKind::Status { status: 400, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("customers.merge", refusal));
    for _ in 0..3 {
        town.anagrafe(&["sync"]).await;
        town.anagrafe(&["resync", "--force"]).await;
    }
    assert_eq!(sent(&town, false).len(), 1);
    assert_eq!(outcomes(&town).await, ["refused"]);
    assert!(customer(&town, "a1").is_some());
    // A person may have it tried once more.
    town.sandbox.faults().clear();
    let id = town.texts("SELECT proposal FROM merges").await.remove(0);
    town.anagrafe(&["merges", "approve", &id]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(merged(&town).len(), 1);
}

both!(c2_one_that_a_killed_run_sent_is_not_judged_before_its_call_had_timed_out_and_it_was_too_late, killed_early);
async fn killed_early(on: On) {
    let town = released(on).await;
    // Long enough for two runs on any machine that this is tested on.
    town.edit(|text| text.replace("timeout = \"1s\"", "timeout = \"15s\""));
    town.sandbox.faults().set(Fault::next("customers.merge", 1, FaultKind::LateApply { ms: 14_000 }));
    let mut child = town.command(&["sync", "--quiet"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    while town.number("SELECT COUNT(*) FROM merges").await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let sent_at = std::time::Instant::now();
    // Longer than `late_apply` after the first look, and before the merge is applied.
    town.anagrafe(&["sync"]).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    town.anagrafe(&["sync"]).await;
    assert_eq!(outcomes(&town).await, ["unknown"], "nobody can know yet");
    assert!(sent_at.elapsed().as_millis() < 13_500, "this machine is too slow for the test");
    tokio::time::sleep_until((sent_at + std::time::Duration::from_secs(17)).into()).await;
    town.anagrafe(&["sync"]).await;
    assert_eq!(outcomes(&town).await.len(), 1);
    assert!(outcomes(&town).await[0].starts_with("applied"), "{:?}", outcomes(&town).await);
    assert_eq!(sent(&town, false).len(), 1, "it was sent once");
}

both!(c2_which_one_survived_is_read_also_when_no_answer_came, survivor);
async fn survivor(on: On) {
    let town = released(on).await;
    town.sandbox.vivocha.set_options(|options| options.survivor = Survivor::Second);
    town.sandbox.faults().set(Fault::next("customers.merge", 1, FaultKind::HangAfter));
    town.anagrafe(&["sync"]).await;
    until_quiet(&town).await;
    assert_eq!(outcomes(&town).await, ["applied a1"]);
    assert_eq!(town.contact(1).await.customer.as_deref(), Some("a1"));
}
