//! Alerts, with the patience that every step has.

use async_trait::async_trait;

use super::patient::{PostgresStore, Twice};
use crate::{
    model::{alert::KeptAlert, time::Moment},
    store::{AlertChange, AlertSettled, Alerts, Look, StoreError},
};

#[async_trait]
impl Alerts for PostgresStore {
    async fn look(&self) -> Result<Look, StoreError> {
        self.patiently(Twice::Same, || self.units.look()).await
    }

    async fn alerts(&self) -> Result<Vec<KeptAlert>, StoreError> {
        self.patiently(Twice::Same, || self.units.alerts()).await
    }

    async fn tell(&self, changes: &[AlertChange]) -> Result<u64, StoreError> {
        // What was kept by a commit without an answer is found so by the next one.
        self.patiently(Twice::Same, || self.units.tell(changes)).await
    }

    async fn take_alert(&self, by: &str, now: Moment, until: Moment) -> Result<Option<KeptAlert>, StoreError> {
        // One taken by a commit without an answer is free again when its time is over.
        self.patiently(Twice::Same, || self.units.take_alert(by, now, until)).await
    }

    async fn settle_alert(&self, settled: &AlertSettled) -> Result<(), StoreError> {
        self.patiently(Twice::Same, || self.units.settle_alert(settled)).await
    }
}
