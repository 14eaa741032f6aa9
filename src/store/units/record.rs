//! What is recorded: declared writes, outcomes, a page, a decision of a person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::known::{DeclaredField, Fingerprint, IndexEntry, Resync};
use crate::model::{
    ContactId, ContactKey, CustomerId, Hashes, Keyed, ShopName,
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
    /// By what she may have been erased meanwhile; not kept.
    pub hashes: Hashes,
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
    /// Who the contact is, as far as the link stands on it.
    pub known_as: Hashes,
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
    /// When it was, as far as whoever handled it knew. Where that is another moment by now it was made due meanwhile: it is due at once, for
    /// what made it so was not looked at.
    pub was_due: Option<Moment>,
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
    /// There is none: one that there was is a former one now, and who is linked to its customer beside an owner is due.
    Drop,
}

/// An update that is not sent: a safeguard holds it. The contact keeps the judgement it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldContact {
    /// Who.
    pub id: ContactId,
    /// By which hold.
    pub hold: i64,
    /// On what she was judged.
    pub fingerprint: Fingerprint,
    /// The hash of the update.
    pub what: Keyed,
    /// When she was due by herself, as far as whoever handled her knew: unless that is another moment by now she is due no more.
    pub was_due: Option<Moment>,
}

/// How a page moves a resync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResyncStep {
    /// It begins, from its beginning: whatever stood of another one is forgotten, also who was missing.
    Begin(Resync),
    /// A page of it was read.
    Page {
        /// Up to this id.
        after: i64,
        /// So many contacts.
        read: u64,
        /// Of those, so many that may have come since it began.
        arrivals: u64,
        /// Who is known there and was not in it.
        missing: Vec<ContactId>,
    },
    /// All pages are read.
    Whole,
    /// It is complete: the shop was read whole by these rules, and is in doubt no more unless somebody could not be looked at.
    End {
        /// The rules, as fingerprints name them; `None` if it was not everything that was read. Not taken where updates are held, or somebody
        /// who was parked is still judged by others.
        rules: Option<String>,
        /// Former links that ended before this are forgotten, and what identified contacts gone before it.
        forget_before: Moment,
    },
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
    /// Contacts that were excluded since they were erased, with the identifiers, if any, that they were excluded for: a tombstone of each keeps her
    /// excluded whatever address she takes, and goes with the erasure that it is of. Whose erasure was lifted meanwhile is let in again.
    pub erased_by: Vec<(ContactId, Vec<Keyed>)>,
    /// Updates of this page that are held.
    pub held: Vec<HeldContact>,
    /// Contacts that are certainly not in the shop any more. Their links become former ones, and who is linked beside them inherits.
    pub gone: Vec<ContactId>,
    /// Contacts that were missing from a page and are in the shop all the same.
    pub found: Vec<ContactId>,
    /// Contacts of any shop of the account that this page gives a reason to look at again: their retry is due at once.
    pub due: Vec<ContactKey>,
    /// How this moves a resync.
    pub resync: Option<ResyncStep>,
}

impl PageRecord {
    /// A record of nothing yet.
    #[must_use]
    pub fn empty(run: RunId, shop: ShopName, at: Moment) -> Self {
        Self {
            run,
            shop,
            at,
            contacts: Vec::new(),
            settled: Vec::new(),
            checkpoint: None,
            end: false,
            deep: false,
            erased_by: Vec::new(),
            held: Vec::new(),
            gone: Vec::new(),
            found: Vec::new(),
            due: Vec::new(),
            resync: None,
        }
    }
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
    /// Releases a standing hold: what it holds is due at once, each bound to what was held.
    Release(i64),
    /// Takes down a standing hold that holds nobody: its cause is gone. Whoever it holds by then, it goes on holding.
    Fall(i64),
    /// Ends a contact's link: different people, for good; the contact is due at once.
    Detach(ContactKey),
    /// Links a contact to a customer: one person, whatever was said before; the contact is due at once.
    Assign(ContactKey, CustomerId),
    /// What the customers of a merge held was written back: they are different people, for good.
    Restored(ProposalId),
}

/// Whom to erase. At least one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erasure {
    /// These contacts.
    pub contacts: Vec<ContactKey>,
    /// Whoever has, or will have, these e-mails.
    pub emails: Vec<Keyed>,
    /// Whoever has, or will have, these telephone numbers.
    pub phones: Vec<Keyed>,
}

/// What an erasure did: ids and figures, nothing personal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Moment,
    /// By whom.
    pub by: String,
    /// Contacts that no later pass brings back.
    pub contacts: Vec<ContactKey>,
    /// E-mails that exclude whoever has them.
    pub emails: u64,
    /// Telephone numbers that do.
    pub phones: u64,
    /// Rows removed, by what they were: `links`, `proposals`, `writes`, `rulings`, `held`.
    pub removed: BTreeMap<String, u64>,
    /// When and by whom it was lifted, if it was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lifted: Option<(Moment, String)>,
}
