//! What is recorded: declared writes, outcomes, a page, a decision of a person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::known::{DeclaredField, Fingerprint, IndexEntry};
use crate::model::{
    ContactKey, CustomerId, ShopName,
    link::{Baselines, Field, Grounds, Role},
    proposal::{Proposal, ProposalId},
    run::RunId,
    state::ContactState,
    time::Moment,
};

/// The number of a declared write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WriteId(pub i64);

/// A write, before its first byte is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Within which run.
    pub run: RunId,
    /// For whom.
    pub contact: ContactKey,
    /// To whom.
    pub customer: CustomerId,
    /// Why: the row of the table, or a code.
    pub why: String,
    /// What.
    pub fields: BTreeMap<Field, DeclaredField>,
    /// When.
    pub at: Moment,
}

/// How a declared write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteOutcome {
    /// Read back in the answer.
    Applied,
    /// Certainly not applied.
    NotApplied,
    /// Refused by Vivocha.
    Refused,
    /// Not sent: on a second look it was no longer right.
    Stale,
    /// Sent, and nobody knows.
    Unknown,
}

impl WriteOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Applied, Self::NotApplied, Self::Refused, Self::Stale, Self::Unknown];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotApplied => "not-applied",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }

    /// The outcome of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// The link of a contact after it was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkRecord {
    /// Whom.
    pub customer: CustomerId,
    /// Owner or secondary.
    pub role: Role,
    /// Grounds.
    pub grounds: Grounds,
    /// Row.
    pub row: String,
    /// Baselines.
    pub baselines: Baselines,
}

/// What became of one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRecord {
    /// Its index entry now.
    pub entry: IndexEntry,
    /// State.
    pub state: ContactState,
    /// Why, a code.
    pub reason: String,
    /// What it was judged on.
    pub fingerprint: Fingerprint,
    /// When to look again though nothing changed.
    pub recheck_at: Option<Moment>,
    /// When it is due by itself.
    pub retry_at: Option<Moment>,
    /// How often in a row it was parked.
    pub attempts: u32,
    /// When it was first parked in this row.
    pub parked_since: Option<Moment>,
    /// Its link: kept as it stands, replaced (`since` is kept if the customer is the same), or none.
    pub link: LinkChange,
    /// Its proposals now: open ones of this contact that are not among them are withdrawn; one that a person decided keeps her decision.
    /// `None` where they were not looked at (a parked contact keeps its proposals).
    pub proposals: Option<Vec<Proposal>>,
}

/// What becomes of a contact's link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkChange {
    /// It stays as it is.
    Keep,
    /// It is this now.
    Set(LinkRecord),
    /// There is none.
    Drop,
}

/// A page that was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRecord {
    /// The run.
    pub run: RunId,
    /// The shop.
    pub shop: ShopName,
    /// Now.
    pub at: Moment,
    /// When what was known of these contacts was read: a person's word on one of them that came later makes it due again.
    pub since: Moment,
    /// Contacts judged in this page, in the order of ids. Unchanged ones are not among them.
    pub contacts: Vec<ContactRecord>,
    /// Declared writes whose outcome is known now.
    pub settled: Vec<(WriteId, WriteOutcome)>,
    /// The checkpoint now (it never falls: a lower one leaves it), `None` for work that is not a page (due contacts).
    pub checkpoint: Option<i64>,
    /// Whether this was the end of the shop: completes the first crossing, and adds `(at, checkpoint)` to the observations.
    pub end: bool,
    /// Whether this completes a reading of the whole lookback.
    pub deep: bool,
}

/// What a person decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Approves a proposal by its id. A link: same person, and the contact is due at once. Only an open one ([`crate::store::StoreError::NotOpen`]).
    Approve(ProposalId),
    /// Rejects a proposal: different people, for good; the contact is due at once.
    Reject(ProposalId),
    /// Stops every write.
    Pause(String),
    /// Lets writes go on.
    Resume,
    /// Releases a standing hold.
    Release(i64),
}
