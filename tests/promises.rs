//! Promises of the first crossing, named after them, on the real binary and both systems over real HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use anagrafe::sandbox::{
    Fault, FaultKind, Malformed, Options,
    population::{Population, ShopContact},
};
use serde_json::{Map, Value, json};
use support::{Town, contact, count, kept};

fn customer(document: &Value) -> Map<String, Value> {
    document.as_object().unwrap().clone()
}

async fn small(contacts: Vec<ShopContact>, customers: &[Value]) -> Town {
    let customers = customers.iter().map(customer).collect();
    Town::with(Population { contacts, customers, ..Population::default() }, Options::default()).await
}

fn now(town: &Town, id: &str) -> Value {
    Value::Object(town.sandbox.vivocha.customer(id).unwrap())
}

/// The state of every contact and what every customer holds.
async fn everything(town: &Town) -> (BTreeMap<i64, kept::Kept>, Vec<Map<String, Value>>) {
    (kept::contacts(&town.store()).await, town.sandbox.vivocha.customers())
}

#[tokio::test(flavor = "multi_thread")]
async fn a2_checkpoint_never_passes_an_id_that_is_not_accounted_for_however_often_it_is_killed() {
    let undisturbed = Town::of(21, 600, 500).await;
    undisturbed.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 50"));
    undisturbed.anagrafe(&["sync"]).await.code(0);
    let wanted = everything(&undisturbed).await;

    let town = Town::of(21, 600, 500).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 50"));
    let latency = FaultKind::Latency { ms: 3 };
    town.sandbox.faults().set(Fault::always("customers.update", latency));
    let mut kills = 0;
    for round in 0..40_u64 {
        let mut child = town.command(&["sync", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(150 + round * 23)).await;
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        kills += u32::from(!ended);
        // On a busy machine the first kill comes before the tables do.
        let made = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'contacts'";
        if town.store().exists() && kept::number(&town.store(), made).await == 1 {
            let unaccounted = kept::number(
                &town.store(),
                "SELECT COUNT(*) FROM contacts c JOIN shops s ON s.shop = c.shop WHERE c.state IS NULL AND c.id <= s.checkpoint",
            )
            .await;
            assert_eq!(unaccounted, 0, "round {round}");
        }
        if ended {
            break;
        }
    }
    assert!(kills >= 2, "the run was killed in the middle, {kills} times");
    town.sandbox.faults().clear();
    let last = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(last["outcome"], "done");
    let found = everything(&town).await;
    assert_eq!(found.0, wanted.0, "the same states and links as without a kill");
    assert_eq!(found.1, wanted.1, "the same customers as without a kill");
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.written(), Vec::<String>::new(), "and then it is quiet");
}

#[tokio::test(flavor = "multi_thread")]
async fn a7_read_is_the_sum_of_the_states_whatever_comes() {
    let town = Town::of(23, 400, 300).await;
    let malformed = FaultKind::MalformedRecord { how: Malformed::Id };
    town.sandbox.faults().set(Fault::next("contacts.find", 3, malformed));
    let refused = FaultKind::Status { status: 400, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::next("customers.update", 2, refused).after(4));
    for limit in ["30", "170", "1000"] {
        let report = town.anagrafe(&["sync", "--json", "--limit", limit]).await.json();
        let sum: u64 = report["counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(report["read"], sum, "{report}");
        assert!(report["read"].as_u64().unwrap() > 0);
    }
    let unaccounted = "SELECT COUNT(*) FROM contacts WHERE state IS NULL";
    assert_eq!(kept::number(&town.store(), unaccounted).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_fields_we_do_not_own_survive_a_server_that_overrides() {
    let document = json!({"id": "c1", "email": "anna@example.it", "tags": ["gold"], "data": {"since": 2019}});
    let other = json!({"id": "c2", "email": "ugo@example.it", "tags": ["silver"]});
    let contacts = vec![
        contact(1, "Anna Neri", "anna@example.it", "333 1234568"),
        contact(2, "Ugo Bassi", "ugo@example.it", "333 1234569"),
    ];
    let town = small(contacts, &[document.clone(), other.clone()]).await;
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::OverridingUpdate));
    let ended = town.anagrafe(&["sync"]).await.code(1);
    assert!(ended.stderr.contains("put back") && ended.stderr.contains("vivocha.endpoints.update"), "{ended:?}");
    assert_eq!(now(&town, "c1")["tags"], document["tags"]);
    assert_eq!(now(&town, "c1")["data"], document["data"]);
    assert_eq!(now(&town, "c2"), other, "nobody else was touched");
    // Nor does the next run try it on the next one: a person looks first.
    let again = town.anagrafe(&["sync"]).await;
    assert!(again.stderr.contains("resume"), "{again:?}");
    assert_eq!(now(&town, "c2"), other, "nobody else was touched later either");
    assert_eq!(kept::number(&town.store(), "SELECT checkpoint FROM shops").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_a_server_that_says_done_and_does_nothing_is_found_out_by_the_canary() {
    let town = Town::of(4, 100, 100).await;
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::SilentUpdate));
    let ended = town.anagrafe(&["sync"]).await.code(1);
    assert!(ended.stderr.contains("anagrafe check"), "{ended:?}");
    assert_eq!(town.calls("customers.update"), 1, "the canary was alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn b4_what_a_server_trims_is_ours_all_the_same_and_not_sent_again() {
    let town = small(
        vec![contact(1, "Massimiliano Bartolomucci", "max@example.it", "")],
        &[json!({"id": "c1", "email": "max@example.it"})],
    )
    .await;
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::TrimmingUpdate { to: 8 }));
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(now(&town, "c1")["firstname"], "Massimil");
    town.sandbox.clear_journal();
    town.sandbox.open2b.edit_contact(1, |contact| contact.note = "seen".into());
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.calls("customers.update"), 0);
    // The value is still the one that came back: a new name of the shop's replaces it.
    town.sandbox.open2b.edit_contact(1, |contact| contact.name = "Massimiliano Barto".into());
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(now(&town, "c1")["lastname"], "Barto");
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_plan_sends_nothing_but_reads_and_writes_nothing_anywhere() {
    let town = Town::of(8, 300, 250).await;
    let before = town.sandbox.vivocha.customers();
    let planned = town.anagrafe(&["plan", "--full", "--json"]).await.code(0);
    assert!(!town.dir.path().join("state").exists(), "not even a folder");
    let reads = ["contacts.find", "contacts.count", "contacts.get", "customers.search", "customers.get", "openapi"];
    assert!(town.sandbox.journal().iter().all(|entry| reads.contains(&entry.call) && entry.wrote.is_none()));
    assert_eq!(town.sandbox.vivocha.customers(), before);

    let summary = planned.json_lines().pop().unwrap();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(summary["plan"]["updates"], report["updates"], "what was planned is what is done");
    assert_eq!(summary["report"]["counts"]["waiting"], report["counts"]["waiting"]);

    let files = |town: &Town| {
        let mut files: Vec<_> = fs::read_dir(town.dir.path().join("state"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = files(&town);
    town.anagrafe(&["plan", "--full"]).await.code(0);
    assert!(files(&town) == before, "the store is as it was, byte for byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_second_process_is_told_who_works_and_sends_nothing() {
    let town = Town::of(8, 400, 300).await;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 700 }));
    let mut first = town.command(&["sync", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while !town.store().exists() || town.calls("contacts.find") == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "the first has begun");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let second = town.anagrafe(&["sync"]).await.code(5);
    assert!(second.stderr.contains("busy") && second.stderr.contains(&first.id().to_string()), "{second:?}");
    town.anagrafe(&["sync", "--ok-if", "busy"]).await.code(0);
    let waited = town.anagrafe(&["sync", "--wait", "--json"]).await.code(0).json();
    assert_eq!(count(&waited, "unchanged"), 400, "it waited for the first, which did it all");
    assert!(first.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_while_paused_nothing_is_written() {
    let town = Town::of(8, 300, 250).await;
    town.anagrafe(&["sync", "--limit", "20"]).await.code(0);
    town.anagrafe(&["pause", "the shop moves"]).await.code(0);
    town.sandbox.clear_journal();
    let ended = town.anagrafe(&["sync"]).await.code(4);
    assert!(ended.stderr.contains("anagrafe resume"), "{ended:?}");
    assert_eq!(town.written(), Vec::<String>::new());
    let status = town.anagrafe(&["status"]).await.code(0);
    assert!(status.stdout.contains("the shop moves"), "{status:?}");
    town.anagrafe(&["resume"]).await.code(0);
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert!(count(&report, "updated") > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crossing_by_pieces_ends_where_one_in_one_go_does() {
    let whole = Town::of(13, 500, 400).await;
    whole.anagrafe(&["sync"]).await.code(0);
    let pieces = Town::of(13, 500, 400).await;
    let first = pieces.anagrafe(&["sync", "--limit", "20", "--json"]).await.code(0).json();
    assert_eq!(first["read"], 20);
    pieces.anagrafe(&["sync", "--limit", "333"]).await.code(0);
    let last = pieces.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(last["read"], 147, "each goes on where the one before stopped");
    let (whole, pieces) = (everything(&whole).await, everything(&pieces).await);
    let states = |kept: &BTreeMap<i64, kept::Kept>| -> Vec<_> {
        kept.iter().map(|(id, kept)| (*id, kept.state.clone(), kept.customer.clone())).collect()
    };
    assert_eq!(states(&pieces.0), states(&whole.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn b8_with_no_change_outside_a_second_run_writes_nothing_whatever_contacts_share_a_customer() {
    let contacts = vec![
        contact(1, "Anna Neri", "anna@example.it", ""),
        contact(2, "Anna Neri", "anna@example.it", "333 1234568"),
        contact(3, "Neri Anna", "anna@example.it", "333 1234568"),
        contact(4, "Anna Maria Neri", "", "+39 333 1234568"),
    ];
    let town = small(contacts, &[json!({"id": "c1", "email": "anna@example.it"})]).await;
    town.append(
        "[fields]\nname = { to = \"name\", rule = \"always\" }\nphone = { to = \"telnum\", rule = \"always\" }",
    );
    town.anagrafe(&["sync"]).await.code(0);
    let after = now(&town, "c1");
    let kept = kept::contacts(&town.store()).await;
    assert_eq!(kept[&1].role.as_deref(), Some("owner"), "all agree by e-mail alone, so the lowest id owns");
    assert_eq!(after["lastname"], "Neri");
    assert!(after["telnum"].is_null(), "the others write nothing: {after}");
    for page_size in [1, 2, 1000] {
        town.sandbox.clear_journal();
        town.edit(|text| {
            let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("page_size")).collect();
            kept.join("\n").replace("[shops.main]", &format!("[shops.main]\npage_size = {page_size}"))
        });
        town.anagrafe(&["sync"]).await.code(0);
        assert_eq!(town.written(), Vec::<String>::new());
        assert_eq!(now(&town, "c1"), after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_edit_survives_and_a_changed_source_still_reaches_what_is_ours() {
    let town = small(
        vec![contact(1, "Anna Neri", "anna@example.it", "333 1234568")],
        &[json!({"id": "c1", "email": "anna@example.it"})],
    )
    .await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(
        (now(&town, "c1")["firstname"].clone(), now(&town, "c1")["telnum"].clone()),
        (json!("Anna"), json!("+393331234568"))
    );
    town.sandbox.vivocha.edit_customer("c1", |customer| {
        customer.insert("lastname".into(), json!("Neri Rossi"));
    });
    town.sandbox.open2b.edit_contact(1, |contact| {
        contact.name = "Annarita Neri".into();
        contact.phone = "333 7654321".into();
    });
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "updated"), 1);
    let after = now(&town, "c1");
    assert_eq!(after["firstname"], "Anna", "the unit was edited by an agent");
    assert_eq!(after["lastname"], "Neri Rossi");
    assert_eq!(after["telnum"], "+393337654321", "the number was ours and unedited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_word_on_a_link_is_carried_out_by_the_next_sync_and_stands() {
    let contacts = vec![contact(1, "Anna Neri", "anna@example.it", ""), contact(2, "Ugo Bassi", "ugo@example.it", "")];
    let customers = vec![
        json!({"id": "c1", "email": "anna@example.it", "firstname": "Annie", "lastname": "Black"}),
        json!({"id": "c2", "email": "ugo@example.it", "firstname": "Hugo", "lastname": "Low"}),
    ];
    let town = small(contacts, &customers).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "waiting"), 2);
    let proposals = town.anagrafe(&["links", "list", "--json"]).await.code(0).json();
    let id = |contact: i64| {
        let of = |p: &&Value| p["contact"]["id"] == contact;
        proposals.as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap().to_owned()
    };
    let (anna, ugo) = (id(1), id(2));
    town.anagrafe(&["links", "show", &anna]).await.code(0);
    town.anagrafe(&["links", "approve", &anna]).await.code(0);
    town.anagrafe(&["links", "reject", &ugo]).await.code(0);
    town.anagrafe(&["links", "approve", &ugo]).await.code(2);
    town.anagrafe(&["links", "approve", "0000000000000000"]).await.code(2);
    town.anagrafe(&["sync"]).await.code(0);
    let kept = kept::contacts(&town.store()).await;
    assert_eq!((kept[&1].state.as_deref(), kept[&1].customer.as_deref()), (Some("linked"), Some("c1")));
    assert_eq!((kept[&2].state.as_deref(), kept[&2].customer.as_deref()), (Some("unmatched"), None));
    assert_eq!(now(&town, "c1")["firstname"], "Annie", "what the customer says of herself stays");
    let explained = town.anagrafe(&["explain", "contact", "1"]).await.code(0);
    assert!(explained.stdout.contains("tester said") && explained.stdout.contains("same"), "{explained:?}");
    assert!(!explained.stdout.contains("anna@example.it"), "masked: {explained:?}");
    let revealed = town.anagrafe(&["explain", "contact", "1", "--reveal"]).await.code(0);
    assert!(revealed.stdout.contains("anna@example.it"), "{revealed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_updates_than_the_share_of_known_customers_are_held_and_a_release_lets_just_them_go_on() {
    let town = Town::of(17, 900, 700).await;
    town.anagrafe(&["sync"]).await.code(0);
    // An import on the shop's side: every telephone number changes.
    for contact in town.sandbox.open2b.contacts() {
        let number = format!("+39 320 {:07}", contact.id);
        town.sandbox.open2b.edit_contact(contact.id, |contact| contact.phone = number.replace(' ', ""));
    }
    town.append("[fields]\nphone = { to = \"telnum\", rule = \"always\" }");
    town.sandbox.clear_journal();
    let ended = town.anagrafe(&["sync", "--json"]).await.code(4);
    assert_eq!(ended.json()["outcome"], "held");
    assert_eq!(town.written(), Vec::<String>::new());
    let hold = ended.json()["holds"][0]["id"].to_string();
    town.anagrafe(&["holds", "show", &hold]).await.code(0);
    town.anagrafe(&["holds", "release", "77"]).await.code(2);
    town.anagrafe(&["holds", "release", &hold]).await.code(0);
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert!(count(&report, "updated") > 100, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn g1_the_store_and_its_folder_hold_no_personal_data() {
    let town = Town::of(9, 600, 500).await;
    town.anagrafe(&["sync"]).await.code(0);
    let proposals = town.anagrafe(&["links", "list", "--json"]).await.code(0).json();
    let id = proposals[0]["id"].as_str().unwrap().to_owned();
    town.anagrafe(&["links", "approve", &id]).await.code(0);
    town.sandbox.faults().set(Fault::next(
        "customers.search",
        8,
        FaultKind::Status { status: 503, retry_after: None, body: None },
    ));
    town.anagrafe(&["sync"]).await;

    let values = kept::everything(&town.store()).await;
    assert!(values.len() > 3000);
    let people = town.sandbox.open2b.contacts().into_iter().flat_map(|c| [Some(c.name), c.email, Some(c.phone)]);
    let chats = town.sandbox.vivocha.customers().into_iter().flat_map(|customer| {
        ["email", "telnum", "firstname", "lastname", "nickname"]
            .map(|f| customer.get(f).and_then(Value::as_str).map(str::to_owned))
    });
    let personal: Vec<String> = people.chain(chats).flatten().filter(|text| text.len() >= 4).collect();
    let all: String = values.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("\n");
    let digits: String =
        all.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 9).collect::<Vec<_>>().join(" ");
    for text in &personal {
        assert!(!all.contains(text.as_str()), "a column holds a person's value");
        let number: String = text.chars().filter(char::is_ascii_digit).collect();
        assert!(number.len() < 9 || !digits.contains(&number), "a column holds a number");
    }
    for file in fs::read_dir(town.dir.path().join("state")).unwrap().map(|entry| entry.unwrap().path()) {
        let bytes = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(personal.iter().all(|value| value.len() < 8 || !text.contains(value.as_str())), "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_rule_is_never_silently_unapplied_and_a_plan_says_which() {
    let town = Town::of(29, 200, 150).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.append("[matching]\nnames_differ = \"link\"");
    let planned = town.anagrafe(&["plan"]).await.code(0);
    assert!(planned.stdout.contains("200 contacts are due because [matching] changed"), "{}", planned.stdout);
    let waiting = async || {
        let status = town.anagrafe(&["status", "--json"]).await.json();
        status["shops"]["main"]["states"]["waiting"].as_u64().unwrap()
    };
    let before = waiting().await;
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["sync", "--json"]).await.code(4).json();
    assert_eq!(count(&report, "unchanged"), 0);
    assert_eq!(
        report["holds"][0]["kind"], "rules",
        "the links it makes are written once a person has looked: {report}"
    );
    assert!(town.written().is_empty());
    let hold = report["holds"][0]["id"].to_string();
    town.anagrafe(&["holds", "release", &hold]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert!(waiting().await < before);
}
