//! Merges of earlier runs whose outcome is not known: a timeout, a connection that broke, a crash after sending. They pin their customers;
//! once nothing of them can be applied any more both are read, and what they say decides.

use super::super::{Bridge, PassError, Tenure, host, reading::Body, tally::Tally};
use crate::{
    http::Verdict,
    model::{
        Customer, CustomerId,
        merge::{Doubt, Merge, MergeOutcome},
    },
    plan::merging::outcome::{self, Found, Pair},
    store::{MergeStep, OpenMerge, seal},
};

impl Body<'_> {
    /// Settles what can be told by now.
    pub(in super::super) async fn doubts(&self, tally: &mut Tally) -> Result<(), PassError> {
        let bridge = self.bridge;
        if bridge.writer.is_none() {
            return Ok(());
        }
        let settled = settle_doubts(bridge, self.tenure).await?;
        tally.merging(|merges| {
            merges.merged += settled.applied;
            merges.unknown += settled.left;
        });
        Ok(())
    }
}

/// What became of doubts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Found to have been applied.
    pub applied: u64,
    /// Still open.
    pub left: u64,
}

/// Settles every doubt of the account that can be told by now.
///
/// # Errors
/// What ends the run.
pub async fn settle_doubts(bridge: &Bridge, tenure: &Tenure) -> Result<Doubts, PassError> {
    let open = bridge.store.merge_state(bridge.shop_name(), bridge.clock.now()).await?.open;
    let here = host::moment();
    let mut doubts = Doubts::default();
    for open in open {
        let settling = Settling { bridge, tenure, here: &here, open: &open };
        match settling.settle().await? {
            Some(MergeOutcome::Applied) => doubts.applied += 1,
            Some(MergeOutcome::NotApplied | MergeOutcome::Refused | MergeOutcome::Stale) => {}
            Some(MergeOutcome::Unknown | MergeOutcome::Person) | None => doubts.left += 1,
        }
    }
    Ok(doubts)
}

struct Settling<'a> {
    bridge: &'a Bridge,
    tenure: &'a Tenure,
    here: &'a Doubt,
    open: &'a OpenMerge,
}

impl Settling<'_> {
    /// What it was settled as; `None` where it stays as it is.
    async fn settle(&self) -> Result<Option<MergeOutcome>, PassError> {
        let OpenMerge { merge, doubt, .. } = self.open;
        let (now, horizon) = (self.bridge.clock.now(), self.bridge.rules.too_late());
        match merge.outcome {
            // A crash stood between declaring and settling. It may have been sent at the very last moment, so that its call would not
            // have run into its timeout yet: the wait begins now, and is that much longer.
            None => return self.record(MergeOutcome::Unknown, "interrupted", None).await,
            Some((MergeOutcome::Unknown, noticed)) => {
                if !outcome::is_past(doubt.as_ref(), noticed, horizon, now, self.here) {
                    return Ok(None);
                }
            }
            // A person's.
            Some((
                MergeOutcome::Person
                | MergeOutcome::Applied
                | MergeOutcome::NotApplied
                | MergeOutcome::Refused
                | MergeOutcome::Stale,
                _,
            )) => return Ok(None),
        }
        let (Some(one), Some(other)) = (self.read(&merge.survivor).await?, self.read(&merge.absorbed).await?) else {
            if outcome::is_hopeless(merge.declared_at, now) {
                return self.record(MergeOutcome::Person, "not-readable", None).await;
            }
            return Ok(None);
        };
        match self.found(merge, one.as_ref(), other.as_ref()) {
            Found::Applied { remains } => self.record(MergeOutcome::Applied, "read-later", Some(remains)).await,
            Found::NotApplied => self.record(MergeOutcome::NotApplied, "read-later", None).await,
            // Whose contact was erased is nobody's to decide about, and nothing is sent for her again.
            Found::Unclear(_) if merge.contact.is_none() && merge.run.is_some() => {
                self.record(MergeOutcome::NotApplied, "erased", None).await
            }
            Found::Unclear(why) => self.record(MergeOutcome::Person, why, None).await,
        }
    }

    fn found(&self, merge: &Merge, one: Option<&Customer>, other: Option<&Customer>) -> Found {
        let was = |customer: &CustomerId| {
            let sealed = self.open.before.iter().find(|sealed| sealed.customer == *customer)?;
            seal::open(sealed, &self.bridge.key).ok()
        };
        let before = was(&merge.survivor).zip(was(&merge.absorbed));
        let before = before.as_ref().map(|(survivor, absorbed)| (survivor, absorbed));
        let pair = Pair { survivor: &merge.survivor, absorbed: &merge.absorbed };
        outcome::found(pair, before, (one, other), None)
    }

    /// What asking for a customer gives; `None` where it cannot be asked now.
    async fn read(&self, id: &CustomerId) -> Result<Option<Option<Customer>>, PassError> {
        match self.bridge.reader.get(id).await {
            Ok(got) => Ok(Some(got)),
            Err(error) if error.verdict == Verdict::Stop => Err(error.into()),
            Err(error) => {
                tracing::warn!(merge = %self.open.merge.id, %error, "what became of a merge cannot be read now");
                Ok(None)
            }
        }
    }

    async fn record(
        &self,
        outcome: MergeOutcome,
        detail: &str,
        remains: Option<CustomerId>,
    ) -> Result<Option<MergeOutcome>, PassError> {
        let id = self.open.merge.id;
        tracing::info!(merge = %id, outcome = outcome.as_str(), detail, "a merge in doubt");
        let doubt = (outcome == MergeOutcome::Unknown).then(|| self.here.clone());
        let step = MergeStep::Settled { id, outcome, detail: detail.to_owned(), remains, doubt };
        self.bridge.store.settle_merge(&self.tenure.lease(), &step, self.bridge.clock.now()).await?;
        Ok(Some(outcome))
    }
}
