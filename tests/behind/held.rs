//! Updates that a safeguard holds, one by one, and what a release lets go.

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use super::{
    field, people,
    support::{On, Town, both, contact, count},
};

/// Two hundred people, linked; then so many get another number, in the shop.
async fn renumbered(on: On, of: std::ops::RangeInclusive<i64>) -> Town {
    let town = people(on, 200).await;
    town.anagrafe(&["sync"]).await.code(0);
    for id in of {
        town.sandbox.open2b.edit_contact(id, |contact| contact.phone = format!("333 8{id:06}"));
    }
    town.sandbox.clear_journal();
    town
}

async fn hold(town: &Town) -> String {
    town.anagrafe(&["holds", "list", "--json"]).await.json()[0]["id"].to_string()
}

both!(updates_beyond_the_share_are_held_one_by_one_and_everything_else_goes_on, beyond);
async fn beyond(on: On) {
    let town = renumbered(on, 1..=150).await;
    let ended = town.anagrafe(&["sync", "--json"]).await.code(4);
    let report = ended.json();
    assert_eq!((report["updates"].as_u64(), report["read"].as_u64()), (Some(100), Some(200)), "{report}");
    assert_eq!(
        (report["holds"][0]["kind"].as_str(), report["holds"][0]["count"].as_u64()),
        (Some("updates"), Some(50))
    );
    assert_eq!(town.written().len(), 100);
    let again = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(again["updates"], 0, "an unchanged hold: exit 0, and listed: {again}");
    assert_eq!(again["holds"][0]["count"], 50, "{again}");
    assert!(again["calls"]["vivocha"].as_object().unwrap().is_empty(), "and nobody is asked again: {again}");
    let forced = town.anagrafe(&["resync", "--force", "--json"]).await.code(0).json();
    assert_eq!(
        (&forced["updates"], &forced["holds"][0]["count"]),
        (&json!(0), &json!(50)),
        "they would fit now: {forced}"
    );
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["updates"], 50, "{report}");
    assert_eq!(report["holds"].as_array().unwrap().len(), 0);
    assert_eq!(field(&town, "c150", "telnum"), json!("+393338000150"));
}

both!(a_release_is_bound_to_what_was_held_and_what_changed_since_is_held_again, bound);
async fn bound(on: On) {
    let town = renumbered(on, 148..=150).await;
    town.append("[safeguards]\nmax_updates = \"0%\"");
    let report = town.anagrafe(&["sync", "--json"]).await.code(4).json();
    assert_eq!((report["updates"].as_u64(), report["holds"][0]["count"].as_u64()), (Some(0), Some(3)), "{report}");
    town.anagrafe(&["holds", "release", "77"]).await.code(2);
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    // One of those released is another update now.
    town.sandbox.open2b.edit_contact(150, |contact| contact.phone = "333 4566615".into());
    let report = town.anagrafe(&["sync", "--json"]).await.code(4).json();
    assert_eq!((report["updates"].as_u64(), report["holds"][0]["count"].as_u64()), (Some(2), Some(1)), "{report}");
    assert_eq!(field(&town, "c150", "telnum"), json!("+393331000150"), "as it was before");
    assert_eq!(field(&town, "c149", "telnum"), json!("+393338000149"));
    // Edited back, there is nothing left to hold.
    town.sandbox.open2b.edit_contact(150, |contact| contact.phone = super::person(150).phone);
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["holds"].as_array().unwrap().len(), 0, "{report}");
}

both!(what_changed_since_a_release_is_held_again_also_where_the_share_has_room_for_it, room);
async fn room(on: On) {
    let town = renumbered(on, 1..=150).await;
    let plan = town.anagrafe(&["plan", "--json"]).await.code(0);
    let plan: Value = serde_json::from_str(plan.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&plan["plan"]["updates"], &plan["plan"]["would_be_held"]["updates"]),
        (&json!(150), &json!(50)),
        "{plan}"
    );
    town.anagrafe(&["sync"]).await.code(4);
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    for id in 145..=150 {
        town.sandbox.open2b.edit_contact(id, |contact| contact.phone = format!("333 7{id:06}"));
    }
    let report = town.anagrafe(&["sync", "--json"]).await.code(4).json();
    assert_eq!((report["updates"].as_u64(), report["holds"][0]["count"].as_u64()), (Some(44), Some(6)), "{report}");
    assert_eq!(field(&town, "c150", "telnum"), json!("+393331000150"), "nobody looked at what it is now");
}

both!(what_keeps_every_run_from_writing_is_said_by_plan_and_by_check, in_the_way);
async fn in_the_way(on: On) {
    let town = renumbered(on, 1..=3).await;
    assert!(!town.anagrafe(&["plan"]).await.code(0).stdout.contains("paused"));
    town.anagrafe(&["pause", "a look first"]).await.code(0);
    let plan = town.anagrafe(&["plan"]).await.code(0).stdout;
    assert!(plan.contains("No run writes: writing is paused since"), "{plan}");
    let check = town.anagrafe(&["check"]).await;
    assert!(check.code != 0 && check.stdout.contains("writing is paused since"), "{check:?}");
    town.anagrafe(&["resume"]).await.code(0);
    town.execute("UPDATE shops SET doubted_at = 1").await;
    let plan = town.anagrafe(&["plan"]).await.code(0).stdout;
    assert!(plan.contains("No sync would begin: the store went back in time"), "{plan}");
    let check = town.anagrafe(&["check"]).await;
    assert!(check.code != 0 && check.stdout.contains("the store went back in time"), "{check:?}");
}

both!(e2_a_release_in_the_midst_of_a_pass_lets_go_what_was_held_by_then_and_no_more, midst);
async fn midst(on: On) {
    let town = renumbered(on, 1..=200).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.append("[safeguards]\nmax_updates = \"0%\"");
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 100 }));
    let mut command = town.command(&["resync", "--json"]);
    let child = tokio::task::spawn_blocking(move || command.output().unwrap());
    let held = "SELECT COUNT(*) FROM held";
    while town.number(held).await < 20 {
        assert!(!child.is_finished(), "it is released in the midst");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    town.anagrafe(&["holds", "release", "1"]).await.code(0);
    let ended = child.await.unwrap();
    assert_eq!(ended.status.code(), Some(4));
    // It looks at some of those released between its own pages; the rest is due.
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let sent = report["updates"].as_i64().unwrap();
    let released = town.number("SELECT COUNT(*) FROM held WHERE hold = 1").await;
    assert!((20..200).contains(&(sent + released)), "{sent} {released}");
    let due = "SELECT COUNT(*) FROM held JOIN contacts USING (account, shop, id) WHERE retry_at IS NOT NULL";
    assert_eq!(town.number(due).await, released, "those that were held when it was released, and nobody else");
    let report = town.anagrafe(&["sync", "--json"]).await.json();
    assert_eq!(report["updates"].as_i64(), Some(released), "{report}");
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(
        (report["updates"].as_i64(), report["holds"][0]["count"].as_i64()),
        (Some(0), Some(200 - sent - released))
    );
    assert_eq!(town.written().len(), usize::try_from(sent + released).unwrap());
}

both!(a_changed_rule_that_touches_more_than_the_share_waits_before_its_first_write, rules);
async fn rules(on: On) {
    let town = people(on, 200).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.clear_journal();
    town.append("[fields]\nnote = { to = \"note\", rule = \"always\" }");
    for id in 1..=200 {
        town.sandbox.open2b.edit_contact(id, |contact| contact.note = format!("remark {id}"));
    }
    // Somebody new comes meanwhile: no rule changed for her.
    town.sandbox.open2b.add_contact(super::person(201));
    let customer = json!({"id": "c201", "email": super::email(201)});
    town.sandbox.vivocha.add_customer(customer.as_object().unwrap().clone());
    let planned = town.anagrafe(&["plan"]).await.code(0);
    assert!(planned.stdout.contains("because [fields] changed"), "{}", planned.stdout);
    let report = town.anagrafe(&["resync", "--json"]).await.code(4).json();
    assert_eq!((report["holds"][0]["kind"].as_str(), report["updates"].as_u64()), (Some("rules"), Some(1)), "{report}");
    assert_eq!(town.written(), ["c201"]);
    let again = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!((again["updates"].as_u64(), again["holds"][0]["count"].as_u64()), (Some(0), Some(200)), "{again}");
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["updates"], 200, "{report}");
    assert_eq!(field(&town, "c1", "note"), json!("remark 1"));
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(report["updates"], 0, "{report}");
}

/// Two hundred people whose remarks are written by a rule that came later: more than may be updated in one run.
async fn remarked(on: On) -> Town {
    let town = people(on, 200).await;
    town.append("[safeguards]\nmax_parked_same_cause = \"100%\"");
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.clear_journal();
    town.append("[fields]\nnote = { to = \"note\", rule = \"always\" }");
    for id in 1..=200 {
        town.sandbox.open2b.edit_contact(id, |contact| contact.note = format!("remark {id}"));
    }
    town
}

/// Nobody can be searched for in this run, and all are due again after it.
async fn in_vain(town: &Town, run: &[&str]) {
    let away = FaultKind::Status { status: 400, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("customers.search", away));
    town.anagrafe(run).await.code(3);
    town.sandbox.faults().clear();
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'parked'").await, 200);
    town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
}

both!(what_is_held_anew_is_due_no_more_and_a_persons_word_on_whom_it_concerns_is_carried_out, anew);
async fn anew(on: On) {
    let town = remarked(on).await;
    town.anagrafe(&["resync"]).await.code(4);
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    // A second import, before anybody came to it.
    for id in 1..=200 {
        town.sandbox.open2b.edit_contact(id, |contact| contact.note = format!("another remark {id}"));
    }
    town.anagrafe(&["sync"]).await.code(4);
    let due = "SELECT COUNT(*) FROM contacts WHERE retry_at IS NOT NULL";
    assert_eq!((town.number(due).await, town.number("SELECT COUNT(*) FROM held").await), (0, 200));
    let customer = json!({"id": "somebody", "name": "Somebody"});
    town.sandbox.vivocha.add_customer(customer.as_object().unwrap().clone());
    town.anagrafe(&["links", "assign", "main/5", "somebody"]).await.code(0);
    town.anagrafe(&["links", "detach", "main/6"]).await.code(0);
    let before = town.calls("contacts.get");
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.calls("contacts.get") - before, 2, "nobody else is due");
    let linked = "SELECT COUNT(*) FROM links WHERE id = 5 AND customer = 'somebody' AND ended_at IS NULL";
    assert_eq!(town.number(linked).await, 1);
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE id = 6 AND state = 'linked'").await, 0);
    assert_eq!((town.number(due).await, town.number("SELECT COUNT(*) FROM held").await), (0, 198));
}

both!(a7_whoever_is_back_while_a_changed_rule_is_held_is_accounted_for, back);
async fn back(on: On) {
    let town = people(on, 200).await;
    town.append("[safeguards]\nmax_vanished = \"50%\"");
    town.anagrafe(&["sync"]).await.code(0);
    assert!(town.sandbox.open2b.delete_contact(5));
    town.anagrafe(&["resync"]).await.code(0);
    town.append("[fields]\nnote = { to = \"note\", rule = \"always\" }");
    for id in (1..=200).filter(|id| *id != 5) {
        town.sandbox.open2b.edit_contact(id, |contact| contact.note = format!("remark {id}"));
    }
    assert!(town.sandbox.open2b.add_contact_below(5, super::person(5)));
    town.sandbox.open2b.edit_contact(5, |contact| contact.note = "remark 5".into());
    town.anagrafe(&["resync"]).await.code(4);
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE id = 5 AND state = 'gone'").await, 0);
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!((field(&town, "c5", "note"), town.number("SELECT COUNT(*) FROM held").await), (json!("remark 5"), 0));
}

both!(b5_what_is_held_stays_so_through_any_number_of_resyncs_and_however_close_they_look, forced);
async fn forced(on: On) {
    let town = remarked(on).await;
    town.anagrafe(&["resync"]).await.code(4);
    for _ in 0..2 {
        town.anagrafe(&["resync"]).await.code(0);
    }
    let report = town.anagrafe(&["resync", "--force", "--json"]).await.code(0).json();
    assert_eq!((report["updates"].as_u64(), report["holds"][0]["count"].as_u64()), (Some(0), Some(200)), "{report}");
    // Edited while it is held, it is another update, and nobody has released that either.
    town.sandbox.open2b.edit_contact(5, |contact| contact.note = "another remark".into());
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!((report["updates"].as_u64(), report["holds"][0]["count"].as_u64()), (Some(0), Some(200)), "{report}");
    // A store in doubt has everybody looked at, and nothing released.
    town.execute("UPDATE shops SET doubted_at = 1").await;
    town.anagrafe(&["resync"]).await.code(0);
    assert!(town.written().is_empty());
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["updates"], 200, "{report}");
    assert_eq!(field(&town, "c5", "note"), json!("another remark"));
    assert_eq!(town.anagrafe(&["resync", "--json"]).await.code(0).json()["updates"], 0);
}

both!(b5_who_was_parked_is_held_by_a_changed_rule_like_everybody_else, parked);
async fn parked(on: On) {
    let town = remarked(on).await;
    in_vain(&town, &["resync"]).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(4).json();
    assert_eq!((report["updates"].as_u64(), report["holds"][0]["kind"].as_str()), (Some(0), Some("rules")), "{report}");
    assert_eq!(report["holds"][0]["count"], 200, "{report}");
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state <> 'linked'").await, 0, "and parked no more");
    // Parked while it is held, it is held all the same.
    in_vain(&town, &["resync", "--force"]).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!((report["updates"].as_u64(), report["holds"][0]["count"].as_u64()), (Some(0), Some(200)), "{report}");
    assert!(town.written().is_empty());
    // Parked after it was released, it is released all the same.
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    in_vain(&town, &["sync"]).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["updates"], 200, "{report}");
}

both!(a_changed_rule_that_makes_new_links_waits_before_its_first_write_too, new_links);
async fn new_links(on: On) {
    // Nine whose customer bears another name: they wait for a person.
    let town = people(on, 200).await;
    for n in 1..=9 {
        let other = json!({"id": format!("x{n}"), "email": format!("x{n}@example.it"), "firstname": "Zeno", "lastname": "Zucchi"});
        town.sandbox.vivocha.add_customer(other.as_object().unwrap().clone());
        town.sandbox.open2b.add_contact(contact(
            200 + n,
            "Anna Neri",
            &format!("x{n}@example.it"),
            &format!("333 77000{n:02}"),
        ));
    }
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'waiting'").await, 9);
    town.append("[matching]\nnames_differ = \"link\"");
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["resync", "--json"]).await.code(4).json();
    assert_eq!((report["holds"][0]["kind"].as_str(), report["updates"].as_u64()), (Some("rules"), Some(0)), "{report}");
    assert_eq!(report["holds"][0]["count"], 9, "{report}");
    assert!(town.written().is_empty());
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'waiting'").await, 9, "as they were");
    town.anagrafe(&["holds", "release", &hold(&town).await]).await.code(0);
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["updates"], 9, "{report}");
}

both!(e3_a_cause_common_to_many_contacts_stops_the_run_as_an_outage, e3);
async fn e3(on: On) {
    let town = renumbered(on, 1..=90).await;
    let unavailable = FaultKind::Status { status: 503, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("customers.update", unavailable));
    let report = town.anagrafe(&["sync", "--json"]).await.code(1).json();
    assert_eq!(report["outcome"], "failed");
    assert!(report["error"].as_str().unwrap().contains("outage"), "{report}");
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE state = 'parked'").await, 0, "the queue is not filled");
    town.sandbox.faults().clear();
    town.anagrafe(&["sync"]).await;
    let report = town.anagrafe(&["sync", "--json"]).await.json();
    assert_eq!((report["updates"].as_u64(), count(&report, "parked")), (Some(0), 0), "{report}");
    assert_eq!(field(&town, "c90", "telnum"), json!("+393338000090"));
}

both!(a_plan_counts_all_that_a_changed_rule_makes_due_whether_or_not_it_reads_them, due_because);
async fn due_because(on: On) {
    let town = people(on, 300).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.append("[schedule]\nlookback_pages = 1");
    town.anagrafe(&["sync"]).await.code(0);
    let planned = town.anagrafe(&["plan"]).await.code(0);
    assert!(!planned.stdout.contains("are due because"), "{}", planned.stdout);
    town.append("[fields]\nnote = { to = \"note\", rule = \"always\" }");
    let planned = town.anagrafe(&["plan"]).await.code(0).stdout;
    assert!(planned.contains("300 contacts are due because [fields] changed"), "{planned}");
    assert!(planned.contains("A sync would look at 10 of them"), "{planned}");
    let json = town.anagrafe(&["plan", "--json"]).await.code(0).json_lines().pop().unwrap();
    assert_eq!(json["plan"]["due_because"], json!({"fields": 300}), "{json}");
    assert_eq!(json["plan"]["due_read"], json!({"fields": 10}), "{json}");
    let full = town.anagrafe(&["plan", "--full"]).await.code(0).stdout;
    assert!(
        full.contains("300 contacts are due because [fields] changed") && !full.contains("would look at"),
        "{full}"
    );
    // What was judged by it since is not due for it any more.
    town.anagrafe(&["sync"]).await.code(0);
    let json = town.anagrafe(&["plan", "--json"]).await.code(0).json_lines().pop().unwrap();
    assert_eq!(
        (&json["plan"]["due_because"], &json["plan"]["due_read"]),
        (&json!({"fields": 290}), &json!({})),
        "{json}"
    );
}
