//! What the store knows of shops, contacts and customers: how far a shop was read, and the answers to a page.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::WriteId;
use crate::model::{
    ContactId, ContactKey, CustomerId, Keyed, ShopName,
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

pub use crate::model::rules::MAX_HOLDERS;

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
