//! The figures that Anagrafe has to reach, with the real binary on both stores: runs killed again and again, many at once, much that
//! happens between two passes, two shops of the same people, faults of every kind at a time. Small in the gate, whole with
//! `ANAGRAFE_SLOW`. `ANAGRAFE_SEED` gives the dice of a run that failed, which says its seed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test ends where it fails, and says by which dice"
)]

#[path = "../support/mod.rs"]
mod support;

mod battered;
mod crowd;
mod drifting;
mod equal;
mod killed;
mod memory;
mod stormy;
mod transactions;
mod truth;
mod two_shops;
mod world;

use support::{On, Town, figure};

/// Dice that are others at every run of the whole programme, unless they are given. The gate's are always the same.
fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
    let given = std::env::var("ANAGRAFE_SEED").ok().map(|seed| seed.parse().expect("ANAGRAFE_SEED is a number"));
    #[expect(clippy::disallowed_methods, reason = "dice")]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = given.unwrap_or_else(|| figure(2_026, u64::from(now)));
    eprintln!("ANAGRAFE_SEED={seed}");
    seed
}

/// The same key on both stores, so that what they hold can be compared hash by hash.
fn with_a_key(on: On, town: Town) -> Town {
    if on == On::Sqlite {
        let key = "hash_key = \"a key of the tests, and of nobody else\"\nurl = \"sqlite://anagrafe.db\"";
        town.edit(|text| text.replace("url = \"sqlite://anagrafe.db\"", key));
    }
    town
}

/// Everybody is looked at by the next pass that reads her.
async fn recheck_everybody(town: &Town) {
    town.execute("UPDATE contacts SET recheck_at = 1 WHERE recheck_at IS NOT NULL").await;
}
