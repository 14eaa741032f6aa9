//! A2 and C1: a crossing, and a resync after everything has happened behind our back, killed at each of their transactions, before, amid
//! and after its commit; then run again. The checkpoint never passes anybody, what is written is written once, and all is in the end as in
//! a town where nothing was. A sample in the gate, every one with `ANAGRAFE_SLOW`.

use std::time::{Duration, Instant};

use anagrafe::sandbox::{
    Options,
    drift::{self, Amounts},
    population,
};

use super::{
    figure,
    killed::{checkpoint_passes_nobody, nobody_is_lost},
    recheck_everybody,
    support::{
        On, Town, both,
        mortal::{Death, Side, at_each, commits, deaths, die, without_renewals},
    },
    with_a_key,
    world::{World, writes},
};

const CONTACTS: usize = 80;
const PAGE: usize = 20;
const BETWEEN: Amounts = Amounts { edits: 6, deletions: 2, late_ids: 2, chats: 3, merges: 1, agent_edits: 4 };

both!(a2_killed_at_every_transaction_of_a_crossing_nobody_is_lost_and_nothing_is_written_twice, crossing);
async fn crossing(on: On) {
    killed_throughout(on, "sync", async || town(on).await).await;
}

both!(a2_killed_at_every_transaction_of_a_resync_nobody_is_lost_and_nothing_is_written_twice, resync);
async fn resync(on: On) {
    killed_throughout(on, "resync", async || town_of_yesterday(on).await).await;
}

both!(what_was_committed_when_a_process_died_is_kept_and_nothing_else, sides);
async fn sides(on: On) {
    let town = town(on).await;
    town.anagrafe(&["migrate"]).await.code(0);
    let kept = town.keep().await;
    let decided = commits(&town, &["pause"]).await;
    for side in Side::ALL {
        town.again(&kept).await;
        die(&town, &["pause"], Death { side, commit: decided }).await;
        let keeps = async || town.number("SELECT COUNT(*) FROM accounts WHERE paused_at IS NOT NULL").await == 1;
        match (side, on) {
            (Side::Before, _) => assert!(!keeps().await),
            (Side::After, _) => assert!(keeps().await),
            // A server that was asked goes on with it.
            (Side::Amid, On::Postgres) => {
                let began = Instant::now();
                while !keeps().await {
                    assert!(began.elapsed() < Duration::from_secs(10), "it was not asked");
                }
            }
            // A file holds it or does not: it died with who was writing it.
            (Side::Amid, On::Sqlite) => {}
        }
        town.anagrafe(&["resume"]).await.code(0);
    }
}

/// A shop that nobody has read yet.
async fn town(on: On) -> Town {
    let town = Town::on(on, population::generate(61, CONTACTS, CONTACTS * 9 / 10), Options::default()).await;
    town.edit(|text| text.replace("[shops.main]", &format!("[shops.main]\npage_size = {PAGE}")));
    without_renewals(&town);
    with_a_key(on, town)
}

/// One that was crossed, and where much has happened since.
async fn town_of_yesterday(on: On) -> Town {
    let town = town(on).await;
    town.anagrafe(&["sync"]).await.code(0);
    drift::apply(&town.sandbox.open2b, &town.sandbox.vivocha, &town.sandbox.truth, 62, &BETWEEN);
    recheck_everybody(&town).await;
    town.sandbox.clear_journal();
    town
}

async fn killed_throughout(on: On, pass: &str, ready: impl AsyncFn() -> Town) {
    let undisturbed = ready().await;
    let commits = commits(&undisturbed, &[pass]).await;
    undisturbed.anagrafe(&["sync"]).await.code(0);
    let (wanted, sent) = (World::of(&undisturbed).await, writes(&undisturbed));
    assert!(!sent.is_empty());
    let points = deaths(commits, figure(17, 1));
    at_each(&points, ready, async |town, death| {
        let when = format!("{pass} died {death} of {commits}");
        die(town, &[pass, "--quiet"], death).await;
        checkpoint_passes_nobody(town, &when).await;
        // Who is the heir of an owner that went is looked at by the pass after the one that found it.
        for again in [pass, "sync"] {
            town.anagrafe(&[again]).await.code(0);
        }
        World::of(town).await.is(&wanted, &when);
        assert_eq!(writes(town), sent, "{when}: each write once, and no other");
        nobody_is_lost(town, &when).await;
        town.sandbox.clear_journal();
        for quiet in ["sync", "resync"] {
            town.anagrafe(&[quiet]).await.code(0);
        }
        assert_eq!(writes(town), [], "{when}: and then it is quiet");
    })
    .await;
    eprintln!("{on:?}: {pass} died at {} points of {commits} commits", points.len());
}
