//! A proposal: a link or a merge that awaits authority. Bound to its hash: whoever approves, approves exactly this.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    ids::{ContactKey, CustomerId},
    time::Moment,
};

/// The hash of a proposal's content, 16 hexadecimal digits: its id, and what an approval is bound to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProposalId(pub String);

impl fmt::Display for ProposalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is proposed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Proposed {
    /// That the contact is this customer.
    Link {
        /// The customer.
        customer: CustomerId,
    },
    /// That these customers are one.
    Merge {
        /// The one that stays.
        survivor: CustomerId,
        /// Those that go into it, sorted.
        absorbed: Vec<CustomerId>,
    },
}

/// Who may authorise a proposal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "authority", content = "because", rename_all = "kebab-case")]
pub enum Authority {
    /// The rules do, within the safeguards.
    Automatic,
    /// A person has to, for these reasons (codes, sorted).
    Ask(Vec<String>),
}

/// A proposal as the planner makes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Proposal {
    /// The hash of all that follows.
    pub id: ProposalId,
    /// The contact it is about.
    pub contact: ContactKey,
    /// What is proposed.
    #[serde(flatten)]
    pub proposed: Proposed,
    /// Who may authorise it.
    #[serde(flatten)]
    pub authority: Authority,
    /// On what evidence: one code per customer (`row` of the outcome table), never a value.
    pub evidence: Vec<String>,
}

/// What became of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProposalState {
    /// It stands, and nobody has decided.
    Open,
    /// A person approved it; it is carried out by a later pass.
    Approved,
    /// A person rejected it: different people, for good.
    Rejected,
    /// The evidence changed: no longer proposed.
    Withdrawn,
    /// Carried out.
    Done,
}

impl ProposalState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Open, Self::Approved, Self::Rejected, Self::Withdrawn, Self::Done];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Done => "done",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A proposal as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProposal {
    /// What is proposed.
    #[serde(flatten)]
    pub proposal: Proposal,
    /// What became of it.
    pub state: ProposalState,
    /// When it was first made.
    pub since: Moment,
    /// When its state last changed, and by whom (`anagrafe` or a person's name).
    pub changed_at: Moment,
    /// Who changed it last.
    pub changed_by: String,
    /// The hold that holds it, while one does.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub held_by: Option<i64>,
    /// When a reading last found it to be so.
    pub made_at: Moment,
}

/// How long a proposal, or a person's approval of it, is good for without being found again, or carried out.
pub const GOOD_FOR: Duration = Duration::from_hours(30 * 24);

impl KeptProposal {
    /// Whether nobody should act on it any more: what it rests on was last seen too long ago.
    #[must_use]
    pub fn is_expired(&self, now: Moment) -> bool {
        self.made_at.after(GOOD_FOR) < now
    }
}
