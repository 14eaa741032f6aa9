//! What the store knows of shops, contacts and customers: how far a shop was read, and the answers to a page.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::record::WriteId;
use crate::model::{
    ContactId, ContactKey, CustomerId, Keyed, ShopName,
    hold::HoldKind,
    link::{Field, Link, Ruling},
    state::ContactState,
    time::Moment,
};

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
    /// The resync under way, or interrupted.
    pub resync: Option<Resync>,
    /// When the last resync came to its end.
    pub resynced_at: Option<Moment>,
    /// Since when the store is known to have gone back in time, until a resync has come to its end.
    pub doubted_at: Option<Moment>,
    /// Linked contacts that were judged by other rules than those asked about.
    pub judged_otherwise: u64,
    /// Contacts known, neither gone nor excluded.
    pub known: u64,
    /// Customers linked, in the account.
    pub linked_customers: u64,
    /// The id below which `tail` known contacts of the shop do not reach: reading after it reads the last `tail` contacts. 0 if there are not that many.
    pub tail_after: i64,
}

/// A resync under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resync {
    /// When it began.
    pub started_at: Moment,
    /// The id after which it began: 0, unless a person named one.
    pub from: i64,
    /// The id it has come to.
    pub after: i64,
    /// Contacts of the shop when it began.
    pub count: u64,
    /// The highest id known when it began.
    pub highest: i64,
    /// Contacts read so far.
    pub read: u64,
    /// Of those, how many may have come since: with an id above `highest`, or not known to be there.
    pub arrivals: u64,
    /// Whether everything is looked at, changed or not.
    pub force: bool,
    /// Whether all pages are read; what is left is to look for those that were missing.
    pub whole: bool,
}

/// What is asked about a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageQuery {
    /// The shop.
    pub shop: ShopName,
    /// The contacts of the page.
    pub ids: Vec<ContactId>,
    /// The identifiers on them.
    pub identifiers: Vec<Keyed>,
    /// The ids the page covers, (after, last]: who is known there and not among `ids` is missing.
    pub covers: Option<(i64, i64)>,
}

/// Which contacts are to be fetched by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueQuery {
    /// The shop.
    pub shop: ShopName,
    /// Why.
    pub why: Due,
    /// Only ids above this one.
    pub after: i64,
    /// At most so many.
    pub limit: u64,
}

/// Why a contact is fetched by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Its retry is due by now: it was parked, a person decided about it, or it inherits.
    Retry(Moment),
    /// It is due at once, by a moment: since it was judged somebody named it or decided about it, or it inherits.
    AtOnce(Moment),
    /// A resync did not find it where it was.
    Missing,
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
    /// When it is due by itself: it was parked, a person decided about it, or a call told of it.
    pub retry_at: Option<Moment>,
    /// Its link.
    pub link: Option<Link>,
    /// Links it had and that are not forgotten yet, latest first.
    pub former: Vec<Link>,
    /// Its update that a safeguard holds, or that a person released.
    pub held: Option<HeldUpdate>,
    /// Whether a resync did not find it where it was.
    pub missing: bool,
    /// What persons said about it and customers.
    pub rulings: Vec<(CustomerId, Ruling)>,
    /// Writes declared for it whose outcome is not known: a crash stood between, or no answer came.
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
    /// How often in a row it was parked.
    pub attempts: u32,
    /// When it was first parked in this row.
    pub parked_since: Option<Moment>,
    /// When it was last judged.
    pub at: Moment,
}

/// An update that a safeguard stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldUpdate {
    /// By which hold.
    pub hold: i64,
    /// Of which kind.
    pub kind: HoldKind,
    /// On what the contact was judged: while that is the same there is nothing to plan anew.
    pub fingerprint: Fingerprint,
    /// The hash of the update: what a release is bound to.
    pub what: Keyed,
    /// Whether the hold was released.
    pub released: bool,
}

/// A declared write without an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// Its number.
    pub id: WriteId,
    /// To whom.
    pub customer: CustomerId,
    /// Since when it is known that nobody knows; none where nobody has looked since it was declared.
    pub doubted_at: Option<Moment>,
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
    /// Contacts known in the range that was asked about and not among the ids: neither gone nor excluded ones.
    pub missing: Vec<ContactId>,
    /// Of the identifiers asked about, those that were erased: whoever holds one is excluded.
    pub erased: BTreeSet<Keyed>,
    /// Whether all writing is paused.
    pub paused: bool,
}

pub use crate::model::rules::MAX_HOLDERS;

/// What is known of customers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Their links, former ones too, sorted by contact.
    pub links: BTreeMap<CustomerId, Vec<Link>>,
    /// As in [`Known::holders`].
    pub holders: Holders,
    /// The hashed names of the contacts that are linked to them.
    pub names: BTreeMap<ContactKey, Vec<Keyed>>,
    /// Those of them that a merge is in doubt for: nothing is planned for them.
    pub in_doubt: BTreeSet<CustomerId>,
    /// Pairs of them that a person said are two people, each in order.
    pub parted: BTreeSet<(CustomerId, CustomerId)>,
}
