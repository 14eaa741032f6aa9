//! What the store shows a person: the overview, runs, a story.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    known::{Prior, Resync},
    lease::Holder,
    record::{WriteId, WriteOutcome},
};
use crate::model::{
    AccountName, ContactKey, CustomerId, ShopName,
    hold::Hold,
    link::{Field, Link, Ruling},
    proposal::KeptProposal,
    run::{RunId, RunReport},
    state::ContactState,
    time::Moment,
};

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
    /// Declared writes whose outcome is not known.
    pub unsettled: u64,
}

/// A shop in the overview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ShopOverview {
    /// Whether the index is whole.
    pub surveyed: bool,
    /// Whether the first crossing came to the end.
    pub crossed: bool,
    /// The resync under way, or interrupted.
    pub resync: Option<Resync>,
    /// When the last resync came to its end.
    pub resynced_at: Option<Moment>,
    /// Since when the store is known to have gone back in time: until a resync nothing is authorised.
    pub doubted_at: Option<Moment>,
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

/// What the store is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Its kind and version in words: `SQLite 3.50.4`, `PostgreSQL 15.18`.
    pub engine: String,
    /// The schema version it has.
    pub schema: i64,
    /// Why it cannot be written to, if it cannot; in words.
    pub read_only: Option<String>,
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
