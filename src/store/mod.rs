//! What we remember, behind a trait that speaks units of work: each method is one transaction, all or nothing.
//!
//! The account is bound when a store is opened; every method speaks of that account only. Every write carries the
//! [`Lease`] of a pass and changes nothing if that lease is not the current one ([`StoreError::LeaseLost`]); only what a
//! person decides ([`Store::decide`]) needs none. No personal data at rest: ids, keyed hashes, states, codes.
//! Time comes in as a parameter.

pub mod error;
pub mod key;
pub mod postgres;
pub mod sqlite;
pub mod units;

use async_trait::async_trait;

pub use error::StoreError;
pub use units::*;

use crate::model::{
    ContactId, CustomerId, Keyed, ShopName,
    hold::{Hold, NewHold},
    proposal::{KeptProposal, ProposalState},
    run::{RunId, RunReport},
    time::Moment,
};

/// The store. At most 20 methods.
#[async_trait]
pub trait Store: Send + Sync {
    /// Takes the account's lease, or says who has it. A dead holder on this host (same boot, no such process or another
    /// start time) is succeeded at once; one elsewhere when its lease has expired. The epoch only grows.
    async fn acquire(&self, claim: &Claim) -> Result<Acquired, StoreError>;
    /// Extends the lease to `now + ttl`.
    async fn renew(&self, lease: &Lease, now: Moment) -> Result<Lease, StoreError>;
    /// Gives the lease back; a lost lease is no error here.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Begins a run (outcome `running`), and closes as `failed` any run of an older epoch that never ended.
    async fn begin(&self, lease: &Lease, run: &NewRun) -> Result<RunId, StoreError>;
    /// Ends a run with its report.
    async fn finish(&self, lease: &Lease, report: &RunReport) -> Result<(), StoreError>;

    /// How far a shop has been read; the zero of everything for a shop never seen.
    async fn progress(&self, shop: &ShopName, tail: u64) -> Result<ShopProgress, StoreError>;
    /// Puts a page into the index: contacts not known yet become *surveyed* (no state); known ones keep their state, link
    /// and fingerprint, and only their identifiers are brought up to date.
    async fn survey(&self, lease: &Lease, step: &SurveyStep) -> Result<(), StoreError>;
    /// What is known of a page: each contact by id, its links and rulings; and for each identifier its holders
    /// among the contacts of all shops of the account (gone and excluded ones left out).
    async fn known(&self, shop: &ShopName, ids: &[ContactId], identifiers: &[Keyed]) -> Result<Known, StoreError>;
    /// What is known of customers found: their links (of all shops), and the holders of their identifiers.
    async fn found(&self, customers: &[CustomerId], identifiers: &[Keyed]) -> Result<Found, StoreError>;
    /// Contacts whose retry is due, oldest first.
    async fn due(&self, shop: &ShopName, now: Moment, limit: u64) -> Result<Vec<ContactId>, StoreError>;

    /// Declares writes before their first byte is sent. Fails if writing is paused.
    async fn declare(&self, lease: &Lease, writes: &[Declaration]) -> Result<Vec<WriteId>, StoreError>;
    /// Records a page: outcomes, settled writes, and the checkpoint, in one transaction.
    async fn record(&self, lease: &Lease, page: &PageRecord) -> Result<(), StoreError>;
    /// Puts up a hold, or finds the same one (shop, kind, bound) standing.
    async fn hold(&self, lease: &Lease, run: RunId, hold: &NewHold, now: Moment) -> Result<Hold, StoreError>;

    /// Records what a person decided.
    async fn decide(&self, decision: &Decision, by: &str, now: Moment) -> Result<(), StoreError>;

    /// States, holds, pause, lease, last runs: what `status` shows.
    async fn overview(&self) -> Result<Overview, StoreError>;
    /// The last runs, newest first; or one.
    async fn runs(&self, which: RunQuery) -> Result<Vec<RunReport>, StoreError>;
    /// All that is kept about a contact or a customer.
    async fn story(&self, of: &Whose) -> Result<Story, StoreError>;
    /// Proposals in a state (all, if none is named), oldest first.
    async fn proposals(&self, state: Option<ProposalState>) -> Result<Vec<KeptProposal>, StoreError>;
    /// Holds, standing ones only or all, oldest first.
    async fn holds(&self, all: bool) -> Result<Vec<Hold>, StoreError>;

    /// Ends the connections, once the units under way have ended. Nothing can be asked of the store afterwards.
    async fn close(&self);
}
