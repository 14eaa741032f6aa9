//! Committing a page: everything that happened to it, in one transaction with the checkpoint, or only what was written where
//! the run has to stop.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    PassError,
    apply::{Applied, Done},
    crossing::{Crossing, Reach},
    doubts::Doubts,
    holding,
    record::{self, About, Draft, Terms},
    sorting::Sorted,
    tally::{Ended, Tally},
};
use crate::{
    http::CallError,
    model::{ContactId, proposal::Proposed, state::ContactState},
    plan::{page::PagePlan, safeguards},
    store::{ContactRecord, HeldContact, Known, PageRecord, ResyncStep},
};

/// Why a contact is parked whose customer a merge is in doubt for.
const MERGE_IN_DOUBT: &str = "merge-in-doubt";

/// A page that was handled, about to be recorded.
pub(super) struct Commit<'a> {
    pub crossing: &'a Crossing<'a>,
    pub sorted: &'a Sorted,
    pub known: &'a Known,
    pub plan: &'a PagePlan,
    /// What is known of updates of earlier runs.
    pub doubts: Doubts,
    pub reach: Reach,
    /// All ids of the page, those too that were handled before, and how many records it had.
    pub ids: &'a [ContactId],
    pub length: u64,
}

/// Contacts of the page that could not be judged.
pub(super) struct Unheard {
    /// Their customers could not be searched for.
    pub failed: BTreeMap<ContactId, CallError>,
    /// A merge of one of their customers is in doubt.
    pub in_doubt: BTreeSet<ContactId>,
}

impl Commit<'_> {
    pub async fn record(
        &self,
        failed: Unheard,
        applied: Applied,
        held: Vec<HeldContact>,
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        let draft = self.draft(&failed, &applied, &held);
        let mut tallied = tally.clone();
        for cause in &draft.parked {
            let count = tallied.parked(cause);
            if safeguards::is_outage(
                count,
                tallied.read().max(self.crossing.reads),
                &self.crossing.bridge.rules.safeguards,
            ) {
                let error = PassError::Outage { count, cause: cause.clone() };
                return self.settle_only(draft, applied, tally, error).await;
            }
        }
        let Applied { stopped, .. } = applied;
        let applied = Applied { stopped: None, ..applied };
        if let Some(stopped) = stopped {
            if matches!(stopped, PassError::Overrides { .. }) {
                holding::pause(self.crossing.bridge, "Vivocha dropped fields that an update did not send").await?;
            }
            return self.settle_only(draft, applied, tally, stopped).await;
        }
        let record = self.whole(&draft, &applied, held);
        self.crossing.bridge.store.record(&self.crossing.tenure.lease(), &record).await?;
        for ended in draft.ended {
            tallied.ended(ended);
        }
        let merges = self.plan.contacts.iter().flat_map(|contact| &contact.proposals);
        tallied.proposed(merges.filter(|p| matches!(p.proposed, Proposed::Merge { .. })).count() as u64);
        tallied.sent(self.plan, &applied.done);
        *tally = tallied;
        Ok(())
    }

    fn draft(&self, Unheard { failed, in_doubt }: &Unheard, applied: &Applied, held: &[HeldContact]) -> Draft {
        let terms = self.terms();
        let mut page = Draft::with(self.sorted.ended.clone());
        page.records.extend(self.sorted.excluded.iter().cloned());
        for (id, defect) in &self.sorted.malformed {
            let shop = self.crossing.bridge.shop_name();
            tracing::warn!(contact = %id, %shop, %defect, "the shop's record cannot be read; parked");
            page.park(record::parked(self.about(*id), "malformed-record", &terms), "malformed-record");
        }
        for (id, error) in failed {
            tracing::warn!(contact = %id, %error, "customers could not be searched for this contact; parked");
            page.park(record::parked(self.about(*id), "search-failed", &terms), &error.cause.to_string());
        }
        for id in in_doubt {
            tracing::info!(contact = %id, "a merge of this contact's customer is in doubt; parked until it is known what became of it");
            page.park(record::parked(self.about(*id), MERGE_IN_DOUBT, &terms), MERGE_IN_DOUBT);
        }
        for contact in &self.plan.contacts {
            let id = contact.contact.id;
            if held.iter().any(|held| held.id == id) {
                let unparked = record::held(&self.about(id));
                page.ended.push(Ended::In(unparked.as_ref().map_or_else(|| self.state_of(id), |record| record.state)));
                page.records.extend(unparked);
                continue;
            }
            if applied.erased.contains(&id) {
                page.ended.push(Ended::In(ContactState::Excluded));
                page.records.push(self.crossing.sieve().excluded(id));
                continue;
            }
            let done = applied.done.get(&id);
            if done.is_none() && !contact.patch.is_empty() {
                // Never tried: the run is being stopped.
                continue;
            }
            let mut record = record::judged(self.about(id), contact, done, &terms);
            if let Some(until) = self.doubts.open.get(&id) {
                record.retry_at = record.retry_at.or(Some(*until));
            }
            page.take(record, contact, done);
        }
        page
    }

    fn about(&self, id: ContactId) -> About<'_> {
        About {
            id,
            hashes: self.sorted.hashes.get(&id).cloned().unwrap_or_default(),
            content: self
                .sorted
                .content
                .get(&id)
                .copied()
                .unwrap_or_else(|| self.crossing.bridge.key.hash("content", "")),
            prior: self.known.contacts.get(&id),
        }
    }

    /// Whether a contact may have come since the resync began: above whatever was known then, or nobody had seen it there, since it showed
    /// late or was away.
    fn came(&self, id: ContactId) -> bool {
        let judged = self.known.contacts.get(&id).and_then(|prior| prior.judged.as_ref());
        id.get() > self.crossing.highest || judged.is_none_or(|judged| judged.state == ContactState::Gone)
    }

    /// The state a contact has: whose update is held keeps it.
    fn state_of(&self, id: ContactId) -> ContactState {
        let judged = self.known.contacts.get(&id).and_then(|prior| prior.judged.as_ref());
        judged.map_or(ContactState::Linked, |judged| judged.state)
    }

    fn terms(&self) -> Terms {
        let bridge = self.crossing.bridge;
        Terms {
            now: bridge.clock.now(),
            rules: self.crossing.rules.clone(),
            too_late: bridge.rules.too_late(),
            recheck_linked: bridge.rules.recheck_linked,
            recheck_unmatched: bridge.rules.recheck_unmatched,
        }
    }

    fn whole(&self, draft: &Draft, applied: &Applied, held: Vec<HeldContact>) -> PageRecord {
        let mut record = self.written(draft.records.clone(), applied);
        record.held = held;
        record.erased_by.clone_from(&self.sorted.erased_by);
        record.erased_by.extend(applied.erased.iter().map(|id| (*id, Vec::new())));
        record.due = self.plan.contacts.iter().flat_map(|contact| contact.look_again.clone()).collect();
        if let Reach::Page { last, moves: true, .. } = self.reach {
            record.checkpoint = Some(last);
        }
        if let Reach::Page { last, resync: true, .. } = self.reach {
            record.resync = Some(ResyncStep::Page {
                after: last,
                read: self.length,
                arrivals: self.ids.iter().filter(|id| self.came(**id)).count() as u64,
                missing: self.known.missing.clone(),
            });
        }
        record
    }

    fn written(&self, mut contacts: Vec<ContactRecord>, applied: &Applied) -> PageRecord {
        let bridge = self.crossing.bridge;
        contacts.sort_by_key(|record| record.entry.id);
        let empty = PageRecord::empty(self.crossing.run, bridge.shop_name().clone(), bridge.clock.now());
        // A doubt ends with the record of what it came to: without that, what we wrote would from then on be somebody else's.
        let recorded: BTreeSet<ContactId> = contacts.iter().map(|record| record.entry.id).collect();
        let ended =
            self.doubts.settled.iter().filter(|(contact, _)| recorded.contains(contact)).map(|(_, ended)| *ended);
        let settled = applied.settled.iter().copied().chain(ended).collect();
        PageRecord { contacts, settled, ..empty }
    }

    /// Records what was written and nothing else, and answers why the run stops.
    async fn settle_only(
        &self,
        draft: Draft,
        applied: Applied,
        tally: &mut Tally,
        error: PassError,
    ) -> Result<(), PassError> {
        let written = |record: &ContactRecord| matches!(applied.done.get(&record.entry.id), Some(Done::Updated(_)));
        let records: Vec<ContactRecord> =
            draft.records.into_iter().filter(written).inspect(|_| tally.ended(Ended::Updated)).collect();
        tally.sent(self.plan, &applied.done);
        let record = self.written(records, &applied);
        self.crossing.bridge.store.record(&self.crossing.tenure.lease(), &record).await?;
        Err(error)
    }
}
