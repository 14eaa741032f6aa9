//! `merges restore`: what goes back, what stays, and what cannot be restored any more.

use anagrafe::sandbox::{Fault, FaultKind};
use serde_json::json;

use super::{document, merges, proposal, support::Town, synced};

/// Anna's two customers, merged.
async fn merged() -> (Town, String) {
    let town = synced().await;
    let id = proposal(&town, 1).await;
    town.anagrafe(&["holds", "release", "1"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(merges(&town), 1);
    town.sandbox.clear_journal();
    (town, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_goes_back_what_was_changed_since_stays_and_they_are_two_from_then_on() {
    let (town, id) = merged().await;
    // An agent has been there since.
    let mut anna = town.sandbox.vivocha.customer("a1").unwrap();
    assert_eq!(anna["nickname"], "annina", "it came with the merge");
    anna.insert("note".into(), json!("called on Friday"));
    assert!(town.sandbox.vivocha.edit_customer("a1", |customer| *customer = anna.clone()));
    let shown = town.anagrafe(&["merges", "restore", &id]).await.code(2);
    for part in [
        "nickname: annina came with the merge; back to nothing",
        "city: Torino",
        "note: was changed since",
        "a2 does not come back",
    ] {
        assert!(shown.stdout.contains(part), "{part} is not in {shown:?}");
    }
    assert!(shown.stderr.contains("nothing was sent") && shown.stderr.contains("--yes"), "{shown:?}");
    assert_eq!(town.calls("customers.update"), 0);
    let done = town.anagrafe(&["merges", "restore", &id, "--yes"]).await.code(0).stdout;
    assert!(done.contains("different people from now on"), "{done}");
    assert_eq!((town.calls("customers.update"), merges(&town)), (1, 0));
    let declared = "SELECT customer || ' ' || why || ' ' || by || ' ' || outcome FROM by_hand";
    assert_eq!(town.texts(declared).await, ["a1 merges restore tester applied"]);
    let after = town.sandbox.vivocha.customer("a1").unwrap();
    assert_eq!(
        (&after["nickname"], &after["city"], &after["note"]),
        (&json!(null), &json!(null), &json!("called on Friday"))
    );
    assert_eq!(town.texts("SELECT one || ' ' || other || ' ' || decided_by FROM parted").await, ["a1 a2 tester"]);
    let again = town.anagrafe(&["merges", "restore", &id, "--yes"]).await.code(2);
    assert!(again.stderr.contains("nothing to restore"), "{again:?}");
    assert_eq!(town.calls("customers.update"), 1);
    let story = town.anagrafe(&["merges", "show", &id]).await.code(0).stdout;
    assert!(story.contains("tester said") && story.contains("different people"), "{story}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_carried_out_or_is_too_long_ago_cannot_be_restored() {
    let (town, id) = merged().await;
    let open = proposal(&town, 3).await;
    let not_yet = town.anagrafe(&["merges", "restore", &open, "--yes"]).await.code(2);
    assert!(not_yet.stderr.contains("was not carried out"), "{not_yet:?}");
    let nobody = town.anagrafe(&["merges", "restore", "0123456789abcdef", "--yes"]).await.code(2);
    assert!(nobody.stderr.contains("no proposal"), "{nobody:?}");
    let early = town.anagrafe(&["merges", "show", &open, "--before"]).await.code(2);
    assert!(early.stderr.contains("nothing of"), "{early:?}");
    // Erased, then expired.
    town.execute("UPDATE befores SET at = 1000").await;
    for args in
        [&["merges", "restore", &id][..], &["merges", "restore", &id, "--yes"], &["merges", "show", &id, "--before"]]
    {
        let erased = town.anagrafe(args).await.code(2);
        assert!(erased.stderr.contains("not kept any more"), "{erased:?}");
    }
    town.execute("UPDATE merges SET declared_at = 1000").await;
    let expired = town.anagrafe(&["merges", "restore", &id, "--yes"]).await.code(2);
    assert!(expired.stderr.contains("kept for 30 days") && expired.stderr.contains("customers history"), "{expired:?}");
    assert_eq!((town.calls("customers.update"), merges(&town)), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_key_sealed_or_somebody_changed_is_not_guessed_at() {
    let (town, id) = merged().await;
    town.execute("UPDATE befores SET sealed = 'AAAA' WHERE customer = 'a2'").await;
    for args in [&["merges", "restore", &id, "--yes"][..], &["merges", "show", &id, "--before"]] {
        let damaged = town.anagrafe(args).await.code(2);
        assert!(damaged.stderr.contains("a2") && damaged.stderr.contains("damaged"), "{damaged:?}");
    }
    town.execute("UPDATE befores SET under = '00000000000000000000000000000000'").await;
    let another = town.anagrafe(&["merges", "restore", &id, "--yes"]).await.code(2);
    assert!(another.stderr.contains("another hash key"), "{another:?}");
    assert_eq!(town.calls("customers.update"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_back_while_paused_or_to_one_that_is_no_more() {
    let (town, id) = merged().await;
    town.anagrafe(&["pause"]).await.code(0);
    town.anagrafe(&["merges", "restore", &id, "--yes"]).await.code(4);
    town.anagrafe(&["resume"]).await.code(0);
    assert!(town.sandbox.vivocha.delete_customer("a1"));
    let gone = town.anagrafe(&["merges", "restore", &id, "--yes"]).await.code(2);
    assert!(gone.stderr.contains("a1 does not exist any more"), "{gone:?}");
    assert_eq!(town.calls("customers.update"), 0);
    assert_eq!(town.number("SELECT COUNT(*) FROM parted").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_not_believed_and_a_second_try_ends_it() {
    let (town, id) = merged().await;
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::SilentUpdate));
    let silent = town.anagrafe(&["merges", "restore", &id, "--yes"]).await.code(1);
    assert!(silent.stderr.contains("does not hold what was written back (city, nickname)"), "{silent:?}");
    assert_eq!(town.number("SELECT COUNT(*) FROM parted").await, 0, "not until it is done");
    town.sandbox.faults().clear();
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::ResetAfter));
    let lost = town.anagrafe(&["merges", "restore", &id, "--yes"]).await.code(0);
    assert!(
        lost.stdout.contains("Written back"),
        "the answer was lost, and what was read says that it was written: {lost:?}"
    );
    assert_eq!(document(&json!(town.sandbox.vivocha.customer("a1").unwrap()))["nickname"], json!(null));
}
