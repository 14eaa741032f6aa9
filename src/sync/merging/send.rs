//! One merge: sealed, declared, sent, read back, settled. The only place that calls [`Writer::merge`].

use super::super::{Bridge, PassError, Tenure, host};
use crate::{
    http::{CallError, Cause, Verdict},
    model::{
        Customer, CustomerId,
        merge::{MergeId, MergeOutcome},
    },
    plan::merging::outcome::{self, Found, Pair},
    store::{Declared, MergeStep, NewMerge, NotDeclared, seal},
    vivocha::Writer,
};

/// How a merge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was applied, and read to be so.
    Merged {
        /// Who is gone.
        gone: CustomerId,
    },
    /// Vivocha refused it.
    Refused,
    /// It was not sent, for want of an answer.
    Unanswered,
    /// It was sent, and what became of it is not known.
    Unknown,
    /// It was not sent: it must not be.
    NotDeclared(NotDeclared),
}

/// Sends a merge of two customers as they were just read. What came of it is settled whatever is answered.
///
/// # Errors
/// What ends the run: the lease, a pause, a signal, credentials; or its contact was erased. Nothing was sent then, or it is settled.
pub async fn send(
    bridge: &Bridge,
    tenure: &Tenure,
    writer: &Writer,
    mut new: NewMerge,
    (survivor, absorbed): (&Customer, &Customer),
) -> Result<Ended, PassError> {
    for customer in [survivor, absorbed] {
        new.before.push(seal::seal(customer, &bridge.key).map_err(PassError::Seal)?);
    }
    tenure.covers(bridge.rules.write_timeout)?;
    let id = match bridge.store.declare_merge(&tenure.lease(), &new).await? {
        Declared::Made(id) => id,
        Declared::Refused(why) => return Ok(Ended::NotDeclared(why)),
    };
    let sending = Sending { bridge, tenure, id, survivor, absorbed };
    match writer.merge(&survivor.id, &absorbed.id).await {
        Ok(answer) => sending.read_back(Some(&answer.id), "answered").await,
        Err(error) => sending.failed(error).await,
    }
}

struct Sending<'a> {
    bridge: &'a Bridge,
    tenure: &'a Tenure,
    id: MergeId,
    survivor: &'a Customer,
    absorbed: &'a Customer,
}

impl Sending<'_> {
    async fn failed(&self, error: CallError) -> Result<Ended, PassError> {
        let cause = error.cause.to_string();
        match error.verdict {
            Verdict::Unknown => self.read_back(None, "no-answer").await,
            Verdict::Park => {
                tracing::warn!(merge = %self.id, %error, "Vivocha refused a merge");
                self.settle(MergeOutcome::Refused, &cause, None).await?;
                Ok(Ended::Refused)
            }
            Verdict::Retry => {
                self.settle(MergeOutcome::Stale, &cause, None).await?;
                Ok(Ended::Unanswered)
            }
            // Who is pointed elsewhere may have been served before.
            Verdict::Stop if matches!(error.cause, Cause::Redirect(_)) => {
                self.read_back(None, "redirected").await?;
                Err(error.into())
            }
            Verdict::Stop => {
                self.settle(MergeOutcome::Stale, &cause, None).await?;
                if self.bridge.stop.is_cancelled() {
                    return Err(PassError::Stopped);
                }
                self.tenure.covers(self.bridge.rules.write_timeout)?;
                Err(error.into())
            }
        }
    }

    /// Both are read, and tell. That it was not applied they can tell only later than it might still be.
    async fn read_back(&self, answered: Option<&CustomerId>, how: &str) -> Result<Ended, PassError> {
        let reader = &self.bridge.reader;
        let now = (reader.get(&self.survivor.id).await, reader.get(&self.absorbed.id).await);
        let (Ok(one), Ok(other)) = now else {
            self.settle(MergeOutcome::Unknown, &format!("{how}, not-read-back"), None).await?;
            return Ok(Ended::Unknown);
        };
        let pair = Pair { survivor: &self.survivor.id, absorbed: &self.absorbed.id };
        let before = (&self.survivor.document, &self.absorbed.document);
        match outcome::found(pair, Some(before), (one.as_ref(), other.as_ref()), answered) {
            Found::Applied { remains } => {
                let gone = if remains == self.survivor.id { &self.absorbed.id } else { &self.survivor.id };
                self.settle(MergeOutcome::Applied, how, Some(&remains)).await?;
                Ok(Ended::Merged { gone: gone.clone() })
            }
            Found::NotApplied => {
                self.settle(MergeOutcome::Unknown, &format!("{how}, still-two"), None).await?;
                Ok(Ended::Unknown)
            }
            Found::Unclear(why) => {
                self.settle(MergeOutcome::Unknown, &format!("{how}, {why}"), None).await?;
                Ok(Ended::Unknown)
            }
        }
    }

    async fn settle(&self, outcome: MergeOutcome, detail: &str, remains: Option<&CustomerId>) -> Result<(), PassError> {
        let step = MergeStep::Settled {
            id: self.id,
            outcome,
            detail: detail.to_owned(),
            remains: remains.cloned(),
            doubt: (outcome == MergeOutcome::Unknown).then(host::moment),
        };
        Ok(self.bridge.store.settle_merge(&self.tenure.lease(), &step, self.bridge.clock.now()).await?)
    }
}
