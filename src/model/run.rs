//! A run: one execution of a pass, with its report. The report's names are settled; scripts read them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{
    ids::{AccountName, ShopName},
    time::Moment,
};

/// The number of a run, rising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One reading of a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    /// Index only: no call to Vivocha.
    Survey,
    /// What is new or due.
    Sync,
    /// Everything.
    Resync,
}

impl Pass {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Survey => "survey",
            Self::Sync => "sync",
            Self::Resync => "resync",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Not yet: it runs, or it died.
    Running,
    /// All was read, and all is accounted for.
    Done,
    /// Done, and some contacts are parked.
    Parked,
    /// A safeguard, or a person's pause, stopped it.
    Held,
    /// It failed.
    Failed,
    /// A signal stopped it.
    Stopped,
}

impl Outcome {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Parked => "parked",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// How many contacts ended how; each contact read counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Known, the same as before, and not due: nothing was asked.
    pub unchanged: u64,
    /// Linked, nothing to write.
    pub linked: u64,
    /// Linked, and the customer was updated.
    pub updated: u64,
    /// No customer is hers.
    pub unmatched: u64,
    /// A person has to decide.
    pub waiting: u64,
    /// To be tried again.
    pub parked: u64,
    /// No usable identifier.
    pub invalid: u64,
    /// Erased.
    pub excluded: u64,
    /// Read into the index only (the survey).
    pub surveyed: u64,
}

impl Counts {
    /// The sum of all.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        let Self { unchanged, linked, updated, unmatched, waiting, parked, invalid, excluded, surveyed } = *self;
        unchanged + linked + updated + unmatched + waiting + parked + invalid + excluded + surveyed
    }
}

/// Merges of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeCounts {
    /// Proposals made or standing.
    pub proposed: u64,
    /// Carried out and read back.
    pub merged: u64,
    /// Dropped on a second look, or refused by Vivocha.
    pub refused: u64,
    /// Sent, and the outcome is in doubt.
    pub unknown: u64,
    /// Held by a safeguard.
    pub held: u64,
}

/// Requests sent, by the name of the call; retries count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// To the shop.
    pub open2b: BTreeMap<String, u64>,
    /// To Vivocha.
    pub vivocha: BTreeMap<String, u64>,
}

/// A hold, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldNote {
    /// Its number, for `holds show`.
    pub id: i64,
    /// Its kind.
    pub kind: String,
    /// Why, and what to do.
    pub reason: String,
    /// How many were held.
    pub count: u64,
}

/// The report of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Its number.
    pub run: RunId,
    /// The account.
    pub account: AccountName,
    /// The shop.
    pub shop: ShopName,
    /// What was read.
    pub pass: Pass,
    /// Whether only a part of it was asked for, by a person: it does for no run of the schedule.
    #[serde(skip_serializing_if = "is_whole", default)]
    pub partial: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began.
    pub started_at: Moment,
    /// How long it took.
    pub duration_ms: u64,
    /// Contacts read.
    pub read: u64,
    /// How they ended; the sum is `read`.
    pub counts: Counts,
    /// Contacts found gone from the shop.
    pub gone: u64,
    /// Merges.
    pub merges: MergeCounts,
    /// Requests sent.
    pub calls: Calls,
    /// Safeguards that hold something now.
    pub holds: Vec<HoldNote>,
    /// Updates sent to Vivocha.
    pub updates: u64,
    /// Why it failed or stopped, and what to do; never a personal detail.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// The survey that came first, where one was needed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub survey: Option<SurveyNote>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_whole(partial: &bool) -> bool {
    !*partial
}

/// The survey of a run, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyNote {
    /// Its own run.
    pub run: RunId,
    /// Contacts indexed.
    pub read: u64,
    /// How long it took.
    pub duration_ms: u64,
}

impl RunReport {
    /// Whether every contact read ended in exactly one count.
    #[must_use]
    pub const fn balances(&self) -> bool {
        self.read == self.counts.sum()
    }
}
