//! Merging: after a pass is recorded, what the rules or a person have authorised is carried out, one merge at a time per customer.
//!
//! ```text
//! doubts of earlier runs settled ─▶ (the pass) ─▶ authorise ─▶ for each: read anew ─▶ plan anew ─▶ declare ─▶ send ─▶ read back ─▶ settle
//!                                                 plan          the same proposal, or it is dropped                    ─▶ survivors updated
//! ```
//!
//! A merge has no way back, and the server takes no key that would make a second sending harmless. So what authorises is decided once
//! for all of a run, everything a merge rests on is read again right before it, nothing is sent that was not declared, and one whose
//! outcome is not known pins its customers until a read, late enough, has told it.

mod anew;
pub mod by_hand;
mod doubts;
mod one;
mod send;

use std::{collections::BTreeSet, sync::atomic::AtomicBool};

use futures::{StreamExt as _, stream};
use tracing::Instrument as _;

use super::{
    PassError,
    crossing::Crossing,
    due, holding,
    reading::{Body, fields},
    tally::Tally,
};
use crate::{
    model::{
        CustomerId,
        hold::{HoldKind, NewHold},
        merge::AuthorisedBy,
        proposal::{KeptProposal, ProposalId},
    },
    observe::traces::{self, Phase},
    plan::merging::authority::{self, Answer, Question, Waits},
    store::{MergeState, MergeStep},
};
use one::{Carried, Carrier};

/// So many merges without an outcome, or without an answer, and no other is begun in this run.
const ENOUGH: u64 = 3;

impl Body<'_> {
    /// Carries out what is authorised. The survivors of what was merged are then looked at again.
    pub(super) async fn merging(&self, crossing: &mut Crossing<'_>, tally: &mut Tally) -> Result<(), PassError> {
        let bridge = self.bridge;
        if bridge.writer.is_none() {
            return Ok(());
        }
        let proposals = bridge.store.to_authorise(bridge.shop_name()).await?;
        let state = bridge.store.merge_state(bridge.shop_name(), bridge.clock.now()).await?;
        let in_doubt: BTreeSet<CustomerId> =
            state.open.iter().flat_map(|open| [open.merge.survivor.clone(), open.merge.absorbed.clone()]).collect();
        let answer = authority::authorise(&Question {
            shop: bridge.shop_name(),
            proposals: &proposals,
            tried: &state.tried,
            restored: &state.restored,
            in_doubt: &in_doubt,
            automatic_today: state.automatic_today,
            approved_today: state.approved_today,
            customers_seen: tally.customers_seen(),
            looked_at: state.looked_at,
            limits: &bridge.rules.safeguards,
            now: bridge.clock.now(),
        });
        self.hold(&answer, tally).await?;
        for kept in &answer.expired {
            self.drop_proposal(&kept.proposal.id).await?;
        }
        let done = self.carry_out(&answer, &state, tally).await;
        if tally.merges().merged + tally.merges().refused > 0 {
            // Also where a later one ended the run: what is merged is merged, and its survivor is to be looked at.
            self.survivors(crossing, tally).instrument(traces::phase(Phase::Survivors)).await?;
        }
        done
    }

    async fn hold(&self, answer: &Answer<'_>, tally: &mut Tally) -> Result<(), PassError> {
        let bridge = self.bridge;
        let held = answer.waits.values().filter(|waits| **waits == Waits::Held).count() as u64;
        tally.merging(|merges| merges.held = held);
        let Some((reason, kept)) = &answer.hold else { return Ok(()) };
        let mut ids: Vec<ProposalId> = kept.iter().map(|kept| kept.proposal.id.clone()).collect();
        ids.sort();
        let what = NewHold {
            shop: bridge.shop_name().clone(),
            kind: HoldKind::Merges,
            reason: reason.clone(),
            count: kept.len() as u64,
            sample: kept.iter().take(20).map(|kept| kept.proposal.contact.clone()).collect(),
            bound: bridge.key.hash("hold-merges", &serde_json::to_string(&ids).unwrap_or_default()),
        };
        let now = bridge.clock.now();
        let standing = bridge.store.hold_merges(&self.tenure.lease(), self.run, &what, &ids, now).await?;
        tally.hold(holding::note(&standing));
        Ok(())
    }

    async fn drop_proposal(&self, proposal: &ProposalId) -> Result<(), PassError> {
        let step = MergeStep::Dropped { proposal: proposal.clone() };
        Ok(self.bridge.store.settle_merge(&self.tenure.lease(), &step, self.bridge.clock.now()).await?)
    }

    /// The first is alone until it is confirmed; then several at once, of different customers all.
    async fn carry_out(&self, answer: &Answer<'_>, state: &MergeState, tally: &mut Tally) -> Result<(), PassError> {
        let Some(writer) = self.bridge.writer.as_ref().filter(|_| !answer.go.is_empty()) else { return Ok(()) };
        let carrier =
            Carrier { bridge: self.bridge, tenure: self.tenure, run: self.run, writer, halted: AtomicBool::new(false) };
        let of = answer.go.len() as u64;
        let mut sum = Carried::default();
        let mut left = answer.go.iter();
        while !sum.confirmed
            && sum.troubles() < ENOUGH
            && let Some((kept, by)) = left.next()
        {
            sum.add(carrier.carry_out(kept, by, tried(state, kept)).await);
            self.bridge.watch.merging(sum.looked_at, of);
            if sum.unknown > 0 || sum.error.is_some() {
                break;
            }
        }
        if sum.confirmed && sum.error.is_none() && sum.unknown == 0 {
            let rest =
                left.map(|(kept, by): &(&KeptProposal, AuthorisedBy)| carrier.carry_out(kept, by, tried(state, kept)));
            let mut rest = stream::iter(rest).buffer_unordered(self.bridge.rules.concurrency);
            while let Some(carried) = rest.next().await {
                sum.add(carried);
                self.bridge.watch.merging(sum.looked_at, of);
                if sum.error.is_some() || sum.troubles() >= ENOUGH {
                    // What is in flight ends, and is settled; nothing else begins.
                    carrier.halt();
                }
            }
        }
        tally.merging(|merges| {
            merges.merged += sum.merged;
            merges.refused += sum.refused;
            merges.unknown += sum.unknown;
        });
        sum.error.map_or(Ok(()), Err)
    }

    /// Contacts whose customers were merged, or whose proposal was dropped, are looked at again: the survivor may lack what the other one
    /// stood in the way of. They were counted when they were read.
    async fn survivors(&self, crossing: &mut Crossing<'_>, tally: &mut Tally) -> Result<(), PassError> {
        if self.bridge.stop.is_cancelled() {
            return Ok(());
        }
        let mut own = Tally::default();
        let ended = crossing.due(due::MAX_DUE, &fields(self.bridge), &mut own).await;
        tally.again(&own);
        ended
    }
}

fn tried(state: &MergeState, kept: &KeptProposal) -> crate::model::merge::Tried {
    state.tried.get(&kept.proposal.id).cloned().unwrap_or_default()
}
