//! One proposal, carried out: looked at anew before each of its merges, dropped where it is not what was authorised any more.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tracing::Instrument as _;

use super::{
    super::{Bridge, PassError, Tenure},
    anew::{self, Anew, Look},
    send::{self, Ended},
};
use crate::{
    model::{
        CustomerId,
        merge::{AuthorisedBy, Tried},
        proposal::KeptProposal,
        run::RunId,
    },
    observe::traces,
    plan::merging::{
        again::{self, Rest},
        authority,
    },
    store::{MergeStep, NewMerge, StoreError},
    vivocha::Writer,
};

/// What carries out.
pub(super) struct Carrier<'a> {
    pub bridge: &'a Bridge,
    pub tenure: &'a Tenure,
    pub run: RunId,
    pub writer: &'a Writer,
    pub halted: AtomicBool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Proposals looked at.
    pub looked_at: u64,
    /// Merges applied and read back.
    pub merged: u64,
    /// Dropped on the second look, or refused by Vivocha.
    pub refused: u64,
    /// Sent, and in doubt.
    pub unknown: u64,
    /// Not answered, or refused by Vivocha.
    pub failed: u64,
    /// Whether one was applied and read back.
    pub confirmed: bool,
    /// What ends the run.
    pub error: Option<PassError>,
}

impl Carried {
    pub fn add(&mut self, other: Self) {
        let Self { looked_at, merged, refused, unknown, failed, confirmed, error } = other;
        self.looked_at += looked_at;
        self.merged += merged;
        self.refused += refused;
        self.unknown += unknown;
        self.failed += failed;
        self.confirmed |= confirmed;
        self.error = self.error.take().or(error);
    }

    /// How many went wrong at Vivocha.
    pub const fn troubles(&self) -> u64 {
        self.unknown + self.failed
    }
}

/// How long a look is good for…
const GOOD_FOR: Duration = Duration::from_secs(5);
/// …or so many turns for each merge under way, where the pace allows no faster one: each reads as often before it sends.
const TURNS: u32 = 5;

/// Whether a proposal goes on after a step.
enum Step {
    On(Tried),
    End,
}

impl Carrier<'_> {
    /// No other merge is begun.
    pub fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    /// Carries out a proposal, as far as it goes. What was done is settled, whatever is answered.
    pub async fn carry_out(&self, kept: &KeptProposal, by: &AuthorisedBy, tried: Tried) -> Carried {
        let span = traces::merge();
        let carried = self.as_far_as_it_goes(kept, by, tried).instrument(span.clone()).await;
        let Carried { merged, refused, unknown, failed, error, .. } = &carried;
        traces::merged(&span, (*merged, *refused, *unknown, *failed), error.as_ref().map(PassError::as_str));
        carried
    }

    async fn as_far_as_it_goes(&self, kept: &KeptProposal, by: &AuthorisedBy, tried: Tried) -> Carried {
        let mut carried = Carried { looked_at: 1, ..Carried::default() };
        let mut tried = tried;
        loop {
            match self.step(kept, by, &tried, &mut carried).await {
                Ok(Step::On(further)) => tried = further,
                Ok(Step::End) => return carried,
                Err(error) => return Carried { error: Some(error), ..carried },
            }
        }
    }

    async fn step(
        &self,
        kept: &KeptProposal,
        by: &AuthorisedBy,
        tried: &Tried,
        carried: &mut Carried,
    ) -> Result<Step, PassError> {
        if self.bridge.stop.is_cancelled() {
            return Err(PassError::Stopped);
        }
        if self.halted.load(Ordering::Relaxed) {
            return Ok(Step::End);
        }
        let customers: Vec<CustomerId> =
            authority::members(kept).into_iter().filter(|customer| !tried.gone.contains(customer)).cloned().collect();
        let look = match anew::look(self.bridge, &kept.proposal.contact, &customers).await? {
            Look::Anew(look) => look,
            Look::Changed(why) => return self.drop(kept, why, carried).await,
            Look::NotNow => return Ok(Step::End),
        };
        match again::again(&kept.proposal, by, tried, &look.plan) {
            Ok(rest) => self.merge(kept, by, tried, (&rest, &look), carried).await,
            Err(changed) => self.drop(kept, changed.as_str(), carried).await,
        }
    }

    async fn drop(&self, kept: &KeptProposal, why: &'static str, carried: &mut Carried) -> Result<Step, PassError> {
        let Self { bridge, tenure, .. } = self;
        let proposal = kept.proposal.id.clone();
        tracing::info!(%proposal, contact = %kept.proposal.contact, why, "a merge was not sent: it is not what was proposed any more");
        bridge.store.settle_merge(&tenure.lease(), &MergeStep::Dropped { proposal }, bridge.clock.now()).await?;
        carried.refused += 1;
        Ok(Step::End)
    }

    async fn merge(
        &self,
        kept: &KeptProposal,
        by: &AuthorisedBy,
        tried: &Tried,
        (rest, look): (&Rest, &Anew),
        carried: &mut Carried,
    ) -> Result<Step, PassError> {
        let Some(absorbed) = rest.absorbed.first() else { return Ok(Step::End) };
        let pair = look.customers.get(&rest.survivor).zip(look.customers.get(absorbed));
        let Some((survivor, absorbed)) = pair else { return self.drop(kept, "customer-not-found", carried).await };
        let bridge = self.bridge;
        let under_way = u32::try_from(bridge.rules.concurrency).unwrap_or(u32::MAX).saturating_add(1);
        let good_for = GOOD_FOR.max(bridge.reader.turn().saturating_mul(under_way.saturating_mul(TURNS)));
        // A merge whose turn is long in coming rests on nothing any more: it is left to the next run, which looks anew.
        let writer = self.writer.under(self.tenure.permit_on_a_look(Some(bridge.stop.clone()), good_for));
        let limits = &bridge.rules.safeguards;
        let new = NewMerge {
            run: Some(self.run),
            proposal: kept.proposal.id.clone(),
            contact: Some((kept.proposal.contact.clone(), look.hashes.clone())),
            survivor: survivor.id.clone(),
            absorbed: absorbed.id.clone(),
            authorised_by: by.clone(),
            evidence: rest.evidence.clone(),
            rests_on: rest.rests_on.clone(),
            before: Vec::new(),
            most_a_day: if by.is_automatic() { limits.max_merges_per_day } else { limits.max_approved_per_day },
            at: bridge.clock.now(),
        };
        let ended = match send::send(bridge, self.tenure, &writer, new, (survivor, absorbed)).await {
            Err(PassError::Store(StoreError::Erased(_))) => return self.drop(kept, "erased", carried).await,
            ended => ended?,
        };
        match ended {
            Ended::Merged { gone } => {
                (carried.merged, carried.confirmed) = (carried.merged + 1, true);
                let mut gone_now = tried.gone.clone();
                gone_now.push(gone);
                let further = Tried { gone: gone_now, rests_on: rest.rests_on.clone(), ..tried.clone() };
                Ok(if rest.absorbed.len() > 1 { Step::On(further) } else { Step::End })
            }
            Ended::Refused => {
                (carried.refused, carried.failed) = (carried.refused + 1, carried.failed + 1);
                Ok(Step::End)
            }
            Ended::Unanswered => {
                carried.failed += 1;
                Ok(Step::End)
            }
            Ended::Unknown => {
                carried.unknown += 1;
                Ok(Step::End)
            }
            Ended::NotDeclared(why) => {
                tracing::info!(proposal = %kept.proposal.id, why = why.as_str(), "a merge was not sent");
                Ok(Step::End)
            }
        }
    }
}
