//! Alerts: what they are decided on, what was told, what is still to be told. So that each change is told once, whichever of several
//! daemons finds it, and also after a crash.

use async_trait::async_trait;

use super::{AlertChange, AlertSettled, Look, StoreError};
use crate::model::{alert::KeptAlert, time::Moment};

/// What is told to whoever is on call. Nothing here needs a lease: a change counts only where its subject is still as it was seen.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// How things stand and what of it was told, on one snapshot.
    async fn look(&self) -> Result<Look, StoreError>;
    /// What was told or is to be told, by subject.
    async fn alerts(&self) -> Result<Vec<KeptAlert>, StoreError>;
    /// Keeps changes, to be delivered. One whose subject has changed since it was seen is left out. Answers how many were kept.
    async fn tell(&self, changes: &[AlertChange]) -> Result<u64, StoreError>;
    /// Takes the oldest alert that is to be delivered now: until then it is nobody else's, nor is a later change of its subject. `by` tells
    /// this taking from every other.
    async fn take_alert(&self, by: &str, now: Moment, until: Moment) -> Result<Option<KeptAlert>, StoreError>;
    /// Gives it back, delivered or not. Of a subject that has changed meanwhile the change is still to be delivered.
    async fn settle_alert(&self, settled: &AlertSettled) -> Result<(), StoreError>;
}
