//! What we remember, behind a trait that speaks units of work: each method is one transaction, all or nothing.
//!
//! The account is bound when a store is opened; every method speaks of that account only. Every write carries the
//! [`Lease`] of a pass and changes nothing if that lease is not the current one ([`StoreError::LeaseLost`]); only what a
//! person decides ([`Store::decide`]), and what decides nothing, needs none. No personal data at rest: ids, keyed hashes, states, codes.
//! Time comes in as a parameter.

mod alerts;
mod by_hand;
pub mod error;
pub mod key;
#[cfg(feature = "sandbox")]
pub mod mortal;
pub mod postgres;
mod rekeying;
pub mod seal;
pub mod sqlite;
pub mod units;

use std::collections::BTreeMap;

use async_trait::async_trait;

pub use alerts::Alerts;
pub use by_hand::{ByHand, HandWrite, KeptHandWrite};
pub use error::StoreError;
pub use rekeying::Rekeying;
pub use units::*;

use crate::model::{
    ContactId, ContactKey, CustomerId, Keyed, ShopName,
    hold::{Hold, NewHold},
    merge::Merge,
    proposal::{KeptProposal, ProposalId, ProposalState},
    run::{Pass, RunId, RunReport},
    time::Moment,
};

/// What a person may ask of the store. Changes nothing.
#[async_trait]
pub trait Questions: Send + Sync {
    /// States, holds, pause, lease, last runs: what `status` shows.
    async fn overview(&self) -> Result<Overview, StoreError>;
    /// How many contacts of each shop are due for another look: those whose time has come. Not those that a clock ahead made due: to find
    /// these, everybody would be read.
    async fn due_by_shop(&self, now: Moment) -> Result<BTreeMap<ShopName, u64>, StoreError>;
    /// The last runs, newest first; or one.
    async fn runs(&self, which: RunQuery) -> Result<Vec<RunReport>, StoreError>;
    /// When the last run of a pass that came to its end (done, parked or held) began, by shop.
    async fn last_done(&self, pass: Pass) -> Result<BTreeMap<ShopName, Moment>, StoreError>;
    /// When the last run of a pass that ended by itself, well or badly, began, by shop; not one that was stopped or whose process died. Where a
    /// shop's index is not whole yet, its survey is all there is to try.
    async fn last_tried(&self, pass: Pass) -> Result<BTreeMap<ShopName, Moment>, StoreError>;
    /// All that is kept about a contact or a customer.
    async fn story(&self, of: &Whose) -> Result<Story, StoreError>;
    /// Proposals in a state (all, if none is named), oldest first.
    async fn proposals(&self, state: Option<ProposalState>) -> Result<Vec<KeptProposal>, StoreError>;
    /// Holds, standing ones only or all, oldest first.
    async fn holds(&self, all: bool) -> Result<Vec<Hold>, StoreError>;
    /// Contacts whose updates a hold holds, at most so many.
    async fn held(&self, hold: i64, limit: u64) -> Result<Vec<ContactKey>, StoreError>;
    /// Erasures, oldest first.
    async fn erasures(&self) -> Result<Vec<Erased>, StoreError>;
    /// How many contacts of a shop, neither gone nor excluded, were judged by which rules.
    async fn judged_by(&self, shop: &ShopName) -> Result<BTreeMap<String, u64>, StoreError>;
    /// What the store is, and what it may do: its kind and version in words, its schema, whether it can be written to.
    async fn health(&self) -> Result<Health, StoreError>;
}

/// Merges: each declared under every limit at once, and settled with all that follows from it. What a declaration or a step finds to be
/// so, no other process changes before it is committed.
#[async_trait]
pub trait Merges: Questions {
    /// What the merging of a shop is decided on, besides [`Self::to_authorise`].
    async fn merge_state(&self, shop: &ShopName, now: Moment) -> Result<MergeState, StoreError>;
    /// The merges of a shop that need no person or have one's word, and every other open or approved one
    /// of the account that names a customer of theirs; oldest first.
    async fn to_authorise(&self, shop: &ShopName) -> Result<Vec<KeptProposal>, StoreError>;
    /// Declared merges.
    async fn merges(&self, which: &MergeQuery) -> Result<Vec<Merge>, StoreError>;
    /// What the customers of a proposal were before its merges, oldest first; nothing that is older than [`BEFORE_KEPT`].
    async fn before(&self, of: &ProposalId, now: Moment) -> Result<Vec<Before>, StoreError>;
    /// Pairs of two people that name one of these customers.
    async fn parted(&self, customers: &[CustomerId]) -> Result<Vec<Parted>, StoreError>;
    /// Identifiers that contacts of more than one name hold, or more contacts than `max_share`: at most so many, most held first.
    async fn quarantine(&self, max_share: u64, limit: u64) -> Result<Quarantine, StoreError>;
    /// Declares a merge before its first byte is sent, or says why it must not be. Fails if writing is paused, or if its contact was
    /// erased.
    async fn declare_merge(&self, lease: &Lease, merge: &NewMerge) -> Result<Declared, StoreError>;
    /// Records what became of a merge, and all that follows from it.
    async fn settle_merge(&self, lease: &Lease, step: &MergeStep, now: Moment) -> Result<(), StoreError>;
    /// Puts up a hold of proposals, or finds the same one standing. One of other proposals of the shop falls: whoever releases a hold
    /// releases what she looked at.
    async fn hold_merges(
        &self,
        lease: &Lease,
        run: RunId,
        hold: &NewHold,
        proposals: &[ProposalId],
        now: Moment,
    ) -> Result<Hold, StoreError>;
}

/// The store: what a pass needs of it. Each of its traits has at most 20 methods.
#[async_trait]
pub trait Store: Merges + Rekeying + ByHand + Alerts {
    /// Takes the account's lease, or says who has it. A holder is succeeded only on the claim's [`Succession`], and only while its lease is
    /// still as it was seen. The epoch only grows: past the claim's [`Witness`] too.
    async fn acquire(&self, claim: &Claim) -> Result<Acquired, StoreError>;
    /// Extends the lease to `now + ttl`.
    async fn renew(&self, lease: &Lease, now: Moment) -> Result<Lease, StoreError>;
    /// Gives the lease back; a lost lease is no error here.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Begins a run (outcome `running`), and closes as `failed` any run of an older epoch that never ended. Refuses a shop that stands
    /// under another name already ([`StoreError::SameShop`]).
    async fn begin(&self, lease: &Lease, run: &NewRun) -> Result<RunId, StoreError>;
    /// Ends a run with its report.
    async fn finish(&self, lease: &Lease, report: &RunReport) -> Result<(), StoreError>;

    /// How far a shop has been read; the zero of everything for a shop never seen. `rules` are today's, as fingerprints name them.
    async fn progress(&self, shop: &ShopName, tail: u64, rules: &str) -> Result<ShopProgress, StoreError>;
    /// Puts a page into the index: contacts not known yet become *surveyed* (no state); known ones keep their state, link
    /// and fingerprint, and only their identifiers are brought up to date.
    async fn survey(&self, lease: &Lease, step: &SurveyStep) -> Result<(), StoreError>;
    /// What is known of a page: each contact by id, its links and rulings; and for each identifier its holders
    /// among the contacts of all shops of the account (gone and excluded ones left out).
    async fn known(&self, page: &PageQuery) -> Result<Known, StoreError>;
    /// What is known of customers found: their links (of all shops), and the holders of their identifiers.
    async fn found(&self, customers: &[CustomerId], identifiers: &[Keyed]) -> Result<Found, StoreError>;
    /// Contacts that are to be fetched by id, in the order of ids.
    async fn due(&self, of: &DueQuery) -> Result<Vec<ContactId>, StoreError>;

    /// Declares writes before their first byte is sent. Fails if writing is paused, or if somebody of them was erased
    /// ([`StoreError::Erased`]).
    async fn declare(&self, lease: &Lease, writes: &[Declaration]) -> Result<Vec<WriteId>, StoreError>;
    /// Records a page: outcomes, settled writes, and the checkpoint, in one transaction.
    async fn record(&self, lease: &Lease, page: &PageRecord) -> Result<(), StoreError>;
    /// Puts up a hold, or finds the same one (shop, kind, bound) standing.
    async fn hold(&self, lease: &Lease, run: RunId, hold: &NewHold, now: Moment) -> Result<Hold, StoreError>;

    /// Records what a person decided.
    async fn decide(&self, decision: &Decision, by: &str, now: Moment) -> Result<(), StoreError>;
    /// Something may have changed about these contacts: those that are neither gone nor excluded are due at once. Decides nothing
    /// about them, so it needs no lease. Answers how many they are.
    async fn make_due(&self, contacts: &[ContactKey], now: Moment) -> Result<u64, StoreError>;
    /// Forgets persons, and sees to it that no later pass brings them back. A pass under way records nothing of them any more.
    async fn erase(&self, whom: &Erasure, by: &str, now: Moment) -> Result<Erased, StoreError>;
    /// Lifts an erasure: whom it excluded is new, and due at once.
    async fn lift(&self, erasure: i64, by: &str, now: Moment) -> Result<Erased, StoreError>;

    /// Ends the connections, once the units under way have ended. Nothing can be asked of the store afterwards.
    async fn close(&self);
}
