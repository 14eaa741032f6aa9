//! Writes by hand, with the patience that every step has. Declared twice, one stays unsettled: nothing is concluded from it.

use async_trait::async_trait;

use super::patient::{PostgresStore, Twice};
use crate::{
    model::{CustomerId, time::Moment},
    store::{ByHand, HandWrite, KeptHandWrite, Lease, StoreError, WriteId, WriteOutcome},
};

#[async_trait]
impl ByHand for PostgresStore {
    async fn declare_by_hand(&self, lease: Option<&Lease>, write: &HandWrite) -> Result<WriteId, StoreError> {
        self.worked(Twice::Same, || self.units.declare_by_hand(lease, write)).await
    }

    async fn settle_by_hand(&self, write: WriteId, outcome: WriteOutcome, now: Moment) -> Result<(), StoreError> {
        self.worked(Twice::Same, || self.units.settle_by_hand(write, outcome, now)).await
    }

    async fn by_hand(&self, customer: &CustomerId) -> Result<Vec<KeptHandWrite>, StoreError> {
        self.patiently(Twice::Same, || self.units.by_hand(customer)).await
    }
}
