//! A write by hand: declared before its first byte is sent, and settled when its outcome is known. What is to be written, and whether, is its
//! caller's.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Clock as _, SystemClock, Tenure};
use crate::{
    http::{CallError, Verdict},
    model::CustomerId,
    store::{HandWrite, Store, StoreError, WriteOutcome},
};

/// Whoever writes by hand.
#[derive(Clone)]
pub struct Hand<'a> {
    /// Where it is declared.
    pub store: Arc<dyn Store>,
    /// Under which lease, if under one.
    pub tenure: Option<&'a Tenure>,
    /// By which command.
    pub why: &'static str,
    /// Who gave it.
    pub by: String,
    /// Whether it puts back what the same command changed.
    pub puts_back: bool,
}

impl Hand<'_> {
    /// Declares these fields of a customer, sends them, and records what is known of it then.
    ///
    /// # Errors
    /// If it could not be declared: then nothing was sent.
    pub async fn write<T>(
        &self,
        customer: &CustomerId,
        fields: &Map<String, Value>,
        sending: impl Future<Output = Result<T, CallError>>,
    ) -> Result<Result<T, CallError>, StoreError> {
        let write = HandWrite {
            customer: customer.clone(),
            why: self.why,
            by: self.by.clone(),
            fields: fields.keys().cloned().collect(),
            at: SystemClock.now(),
            puts_back: self.puts_back,
        };
        let lease = self.tenure.map(Tenure::lease);
        let declared = self.store.declare_by_hand(lease.as_ref(), &write).await?;
        let sent = sending.await;
        // Where that fails, it stands as one whose outcome nobody knows.
        if let Err(error) = self.store.settle_by_hand(declared, outcome(&sent), SystemClock.now()).await {
            tracing::warn!(%customer, %error, "what became of a write by hand could not be recorded");
        }
        Ok(sent)
    }
}

const fn outcome<T>(sent: &Result<T, CallError>) -> WriteOutcome {
    match sent {
        Ok(_) => WriteOutcome::Applied,
        Err(CallError { verdict: Verdict::Unknown, .. }) => WriteOutcome::Unknown,
        Err(CallError { verdict: Verdict::Retry, .. }) => WriteOutcome::NotApplied,
        Err(CallError { verdict: Verdict::Park | Verdict::Stop, .. }) => WriteOutcome::Refused,
    }
}
