//! Deletions: concluded only from a whole reading and a `get`, never from a source that is suddenly small; and what becomes of links.

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::json;

use super::{
    email, field, people, person,
    support::{On, Town, both, contact},
    town,
};

both!(a4_a_source_that_is_suddenly_empty_or_shrunk_holds_the_run_before_any_write, a4);
async fn a4(on: On) {
    let town = people(on, 60).await;
    town.anagrafe(&["sync"]).await.code(0);
    for id in 1..=40 {
        town.sandbox.open2b.delete_contact(id);
    }
    for pass in ["sync", "resync"] {
        town.sandbox.open2b.edit_contact(50, |contact| contact.phone = format!("333 55555{:02}", pass.len()));
        town.sandbox.clear_journal();
        let ended = town.anagrafe(&[pass, "--json"]).await;
        assert_eq!(ended.json()["outcome"], "held", "{ended:?}");
        assert_eq!(ended.json()["holds"][0]["kind"], "shrunk");
        assert!(town.written().is_empty());
        assert_eq!(town.calls("contacts.find"), 0, "nothing was even read");
    }
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'gone'").await, 0);
    // Whoever releases it is told for how long, and that is how long it is.
    for (hours, code) in [(25, 4), (23, 0)] {
        let hold = town.anagrafe(&["holds", "list", "--json"]).await.json()[0]["id"].to_string();
        let released = town.anagrafe(&["holds", "release", &hold]).await.code(0);
        assert!(released.stdout.contains("good for 24 hours"), "{released:?}");
        town.execute(&format!("UPDATE holds SET released_at = released_at - {}", hours * 3_600_000)).await;
        let report = town.anagrafe(&["resync", "--json"]).await.code(code).json();
        assert_eq!(report["gone"], if code == 0 { 40 } else { 0 }, "{report}");
    }
}

both!(a_release_of_a_shrunk_shop_covers_what_is_within_it_and_no_more, within);
async fn within(on: On) {
    let town = people(on, 60).await;
    town.anagrafe(&["sync"]).await.code(0);
    for id in 1..=30 {
        town.sandbox.open2b.delete_contact(id);
    }
    let standing = async || town.anagrafe(&["holds", "list", "--json"]).await.json().as_array().unwrap().clone();
    town.anagrafe(&["sync"]).await.code(4);
    let first = standing().await;
    // The shop lives on, and counts otherwise at every run.
    town.sandbox.open2b.add_contact(person(61));
    town.anagrafe(&["sync"]).await.code(4);
    let newest = standing().await;
    assert_eq!((first.len(), newest.len()), (1, 1), "the newest finding stands alone: {newest:?}");
    assert_ne!(first[0]["id"], newest[0]["id"]);
    town.anagrafe(&["holds", "release", &newest[0]["id"].to_string()]).await.code(0);
    town.sandbox.open2b.add_contact(person(62));
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(standing().await.len(), 0);
    for id in 31..=40 {
        town.sandbox.open2b.delete_contact(id);
    }
    town.anagrafe(&["sync"]).await.code(4);
}

both!(a4_a_deletion_is_concluded_only_from_a_complete_reading_and_a_get, concluded);
async fn concluded(on: On) {
    let town = people(on, 60).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 20"));
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.delete_contact(9);
    // A reading of fewer contacts than the shop counts is not a complete one, whatever a `get` would say.
    town.sandbox.faults().set(Fault::always("contacts.count", FaultKind::WrongCount { to: 60 }));
    let ended = town.anagrafe(&["resync", "--json"]).await.code(1);
    assert_eq!(ended.json()["gone"], 0, "{ended:?}");
    assert!(ended.json()["error"].as_str().unwrap().contains("not complete"), "{ended:?}");
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'gone'").await, 0);
    town.sandbox.faults().clear();
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["gone"], 1, "{report}");
    assert_eq!(town.contact(9).await.state.unwrap(), "gone");
    assert!(town.calls("contacts.get") >= 1, "it was asked for by its id");
}

both!(the_last_contacts_of_a_shop_are_found_gone_too, the_last);
async fn the_last(on: On) {
    let town = people(on, 40).await;
    town.anagrafe(&["sync"]).await.code(0);
    for id in [5, 38, 39, 40] {
        town.sandbox.open2b.delete_contact(id);
    }
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["gone"], 4, "{report}");
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'gone'").await, 4);
}

both!(more_deletions_than_max_vanished_wait_for_a_person_who_releases_just_those, too_many);
async fn too_many(on: On) {
    let town = people(on, 100).await;
    town.anagrafe(&["sync"]).await.code(0);
    // As many come as go: the count alone shows nothing.
    for id in 1..=30 {
        town.sandbox.open2b.delete_contact(id);
        town.sandbox.open2b.add_contact(person(1000 + id));
    }
    let ended = town.anagrafe(&["resync", "--json"]).await.code(4);
    assert_eq!(ended.json()["holds"][0]["count"], 30, "{ended:?}");
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'gone'").await, 0);
    let hold = ended.json()["holds"][0]["id"].to_string();
    town.anagrafe(&["holds", "release", &hold]).await.code(0);
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["gone"], 30, "{report}");
}

both!(
    c1_what_a_person_released_of_a_shop_that_shrank_is_released_for_a_resync_that_was_killed_too,
    released_and_killed
);
async fn released_and_killed(on: On) {
    let town = people(on, 100).await;
    town.anagrafe(&["sync"]).await.code(0);
    for id in 1..=60 {
        town.sandbox.open2b.delete_contact(id);
    }
    let ended = town.anagrafe(&["resync", "--json"]).await.code(4);
    town.anagrafe(&["holds", "release", &ended.json()["holds"][0]["id"].to_string()]).await.code(0);
    town.sandbox.faults().set(Fault::always("contacts.get", FaultKind::Latency { ms: 300 }));
    let mut child = town.command(&["resync", "--quiet"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    while town.number("SELECT COUNT(*) FROM resyncs WHERE whole = 1").await == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it is killed when all is read");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    town.sandbox.faults().clear();
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["gone"], 60, "{report}");
}

both!(a_contact_that_is_gone_and_comes_back_finds_its_link_and_its_baselines, comes_back);
async fn comes_back(on: On) {
    let town = people(on, 30).await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(field(&town, "c7", "telnum"), json!("+393331000007"));
    town.sandbox.open2b.delete_contact(7);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(7).await.state.unwrap(), "gone");
    // Back, with another number: what we wrote there is still ours to bring up to date.
    let back = contact(7, &person(7).name, &email(7), "333 4567713");
    assert!(town.sandbox.open2b.add_contact_below(7, back));
    town.anagrafe(&["resync"]).await.code(0);
    let kept = town.contact(7).await;
    assert_eq!((kept.state.unwrap().as_str(), kept.customer.unwrap().as_str()), ("linked", "c7"));
    assert_eq!(kept.role.unwrap(), "owner");
    assert_eq!(field(&town, "c7", "telnum"), json!("+393334567713"));
}

both!(when_an_owner_is_gone_the_next_contact_of_the_person_inherits_what_we_wrote, inherits);
async fn inherits(on: On) {
    let twice = vec![
        contact(1, "Anna Neri", "anna@example.it", "333 1234567"),
        contact(2, "Anna Neri", "anna@example.it", "333 1234567"),
        person(3),
    ];
    let town = town(on, twice, vec![json!({"id": "c1", "email": "anna@example.it"})]).await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(2).await.role.unwrap(), "secondary");
    town.sandbox.open2b.delete_contact(1);
    town.anagrafe(&["resync"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(2).await.role.unwrap(), "owner", "it inherits by the next sync");
    town.sandbox.open2b.edit_contact(2, |contact| contact.phone = "333 7654321".into());
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(field(&town, "c1", "telnum"), json!("+393337654321"), "what the first one wrote is its to replace");
}

both!(a_contact_that_comes_back_after_89_days_finds_its_link_and_its_baselines, after_89_days);
async fn after_89_days(on: On) {
    let (town, since) = back_after(on, 89).await;
    assert_eq!(field(&town, "c7", "telnum"), json!("+393334567713"), "what we wrote is still ours to bring up to date");
    assert_eq!(town.number("SELECT since FROM links WHERE id = 7 AND ended_at IS NULL").await, since);
}

both!(a_contact_that_comes_back_after_91_days_is_judged_as_a_new_one, after_91_days);
async fn after_91_days(on: On) {
    let (town, since) = back_after(on, 91).await;
    assert_eq!(field(&town, "c7", "telnum"), json!("+393331000007"), "nothing tells any more who wrote that");
    assert!(town.number("SELECT since FROM links WHERE id = 7 AND ended_at IS NULL").await > since);
}

/// Contact 7 is deleted, is found gone, and is back with another number after so many days of resyncs; and since when its link was.
async fn back_after(on: On, days: i64) -> (Town, i64) {
    let town = people(on, 30).await;
    town.anagrafe(&["sync"]).await.code(0);
    let since = town.number("SELECT since FROM links WHERE id = 7").await;
    town.sandbox.open2b.delete_contact(7);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(7).await.state.unwrap(), "gone");
    let span = days * 24 * 3_600_000;
    town.execute(&format!("UPDATE links SET ended_at = ended_at - {span} WHERE id = 7")).await;
    town.execute(&format!("UPDATE contacts SET judged_at = judged_at - {span} WHERE id = 7")).await;
    town.anagrafe(&["resync"]).await.code(0);
    let known = i64::from(days < 90);
    assert_eq!(town.number("SELECT COUNT(*) FROM links WHERE id = 7").await, known);
    assert_eq!(town.number("SELECT COUNT(email) FROM contacts WHERE id = 7").await, known, "nor who she was");
    let back = contact(7, &person(7).name, &email(7), "333 4567713");
    assert!(town.sandbox.open2b.add_contact_below(7, back));
    town.anagrafe(&["resync"]).await.code(0);
    let kept = town.contact(7).await;
    assert_eq!((kept.state.unwrap().as_str(), kept.customer.unwrap().as_str()), ("linked", "c7"));
    (town, since)
}
