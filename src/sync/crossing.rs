//! The crossing: page after page from the shop to its customers. One page at a time is known, gathered, planned, applied
//! and recorded; the next one is in flight. The checkpoint moves with the outcomes, in one transaction, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Bridge, PassError, Tenure,
    apply::{self, Applied, Done, Job},
    gather::{self, Gathered, Member},
    record::{self, About, Draft, Terms},
    stopping::unless_stopped,
    tally::{Ended, Tally},
};
use crate::{
    model::{
        Contact, ContactId, Keyed,
        hold::{HoldKind, NewHold},
        proposal::Proposed,
        run::RunId,
        state::ContactState,
        time::Moment,
    },
    open2b::Record,
    plan::{
        evidence::{Evidence, Hashes, Subject},
        fields, fingerprint, normalise,
        page::{self, PagePlan},
        safeguards,
    },
    store::{ContactRecord, Known, PageQuery, PageRecord, Prior, WriteId, WriteOutcome},
};

/// One crossing of a shop.
pub struct Crossing<'a> {
    /// What it crosses.
    pub bridge: &'a Bridge,
    /// Under which lease.
    pub tenure: &'a Tenure,
    /// Its run.
    pub run: RunId,
    /// Everything is looked at, whether it changed or not.
    pub everything: bool,
    /// How many updates to customers linked before the run it may send.
    pub updates_allowed: Option<u64>,
    /// The rules, as fingerprints name them.
    pub rules: String,
    /// Whether the run's first write was read back.
    pub canary: bool,
    /// When what is known of the present page was read.
    pub since: Moment,
    /// Contacts handled by id before the pages: each is read once.
    pub handled: BTreeSet<ContactId>,
}

/// What a handled page stands for.
#[derive(Debug, Clone, Copy)]
pub enum Reach {
    /// A page of the reading: the checkpoint moves to its last id.
    Page(i64),
    /// Contacts fetched by id: the checkpoint stays.
    Due,
}

/// A page taken apart.
#[derive(Default)]
struct Sorted {
    work: Vec<Member>,
    hashes: BTreeMap<ContactId, Hashes>,
    content: BTreeMap<ContactId, Keyed>,
    /// Malformed records with an id.
    malformed: Vec<(ContactId, String)>,
    ended: Vec<Ended>,
}

impl Crossing<'_> {
    /// Handles the contacts of a page.
    ///
    /// # Errors
    /// What ends the run. Writes that were made are recorded before it is answered; the checkpoint is not.
    pub async fn handle(&mut self, mut records: Vec<Record>, reach: Reach, tally: &mut Tally) -> Result<(), PassError> {
        match reach {
            Reach::Page(_) => records.retain(|record| record.id().is_none_or(|id| !self.handled.contains(&id))),
            Reach::Due => self.handled.extend(records.iter().filter_map(Record::id)),
        }
        tally.reading(records.len() as u64);
        self.since = self.bridge.clock.now();
        let members = self.normalised(&records);
        let known = self.known(&records, &members).await?;
        let sorted = self.sort(records, members, &known);
        let gathering = gather::gather(self.bridge, sorted.work.clone(), &sorted.hashes, &known);
        let Gathered { evidence, failed } = unless_stopped(&self.bridge.stop, gathering).await?;
        let plan = page::plan(&evidence, &self.bridge.rules.matching, &self.bridge.reading());
        for contact in &plan.contacts {
            self.bridge.watch.planned(contact);
        }
        let mut applied = self.apply(&plan, &evidence.subjects, &known, tally).await?;
        applied.settled.extend(self.old_doubts(&evidence, &known));
        self.canary = applied.canary;
        self.record(sorted, failed, &plan, applied, &known, reach, tally).await
    }

    fn normalised(&self, records: &[Record]) -> Vec<Member> {
        let member = |contact: &Contact| {
            let identity = normalise::identity(&contact.name, &contact.email, &contact.phone, self.bridge.rules.region);
            let hashes = Hashes::of(&identity, &self.bridge.key);
            Member { contact: contact.clone(), identity, hashes, prior: None }
        };
        records
            .iter()
            .filter_map(|record| match record {
                Record::Whole(contact) => Some(member(contact)),
                Record::Malformed { .. } => None,
            })
            .collect()
    }

    async fn known(&self, records: &[Record], members: &[Member]) -> Result<Known, PassError> {
        let asked = PageQuery {
            shop: self.bridge.shop_name().clone(),
            ids: records.iter().filter_map(Record::id).collect(),
            identifiers: members
                .iter()
                .flat_map(|member| [member.hashes.email, member.hashes.phone])
                .flatten()
                .collect(),
            covers: None,
        };
        Ok(self.bridge.store.known(&asked).await?)
    }

    fn sort(&self, records: Vec<Record>, members: Vec<Member>, known: &Known) -> Sorted {
        let mut sorted = Sorted::default();
        for record in records {
            match record {
                Record::Whole(_) => {}
                Record::Malformed { id: Some(id), defect } => sorted.malformed.push((id, defect.to_string())),
                Record::Malformed { id: None, defect } => {
                    // Without an id there is nothing to keep a state under: it is reported in every run that reads it.
                    self.bridge.watch.notice(&format!(
                        "shop {}: a record without a readable id was passed over ({defect}); correct it in the shop",
                        self.bridge.shop_name()
                    ));
                    sorted.ended.push(Ended::In(ContactState::Parked));
                }
            }
        }
        for mut member in members {
            let id = member.contact.id;
            let content = fingerprint::content(&member.contact, &self.bridge.rules.fields, &self.bridge.key);
            let prior = known.contacts.get(&id);
            if let Some(ended) = self.settled(prior, content) {
                sorted.ended.push(ended);
            } else {
                self.tell_changed_rules(prior, content);
                member.prior = prior.cloned();
                sorted.content.insert(id, content);
                sorted.hashes.insert(id, member.hashes.clone());
                sorted.work.push(member);
                continue;
            }
            if prior.and_then(|prior| prior.judged.as_ref()).is_none_or(|j| j.state != ContactState::Excluded) {
                sorted.hashes.insert(id, member.hashes);
            }
        }
        sorted
    }

    /// How a contact ends that is not to be looked at: erased, or unchanged and not due.
    fn settled(&self, prior: Option<&Prior>, content: Keyed) -> Option<Ended> {
        let prior = prior?;
        let judged = prior.judged.as_ref()?;
        if judged.state == ContactState::Excluded {
            return Some(Ended::In(ContactState::Excluded));
        }
        let now = self.bridge.clock.now();
        let due = |at: Option<Moment>| at.is_some_and(|at| at <= now);
        let same = judged.fingerprint.content == content && judged.fingerprint.rules == self.rules;
        let quiet = !self.everything && !due(judged.recheck_at) && !due(judged.retry_at) && prior.unsettled.is_empty();
        match judged.state {
            ContactState::Gone => None,
            ContactState::Parked if same && quiet => Some(Ended::In(ContactState::Parked)),
            _ if same && quiet => Some(Ended::Unchanged),
            _ => None,
        }
    }

    fn tell_changed_rules(&self, prior: Option<&Prior>, content: Keyed) {
        let judged =
            prior.and_then(|prior| prior.judged.as_ref()).filter(|judged| judged.fingerprint.content == content);
        if let Some(judged) = judged.filter(|judged| judged.fingerprint.rules != self.rules) {
            self.bridge
                .watch
                .judged_by_other_rules(&fingerprint::changed_sections(&judged.fingerprint.rules, &self.rules));
        }
    }

    async fn apply(
        &self,
        plan: &PagePlan,
        subjects: &[Subject],
        known: &Known,
        tally: &mut Tally,
    ) -> Result<Applied, PassError> {
        let subjects: BTreeMap<ContactId, &Subject> = subjects.iter().map(|s| (s.key.id, s)).collect();
        let jobs: Vec<Job<'_>> = plan
            .contacts
            .iter()
            .filter(|plan| !plan.patch.is_empty())
            .filter_map(|plan| {
                let subject = subjects.get(&plan.contact.id)?;
                let customer = &plan.link.as_ref()?.customer;
                Some(Job { contact: &subject.contact, identity: &subject.identity, plan, customer })
            })
            .collect();
        if known.paused && !jobs.is_empty() && self.bridge.writer.is_some() {
            return Err(PassError::Paused);
        }
        self.guard_updates(&jobs, tally).await?;
        apply::apply(self.bridge, self.tenure, self.run, &jobs, self.canary).await
    }

    /// Holds the run before it updates more customers that were linked before than the share allows.
    async fn guard_updates(&self, jobs: &[Job<'_>], tally: &Tally) -> Result<(), PassError> {
        let Some(allowed) = self.updates_allowed.filter(|_| self.bridge.writer.is_some()) else { return Ok(()) };
        let standing: Vec<&Job<'_>> =
            jobs.iter().filter(|job| job.plan.link.as_ref().is_some_and(|link| link.standing)).collect();
        let wanted = tally.updates_to_known() + standing.len() as u64;
        if wanted <= allowed {
            return Ok(());
        }
        let hold = NewHold {
            shop: self.bridge.shop_name().clone(),
            kind: HoldKind::Updates,
            reason: format!(
                "this run would update {wanted} customers or more that were linked before it, where safeguards.max_updates allows {allowed}: look at `anagrafe plan`, then release the hold"
            ),
            count: wanted,
            sample: standing.iter().take(20).map(|job| job.plan.contact.clone()).collect(),
            bound: self.bridge.key.hash("hold-updates", &self.rules),
        };
        super::holding::stop_unless_released(self.bridge, self.tenure, self.run, hold).await
    }

    /// Writes of earlier runs whose outcome nobody knew: what the customer holds now tells.
    fn old_doubts(&self, evidence: &Evidence, known: &Known) -> Vec<(WriteId, WriteOutcome)> {
        let mut settled = Vec::new();
        let judged = evidence.subjects.iter().filter_map(|subject| known.contacts.get(&subject.key.id));
        for write in judged.flat_map(|prior| &prior.unsettled) {
            let declared = write.fields.iter().map(|(field, d)| (*field, (d.source, d.sent))).collect();
            let applied = evidence.customers.get(&write.customer).is_some_and(|candidate| {
                !fields::adopted(&candidate.customer, &declared, &self.bridge.reading()).is_empty()
            });
            settled.push((write.id, if applied { WriteOutcome::Applied } else { WriteOutcome::NotApplied }));
        }
        settled
    }

    fn terms(&self) -> Terms {
        Terms {
            now: self.bridge.clock.now(),
            rules: self.rules.clone(),
            late_apply: self.bridge.rules.late_apply,
            recheck_linked: self.bridge.rules.recheck_linked,
            recheck_unmatched: self.bridge.rules.recheck_unmatched,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a page's record is made of all that happened to it")]
    async fn record(
        &self,
        sorted: Sorted,
        failed: BTreeMap<ContactId, crate::http::CallError>,
        plan: &PagePlan,
        applied: Applied,
        known: &Known,
        reach: Reach,
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        let terms = self.terms();
        let about = |id: ContactId| About {
            id,
            hashes: sorted.hashes.get(&id).cloned().unwrap_or_default(),
            content: sorted.content.get(&id).copied().unwrap_or_else(|| self.bridge.key.hash("content", "")),
            prior: known.contacts.get(&id),
        };
        let mut page = Draft::with(sorted.ended.clone());
        for (id, defect) in &sorted.malformed {
            tracing::warn!(contact = %id, shop = %self.bridge.shop_name(), %defect, "the shop's record cannot be read; parked");
            page.park(record::parked(about(*id), "malformed-record", &terms), "malformed-record");
        }
        for (id, error) in &failed {
            tracing::warn!(contact = %id, %error, "customers could not be searched for this contact; parked");
            page.park(record::parked(about(*id), "search-failed", &terms), &error.cause.to_string());
        }
        for contact in &plan.contacts {
            let done = applied.done.get(&contact.contact.id);
            if done.is_none() && !contact.patch.is_empty() {
                // Never tried: the run is being stopped.
                continue;
            }
            page.take(record::judged(about(contact.contact.id), contact, done, &terms), contact, done);
        }
        self.commit(page, applied, plan, reach, tally).await
    }

    async fn commit(
        &self,
        page: Draft,
        applied: Applied,
        plan: &PagePlan,
        reach: Reach,
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        let mut tallied = tally.clone();
        for cause in &page.parked {
            let count = tallied.parked(cause);
            if safeguards::is_outage(count, tallied.read(), &self.bridge.rules.safeguards) {
                let error = PassError::Outage { count, cause: cause.clone() };
                return self.settle_only(page, applied, plan, tally, error).await;
            }
        }
        if let Some(stopped) = applied.stopped {
            let applied = Applied { stopped: None, ..applied };
            if matches!(stopped, PassError::Overrides { .. }) {
                super::holding::pause(self.bridge, "Vivocha dropped fields that an update did not send").await?;
            }
            return self.settle_only(page, applied, plan, tally, stopped).await;
        }
        let checkpoint = match reach {
            Reach::Page(last) => Some(last),
            Reach::Due => None,
        };
        let record = self.page_record(page.records, applied.settled, checkpoint);
        self.bridge.store.record(&self.tenure.lease(), &record).await?;
        for ended in page.ended {
            tallied.ended(ended);
        }
        let merges = plan.contacts.iter().flat_map(|contact| &contact.proposals);
        tallied.proposed(merges.filter(|p| matches!(p.proposed, Proposed::Merge { .. })).count() as u64);
        tallied.sent(plan, &applied.done);
        *tally = tallied;
        Ok(())
    }

    /// Records what was written and nothing else, and answers why the run stops.
    async fn settle_only(
        &self,
        page: Draft,
        applied: Applied,
        plan: &PagePlan,
        tally: &mut Tally,
        error: PassError,
    ) -> Result<(), PassError> {
        let written = |record: &ContactRecord| matches!(applied.done.get(&record.entry.id), Some(Done::Updated(_)));
        let records: Vec<ContactRecord> =
            page.records.into_iter().filter(written).inspect(|_| tally.ended(Ended::Updated)).collect();
        tally.sent(plan, &applied.done);
        self.bridge.store.record(&self.tenure.lease(), &self.page_record(records, applied.settled, None)).await?;
        Err(error)
    }

    fn page_record(
        &self,
        mut contacts: Vec<ContactRecord>,
        settled: Vec<(WriteId, WriteOutcome)>,
        checkpoint: Option<i64>,
    ) -> PageRecord {
        contacts.sort_by_key(|record| record.entry.id);
        let empty = PageRecord::empty(self.run, self.bridge.shop_name().clone(), self.bridge.clock.now());
        PageRecord { since: self.since, contacts, settled, checkpoint, ..empty }
    }
}
