//! Writes to customers by hand: declared as any other before their first byte is sent, and settled. They are of no run and for no contact, so
//! that none of them is ever taken for what we wrote for somebody.

use async_trait::async_trait;
use serde::Serialize;

use super::{Lease, StoreError, WriteId, WriteOutcome};
use crate::model::{CustomerId, time::Moment};

/// A write by hand, before its first byte is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandWrite {
    /// To whom.
    pub customer: CustomerId,
    /// By which command: `customers update`, `merges restore`, `check --write-probe`.
    pub why: &'static str,
    /// Who gave it.
    pub by: String,
    /// The names of the fields; not what stands in them.
    pub fields: Vec<String>,
    /// When.
    pub at: Moment,
    /// Whether it puts back what the same command changed: that is declared, and done, also while writing is paused.
    pub puts_back: bool,
}

/// The same as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptHandWrite {
    /// Its number, among writes by hand.
    pub id: WriteId,
    /// To whom.
    pub customer: CustomerId,
    /// By which command.
    pub why: String,
    /// Who gave it.
    pub by: String,
    /// The names of the fields.
    pub fields: Vec<String>,
    /// When it was declared.
    pub declared_at: Moment,
    /// How it ended, and when that was recorded.
    pub outcome: Option<(WriteOutcome, Moment)>,
}

/// What writes by hand need of the store.
#[async_trait]
pub trait ByHand: Send + Sync {
    /// Declares one. Fails if writing is paused, unless it puts back; or if it is made under a lease, and that was lost.
    async fn declare_by_hand(&self, lease: Option<&Lease>, write: &HandWrite) -> Result<WriteId, StoreError>;
    /// Records how it ended. What is certain stays.
    async fn settle_by_hand(&self, write: WriteId, outcome: WriteOutcome, now: Moment) -> Result<(), StoreError>;
    /// Those to a customer, newest first.
    async fn by_hand(&self, customer: &CustomerId) -> Result<Vec<KeptHandWrite>, StoreError>;
}
