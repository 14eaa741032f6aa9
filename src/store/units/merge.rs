//! Merges as the store is asked about them and told of them: a declaration under every limit at once, what became of it, and what
//! both customers were before.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;

use crate::model::{
    ContactKey, CustomerId, Hashes, Keyed,
    merge::{AuthorisedBy, Doubt, Merge, MergeId, MergeOutcome, Tried},
    proposal::ProposalId,
    run::RunId,
    time::Moment,
};

/// A customer as it was before a merge, sealed: see [`crate::store::seal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCustomer {
    /// Whose.
    pub customer: CustomerId,
    /// The check value of the key that opens it.
    pub under: Keyed,
    /// The sealed document, as text.
    pub text: String,
}

/// A customer as it was before one of the merges of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Before {
    /// Before which merge.
    pub merge: MergeId,
    /// When.
    pub at: Moment,
    /// How.
    pub sealed: SealedCustomer,
}

/// How long what a customer was before a merge is kept.
pub const BEFORE_KEPT: Duration = Duration::from_hours(30 * 24);

/// A merge that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMerge {
    /// Within which run; none for one by hand.
    pub run: Option<RunId>,
    /// The proposal it carries out. One by hand is in no list, and has the hash of what the person was shown.
    pub proposal: ProposalId,
    /// The contact it is about, and by what she may have been erased meanwhile.
    pub contact: Option<(ContactKey, Hashes)>,
    /// The one that is to stay.
    pub survivor: CustomerId,
    /// The one that is to go into it.
    pub absorbed: CustomerId,
    /// Who authorised it.
    pub authorised_by: AuthorisedBy,
    /// On what evidence, in codes.
    pub evidence: Vec<String>,
    /// The hash of what each customer of the proposal says for itself: what is left of it stands only while they say the same.
    pub rests_on: BTreeMap<CustomerId, Keyed>,
    /// Both as they are now.
    pub before: Vec<SealedCustomer>,
    /// How many of its kind any 24 hours may have: automatic ones, or approved ones.
    pub most_a_day: u64,
    /// Now.
    pub at: Moment,
}

/// The answer to a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// It may be sent.
    Made(MergeId),
    /// It must not.
    Refused(NotDeclared),
}

/// Why a merge must not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotDeclared {
    /// Another write to one of them is in doubt.
    InDoubt,
    /// One of them was merged into another already.
    MergedAlready,
    /// A person said that they are two.
    DifferentPeople,
    /// Its proposal is not authorised any more.
    NotAuthorised,
    /// As many as a day may have were sent.
    OverTheDay,
}

impl NotDeclared {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InDoubt => "in-doubt",
            Self::MergedAlready => "merged-already",
            Self::DifferentPeople => "different-people",
            Self::NotAuthorised => "not-authorised",
            Self::OverTheDay => "over-the-day",
        }
    }
}

/// What became of a merge, or of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeStep {
    /// A declared merge ended, or is in doubt.
    Settled {
        /// Which.
        id: MergeId,
        /// How.
        outcome: MergeOutcome,
        /// What was found, a code.
        detail: String,
        /// Which of the two remains, for one that was applied. Links and words about the other go over to it.
        remains: Option<CustomerId>,
        /// Since when, for one that is unknown: the wait for what may still be applied begins here.
        doubt: Option<Doubt>,
    },
    /// A proposal is not what it was: it is withdrawn, and its contact is due.
    Dropped {
        /// Which.
        proposal: ProposalId,
    },
}

/// A merge whose outcome is open, with since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenMerge {
    /// The merge.
    pub merge: Merge,
    /// The epoch it was declared in: of an older one whoever sent it is no more.
    pub epoch: i64,
    /// Since when it is known to be in doubt.
    pub doubt: Option<Doubt>,
    /// Both as they were before.
    pub before: Vec<SealedCustomer>,
}

/// Which merges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeQuery {
    /// All that carried out a proposal, oldest first.
    Of(ProposalId),
    /// All that name a customer, or are about a contact linked to it, oldest first.
    Naming(Vec<CustomerId>),
    /// The last so many, newest first.
    Last(u32),
}

/// Two customers who are two people, by a person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parted {
    /// The one with the lesser id.
    pub one: CustomerId,
    /// The other one.
    pub other: CustomerId,
    /// Who said so; `anagrafe` where her word about a customer went over to the one that took it in.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// Identifiers that more contacts hold than may, or contacts of different names: unless those agree, as a pass looks at it, they match nobody
/// alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// How many there are.
    pub count: u64,
    /// Those that most contacts hold.
    pub most_held: Vec<Quarantined>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// `email` or `phone`.
    pub kind: String,
    /// Its hash.
    pub hash: Keyed,
    /// How many contacts hold it.
    pub holders: u64,
    /// One of them.
    pub contact: ContactKey,
}

impl Quarantined {
    /// Enough of the hash to tell it from another, and no more.
    #[must_use]
    pub fn masked(&self) -> String {
        self.hash.to_string().chars().take(6).collect()
    }
}

impl Serialize for Quarantined {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let Self { kind, hash: _, holders, contact } = self;
        let mut fields = serializer.serialize_struct("Quarantined", 4)?;
        fields.serialize_field("kind", kind)?;
        fields.serialize_field("hash", &self.masked())?;
        fields.serialize_field("holders", holders)?;
        fields.serialize_field("contact", &contact.to_string())?;
        fields.end()
    }
}

/// What the merging of a run is decided on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MergeState {
    /// Automatic ones authorised within the last 24 hours, doubtful ones included.
    pub automatic_today: u64,
    /// The same of those a person authorised.
    pub approved_today: u64,
    /// Those whose outcome is open.
    pub open: Vec<OpenMerge>,
    /// Whether a person has looked at merges of the shop, and released them.
    pub looked_at: bool,
    /// Contacts of whom a merge was restored: what is proposed for them since is a person's to authorise.
    pub restored: BTreeSet<ContactKey>,
    /// By proposal that may still be carried out, what was tried of it.
    pub tried: BTreeMap<ProposalId, Tried>,
}
