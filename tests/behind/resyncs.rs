//! A resync: what it finds, how it goes on, when it begins anew, and what it does for a few contacts only.

use std::{process::Stdio, time::Duration};

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::json;

use super::{
    email, field, people, person,
    support::{On, Town, both, contact, count},
};

both!(a1_after_a_resync_every_contact_visible_before_it_has_exactly_one_state, a1);
async fn a1(on: On) {
    let town = people(on, 120).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 20"));
    town.append("[schedule]\nlookback_pages = 1");
    town.anagrafe(&["sync"]).await.code(0);
    // Far below what a sync looks at: an edit, somebody who was not visible, somebody who vanished.
    town.sandbox.open2b.edit_contact(5, |contact| contact.phone = "333 4569871".into());
    town.sandbox.open2b.delete_contact(7);
    assert!(town.sandbox.open2b.add_contact_below(7, contact(7, "Nadia Nuova", "nadia@example.it", "")));
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["read"], 120, "{report}");
    let counts = report["counts"].as_object().unwrap();
    assert_eq!(counts.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 120);
    let states = "SELECT COUNT(*) FROM contacts WHERE state IS NULL";
    assert_eq!(town.number(states).await, 0, "none is without a state");
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts").await, 120);
}

both!(an_edit_far_below_the_lookback_is_found_by_a_resync_and_by_no_sync, edits);
async fn edits(on: On) {
    let town = people(on, 120).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 20"));
    town.append("[schedule]\nlookback_pages = 1");
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.edit_contact(5, |contact| contact.phone = "333 4569871".into());
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await.code(0);
    assert!(town.written().is_empty());
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!((count(&report, "updated"), count(&report, "unchanged")), (1, 119), "{report}");
    assert_eq!(field(&town, "c5", "telnum"), json!("+393334569871"));
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "unchanged"), 120, "and then it is quiet: {report}");
    assert!(report["calls"]["vivocha"].as_object().unwrap().is_empty(), "{report}");
}

/// Kills a resync after so many pages of it are recorded.
pub async fn killed_after(town: &Town, id: i64) {
    let mut child = town.command(&["resync", "--force"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let place = "SELECT COALESCE(MAX(after), 0) FROM resyncs";
    while town.number(place).await < id {
        assert!(child.try_wait().unwrap().is_none(), "it was killed in the middle");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

both!(a_resync_that_was_killed_goes_on_where_it_was, resumes);
async fn resumes(on: On) {
    let town = people(on, 120).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 60 }));
    killed_after(&town, 40).await;
    town.sandbox.faults().clear();
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    let read = report["read"].as_u64().unwrap();
    assert!((1..=80).contains(&read), "the rest, and not all: {report}");
    assert_eq!(report["pass"], "resync");
    assert_eq!(town.number("SELECT COUNT(*) FROM resyncs").await, 0, "and it is over");
}

both!(who_shows_late_and_who_goes_while_a_resync_stands_still_leave_it_whole, late_and_gone);
async fn late_and_gone(on: On) {
    let town = people(on, 120).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    for late in [85, 95] {
        town.sandbox.open2b.delete_contact(late);
    }
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 60 }));
    killed_after(&town, 40).await;
    town.sandbox.faults().clear();
    // The shop counts as many after it as before, and more were read.
    for gone in [3, 5] {
        town.sandbox.open2b.delete_contact(gone);
    }
    for late in [85, 95] {
        assert!(town.sandbox.open2b.add_contact_below(late, person(late)));
    }
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert!(report["read"].as_u64().unwrap() <= 80, "it went on where it was: {report}");
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'gone'").await, 2);
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state <> 'gone'").await, 118);
}

both!(a_resync_that_was_interrupted_longer_ago_than_a_period_begins_anew, stale);
async fn stale(on: On) {
    let town = people(on, 60).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 60 }));
    killed_after(&town, 20).await;
    town.sandbox.faults().clear();
    town.execute("UPDATE resyncs SET started_at = started_at - 90000000").await;
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["read"], 60, "{report}");
}

both!(a_sync_that_comes_due_runs_between_the_pages_of_a_resync, between);
async fn between(on: On) {
    let town = people(on, 60).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 2"));
    town.anagrafe(&["sync"]).await.code(0);
    // Every minute is the shortest schedule there is: the resync is made to last over the turn of one.
    town.append("[schedule]\nsync = \"* * * * *\"");
    #[expect(clippy::disallowed_methods, reason = "the real binary asks the system too")]
    let to_the_minute = 60 - std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() % 60;
    let ms = (to_the_minute + 1) * 1000 / 25;
    town.sandbox.faults().set(Fault::next("contacts.find", 30, FaultKind::Latency { ms }));
    let ended = town.anagrafe(&["resync", "--json"]).await.code(0);
    let passes: Vec<String> =
        ended.json_lines().iter().map(|report| report["pass"].as_str().unwrap().to_owned()).collect();
    assert_eq!(passes, ["sync", "resync"], "{}", ended.stdout);
}

/// Waits until the next minute begins in a few seconds: a sync that is due every minute then is.
async fn shortly_before_the_minute() {
    #[expect(clippy::disallowed_methods, reason = "the real binary asks the system too")]
    let of_the_minute = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() % 60;
    while !(50..54).contains(&of_the_minute()) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

both!(what_a_sync_between_two_pages_wrote_is_not_undone_by_the_page_that_was_in_flight, in_flight);
async fn in_flight(on: On) {
    let town = people(on, 6).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 2"));
    town.anagrafe(&["sync"]).await.code(0);
    town.edit(|text| text.replace("timeout = \"5s\"", "timeout = \"30s\""));
    town.append("[schedule]\nsync = \"* * * * *\"");
    town.sandbox.clear_journal();
    shortly_before_the_minute().await;
    // While the first page is worked on the second one is read, the shop is edited, and a sync comes due.
    town.sandbox.faults().set(Fault::next("customers.search", 1, FaultKind::Latency { ms: 14_000 }));
    let mut command = town.command(&["resync", "--force", "--json"]);
    let child = tokio::task::spawn_blocking(move || command.output().unwrap());
    while town.calls("contacts.find") < 2 {
        assert!(!child.is_finished());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    town.sandbox.open2b.edit_contact(3, |contact| contact.phone = "333 4569871".into());
    let ended = child.await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(String::from_utf8(ended.stdout).unwrap().lines().count(), 2, "a sync ran in between");
    assert_eq!(field(&town, "c3", "telnum"), json!("+393334569871"));
    assert_eq!(town.written(), ["c3"], "written once, and not back");
}

both!(these_contacts_only_and_from_an_id_on, parts);
async fn parts(on: On) {
    let town = people(on, 50).await;
    town.anagrafe(&["sync"]).await.code(0);
    for id in [3, 30, 40] {
        town.sandbox.open2b.edit_contact(id, |contact| contact.name = format!("{} Secondo", contact.name));
    }
    town.sandbox.open2b.delete_contact(4);
    let report = town.anagrafe(&["resync", "--contact", "3", "--contact", "4", "--json"]).await.code(3).json();
    assert_eq!((count(&report, "updated"), count(&report, "parked")), (1, 1), "{report}");
    assert_eq!(town.contact(4).await.reason.unwrap(), "not-in-the-shop", "and a whole resync concludes that");
    let report = town.anagrafe(&["resync", "--from", "35", "--json"]).await.code(0).json();
    assert_eq!((report["read"].as_u64(), count(&report, "updated")), (Some(16), 1), "{report}");
    assert_eq!(field(&town, "c30", "lastname"), field(&town, "c30", "lastname"));
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!((count(&report, "updated"), report["gone"].as_u64()), (1, Some(1)), "{report}");
    town.anagrafe(&["resync", "--contact", "0"]).await.code(2);
    town.anagrafe(&["resync", "--contact", "1", "--from", "2"]).await.code(2);
}

both!(whoever_was_asked_for_and_not_read_is_told, not_read);
async fn not_read(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    let unavailable = FaultKind::Status { status: 503, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("contacts.get", unavailable));
    let ended = town.anagrafe(&["resync", "--contact", "3", "--contact", "4711", "--json"]).await.code(3);
    let report = ended.json();
    assert_eq!((report["outcome"].as_str(), report["read"].as_u64()), (Some("parked"), Some(2)), "{report}");
    assert_eq!(count(&report, "parked"), 2, "{report}");
    for told in ["contact 3 could not be read", "contact 4711 could not be read", "503"] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    let kept = town.contact(3).await;
    assert_eq!((kept.reason.unwrap().as_str(), kept.customer.unwrap().as_str()), ("contact-unreadable", "c3"));
    town.sandbox.faults().clear();
    town.anagrafe(&["resync", "--contact", "3", "--force"]).await.code(0);
    assert_eq!(town.contact(3).await.state.unwrap(), "linked");
    // One that is not there is named; none that is there is a mistake.
    let ended = town.anagrafe(&["resync", "--contact", "3", "--contact", "4711"]).await.code(0);
    assert!(ended.stderr.contains("shop main has no contact 4711"), "{}", ended.stderr);
    let ended = town.anagrafe(&["resync", "--contact", "4711", "--contact", "4712"]).await.code(2);
    for told in ["no contact 4711", "no contact 4712", "none of these contacts exists"] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    town.sandbox.open2b.delete_contact(5);
    town.anagrafe(&["resync"]).await.code(0);
    town.anagrafe(&["resync", "--contact", "5"]).await.code(2);
    assert_eq!(town.contact(5).await.state.unwrap(), "gone", "and stays so");
}

both!(force_looks_at_everybody_and_writes_nothing_that_is_not_due, forced);
async fn forced(on: On) {
    let town = people(on, 50).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["resync", "--force", "--json"]).await.code(0).json();
    assert_eq!((count(&report, "unchanged"), count(&report, "linked")), (0, 50), "{report}");
    assert!(town.written().is_empty());
}

both!(a_new_chat_of_a_known_person_is_found_when_her_recheck_is_due, rechecked);
async fn rechecked(on: On) {
    let town = people(on, 20).await;
    town.sandbox.open2b.add_contact(person(21));
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(21).await.state.unwrap(), "unmatched");
    town.sandbox.vivocha.add_customer(json!({"id": "late", "email": email(21)}).as_object().unwrap().clone());
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(21).await.state.unwrap(), "unmatched", "her recheck is not due");
    town.execute("UPDATE contacts SET recheck_at = 1 WHERE state = 'unmatched'").await;
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(21).await.customer.unwrap(), "late");
}
