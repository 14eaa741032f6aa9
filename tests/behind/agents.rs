//! Agents at work on the customers: their merges are followed, their edits are never overwritten under `if-unedited`.

use anagrafe::sandbox::{Fault, FaultKind, RetryAfter};
use serde_json::json;

use super::{
    field, people,
    support::{On, Town, both},
};

both!(a_customer_that_an_agent_merged_away_is_followed, followed);
async fn followed(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    let other = json!({"id": "zz", "nickname": "anna", "telnum": "+393331000003"});
    town.sandbox.vivocha.add_customer(other.as_object().unwrap().clone());
    town.sandbox.vivocha.merge_customers("zz", "c3");
    town.anagrafe(&["resync", "--force"]).await.code(0);
    let kept = town.contact(3).await;
    assert_eq!((kept.state.unwrap().as_str(), kept.customer.unwrap().as_str()), ("linked", "zz"));
    assert_eq!(kept.role.unwrap(), "owner");
    town.sandbox.clear_journal();
    town.anagrafe(&["resync", "--force"]).await.code(0);
    assert!(town.written().is_empty(), "and then it is quiet");
}

both!(an_agents_edit_between_our_read_and_our_write_is_seen_by_the_get_just_before, just_before);
async fn just_before(on: On) {
    let town = people(on, 3).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.edit_contact(2, |contact| contact.phone = "333 4562214".into());
    // Our search is answered, and before our `get` is, an agent corrects the number.
    town.sandbox.faults().set(Fault::always("customers.get", FaultKind::Latency { ms: 1500 }));
    let mut command = town.command(&["sync"]);
    let child = tokio::task::spawn_blocking(move || command.output().unwrap());
    let began = std::time::Instant::now();
    while town.calls("customers.search") < 1
        || town.number("SELECT COUNT(*) FROM writes WHERE outcome IS NULL").await < 1
    {
        assert!(began.elapsed().as_secs() < 30, "the update is declared");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    town.sandbox.vivocha.edit_customer("c2", |customer| {
        customer.insert("telnum".into(), json!("+390612345678"));
    });
    assert!(child.await.unwrap().status.success());
    assert_eq!(field(&town, "c2", "telnum"), json!("+390612345678"));
}

both!(an_agents_edit_while_a_write_waits_to_be_sent_again_is_never_overwritten, waiting);
async fn waiting(on: On) {
    let town = people(on, 4).await;
    // Slow enough that one waits for its turn when the other is told to wait.
    town.edit(|text| text.replacen("rate = \"100000/s\"", "rate = \"4/s\"", 1));
    town.anagrafe(&["sync"]).await.code(0);
    for id in 1..=4 {
        town.sandbox.open2b.edit_contact(id, |contact| contact.phone = format!("333 456221{id}"));
    }
    let throttled = FaultKind::Status { status: 429, retry_after: Some(RetryAfter::Seconds(7)), body: None };
    // After the canary, which is looked at for itself.
    town.sandbox.faults().set(Fault::next("customers.update", 1, throttled).after(1));
    town.sandbox.clear_journal();
    let mut command = town.command(&["sync", "--json"]);
    let child = tokio::task::spawn_blocking(move || command.output().unwrap());
    let refused = || town.sandbox.journal().into_iter().find(|entry| entry.status == 429);
    while refused().is_none() {
        assert!(!child.is_finished());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for id in ["c2", "c3", "c4"] {
        let number = json!(format!("+39061234567{}", &id[1..]));
        town.sandbox.vivocha.edit_customer(id, |customer| drop(customer.insert("telnum".into(), number.clone())));
    }
    let ended = child.await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    let written = town.written();
    let mut kept = 0;
    for id in ["c2", "c3", "c4"] {
        let theirs = field(&town, id, "telnum") == json!(format!("+39061234567{}", &id[1..]));
        assert_eq!(theirs, !written.contains(&id.to_owned()), "{id}: {written:?}");
        kept += u32::from(theirs);
    }
    assert!(kept >= 2, "the one that was refused, and the one whose turn had not come: {written:?}");
    let later = |entry: &anagrafe::sandbox::Entry| entry.system == "vivocha" && entry.status != 429;
    let after = refused().unwrap().at;
    for entry in town.sandbox.journal().into_iter().filter(later).filter(|entry| entry.at > after) {
        // Whatever was on its way by then, arrives.
        let apart = (entry.at.saturating_sub(after)).as_millis();
        assert!(!(500..6900).contains(&apart), "F1: never before Retry-After: {apart} ms");
    }
}

both!(a_pause_is_heard_by_a_write_that_waits_to_be_sent_again, paused);
async fn paused(on: On) {
    let town = people(on, 1).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.edit_contact(1, |contact| contact.phone = "333 4562214".into());
    let throttled = FaultKind::Status { status: 429, retry_after: Some(RetryAfter::Seconds(5)), body: None };
    town.sandbox.faults().set(Fault::next("customers.update", 1, throttled));
    town.sandbox.clear_journal();
    let mut command = town.command(&["sync", "--json"]);
    let child = tokio::task::spawn_blocking(move || command.output().unwrap());
    while town.calls("customers.update") < 1 {
        assert!(!child.is_finished());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    town.anagrafe(&["pause", "looking"]).await.code(0);
    assert_eq!(child.await.unwrap().status.code(), Some(4));
    assert!(town.written().is_empty());
    town.anagrafe(&["resume"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(field(&town, "c1", "telnum"), json!("+393334562214"));
}

both!(b1_every_write_to_vivocha_is_declared_before_its_first_byte_is_sent, b1);
async fn b1(on: On) {
    let town = people(on, 40).await;
    town.edit(|text| text.replace("timeout = \"5s\"", "timeout = \"2s\""));
    // Nothing that is sent comes to an end: whatever the server saw is to stand in the store already. The canary first, alone.
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::HangBefore));
    assert_eq!(in_flight(&town, 1).await, ["c1"]);
    // Then every other one, while it is under way.
    town.sandbox.faults().clear();
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::HangBefore).after(1));
    town.execute("UPDATE writes SET outcome = 'not-applied', settled_at = 1 WHERE outcome IS NULL").await;
    let mut seen = in_flight(&town, 40).await;
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 40);
    // What was never tried is declared all the same, and ends.
    town.sandbox.faults().clear();
    town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.number("SELECT COUNT(*) FROM writes WHERE outcome IS NULL").await, 0);
}

both!(b1_what_is_put_back_is_declared_too, put_back);
async fn put_back(on: On) {
    let town = people(on, 3).await;
    town.sandbox.vivocha.edit_customer("c1", |customer| {
        customer.insert("tags".into(), json!(["gold"]));
    });
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::OverridingUpdate));
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::HangBefore).after(1));
    assert_eq!(in_flight(&town, 2).await, ["c1", "c1"]);
    let whys = town.texts("SELECT why FROM writes WHERE customer = 'c1' ORDER BY write").await;
    assert_eq!(whys.last().map(String::as_str), Some("put-back"), "{whys:?}");
    assert_eq!(town.number("SELECT COUNT(*) FROM writes WHERE why = 'put-back' AND outcome IS NULL").await, 1);
    // Let go on to its end, it is settled.
    town.sandbox.faults().clear();
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::OverridingUpdate));
    town.sandbox.vivocha.edit_customer("c2", |customer| {
        customer.insert("tags".into(), json!(["silver"]));
    });
    town.sandbox.vivocha.edit_customer("c1", |customer| {
        customer.remove("telnum");
        customer.insert("tags".into(), json!(["gold"]));
    });
    let ended = town.anagrafe(&["sync"]).await.code(1);
    assert!(ended.stderr.contains("they were put back"), "{ended:?}");
    let applied = "SELECT COUNT(*) FROM writes WHERE why = 'put-back' AND outcome = 'applied' AND settled_at > 0";
    assert_eq!(town.number(applied).await, 1);
}

/// Runs a sync until so many updates were seen, and answers whose they were. While each of them is under way an open declaration stands
/// for its customer. Then the process is killed.
async fn in_flight(town: &Town, wanted: usize) -> Vec<String> {
    town.sandbox.clear_journal();
    let mut child = town.command(&["sync", "--quiet"]).spawn().unwrap();
    let began = std::time::Instant::now();
    let mut seen: Vec<String> = Vec::new();
    while seen.len() < wanted {
        assert!(began.elapsed().as_secs() < 90, "{} of {wanted} updates are sent", seen.len());
        let journal = town.sandbox.journal().into_iter().filter(|entry| entry.call == "customers.update");
        for entry in journal.skip(seen.len()) {
            let customer = entry.path.rsplit('/').next().unwrap().to_owned();
            let open =
                format!("SELECT COUNT(*) FROM writes WHERE customer = '{customer}' AND outcome IS NULL AND epoch > 0");
            assert!(town.number(&open).await > 0, "{customer} is written, and that is not declared");
            seen.push(customer);
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    seen
}

both!(a_detached_link_ends_and_an_assigned_one_stands, by_hand);
async fn by_hand(on: On) {
    let town = people(on, 10).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["links", "detach", "main/2"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    let kept = town.contact(2).await;
    assert_eq!((kept.state.unwrap().as_str(), kept.customer), ("unmatched", None), "different people, for good");
    town.anagrafe(&["links", "detach", "main/2"]).await.code(2);
    let stranger = json!({"id": "hand", "nickname": "x"});
    town.sandbox.vivocha.add_customer(stranger.as_object().unwrap().clone());
    town.anagrafe(&["links", "assign", "2", "hand"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(2).await.customer.unwrap(), "hand");
    town.anagrafe(&["resync", "--force"]).await.code(0);
    assert_eq!(town.contact(2).await.customer.unwrap(), "hand", "and stands");
    town.anagrafe(&["links", "assign", "4711", "hand"]).await.code(2);
    let nobody = town.anagrafe(&["links", "assign", "3", "c-typo"]).await.code(2);
    assert!(nobody.stderr.contains("knows no customer c-typo: nothing was assigned"), "{nobody:?}");
}

both!(b4_an_update_that_was_answered_with_a_redirect_may_have_been_applied_and_is_known_as_ours, redirected);
async fn redirected(on: On) {
    let town = people(on, 3).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.edit_contact(1, |contact| contact.phone = "333 4562214".into());
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::StatusAfter { status: 307 }));
    town.anagrafe(&["sync"]).await.code(1);
    assert_eq!(field(&town, "c1", "telnum"), json!("+393334562214"), "it was");
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.edit_contact(1, |contact| contact.phone = "333 4562299".into());
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(field(&town, "c1", "telnum"), json!("+393334562299"), "nobody but us had edited it");
}

both!(b4_a_customer_that_an_agent_merges_while_an_update_is_under_way_pauses_nobody, merged_meanwhile);
async fn merged_meanwhile(on: On) {
    let town = people(on, 3).await;
    town.sandbox.vivocha.set_options(|options| options.absorbed = anagrafe::sandbox::Absorbed::AnswersAsSurvivor);
    town.sandbox
        .vivocha
        .add_customer(json!({"id": "other", "email": "other@example.it", "vat": "1"}).as_object().unwrap().clone());
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.edit_contact(1, |contact| contact.phone = "333 4562214".into());
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::Latency { ms: 3_000 }));
    let mut command = town.command(&["sync", "--json"]);
    town.sandbox.clear_journal();
    let child = tokio::task::spawn_blocking(move || command.output().unwrap());
    while town.calls("customers.get") < 1 {
        assert!(!child.is_finished());
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(town.sandbox.vivocha.merge_customers("other", "c1"));
    let ended = child.await.unwrap();
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    assert!(!town.anagrafe(&["status"]).await.stdout.to_lowercase().contains("paused"));
    town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(1).await.customer.unwrap(), "other");
}
