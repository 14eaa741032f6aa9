//! The lease of an account, and a run that begins under it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{ShopName, run::Pass, time::Moment};

/// Who wants or has the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Host name.
    pub host: String,
    /// The boot of that host (`/proc/sys/kernel/random/boot_id`), empty where there is none.
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
    /// Now.
    pub now: Moment,
    /// Whether the present holder, named in the last [`Acquired::Busy`], is known to be dead (same host and boot, no such process).
    pub dead: Option<Holder>,
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
    Ours(Lease),
    /// Somebody else has it.
    Busy {
        /// Who.
        holder: Holder,
        /// Until when, unless extended.
        expires: Moment,
    },
}

/// A run that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// The shop it reads.
    pub shop: ShopName,
    /// What it reads.
    pub pass: Pass,
    /// When it begins.
    pub at: Moment,
}
