//! `customers merge`: what is shown, what is sent, and what each ending says.

use anagrafe::sandbox::{Absorbed, Fault, FaultKind, Survivor};

use super::{merges, town};

const MERGE: [&str; 5] = ["customers", "merge", "z1", "z2", "--yes"];

#[tokio::test(flavor = "multi_thread")]
async fn without_yes_both_are_shown_and_nothing_is_sent_or_made() {
    let town = town().await;
    let shown = town.anagrafe(&["customers", "merge", "z1", "z2"]).await.code(2);
    for part in
        ["customer z1, which stays", "customer z2, which goes into it", "zenone", "no way back", "no contact is linked"]
    {
        assert!(shown.stdout.contains(part), "{part} is not in {shown:?}");
    }
    assert!(shown.stderr.contains("--yes") && !shown.stderr.contains("zeno@"), "{shown:?}");
    let machine = town.anagrafe(&["customers", "merge", "z1", "z2", "--json"]).await.code(2).json();
    assert_eq!((&machine["stays"]["id"], &machine["sent"]), (&"z1".into(), &false.into()), "{machine}");
    assert_eq!(merges(&town), 0);
    assert!(!town.store().exists());
    town.anagrafe(&["sync"]).await.code(4);
    let linked = town.anagrafe(&["customers", "merge", "a1", "z2"]).await.code(2).stdout;
    assert!(linked.contains("linked to it: contact main/1"), "{linked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_yes_it_is_declared_sent_read_back_and_kept() {
    let town = town().await;
    let done = town.anagrafe(&MERGE).await.code(0);
    assert!(done.stdout.contains("z1 remains, z2 is gone"), "{done:?}");
    assert_eq!(merges(&town), 1);
    assert_eq!(town.texts("SELECT outcome || ' ' || authorised_by FROM merges").await, ["applied tester"]);
    let id = town.texts("SELECT proposal FROM merges").await.remove(0);
    let story = town.anagrafe(&["merges", "show", &id, "--before"]).await.code(0).stdout;
    for part in ["a merge by hand", "on her own authority", "zenone", "POST customers/z1/actions/merge"] {
        assert!(story.contains(part), "{part} is not in {story}");
    }
    // Sent twice, it is not there any more.
    let again = town.anagrafe(&MERGE).await.code(2);
    assert!(again.stderr.contains("z2 does not exist"), "{again:?}");
    assert_eq!(merges(&town), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_customer_with_itself_or_its_alias_is_no_merge() {
    let town = town().await;
    let same = town.anagrafe(&["customers", "merge", "z1", "z1", "--yes"]).await.code(2);
    assert!(same.stderr.contains("z1 and z1 are the same customer"), "{same:?}");
    assert_eq!(town.sandbox.journal().len(), 0);
    town.sandbox.vivocha.set_options(|options| options.absorbed = Absorbed::AnswersAsSurvivor);
    assert!(town.sandbox.vivocha.merge_customers("z1", "z2"));
    for yes in [&["--yes"][..], &[]] {
        let alias = town.anagrafe(&[&["customers", "merge", "z1", "z2"], yes].concat()).await.code(2);
        assert!(alias.stderr.contains("the same customer"), "{alias:?}");
        let another = town.anagrafe(&[&["customers", "merge", "a1", "z2"], yes].concat()).await.code(2);
        assert!(another.stderr.contains("name z1 if that is meant"), "{another:?}");
        town.anagrafe(&[&["customers", "merge", "a1", "nobody"], yes].concat()).await.code(2);
    }
    assert_eq!(merges(&town), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_other_one_remains_it_is_said() {
    let town = town().await;
    town.sandbox.vivocha.set_options(|options| options.survivor = Survivor::Second);
    let done = town.anagrafe(&MERGE).await.code(0);
    assert!(done.stdout.contains("z2 remains (and not z1"), "{done:?}");
    let machine = town.texts("SELECT remains || ' ' || gone FROM merges").await;
    assert_eq!(machine, ["z2 z1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_knows_the_outcome_of_is_not_sent_again() {
    let town = town().await;
    town.sandbox.faults().set(Fault::always("customers.merge", FaultKind::ResetBefore));
    let doubt = town.anagrafe(&MERGE).await.code(1);
    assert!(doubt.stderr.contains("not known yet. Do not send it again"), "{doubt:?}");
    assert_eq!(town.number("SELECT COUNT(*) FROM merges WHERE outcome = 'unknown'").await, 1);
    town.sandbox.faults().clear();
    let at_once = town.anagrafe(&MERGE).await.code(1);
    assert!(at_once.stderr.contains("another write to z1 or z2 is not known yet"), "{at_once:?}");
    let sent = merges(&town);
    // Later than it could still be applied, both are read and are two: it may be sent.
    town.execute("UPDATE merges SET settled_at = settled_at - 11000, doubt_uptime = doubt_uptime - 11000").await;
    town.anagrafe(&MERGE).await.code(0);
    assert_eq!(merges(&town), sent + 1);
    assert_eq!(town.texts("SELECT outcome FROM merges ORDER BY merge").await, ["not-applied", "applied"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nothing_can_tell_of_is_settled_by_a_persons_word() {
    let town = town().await;
    town.sandbox.faults().set(Fault::always("customers.merge", FaultKind::ResetBefore));
    town.anagrafe(&MERGE).await.code(1);
    town.sandbox.faults().clear();
    town.execute("UPDATE merges SET outcome = 'person', detail = 'absorbed-not-found'").await;
    let id = town.texts("SELECT proposal FROM merges").await.remove(0);
    let asks = town.anagrafe(&["merges", "show", &id]).await.code(0).stdout;
    assert!(asks.contains("`merges approve ID` says that they are one"), "{asks}");
    let two = town.anagrafe(&["merges", "reject", &id]).await.code(0).stdout;
    assert!(two.contains("they are two"), "{two}");
    assert_eq!(town.texts("SELECT outcome FROM merges").await, ["not-applied"]);
    let gone = town.anagrafe(&["merges", "approve", &id]).await.code(2);
    assert!(gone.stderr.contains("there is no proposal"), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_safeguard_or_vivocha_forbids_is_not_sent() {
    let town = town().await;
    town.anagrafe(&["migrate"]).await.code(0);
    town.anagrafe(&["pause", "moving"]).await.code(0);
    let paused = town.anagrafe(&MERGE).await.code(4);
    assert!(paused.stderr.contains("paused"), "{paused:?}");
    town.anagrafe(&["resume"]).await.code(0);
    town.append("[safeguards]\nmax_approved_per_day = 0");
    let over = town.anagrafe(&MERGE).await.code(4);
    assert!(over.stderr.contains("max_approved_per_day (0)"), "{over:?}");
    assert_eq!(merges(&town), 0);
    town.edit(|text| text.replace("max_approved_per_day = 0", "max_approved_per_day = 5"));
    town.sandbox
        .faults()
        .set(Fault::always("customers.merge", FaultKind::Status { status: 422, retry_after: None, body: None }));
    let refused = town.anagrafe(&MERGE).await.code(1);
    assert!(refused.stderr.contains("Vivocha refused"), "{refused:?}");
    assert_eq!(town.texts("SELECT outcome FROM merges").await, ["refused"]);
}
