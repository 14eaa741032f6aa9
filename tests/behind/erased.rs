//! Erasure: nothing of ours identifies the person, and no later pass brings her back until a person lifts it.

use serde_json::json;

use super::{
    email, people, person,
    support::{On, both, contact, count},
};

both!(g2_after_an_erasure_nothing_of_ours_identifies_the_person_and_no_pass_brings_her_back, g2);
async fn g2(on: On) {
    let town = people(on, 30).await;
    town.sandbox.open2b.edit_contact(9, |contact| {
        (contact.email, contact.name) = (Some(email(8)), person(8).name);
    });
    town.anagrafe(&["sync"]).await.code(0);
    let proof = town.anagrafe(&["erase", "--email", &email(8).to_uppercase(), "--json"]).await.code(0);
    assert_eq!(proof.json()["contacts"].as_array().unwrap().len(), 2, "{proof:?}");
    assert!(!proof.stdout.contains("example.it") && !proof.stderr.contains("example.it"), "{proof:?}");
    for id in [8, 9] {
        let kept = town.contact(id).await;
        assert_eq!((kept.state.unwrap().as_str(), kept.customer), ("excluded", None));
    }
    for sql in [
        "SELECT COUNT(*) FROM contacts WHERE id IN (8, 9) AND (email IS NOT NULL OR phone IS NOT NULL OR name <> '')",
        "SELECT COUNT(*) FROM links WHERE id IN (8, 9)",
        "SELECT COUNT(*) FROM proposals WHERE id IN (8, 9)",
        "SELECT COUNT(*) FROM writes WHERE id IN (8, 9)",
        "SELECT COUNT(*) FROM rulings WHERE id IN (8, 9)",
    ] {
        assert_eq!(town.number(sql).await, 0, "{sql}");
    }
    // She edits her record, and registers again with the same address.
    town.sandbox.open2b.edit_contact(8, |contact| contact.phone = "333 4568812".into());
    town.sandbox.open2b.add_contact(contact(31, "Altra Volta", &email(8), ""));
    town.sandbox.clear_journal();
    for pass in [["sync", "--json", "--quiet"], ["resync", "--force", "--json"]] {
        let report = town.anagrafe(&pass).await.code(0).json();
        assert_eq!(count(&report, "excluded"), 3, "{report}");
    }
    assert!(town.written().is_empty());
    assert_eq!(town.number("SELECT COUNT(*) FROM contacts WHERE id IN (8, 9, 31) AND state = 'excluded'").await, 3);
    town.sandbox.open2b.delete_contact(31);
    let list = town.anagrafe(&["erase", "list", "--json"]).await.code(0).json();
    town.anagrafe(&["erase", "--lift", &list[0]["id"].to_string()]).await.code(0);
    town.anagrafe(&["erase", "--lift", &list[0]["id"].to_string()]).await.code(2);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(8).await.state.unwrap(), "linked", "lifted");
}

both!(g2_an_erasure_by_id_covers_that_record_and_a_number_only_where_it_is_asked_for, by_id);
async fn by_id(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["erase", "3", "main/4"]).await.code(0);
    town.anagrafe(&["erase", "main/22"]).await.code(0);
    town.sandbox.open2b.add_contact(contact(21, "Uguale Numero", "altro@example.it", &person(3).phone));
    town.sandbox.vivocha.add_customer(json!({"id": "altro", "email": "altro@example.it"}).as_object().unwrap().clone());
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(21).await.state.unwrap(), "linked", "the number alone excludes nobody");
    town.anagrafe(&["erase", "--phone", "333 100 0005"]).await.code(0);
    assert_eq!(town.contact(5).await.state.unwrap(), "excluded");
    // The id that nobody had yet is excluded when it comes.
    town.sandbox.open2b.add_contact(contact(22, "Mai Vista", "mai@example.it", ""));
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "excluded"), 4, "{report}");
    assert_eq!(town.number("SELECT COUNT(*) FROM links WHERE id = 22").await, 0);
    for wrong in
        [vec!["erase"], vec!["erase", "main/x"], vec!["erase", "--email", "nobody"], vec!["erase", "--phone", "12"]]
    {
        let ended = town.anagrafe(&wrong).await.code(2);
        assert!(!ended.stderr.contains("nobody"), "what was given is not repeated: {}", ended.stderr);
    }
}

both!(what_is_said_of_who_was_erased_is_what_a_run_does, said);
async fn said(on: On) {
    let town = people(on, 12).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["erase", "main/3", "main/4"]).await.code(0);
    town.anagrafe(&["erase", "main/4"]).await.code(0);
    town.anagrafe(&["erase", "--email", &email(20)]).await.code(0);
    // By its id; by its id, never read; by its address, not read since.
    town.sandbox.open2b.edit_contact(5, |contact| contact.email = Some(email(20)));
    for (id, by) in
        [(3, "erasure 1 names her"), (4, "erasures 1, 2 name her"), (5, "names an e-mail or telephone number")]
    {
        let told = town.anagrafe(&["explain", "contact", &id.to_string()]).await.code(0).stdout;
        let (_, would) = told.split_once("What a run would do").unwrap();
        assert!(would.contains("exclude her") && would.contains(by), "{told}");
        assert!(!told.contains("How that is weighed") && !told.contains("-> row"), "{told}");
        let told = town.anagrafe(&["explain", "contact", &id.to_string(), "--json"]).await.code(0).json();
        assert_eq!((&told["now"]["erased"], &told["now"]["plan"]), (&json!(true), &json!(null)), "{told}");
    }
    let told = town.anagrafe(&["explain", "contact", "6"]).await.code(0).stdout;
    assert!(told.contains("main/6 linked (email) -> c6") && !told.contains("exclude her"), "{told}");
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "excluded"), 3, "{report}");

    let lifted = town.anagrafe(&["erase", "--lift", "1"]).await.code(0);
    let words = "Erasure 1 is lifted: the next sync looks at 1 contact anew; 1 remains excluded, by erasure 2.";
    assert!(lifted.stdout.contains(words), "{lifted:?}");
    assert!(lifted.stderr.contains("another erasure names"), "{lifted:?}");
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "excluded"), 2, "{report}");
    let lifted = town.anagrafe(&["erase", "--lift", "2", "--json"]).await.code(0).json();
    assert_eq!(
        (&lifted["id"], &lifted["anew"], &lifted["excluded_by"]),
        (&json!(2), &json!(1), &json!({})),
        "{lifted}"
    );
}

both!(g2_to_lift_one_persons_erasure_brings_nobody_else_back, lifted);
async fn lifted(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    for id in [3, 4] {
        town.anagrafe(&["erase", "--email", &email(id)]).await.code(0);
    }
    // She registers again with the same address, and takes another when she is excluded already.
    town.sandbox.open2b.add_contact(contact(21, "Ancora Lei", &email(3), ""));
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.edit_contact(21, |contact| contact.email = Some("nuova@example.it".into()));
    town.sandbox.vivocha.add_customer(json!({"id": "nuova", "email": "nuova@example.it"}).as_object().unwrap().clone());
    town.anagrafe(&["erase", "--lift", "2"]).await.code(0);
    for pass in ["sync", "resync", "sync"] {
        town.anagrafe(&[pass]).await.code(0);
        assert_eq!(town.contact(21).await.state.unwrap(), "excluded", "of whom nobody spoke");
    }
    assert_eq!(town.contact(4).await.state.unwrap(), "linked");
    town.anagrafe(&["erase", "--lift", "1"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(21).await.customer.unwrap(), "nuova");
}

both!(who_is_let_in_again_and_is_in_the_shop_no_more_is_not_asked_for_at_every_sync, lifted_and_gone);
async fn lifted_and_gone(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["erase", "main/3"]).await.code(0);
    town.sandbox.open2b.delete_contact(3);
    town.anagrafe(&["erase", "--lift", "1"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(3);
    assert_eq!(town.contact(3).await.state.unwrap(), "parked");
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.calls("contacts.get"), 0);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(3).await.state.unwrap(), "gone");
}

both!(who_was_erased_before_anybody_read_her_has_a_state_once_she_is_and_is_let_in_by_the_next_sync, before_read);
async fn before_read(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["erase", "main/21"]).await.code(0);
    assert_eq!(town.sandbox.open2b.add_contact(contact(21, "Nuova Lei", "nuova@example.it", "")), 21);
    town.sandbox.vivocha.add_customer(json!({"id": "nuova", "email": "nuova@example.it"}).as_object().unwrap().clone());
    town.sandbox.clear_journal();
    for pass in ["sync", "sync", "resync"] {
        let report = town.anagrafe(&[pass, "--json"]).await.code(0).json();
        assert_eq!(count(&report, "excluded"), 1, "{report}");
        assert_eq!(town.contact(21).await.state.unwrap(), "excluded", "exactly one state");
    }
    assert!(town.written().is_empty());
    let held = "SELECT COUNT(*) FROM contacts WHERE id = 21 AND (email IS NOT NULL OR phone IS NOT NULL OR name <> '')";
    assert_eq!(town.number(held).await, 0);
    town.anagrafe(&["erase", "--lift", "1"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(21).await.customer.unwrap(), "nuova");
}
