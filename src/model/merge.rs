//! A merge: one call that makes one customer of two, from its declaration to what became of it. There is no way back, so each is
//! kept with who authorised it, on what evidence, and how it ended.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    ids::{ContactKey, CustomerId},
    keyed::Keyed,
    proposal::ProposalId,
    run::RunId,
    time::Moment,
};

/// The number of a declared merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MergeId(pub i64);

impl fmt::Display for MergeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a declared merge ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeOutcome {
    /// Both were read, and are one.
    Applied,
    /// Both were read, later than it could still have been applied, and are two.
    NotApplied,
    /// Vivocha refused it.
    Refused,
    /// Not sent.
    Stale,
    /// Sent, perhaps, and nobody knows yet. Its customers are left alone until it is known.
    Unknown,
    /// Nothing that can be read tells: a person decides. Its customers are left alone until then.
    Person,
}

impl MergeOutcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Applied, Self::NotApplied, Self::Refused, Self::Stale, Self::Unknown, Self::Person];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NotApplied => "not-applied",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Person => "person",
        }
    }

    /// The outcome of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }

    /// Whether it leaves open what became of the two customers.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Unknown | Self::Person => true,
            Self::Applied | Self::NotApplied | Self::Refused | Self::Stale => false,
        }
    }
}

/// Who authorised a merge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorisedBy {
    /// The rules, within the safeguards.
    Rules,
    /// A person, by this name.
    Person(String),
}

impl AuthorisedBy {
    /// Whether the rules did.
    #[must_use]
    pub const fn is_automatic(&self) -> bool {
        matches!(self, Self::Rules)
    }
}

impl fmt::Display for AuthorisedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rules => f.write_str("the rules"),
            Self::Person(name) => f.write_str(name),
        }
    }
}

/// A declared merge as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// Its number.
    pub id: MergeId,
    /// The proposal it carries out.
    pub proposal: ProposalId,
    /// Within which run; none for one by hand.
    pub run: Option<RunId>,
    /// The contact it is about; none for customers whom no contact is linked to.
    pub contact: Option<ContactKey>,
    /// The one that was to stay.
    pub survivor: CustomerId,
    /// The one that was to go into it.
    pub absorbed: CustomerId,
    /// Who authorised it.
    pub authorised_by: AuthorisedBy,
    /// On what evidence, in codes.
    pub evidence: Vec<String>,
    /// When it was declared: before its first byte was sent.
    pub declared_at: Moment,
    /// How it ended, and when that was recorded.
    pub outcome: Option<(MergeOutcome, Moment)>,
    /// What was found, a code.
    pub detail: String,
    /// Which of the two remains, as it was read; not always the one that was meant.
    pub remains: Option<CustomerId>,
}

impl Merge {
    /// The one that is gone, once it is known.
    #[must_use]
    pub fn gone(&self) -> Option<&CustomerId> {
        let remains = self.remains.as_ref()?;
        Some(if *remains == self.survivor { &self.absorbed } else { &self.survivor })
    }

    /// Whether it is not known what became of the two customers.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.outcome.is_none_or(|(outcome, _)| outcome.is_open())
    }
}

/// When somebody began to be in doubt, by a clock that nobody can set: a machine's since it was booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// Which machine, and which boot of it.
    pub boot: String,
    /// How long it had been up.
    pub uptime: Duration,
}

/// What was done for a proposal, and in vain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    /// How often Vivocha refused one of its merges.
    pub refused: u64,
    /// How often one was sent and, read later, had not been applied.
    pub not_applied: u64,
    /// The customers that are gone: those merges of it were applied.
    pub gone: Vec<CustomerId>,
    /// What the rest of it stands on, as of the last one that was applied.
    pub rests_on: BTreeMap<CustomerId, Keyed>,
}
