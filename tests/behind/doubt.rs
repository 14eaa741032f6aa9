//! A store, a shop or a configuration that is not what it was.

use std::fs;

use anagrafe::sandbox::{Fault, FaultKind, population::ShopContact};
use serde_json::{Value, json};

use super::{
    email, field, people, person,
    resyncs::killed_after,
    support::{On, Town, both, count},
};

/// A store that is restored from yesterday is behind what this machine saw of it.
#[tokio::test(flavor = "multi_thread")]
async fn c6_a_store_that_went_back_in_time_is_noticed_and_authorises_nothing_until_a_resync() {
    let town = people(On::Sqlite, 40).await;
    town.anagrafe(&["sync"]).await.code(0);
    let yesterday = fs::read(town.store()).unwrap();
    town.sandbox.open2b.edit_contact(5, |contact| contact.phone = "333 4569871".into());
    town.anagrafe(&["sync"]).await.code(0);
    // In place: the same file, with what stood in it before.
    fs::write(town.store(), yesterday).unwrap();
    town.sandbox.open2b.edit_contact(6, |contact| contact.phone = "333 4568812".into());
    town.sandbox.clear_journal();
    for _ in 0..2 {
        let ended = town.anagrafe(&["sync", "--json"]).await.code(4);
        assert!(ended.json()["error"].as_str().unwrap().contains("went back in time"), "{ended:?}");
        assert!(town.written().is_empty());
    }
    let status = town.anagrafe(&["status"]).await.code(0);
    assert!(status.stdout.contains("IN DOUBT"), "{}", status.stdout);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(field(&town, "c6", "telnum"), json!("+393334568812"));
    town.anagrafe(&["sync"]).await.code(0);
    assert!(!town.anagrafe(&["status"]).await.stdout.contains("IN DOUBT"));
}

both!(c6_a_doubt_ends_with_a_resync_that_began_after_it_and_looked_at_everybody, whole);
async fn whole(on: On) {
    let town = people(on, 200).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.anagrafe(&["sync"]).await.code(0);
    // The copy is made in the midst of a resync.
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 60 }));
    killed_after(&town, 130).await;
    town.sandbox.faults().clear();
    town.back_up().await;
    town.anagrafe(&["resync"]).await.code(0);
    town.restore().await;
    town.anagrafe(&["sync"]).await.code(4);
    assert_eq!(town.number("SELECT COUNT(*) FROM resyncs").await, 0, "what began before the doubt ends none");
    // In doubt a stop is one like any other: what goes on began after the doubt.
    town.sandbox
        .faults()
        .set(Fault::always("contacts.find", FaultKind::Status { status: 403, retry_after: None, body: None }).after(8));
    town.anagrafe(&["resync"]).await.code(1);
    town.sandbox.faults().clear();
    town.anagrafe(&["sync"]).await.code(4);
    let read = town.number("SELECT MAX(after) FROM resyncs WHERE force = 1").await;
    assert!((10..200).contains(&read), "{read}");
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["read"].as_i64(), Some(200 - read), "{report}");
    assert_eq!(count(&report, "unchanged"), 0, "nobody is passed over for a fingerprint: {report}");
    town.anagrafe(&["sync"]).await.code(0);
    assert!(!town.anagrafe(&["status"]).await.stdout.contains("IN DOUBT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_a_copy_of_the_store_put_in_its_place_is_noticed_by_where_it_lies() {
    let town = people(On::Sqlite, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    let copy = town.dir.path().join("copy.db");
    fs::copy(town.store(), &copy).unwrap();
    fs::rename(&copy, town.store()).unwrap();
    town.anagrafe(&["sync"]).await.code(4);
    town.anagrafe(&["resync"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
}

both!(c6_a_doubt_stays_where_somebody_could_not_be_looked_at, unread);
async fn unread(on: On) {
    let town = people(on, 60).await;
    town.append("[safeguards]\nmax_parked_same_cause = \"100%\"");
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.delete_contact(5);
    for (call, status) in [("contacts.get", 500), ("customers.search", 400)] {
        let away = FaultKind::Status { status, retry_after: None, body: None };
        town.execute("UPDATE shops SET doubted_at = 1").await;
        town.sandbox.faults().set(Fault::always(call, away));
        let ended = town.anagrafe(&["resync"]).await.code(1);
        assert!(ended.stderr.contains("stays in doubt") && ended.stderr.contains("anagrafe resync"), "{ended:?}");
        town.anagrafe(&["sync"]).await.code(4);
        town.sandbox.faults().clear();
        assert!(town.anagrafe(&["status"]).await.stdout.contains("IN DOUBT"), "{call}");
        town.anagrafe(&["resync"]).await.code(0);
        assert!(!town.anagrafe(&["status"]).await.stdout.contains("IN DOUBT"), "{call}");
    }
    assert_eq!(town.contact(5).await.state.unwrap(), "gone");
}

both!(a_shop_that_answers_another_shops_people_under_known_ids_is_not_believed, strangers);
async fn strangers(on: On) {
    let town = people(on, 60).await;
    town.anagrafe(&["sync"]).await.code(0);
    let before = town.contacts().await;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::OtherPeople));
    town.sandbox.clear_journal();
    for pass in ["sync", "resync"] {
        let ended = town.anagrafe(&[pass, "--json"]).await;
        assert_eq!(ended.json()["holds"][0]["kind"], "strangers", "{ended:?}");
    }
    assert!(town.written().is_empty());
    assert_eq!(town.contacts().await, before);
    town.sandbox.faults().clear();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["outcome"], "done", "{report}");
}

both!(a_release_of_strangers_is_of_those_of_its_page_and_of_nobody_else, one_page);
async fn one_page(on: On) {
    let town = people(on, 60).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 20"));
    town.anagrafe(&["sync"]).await.code(0);
    let before = town.contacts().await;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::OtherPeople));
    let held = async || town.anagrafe(&["sync", "--json"]).await.code(4).json()["holds"][0].clone();
    let release = async |hold: &Value| town.anagrafe(&["holds", "release", &hold["id"].to_string()]).await.code(0);
    let first = held().await;
    let shown = town.anagrafe(&["holds", "show", &first["id"].to_string(), "--json"]).await.code(0).json();
    let sample: Vec<i64> = shown["sample"].as_array().unwrap().iter().map(|of| of["id"].as_i64().unwrap()).collect();
    assert_eq!(sample, (1..=20).collect::<Vec<_>>(), "whom it is about");
    release(&first).await;
    let second = held().await;
    assert_ne!(first["id"], second["id"], "nobody has looked at the next page");
    let kept = town.contacts().await;
    assert!((21..=60).all(|id| kept[&id] == before[&id]), "{kept:?}");
    assert_ne!(kept[&1], before[&1], "the first page goes on as it was released");
    // Other people again, on the page that is held: whom a person looks at now is not whom she will have agreed to.
    release(&second).await;
    town.sandbox.faults().clear();
    for id in 21..=40 {
        town.sandbox.open2b.edit_contact(id, |contact| *contact = ShopContact { id, ..person(1_000 + id) });
    }
    assert_ne!(held().await["id"], second["id"]);
}

both!(the_same_shop_under_two_names_is_refused, two_names);
async fn two_names(on: On) {
    let town = people(on, 10).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.edit(|text| text.replace("[shops.main]", "[shops.other]"));
    town.sandbox.clear_journal();
    let ended = town.anagrafe(&["sync"]).await.code(2);
    assert!(ended.stderr.contains("main") && ended.stderr.contains("other"), "{}", ended.stderr);
    assert!(town.written().is_empty());
}

both!(a_shop_that_answers_another_shops_ids_is_not_believed_and_nobody_known_is_lost, other_ids);
async fn other_ids(on: On) {
    let town = people(on, 60).await;
    for n in 1001..=1060 {
        let customer = json!({"id": format!("c{n}"), "email": email(n)});
        town.sandbox.vivocha.add_customer(customer.as_object().unwrap().clone());
    }
    town.anagrafe(&["sync"]).await.code(0);
    let before = town.contacts().await;
    let customers = town.sandbox.vivocha.customers();
    let theirs = another_shop(&town);
    town.sandbox.clear_journal();
    for pass in ["sync", "resync"] {
        let ended = town.anagrafe(&[pass, "--json"]).await.code(if pass == "sync" { 4 } else { 0 });
        assert_eq!(ended.json()["outcome"], "held", "{ended:?}");
        assert_eq!(ended.json()["holds"][0]["kind"], "strangers", "{ended:?}");
        assert!(ended.json()["holds"][0]["reason"].as_str().unwrap().contains("shops.main.url"), "{ended:?}");
        assert_eq!(town.contacts().await, before, "nobody is taken for new or gone by a {pass}");
    }
    assert!(town.written().is_empty());
    assert_eq!(town.sandbox.vivocha.customers(), customers);
    // The right shop again: everybody is there, as she was.
    for id in theirs {
        assert!(town.sandbox.open2b.delete_contact(id));
    }
    for id in 1..=60 {
        assert!(town.sandbox.open2b.add_contact_below(id, person(id)));
    }
    for pass in ["sync", "resync"] {
        let report = town.anagrafe(&[pass, "--json"]).await.code(0).json();
        assert_eq!((count(&report, "unchanged"), &report["gone"]), (60, &json!(0)), "{report}");
    }
    let holds = town.anagrafe(&["holds", "list", "--json"]).await.code(0).json();
    assert_eq!(holds, json!([]), "a resync found nobody of another shop: there is nothing to agree to");
    assert_eq!(town.contacts().await, before);
}

both!(where_a_sync_sees_newcomers_only_those_below_tell_whether_it_is_another_shop, newcomers_only);
async fn newcomers_only(on: On) {
    let town = people(on, 60).await;
    town.anagrafe(&["sync"]).await.code(0);
    // Nobody came for a day: a sync begins behind all that is known.
    let quiet = "UPDATE observations SET at = at - 90000000";
    town.execute(quiet).await;
    let came: Vec<i64> = (1..=12).map(|n| town.sandbox.open2b.add_contact(person(100 + n))).collect();
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!((&report["read"], town.calls("contacts.get")), (&json!(12), 8), "they came: {report}");
    town.execute(quiet).await;
    let before = town.contacts().await;
    for id in came {
        assert!(town.sandbox.open2b.delete_contact(id));
    }
    another_shop(&town);
    for n in 1061..=1072 {
        town.sandbox.open2b.add_contact(person(n));
    }
    town.sandbox.clear_journal();
    for pass in ["sync", "resync", "sync"] {
        let ended = town.anagrafe(&[pass, "--json"]).await;
        assert_eq!(ended.json()["outcome"], "held", "{ended:?}");
        assert!(ended.stdout.contains("still the same shop"), "{ended:?}");
        assert_eq!(town.contacts().await, before, "nobody is lost, nobody taken for new");
    }
    assert!(town.written().is_empty());
}

/// Another shop answers: as many contacts, other people, all their ids above those that are known.
fn another_shop(town: &Town) -> Vec<i64> {
    for id in 1..=60 {
        assert!(town.sandbox.open2b.delete_contact(id));
    }
    (1001..=1060).map(|n| town.sandbox.open2b.add_contact(person(n))).collect()
}
