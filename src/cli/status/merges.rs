//! The part of `anagrafe status` that is about merges: what waits, for what and how long; what is in doubt; what is left for today; and
//! which identifiers several people hold.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::{
    Failure,
    merges::{Desk, waits::Standing},
};
use crate::{
    model::{
        CustomerId,
        merge::{Merge, MergeId, MergeOutcome},
        proposal::{ProposalId, ProposalState},
        time::Moment,
    },
    plan::alerts,
    store::{OpenMerge, Quarantine},
};

/// So many shared identifiers are named.
const NAMED: u64 = 20;
/// So many of them in words; `--json` has the rest.
const IN_WORDS: usize = 5;

/// How merges stand.
#[derive(Debug, Serialize)]
pub struct Merges {
    /// Open proposals by what they wait for: a reason, or a code of what stands in their way.
    waiting: BTreeMap<String, Waiting>,
    /// Approved ones that are not carried out yet.
    approved: Option<Waiting>,
    /// Those whose outcome is not known.
    doubts: Vec<Doubt>,
    budgets: Budgets,
    /// Identifiers that several people hold.
    shared_identifiers: Quarantine,
}

/// Proposals that wait.
#[derive(Debug, Clone, Serialize)]
struct Waiting {
    count: u64,
    /// Since when the oldest does.
    oldest: Moment,
}

#[derive(Debug, Serialize)]
struct Doubt {
    merge: MergeId,
    proposal: ProposalId,
    survivor: CustomerId,
    absorbed: CustomerId,
    since: Moment,
    /// Whether nothing that can be read tells.
    needs_a_person: bool,
}

#[derive(Debug, Serialize)]
struct Budgets {
    automatic_per_day: u64,
    automatic_left: u64,
    approved_per_day: u64,
    approved_left: u64,
}

impl Merges {
    /// Asks the store.
    ///
    /// # Errors
    /// If it failed.
    pub async fn of(desk: &Desk) -> Result<Self, Failure> {
        let standing = Standing::of_all(desk).await?;
        let mut waiting = BTreeMap::new();
        let mut approved = None;
        for kept in &standing.proposals {
            if kept.state == ProposalState::Approved {
                add(&mut approved, kept.changed_at);
                continue;
            }
            let waits = standing.of(kept);
            let codes = if waits.because.is_empty() { vec![waits.on.to_owned()] } else { waits.because };
            for code in codes {
                add(waiting.entry(code).or_default(), kept.since);
            }
        }
        let state = standing.of_account();
        let mut doubts: Vec<Doubt> = state.iter().flat_map(|state| &state.open).map(doubt).collect();
        doubts.sort_by_key(|doubt| (!doubt.needs_a_person, doubt.since));
        let limits = &desk.settings.safeguards;
        let (automatic, by_person) = state.map_or((0, 0), |state| (state.automatic_today, state.approved_today));
        let max_share = u64::from(desk.settings.matching.max_share);
        Ok(Self {
            waiting: waiting.into_iter().filter_map(|(code, waiting)| Some((code, waiting?))).collect(),
            approved,
            doubts,
            budgets: Budgets {
                automatic_per_day: limits.max_merges_per_day,
                automatic_left: limits.max_merges_per_day.saturating_sub(automatic),
                approved_per_day: limits.max_approved_per_day,
                approved_left: limits.max_approved_per_day.saturating_sub(by_person),
            },
            shared_identifiers: desk.memory.store.quarantine(max_share, NAMED).await?,
        })
    }

    /// How many merges are in doubt.
    pub fn doubts(&self) -> usize {
        self.doubts.len()
    }

    /// Since when the oldest of them is.
    pub fn oldest_doubt(&self) -> Option<Moment> {
        self.doubts.iter().map(|doubt| doubt.since).min()
    }

    /// What a person has to know first.
    pub fn alarms(&self) -> Vec<String> {
        let line = |doubt: &Doubt| {
            let Doubt { merge, proposal, survivor, absorbed, since, needs_a_person } = doubt;
            let which = format!(" ({absorbed} into {survivor})");
            alerts::in_doubt(*merge, &which, *since, proposal, *needs_a_person)
        };
        self.doubts.iter().map(line).collect()
    }

    /// The rest.
    pub fn sentences(&self) -> Vec<String> {
        let Self { waiting, approved, budgets, shared_identifiers, .. } = self;
        let mut lines = Vec::new();
        if !waiting.is_empty() {
            let part =
                |(code, Waiting { count, oldest }): (&String, &Waiting)| format!("{count} {code} (since {oldest})");
            let parts: Vec<String> = waiting.iter().map(part).collect();
            lines.push(format!("Merges wait for: {}; see anagrafe merges list", parts.join(", ")));
        }
        lines.extend(approved.as_ref().map(|Waiting { count, oldest }| {
            format!("Merges approved and not carried out yet: {count} (since {oldest}); anagrafe merges list --state approved")
        }));
        let Budgets { automatic_per_day, automatic_left, approved_per_day, approved_left } = budgets;
        lines.push(format!(
            "Merges left for today: {automatic_left} of {automatic_per_day} automatic, {approved_left} of {approved_per_day} approved"
        ));
        if shared_identifiers.count > 0 {
            let most = shared_identifiers.most_held.iter().take(IN_WORDS);
            let most: Vec<String> = most
                .map(|one| {
                    format!("{} {}… by {} contacts, {} among them", one.kind, one.masked(), one.holders, one.contact)
                })
                .collect();
            lines.push(format!(
                "Identifiers that several people hold, which unless their names agree match nobody alone: {}; most held: {}",
                shared_identifiers.count,
                most.join("; ")
            ));
        }
        lines
    }
}

fn add(waiting: &mut Option<Waiting>, since: Moment) {
    let so_far = waiting.get_or_insert(Waiting { count: 0, oldest: since });
    so_far.count += 1;
    so_far.oldest = so_far.oldest.min(since);
}

fn doubt(open: &OpenMerge) -> Doubt {
    let Merge { id, proposal, survivor, absorbed, declared_at, outcome, .. } = &open.merge;
    Doubt {
        merge: *id,
        proposal: proposal.clone(),
        survivor: survivor.clone(),
        absorbed: absorbed.clone(),
        since: *declared_at,
        needs_a_person: outcome.is_some_and(|(outcome, _)| outcome == MergeOutcome::Person),
    }
}
