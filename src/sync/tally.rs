//! The figures of a run while it runs: each contact read counts once, and the sum is the number read.

use std::collections::BTreeMap;

use super::apply::Done;
use crate::{
    model::{
        ContactId,
        run::{Counts, HoldNote, MergeCounts},
        state::ContactState,
    },
    plan::page::{ContactPlan, PagePlan},
};

/// How a contact ended in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Known, the same, not due.
    Unchanged,
    /// In this state, without a write.
    In(ContactState),
    /// Linked, and its customer was updated.
    Updated,
}

/// The figures.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counts: Counts,
    read: u64,
    gone: u64,
    updates: u64,
    merges: MergeCounts,
    customers_seen: u64,
    parked_for: BTreeMap<String, u64>,
    holds: Vec<HoldNote>,
}

impl Tally {
    /// Contacts read into the index.
    pub fn surveyed(&mut self, contacts: u64) {
        self.read += contacts;
        self.counts.surveyed += contacts;
    }

    /// Contacts read; each is to be counted by [`Tally::ended`].
    pub fn reading(&mut self, contacts: u64) {
        self.read += contacts;
    }

    /// How a contact ended.
    pub fn ended(&mut self, ended: Ended) {
        let counts = &mut self.counts;
        match ended {
            Ended::Unchanged => counts.unchanged += 1,
            Ended::Updated => counts.updated += 1,
            Ended::In(ContactState::Linked) => counts.linked += 1,
            Ended::In(ContactState::Unmatched) => counts.unmatched += 1,
            Ended::In(ContactState::Waiting) => counts.waiting += 1,
            Ended::In(ContactState::Parked) => counts.parked += 1,
            Ended::In(ContactState::Invalid) => counts.invalid += 1,
            Ended::In(ContactState::Excluded) => counts.excluded += 1,
            // Known as gone and yet read: it is back, and whoever says so gives it another state.
            Ended::In(ContactState::Gone) => self.gone += 1,
        }
    }

    /// The updates of a page that were sent, also where the run is then stopped.
    pub fn sent(&mut self, plan: &PagePlan, done: &BTreeMap<ContactId, Done>) {
        let sent = |contact: &&ContactPlan| matches!(done.get(&contact.contact.id), Some(Done::Updated(_)));
        self.updates += plan.contacts.iter().filter(sent).count() as u64;
    }

    /// Contacts parked for one cause; answers how many of this run are by now.
    pub fn parked(&mut self, cause: &str) -> u64 {
        let count = self.parked_for.entry(cause.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// Customers of a page that were found.
    pub fn seen(&mut self, customers: u64) {
        self.customers_seen += customers;
    }

    /// Customers found, page by page.
    #[must_use]
    pub const fn customers_seen(&self) -> u64 {
        self.customers_seen
    }

    /// What became of merges.
    pub fn merging(&mut self, change: impl FnOnce(&mut MergeCounts)) {
        change(&mut self.merges);
    }

    /// Contacts that were counted before were looked at again: their updates are to be counted all the same.
    pub fn again(&mut self, own: &Self) {
        self.updates += own.updates;
    }

    /// Merge proposals that stand.
    pub fn proposed(&mut self, merges: u64) {
        self.merges.proposed += merges;
    }

    /// A hold that stands; the later figures of one that is known.
    pub fn hold(&mut self, note: HoldNote) {
        match self.holds.iter_mut().find(|known| known.id == note.id) {
            Some(known) => *known = note,
            None => self.holds.push(note),
        }
    }

    /// Contacts found gone from the shop.
    pub fn vanished(&mut self, contacts: u64) {
        self.gone += contacts;
    }

    /// Contacts read.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.read
    }

    /// Counts so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Contacts gone.
    #[must_use]
    pub const fn gone(&self) -> u64 {
        self.gone
    }

    /// Updates sent.
    #[must_use]
    pub const fn updates(&self) -> u64 {
        self.updates
    }

    /// Merges.
    #[must_use]
    pub const fn merges(&self) -> MergeCounts {
        self.merges
    }

    /// Holds.
    #[must_use]
    pub fn holds(&self) -> &[HoldNote] {
        &self.holds
    }
}
