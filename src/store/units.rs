//! The units of work: what goes into a transaction of the store and what comes out of a question to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::model::{
    AccountName, ContactId, ContactKey, CustomerId, Keyed, ShopName,
    hold::Hold,
    link::{Baselines, Field, Grounds, Link, Role, Ruling},
    proposal::{KeptProposal, Proposal, ProposalId},
    run::{Pass, RunId, RunReport},
    state::ContactState,
    time::Moment,
};

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

/// How far a shop has been read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShopProgress {
    /// The survey: the last id indexed, and whether it came to the end.
    pub surveyed: i64,
    /// Whether the survey came to the end.
    pub surveyed_whole: bool,
    /// The checkpoint: every id up to here is accounted for.
    pub checkpoint: i64,
    /// Whether the first crossing came to the end.
    pub crossed: bool,
    /// The history of (observed at, highest id), oldest first, of the last days.
    pub observed: Vec<(Moment, i64)>,
    /// When the whole lookback was last read.
    pub deep_at: Option<Moment>,
    /// Contacts known and not gone.
    pub known: u64,
    /// Customers linked, in the account.
    pub linked_customers: u64,
    /// The id below which `tail` known contacts of the shop do not reach: reading after it reads the last `tail` contacts. 0 if there are not that many.
    pub tail_after: i64,
}

/// A contact in the index: hashes only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Its id.
    pub id: ContactId,
    /// The hash of its e-mail.
    pub email: Option<Keyed>,
    /// The hash of its telephone number.
    pub phone: Option<Keyed>,
    /// The hashes of its name's words, sorted.
    pub name: Vec<Keyed>,
}

/// A page of a survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveyStep {
    /// The shop.
    pub shop: ShopName,
    /// The page, in the order of ids.
    pub entries: Vec<IndexEntry>,
    /// The last id indexed now.
    pub after: i64,
    /// Whether that was the end.
    pub whole: bool,
}

/// A contact's content and the rules it was judged by, as hashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Of its content.
    pub content: Keyed,
    /// Of the rules, by section: `normalise=1;matching=1a2b3c4d;fields=…`.
    pub rules: String,
}

/// What is known of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prior {
    /// Index.
    pub entry: IndexEntry,
    /// State and what it was judged on; `None` while only surveyed.
    pub judged: Option<Judged>,
    /// Its link.
    pub link: Option<Link>,
    /// What persons said about it and customers.
    pub rulings: Vec<(CustomerId, Ruling)>,
    /// Writes declared for it whose outcome is not recorded: a crash stood between.
    pub unsettled: Vec<Unsettled>,
}

/// The judgement on a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// State.
    pub state: ContactState,
    /// Why, a code.
    pub reason: String,
    /// What it was judged on.
    pub fingerprint: Fingerprint,
    /// When it is to be looked at again though nothing changed.
    pub recheck_at: Option<Moment>,
    /// When it is due by itself (parked, or decided by a person).
    pub retry_at: Option<Moment>,
    /// How often in a row it was parked.
    pub attempts: u32,
    /// When it was first parked in this row.
    pub parked_since: Option<Moment>,
    /// When it was last judged.
    pub at: Moment,
}

/// A declared write without an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// Its number.
    pub id: WriteId,
    /// To whom.
    pub customer: CustomerId,
    /// What, by field: hashes of the source, of what was to be sent, and of what stood there.
    pub fields: BTreeMap<Field, DeclaredField>,
}

/// A declared field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredField {
    /// The contact's value.
    pub source: Keyed,
    /// What is sent.
    pub sent: Keyed,
    /// What stood there.
    pub before: Keyed,
}

/// Who holds an identifier: contact and the hashes of its name's words, sorted by contact.
pub type Holders = BTreeMap<Keyed, BTreeMap<ContactKey, Vec<Keyed>>>;

/// What is known of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// By id; ids never seen are missing.
    pub contacts: BTreeMap<ContactId, Prior>,
    /// At most [`MAX_HOLDERS`] per identifier: more than that is shared whatever the names.
    pub holders: Holders,
    /// Whether all writing is paused.
    pub paused: bool,
}

pub use crate::plan::shared::MAX_HOLDERS;

/// What is known of customers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Their links, sorted by contact.
    pub links: BTreeMap<CustomerId, Vec<Link>>,
    /// As in [`Known::holders`].
    pub holders: Holders,
    /// The hashed names of the contacts that are linked to them.
    pub names: BTreeMap<ContactKey, Vec<Keyed>>,
}

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
    /// Approves a proposal by its id. A link: same person, and the contact is due at once. Only an open one ([`super::StoreError::NotOpen`]).
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

/// What `status` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The account.
    pub account: AccountName,
    /// Since when and why writing is paused.
    pub paused: Option<(Moment, String)>,
    /// Who has the lease, until when.
    pub lease: Option<(Holder, Moment)>,
    /// By shop.
    pub shops: BTreeMap<ShopName, ShopOverview>,
    /// Open proposals: links, merges.
    pub open_links: u64,
    /// Open merge proposals.
    pub open_merges: u64,
    /// Standing holds.
    pub holds: Vec<Hold>,
    /// Declared writes without an outcome.
    pub unsettled: u64,
}

/// A shop in the overview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ShopOverview {
    /// Whether the index is whole.
    pub surveyed: bool,
    /// Whether the first crossing came to the end.
    pub crossed: bool,
    /// Checkpoint.
    pub checkpoint: i64,
    /// When the end of the shop was last seen.
    pub observed_at: Option<Moment>,
    /// Contacts by state.
    pub states: BTreeMap<ContactState, u64>,
    /// Contacts by state and reason.
    pub reasons: BTreeMap<String, u64>,
    /// Contacts indexed and not judged yet.
    pub surveyed_only: u64,
    /// When the next parked contact is due.
    pub next_retry: Option<Moment>,
    /// The last run of each pass.
    pub last_runs: Vec<RunReport>,
}

/// Which runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunQuery {
    /// The last so many.
    Last(u32),
    /// This one.
    One(RunId),
}

/// Of whom to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// A contact.
    Contact(ContactKey),
    /// A customer.
    Customer(CustomerId),
}

/// A write as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptWrite {
    /// Its number.
    pub id: WriteId,
    /// Run.
    pub run: RunId,
    /// For whom.
    pub contact: ContactKey,
    /// To whom.
    pub customer: CustomerId,
    /// Why.
    pub why: String,
    /// Which fields.
    pub fields: BTreeSet<Field>,
    /// When it was declared.
    pub declared_at: Moment,
    /// How it ended, and when that was recorded.
    pub outcome: Option<(WriteOutcome, Moment)>,
}

/// All that is kept about somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// The contacts: the one asked for, or those linked to or proposed for the customer.
    pub contacts: BTreeMap<ContactKey, Prior>,
    /// The run that last judged each contact.
    pub judged_by: BTreeMap<ContactKey, RunId>,
    /// Links of those contacts and of the customer.
    pub links: Vec<Link>,
    /// Proposals that name them.
    pub proposals: Vec<KeptProposal>,
    /// Writes, newest first.
    pub writes: Vec<KeptWrite>,
    /// Rulings with who and when.
    pub rulings: Vec<(ContactKey, CustomerId, Ruling, String, Moment)>,
}
