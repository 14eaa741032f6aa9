//! The lease of an account, and a run that begins under it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Keyed, ShopName, run::Pass, time::Moment};

/// Who wants or has the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Host name.
    pub host: String,
    /// The boot of that host (`/proc/sys/kernel/random/boot_id`), and within it where process ids mean the same; empty where that
    /// cannot be told.
    pub boot: String,
    /// Process id.
    pub pid: u32,
    /// When the process started, in the kernel's ticks since boot; tells a reused pid.
    pub started: u64,
    /// What it does, for a person: `sync`, `daemon`.
    pub purpose: String,
}

/// A claim to the lease.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Who claims.
    pub holder: Holder,
    /// For how long at a time.
    pub ttl: Duration,
    /// Now: shown to persons; nothing is decided by it.
    pub now: Moment,
    /// Why the present holder may be succeeded, if it may.
    pub succession: Option<Succession>,
    /// The furthest this machine knows the store to have come. A store that is behind it went back in time.
    pub witness: Option<Witness>,
}

/// Why the holder of a lease may be succeeded. Counts only while the lease is still as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Succession {
    /// It is dead: same host and boot, no such process.
    Dead(Held),
    /// Its lease was watched for longer than it lasts, by the watcher's own monotonic clock, and was not renewed. No clock that can be
    /// set has a say in this.
    Silent(Held),
}

/// A lease as somebody else sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// By whom.
    pub holder: Holder,
    /// Its epoch.
    pub epoch: i64,
    /// How often it was renewed.
    pub beat: i64,
    /// How long it lasts without being renewed.
    pub ttl: Duration,
    /// Until when, unless renewed, by the holder's clock: for persons.
    pub expires: Moment,
}

/// How far a store has come: epochs and runs only grow, and renewals within an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Witness {
    /// The epoch of the last lease.
    pub epoch: i64,
    /// The number of the last run.
    pub run: i64,
    /// How often that lease was renewed, at least: a holder may keep one epoch, and one run, for long.
    #[serde(default)]
    pub beat: i64,
}

impl Witness {
    /// As far as either of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (epoch, beat) = (self.epoch, self.beat).max((other.epoch, other.beat));
        Self { epoch, beat, run: self.run.max(other.run) }
    }
}

/// The lease of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Grows with every acquisition; what makes an old holder's writes void.
    pub epoch: i64,
    /// Until when it is ours.
    pub expires: Moment,
    /// What it is extended by.
    pub ttl: Duration,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acquired {
    /// It is ours.
    Ours {
        /// The lease.
        lease: Lease,
        /// Whether the store was found to have gone back in time, just now: every shop is in doubt then until it was resynced.
        went_back: bool,
    },
    /// Somebody else has it.
    Busy(Held),
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The shop it reads.
    pub shop: ShopName,
    /// The hash of where that shop is. Another shop of the account with the same one is the same shop under two names, and refused.
    pub source: Keyed,
    /// What it reads.
    pub pass: Pass,
    /// Whether a person asked for a part of it only: that says nothing of the whole, also where its process dies.
    pub partial: bool,
    /// When it begins.
    pub at: Moment,
}
