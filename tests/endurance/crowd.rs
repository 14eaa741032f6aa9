//! D1: so many processes at once, of every kind: the outcome is that of one, and so are the writes.

use anagrafe::sandbox::{
    Options,
    drift::{self, Amounts},
    population,
};
use futures::future::join_all;

use super::{
    figure, recheck_everybody,
    support::{On, Town, both},
    with_a_key,
    world::{World, writes},
};

const BETWEEN: Amounts = Amounts { edits: 12, deletions: 3, late_ids: 2, chats: 6, merges: 2, agent_edits: 6 };

/// What they are told; some wait for their turn, the others are busy.
const TOLD: [&[&str]; 5] = [&["resync", "--wait"], &["sync"], &["sync", "--wait"], &["resync"], &["sync", "--quiet"]];

both!(d1_however_many_start_at_once_the_outcome_and_the_writes_are_those_of_one, d1);
async fn d1(on: On) {
    let people = figure(60, 1_000);
    let one = town(on, people).await;
    one.anagrafe(&["sync"]).await.code(0);
    let (crossed, crossing) = (World::of(&one).await, writes(&one));
    happens(&one).await;
    one.anagrafe(&["resync"]).await.code(0);
    // Who is the heir of an owner that went is looked at by the pass after the one that found it.
    one.anagrafe(&["sync"]).await.code(0);
    let (resynced, resync) = (World::of(&one).await, writes(&one));
    assert!(!crossing.is_empty() && !resync.is_empty());
    for k in [2, 3, figure(8, 20)] {
        let town = town(on, people).await;
        at_once(&town, k).await;
        World::of(&town).await.is(&crossed, &format!("{k} cross at once"));
        assert_eq!(writes(&town), crossing, "{k} cross at once");
        happens(&town).await;
        at_once(&town, k).await;
        town.anagrafe(&["sync"]).await.code(0);
        World::of(&town).await.is(&resynced, &format!("{k} after it went on"));
        assert_eq!(writes(&town), resync, "{k} after it went on");
    }
}

async fn town(on: On, people: usize) -> Town {
    let town = Town::on(on, population::generate(41, people, people * 9 / 10), Options::default()).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 50"));
    with_a_key(on, town)
}

async fn happens(town: &Town) {
    drift::apply(&town.sandbox.open2b, &town.sandbox.vivocha, &town.sandbox.truth, 42, &BETWEEN);
    recheck_everybody(town).await;
    town.sandbox.clear_journal();
}

async fn at_once(town: &Town, k: usize) {
    let told = TOLD.iter().cycle().take(k);
    let ended = join_all(told.map(|told| async move { (*told, town.anagrafe(told).await) })).await;
    for (told, ended) in ended {
        let codes: &[i32] = if told.contains(&"--wait") { &[0] } else { &[0, 5] };
        assert!(codes.contains(&ended.code), "{k} at once, {told:?}: {ended:?}");
    }
}
