//! Who watches a run: a progress bar, a plan's printer, a test. Told ids and figures, never a personal detail.

use async_trait::async_trait;

use super::PassError;
use crate::{
    model::{hold::HoldKind, run::RunReport},
    plan::page::ContactPlan,
};

/// Is told how a run goes. Called between awaits; must return at once.
pub trait Watch: Send + Sync {
    /// The survey reads: so many contacts so far, of so many.
    fn surveying(&self, _read: u64, _of: u64) {}
    /// The crossing reads: the report so far, and how many contacts there are to read.
    fn crossing(&self, _so_far: &RunReport, _of: u64) {}
    /// A contact is looked at though she is the same: the rules changed in these sections since she was judged.
    fn judged_by_other_rules(&self, _sections: &[String]) {}
    /// What is planned for a contact, before any of it is done.
    fn planned(&self, _plan: &ContactPlan) {}
    /// Its update would be held, were this no dry run.
    fn would_be_held(&self, _kind: HoldKind) {}
    /// Contacts that a resync did not find: so many of so many have been asked for by id.
    fn confirming(&self, _asked: u64, _of: u64) {}
    /// Of the updates of a page so many have been tried.
    fn applying(&self, _done: u64, _of: u64) {}
    /// Of the merges that are authorised so many have been looked at.
    fn merging(&self, _done: u64, _of: u64) {}
    /// Something a person should read.
    fn notice(&self, _text: &str) {}
    /// The run is over.
    fn done(&self) {}
}

/// What else is to be done while a long run lasts: a resync asks between its pages.
#[async_trait(?Send)]
pub trait Interlude {
    /// Does what is due, if anything is; answers whether anything ran: what was read of the shop before it is old then.
    ///
    /// # Errors
    /// What would end any run.
    async fn rest(&self) -> Result<bool, PassError>;
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Watch for Silent {}
