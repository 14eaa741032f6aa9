//! `merges list`, `show`, `approve`, `reject`: what is told, what a word does, and what it must not.

use serde_json::json;

use super::{
    merges, proposal,
    support::{On, both},
    synced, synced_on, town,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_says_what_each_waits_for_in_words_and_in_codes() {
    let town = synced().await;
    let all = town.anagrafe(&["merges", "list", "--json"]).await.code(0).json();
    let waits = |customer: &str| {
        let all = all.as_array().unwrap();
        all.iter().find(|one| one.to_string().contains(&format!("\"{customer}\""))).unwrap()["waits_for"].clone()
    };
    assert_eq!((&waits("a1")["on"], &waits("a1")["hold"]), (&json!("held"), &json!(1)), "{all}");
    assert_eq!(waits("b1")["because"], json!(["names-do-not-confirm"]), "{all}");
    assert_eq!((&waits("c1")["on"], &waits("c1")["because"]), (&json!("person"), &json!(["other-phone"])), "{all}");
    let table = town.anagrafe(&["merges", "list"]).await.code(0).stdout;
    assert!(table.contains("holds show 1") && table.contains("names-do-not-confirm"), "{table}");
    town.anagrafe(&["merges", "approve", &proposal(&town, 2).await]).await.code(0);
    let open = town.anagrafe(&["merges", "list"]).await.code(0);
    assert!(open.stderr.contains("not carried out yet: 1"), "{open:?}");
    let approved = town.anagrafe(&["merges", "list", "--state", "approved", "--json"]).await.code(0).json();
    assert_eq!(approved[0]["waits_for"]["on"], "next-run", "{approved}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_approved_at_once_and_carried_out_by_the_next_sync_and_its_whole_story_is_told() {
    let town = synced().await;
    let id = proposal(&town, 3).await;
    let before = town.anagrafe(&["merges", "show", &id]).await.code(0).stdout;
    for part in ["c2 into c1", "row email: the e-mail agrees", "other-phone: one of the customers", "a person only"] {
        assert!(before.contains(part), "{part} is not in {before}");
    }
    let said = town.anagrafe(&["merges", "approve", &id]).await.code(0).stdout;
    assert!(said.contains("the next sync"), "{said}");
    assert_eq!(merges(&town), 0, "a word is not an act");
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(merges(&town), 1);
    let after = town.anagrafe(&["merges", "show", &id]).await.code(0).stdout;
    for part in [
        "state     done, since",
        "authorised by tester",
        "call      POST customers/c1/actions/merge {\"id\":\"c2\"}",
        "outcome   applied",
        "remains   c1; c2 is gone",
        "in run",
    ] {
        assert!(after.contains(part), "{part} is not in {after}");
    }
    assert!(!after.contains("carla@"), "{after}");
    let told = town.anagrafe(&["merges", "show", &id, "--before", "--json"]).await.code(0).json();
    assert_eq!(told["merges"][0]["call"]["path"], "customers/c1/actions/merge", "{told}");
    assert_eq!(told["before"][1]["document"]["telnum"], "+393339999999", "{told}");
    let words = town.anagrafe(&["merges", "show", &id, "--before"]).await.code(0).stdout;
    assert!(words.contains("customer c2 as it was") && words.contains("carla@example.it"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_it_is_shown_first_and_nothing_is_decided_without_yes() {
    let town = synced().await;
    let shown = town.anagrafe(&["merges", "approve", "--all"]).await.code(2);
    assert!(shown.stdout.contains("no way back") && shown.stdout.contains("main/3"), "{shown:?}");
    assert!(shown.stderr.contains("nothing was decided") && shown.stderr.contains("all 2"), "{shown:?}");
    let (two, three) = (proposal(&town, 2).await, proposal(&town, 3).await);
    town.anagrafe(&["merges", "approve", &two, &three]).await.code(2);
    town.anagrafe(&["merges", "reject", &two, &three]).await.code(2);
    assert_eq!(town.number("SELECT COUNT(*) FROM proposals WHERE state <> 'open'").await, 0);
    town.anagrafe(&["merges", "approve", "--all", "--because", "no-such-code"]).await.code(2);
    let none = town.anagrafe(&["merges", "approve", "--all", "--because", "other-email", "--yes"]).await.code(0);
    assert!(none.stderr.contains("nothing was decided"), "{none:?}");
    town.anagrafe(&["merges", "approve", "--all", "--because", "other-phone", "--yes"]).await.code(0);
    assert_eq!(town.texts("SELECT state FROM proposals WHERE id = 3").await, ["approved"]);
    town.anagrafe(&["merges", "approve", "--all", "--because", "held", "--yes", "--json"]).await.code(0);
    assert_eq!(town.texts("SELECT state FROM proposals WHERE id = 1").await, ["approved"]);
    town.anagrafe(&["merges", "approve", "--all", "--yes"]).await.code(0);
    assert_eq!(town.number("SELECT COUNT(*) FROM proposals WHERE state = 'approved'").await, 3);
    assert_eq!(merges(&town), 0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(merges(&town), 3);
}

both!(different_people_is_for_good, parted);
async fn parted(on: On) {
    let town = synced_on(on).await;
    let id = proposal(&town, 3).await;
    let said = town.anagrafe(&["merges", "reject", &id]).await.code(0).stdout;
    assert!(said.contains("for good"), "{said}");
    town.anagrafe(&["resync", "--force"]).await;
    let open = town.anagrafe(&["merges", "list", "--json"]).await.code(0).json();
    assert!(!open.to_string().contains("\"c2\""), "{open}");
    let by_hand = town.anagrafe(&["customers", "merge", "c1", "c2", "--yes"]).await.code(2);
    assert!(by_hand.stderr.contains("different people, as tester said"), "{by_hand:?}");
    assert_eq!(merges(&town), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_on_what_does_not_stand_any_more_changes_nothing_and_says_what_to_do() {
    let town = synced().await;
    let (two, three) = (proposal(&town, 2).await, proposal(&town, 3).await);
    for verb in ["approve", "reject"] {
        let nobody = town.anagrafe(&["merges", verb, "0123456789abcdef"]).await.code(2);
        assert!(nobody.stderr.contains("there is no proposal 0123456789abcdef"), "{nobody:?}");
        let one_of_two = town.anagrafe(&["merges", verb, &two, "0123456789abcdef", "--yes"]).await.code(2);
        assert!(one_of_two.stderr.contains("there is no proposal"), "{one_of_two:?}");
    }
    town.anagrafe(&["merges", "show", "0123456789abcdef"]).await.code(2);
    // Expired: found too long ago.
    town.execute("UPDATE proposals SET made_at = 1000 WHERE id = 2").await;
    for args in [&["merges", "approve", &two][..], &["merges", "approve", &two, &three, "--yes"]] {
        let expired = town.anagrafe(args).await.code(2);
        assert!(expired.stderr.contains("has expired") && expired.stderr.contains("resync --contact"), "{expired:?}");
    }
    let list = town.anagrafe(&["merges", "list"]).await.code(0).stdout;
    assert!(list.contains("too long ago"), "{list}");
    assert_eq!(town.number("SELECT COUNT(*) FROM proposals WHERE state <> 'open'").await, 0, "nothing was decided");
    // Changed: another number now, so it is another proposal.
    town.sandbox.open2b.edit_contact(3, |contact| contact.phone = "333 1000033".into());
    town.anagrafe(&["resync", "--contact", "3"]).await;
    let changed = town.anagrafe(&["merges", "approve", &three]).await.code(2);
    assert!(changed.stderr.contains("is withdrawn"), "{changed:?}");
    // Done.
    let id = town.anagrafe(&["merges", "list", "--json"]).await.json();
    let id =
        id.as_array().unwrap().iter().find(|one| one.to_string().contains("\"c2\"")).unwrap()["id"].as_str().unwrap();
    town.anagrafe(&["merges", "approve", id]).await.code(0);
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await;
    assert_eq!(merges(&town), 1);
    let done = town.anagrafe(&["merges", "approve", id]).await.code(2);
    assert!(done.stderr.contains("is done"), "{done:?}");
    town.anagrafe(&["merges", "reject", id]).await.code(2);
    assert_eq!(merges(&town), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_does_not_stand_releases_nothing() {
    let town = synced().await;
    let none = town.anagrafe(&["holds", "release", "77"]).await.code(2);
    assert!(none.stderr.contains("no standing hold 77"), "{none:?}");
    assert_eq!(town.number("SELECT COUNT(*) FROM proposals WHERE state = 'approved'").await, 0);
    town.anagrafe(&["holds", "release", "1"]).await.code(0);
    town.anagrafe(&["holds", "release", "1"]).await.code(2);
    assert_eq!(town.texts("SELECT id || state FROM proposals WHERE state = 'approved'").await, ["1approved"]);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(merges(&town), 1, "just what was held");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_lost_ends_every_command_before_anything_is_sent() {
    let town = synced().await;
    let id = proposal(&town, 3).await;
    std::fs::write(town.dir.path().join("state/hash.key"), "0".repeat(64)).unwrap();
    for args in [
        &["merges", "list"][..],
        &["merges", "approve", &id],
        &["merges", "show", &id, "--before"],
        &["merges", "restore", &id, "--yes"],
        &["customers", "merge", "z1", "z2", "--yes"],
    ] {
        let lost = town.anagrafe(args).await.code(2);
        assert!(lost.stderr.contains("hash key"), "{args:?}: {lost:?}");
    }
    assert_eq!(town.sandbox.journal().iter().filter(|entry| entry.system == "vivocha").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_there_is_nothing_to_decide() {
    let town = town().await;
    for args in [&["merges", "list"][..], &["merges", "approve", "x"], &["merges", "approve", "--all"]] {
        let none = town.anagrafe(args).await;
        assert!(none.code != 0 && none.stderr.contains("no store yet"), "{none:?}");
    }
    town.anagrafe(&["merges", "approve"]).await.code(2);
    town.anagrafe(&["merges", "approve", "x", "--all"]).await.code(2);
}
