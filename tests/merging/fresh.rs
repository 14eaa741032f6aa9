//! B3: just before a merge everything it rests on is read again; whatever changed drops it, unsent.

use std::time::Duration;

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::json;

use super::{
    chats, merged, outcomes, person, release, sent,
    support::{On, Town, both},
    town, twins,
};

/// A town whose merges are released, and not carried out yet.
async fn released(on: On, count: i64) -> Town {
    let town = twins(on, count).await;
    release(&town).await;
    town
}

both!(b3_an_agents_edit_between_plan_and_send_drops_the_merge, edited);
async fn edited(on: On) {
    let town = released(on, 2).await;
    // The contact is read first; while its answer is under way an agent edits one of the customers.
    town.sandbox.faults().set(Fault::next("contacts.get", 1, FaultKind::Latency { ms: 700 }));
    let mut command = town.command(&["sync", "--json"]);
    let child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    while !town.sandbox.journal().iter().any(|entry| entry.call == "contacts.find" && entry.rows == Some(0)) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    town.sandbox.vivocha.edit_customer("a1", |a1| drop(a1.insert("telnum".into(), json!("+393479999999"))));
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let report: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        (report["merges"]["merged"].as_u64(), report["merges"]["refused"].as_u64()),
        (Some(1), Some(1)),
        "{report}"
    );
    assert_eq!(merged(&town), [("b2".into(), "a2".into())]);
    // It is another proposal now, and asks.
    let asks = "SELECT COUNT(*) FROM proposals WHERE state = 'open' AND because LIKE '%other-phone%'";
    assert_eq!(town.number(asks).await, 1);
    assert_eq!(town.number("SELECT COUNT(*) FROM proposals WHERE state = 'withdrawn'").await, 1);
}

both!(b3_a_contact_edited_or_deleted_or_erased_meanwhile_is_merged_by_nothing, contacts);
async fn contacts(on: On) {
    let town = released(on, 4).await;
    town.sandbox.open2b.edit_contact(1, |contact| contact.email = Some("another@example.it".into()));
    assert!(town.sandbox.open2b.delete_contact(2));
    town.anagrafe(&["erase", "3"]).await.code(0);
    let report = town.anagrafe(&["sync", "--json"]).await.json();
    assert_eq!(merged(&town), [("b4".into(), "a4".into())], "{report}");
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await;
    assert_eq!(merged(&town), [], "nor later");
}

both!(b3_a_search_that_lags_is_no_evidence_and_a_customer_merged_by_an_agent_is_left, lagging);
async fn lagging(on: On) {
    let town = released(on, 3).await;
    town.sandbox.vivocha.set_options(|options| options.search_lag = Duration::from_mins(1));
    // The search goes on showing what is no more.
    town.sandbox.vivocha.edit_customer("a1", |a1| drop(a1.insert("email".into(), json!("x@example.it"))));
    assert!(town.sandbox.vivocha.merge_customers("b2", "a2"));
    town.anagrafe(&["sync"]).await;
    assert_eq!(merged(&town), [("b3".into(), "a3".into())]);
}

both!(what_a_person_rejected_is_two_people_for_good_and_splits_every_later_cluster, rejected);
async fn rejected(on: On) {
    let town = twins(on, 1).await;
    town.anagrafe(&["sync"]).await.code(4);
    let id = town.texts("SELECT proposal FROM proposals").await.remove(0);
    town.anagrafe(&["merges", "reject", &id]).await.code(0);
    // A third chat: merged with one of them, and never with both.
    let third = json!({"id": "c1", "email": super::email(1), "telnum": ""});
    town.sandbox.vivocha.add_customer(third.as_object().unwrap().clone());
    super::looked_at(&town).await;
    town.execute("UPDATE contacts SET recheck_at = 1").await;
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(merged(&town), [("b1".into(), "c1".into())], "{report}");
    for _ in 0..2 {
        town.execute("UPDATE contacts SET recheck_at = 1").await;
        town.anagrafe(&["resync"]).await.code(0);
    }
    assert_eq!(merged(&town).len(), 1);
}

both!(b7_what_we_wrote_ourselves_merges_nobody, ours);
async fn ours(on: On) {
    // One customer by e-mail; we write her number there. A second one by that number only: a bridge of our own making, and no name.
    let one = json!({"id": "a1", "email": super::email(1), "telnum": ""});
    let town = town(on, vec![person(1)], vec![one], anagrafe::sandbox::Options::default()).await;
    town.anagrafe(&["sync"]).await.code(0);
    super::looked_at(&town).await;
    let two = json!({"id": "b1", "email": "", "telnum": chats(1)[1]["telnum"]});
    town.sandbox.vivocha.add_customer(two.as_object().unwrap().clone());
    for _ in 0..3 {
        town.execute("UPDATE contacts SET recheck_at = 1").await;
        town.anagrafe(&["resync"]).await.code(0);
    }
    assert_eq!(sent(&town, false), []);
    assert_eq!(outcomes(&town).await, Vec::<String>::new());
}

both!(a_pause_and_a_store_in_doubt_send_no_merge, paused);
async fn paused(on: On) {
    let town = released(on, 1).await;
    town.anagrafe(&["pause", "moving"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(4);
    assert_eq!(sent(&town, false), []);
    town.anagrafe(&["resume"]).await.code(0);
    town.execute("UPDATE shops SET doubted_at = 1").await;
    town.anagrafe(&["sync"]).await.code(4);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(sent(&town, false), [], "it is the next run that knows what was done");
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(merged(&town).len(), 1);
}
