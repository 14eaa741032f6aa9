//! C5: while people change behind our back, faults of every kind strike, several at a time. Once they stop, three runs are enough: all is
//! as in a town where nothing was ever wrong, and nothing is written any more.

use anagrafe::sandbox::{
    Fault,
    FaultKind::{self, *},
    Malformed, Options,
    RetryAfter::Seconds,
    drift::{self, Amounts},
    population,
};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    figure, recheck_everybody, seed,
    support::{On, Town, both},
    with_a_key,
    world::{World, writes},
};

const PEOPLE: usize = 120;
const BETWEEN: Amounts = Amounts { edits: 12, deletions: 5, late_ids: 3, chats: 5, merges: 3, agent_edits: 12 };
const CALLS: [&str; 6] =
    ["contacts.count", "contacts.find", "contacts.get", "customers.search", "customers.get", "customers.update"];

/// All that pass by themselves. (A server that overrides, trims or stores nothing, and a shop that answers other people, leave
/// something that a person has to look at: tests/faults.rs.)
fn kinds() -> Vec<FaultKind> {
    let status = |status| Status { status, retry_after: None, body: None };
    let busy = Status { status: 429, retry_after: Some(Seconds(1)), body: None };
    let broken = [Malformed::Types, Malformed::Id, Malformed::Null].map(|how| MalformedRecord { how });
    let mut kinds = vec![status(500), status(503), status(400), status(404), busy, Latency { ms: 30 }];
    kinds.extend([ResetBefore, ResetAfter, HangBefore, HangAfter, LateApply { ms: 1200 }, Truncated, NotJson]);
    kinds.extend([InvalidUtf8, RepeatedPage, ReversedPage, EmptyPage, IgnoredFilter, AnotherId, WrongCount { to: 0 }]);
    kinds.extend([SearchLag { ms: 900 }, LateIds { every: 3 }, WrongCount { to: 1_000_000 }]);
    kinds.extend(broken);
    kinds
}

both!(c5_after_a_storm_of_faults_three_runs_are_enough_to_be_quiet, c5);
async fn c5(on: On) {
    let mut dice = ChaCha8Rng::seed_from_u64(seed());
    for storm in 0..figure(1, 30) {
        if storm < from() {
            for _ in 0..5 {
                drawn(&mut dice);
            }
            continue;
        }
        let (town, undisturbed) = (town(on, storm).await, town(on, storm).await);
        strike(&town, &mut dice, &["sync", "sync"]).await;
        calm(&town).await;
        town.doubts_end().await;
        undisturbed.anagrafe(&["sync"]).await.code(0);
        looked_at_once_more(&undisturbed).await;
        let when = format!("storm {storm}, the first crossing");
        World::are_whoever_owns(&town, &undisturbed, &when).await;
        for town in [&town, &undisturbed] {
            let sandbox = &town.sandbox;
            drift::apply(&sandbox.open2b, &sandbox.vivocha, &sandbox.truth, storm as u64, &BETWEEN);
            recheck_everybody(town).await;
        }
        strike(&town, &mut dice, &["sync", "resync", "resync"]).await;
        calm(&town).await;
        town.doubts_end().await;
        for pass in ["resync", "sync"] {
            undisturbed.anagrafe(&[pass]).await.code(0);
        }
        looked_at_once_more(&undisturbed).await;
        World::are_whoever_owns(&town, &undisturbed, &format!("storm {storm}, the drift")).await;
    }
}

/// By what somebody is linked is what her customer held when she was judged: before its owner's own update, or after it where that had to
/// be looked at again. So all are judged by what stands there now, here as in the runs after a storm.
async fn looked_at_once_more(town: &Town) {
    recheck_everybody(town).await;
    town.anagrafe(&["resync"]).await.code(0);
}

async fn town(on: On, storm: usize) -> Town {
    let people = population::generate(500 + storm as u64, PEOPLE, PEOPLE);
    let town = Town::on(on, people, Options::default()).await;
    town.edit(|text| {
        text.replace("[shops.main]\n", "[shops.main]\npage_size = 20\n").replace("timeout = \"5s\"", "timeout = \"1s\"")
    });
    with_a_key(on, town)
}

/// These runs, each while some faults strike some calls.
async fn strike(town: &Town, dice: &mut ChaCha8Rng, passes: &[&str]) {
    for pass in passes {
        let set = drawn(dice);
        for fault in &set {
            town.sandbox.faults().set(fault.clone());
        }
        let ended = town.anagrafe(&[pass]).await;
        eprintln!("{pass} ends {} under {set:?}", ended.code);
        assert!([0, 1, 3, 4].contains(&ended.code), "{set:?}: {ended:?}");
        town.sandbox.faults().clear();
    }
    // What was sent and not answered is applied by now.
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
}

/// Some faults of some calls.
fn drawn(dice: &mut ChaCha8Rng) -> Vec<Fault> {
    let kinds = kinds();
    let mut set = Vec::new();
    for _ in 0..dice.random_range(1..=4) {
        let (kind, call) = (kinds.choose(dice).unwrap().clone(), CALLS.choose(dice).unwrap());
        set.push(Fault::next(call, dice.random_range(1..=12), kind).after(dice.random_range(0..8)));
    }
    set
}

/// The storm to begin with, of a seed: `ANAGRAFE_STORM` repeats one that failed without those before it.
fn from() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
    std::env::var("ANAGRAFE_STORM").ok().map_or(0, |storm| storm.parse().expect("ANAGRAFE_STORM is a number"))
}

/// Three runs that look at everybody, of which the last writes nothing.
async fn calm(town: &Town) {
    for run in 1..=3 {
        recheck_everybody(town).await;
        town.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
        town.sandbox.clear_journal();
        let ended = town.anagrafe(&["resync"]).await;
        let quiet = ended.code == 0 && writes(town).is_empty();
        assert!(quiet || run < 3, "it is not quiet after three runs: {ended:?}, {:?}", writes(town));
    }
}
