//! C1: `kill -9` at random moments of the resync that changes the key. Whenever it comes, the store is wholly under one key; run again,
//! and all is as in a town that never had another.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use anagrafe::sandbox::{Fault, FaultKind};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    NEW, OLD, history, is_quiet, kept_under, people, rows,
    support::{On, Town, both},
    told,
};

const KILLS: u32 = 14;

both!(c1_killed_at_any_moment_the_key_is_the_old_one_or_the_new_one, c1);
async fn c1(on: On) {
    let town = people(on, 60).await;
    let twins = [people(on, 60).await, people(on, 60).await];
    history(&town).await;
    let mut wanted = Vec::new();
    for (twin, key) in twins.iter().zip([OLD, NEW]) {
        twin.keys(Some(key), None);
        history(twin).await;
        wanted.push(told(rows(twin).await));
    }
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 15 }));
    // How long one takes that is left alone, there and back.
    let mut longest = Duration::ZERO;
    for (current, previous) in [(NEW, OLD), (OLD, NEW)] {
        town.keys(Some(current), Some(previous));
        let began = Instant::now();
        town.anagrafe(&["resync"]).await.code(0);
        longest = longest.max(began.elapsed());
        assert_eq!(kept_under(&town).await, current);
    }

    let mut dice = ChaCha8Rng::seed_from_u64(7);
    let (mut current, mut previous) = (NEW, OLD);
    let mut kills = 0;
    while kills < KILLS {
        town.keys(Some(current), Some(previous));
        kills += u32::from(killed(&town, longest.mul_f64(dice.random_range(0.2..1.1))).await);
        let key = kept_under(&town).await;
        assert_eq!(told(rows(&town).await), wanted[usize::from(key == NEW)], "{kills} kills: wholly under one key");
        if key == current {
            (current, previous) = (previous, current);
        }
    }
    town.sandbox.faults().clear();
    town.keys(Some(current), Some(previous));
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(kept_under(&town).await, current);
    assert_eq!(told(rows(&town).await), wanted[usize::from(current == NEW)]);
    town.keys(Some(current), None);
    is_quiet(&town).await;
}

/// Kills a resync after a while; whether it was there still.
async fn killed(town: &Town, after: Duration) -> bool {
    let mut child = town.command(&["resync"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(after).await;
    let there = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    there
}
