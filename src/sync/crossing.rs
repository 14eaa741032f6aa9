//! The crossing: page after page from the shop to its customers. One page at a time is known, sorted, gathered, planned,
//! applied and recorded; the next one is in flight. The checkpoint moves with the outcomes, in one transaction, or not at all.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Bridge, PassError, Tenure,
    apply::{self, Job},
    commit::{Commit, Unheard},
    doubts::Doubts,
    gather::{self, Gathered},
    guards, holding,
    portions::Portion,
    recognise::recognise,
    sorting::{self, Sieve, Sorted},
    stopping::unless_stopped,
    tally::Tally,
};
use crate::{
    model::{
        ContactId, Hashes, Keyed,
        hold::{Hold, HoldKind, NewHold},
        link::Grounds,
        run::RunId,
        time::Moment,
    },
    observe::metrics,
    open2b::Record,
    plan::{
        completeness,
        evidence::Subject,
        gate::{Gate, Update},
        lookback,
        page::{self, ContactPlan, PagePlan},
    },
    store::{Fingerprint, HeldContact, Known, PageQuery},
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
    /// Which updates of customers linked before the run it may send.
    pub gate: Gate,
    /// How many that were, for whoever reads why the rest is held.
    pub allowed: Option<u64>,
    /// The holds it found things for.
    pub holds: BTreeMap<HoldKind, Hold>,
    /// The rules, as fingerprints name them.
    pub rules: String,
    /// Whether the run's first write was read back.
    pub canary: bool,
    /// When what is known of the present page was read.
    pub since: Moment,
    /// The highest id known when the reading began: what is above came since.
    pub highest: i64,
    /// The id after which the last pages that are known begin.
    pub tail_after: i64,
    /// The history of (observed at, highest id), oldest first.
    pub observed: Vec<(Moment, i64)>,
    /// Contacts handled by id: no page handles them again.
    pub handled: BTreeSet<ContactId>,
    /// How often contacts were looked at between two pages.
    pub looks: BTreeMap<ContactId, u8>,
    /// Ids from which, exclusive, to which pages were handled: who stands there was counted.
    pub passed: Option<(i64, i64)>,
    /// What a page holds while it is handled, but for who was handled by id: portions know of each other who holds what.
    pub contents: BTreeMap<ContactId, Hashes>,
    /// How many contacts the run has read at the end of the present page.
    pub reads: u64,
    /// How a page is portioned; none where pages are handled whole.
    pub portion: Option<Portion>,
}

/// What a handled page stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// A page of the reading, of all ids in (after, last].
    Page {
        /// The `after` it was asked for with.
        after: i64,
        /// Its last id.
        last: i64,
        /// Whether it is a resync's, which compares it with who is known there.
        resync: bool,
        /// Whether everything below it is accounted for: only then the checkpoint moves.
        moves: bool,
    },
    /// Contacts fetched by id: the checkpoint stays.
    Due,
}

/// Contacts that were looked at, about to be worked on.
pub(super) struct Looked {
    /// All of them, those too that were handled before.
    pub ids: Vec<ContactId>,
    /// How many records there were, those too that have no id.
    length: u64,
    /// How many of them count as read.
    pub read: u64,
    known: Known,
    sorted: Sorted,
    reach: Reach,
}

impl Looked {
    /// What they hold.
    pub fn hashes(self) -> BTreeMap<ContactId, Hashes> {
        self.sorted.hashes
    }

    /// Whether most of them are somebody else now.
    pub fn are_strangers(&self) -> bool {
        completeness::is_another_shop(self.sorted.known, self.sorted.strangers.len() as u64)
    }

    /// Who is to be worked on.
    pub fn work(&self) -> BTreeSet<ContactId> {
        self.sorted.work.iter().map(|member| member.contact.id).collect()
    }
}

/// What is planned and may be done, and what a safeguard holds of it.
struct Sifted<'p> {
    jobs: Vec<Job<'p>>,
    held: Vec<HeldContact>,
}

impl Crossing<'_> {
    /// Handles contacts that were fetched by id.
    ///
    /// # Errors
    /// What ends the run. Writes that were made are recorded before it is answered.
    pub(super) async fn handle(&mut self, records: Vec<Record>, tally: &mut Tally) -> Result<(), PassError> {
        let looked = self.look(&records, Reach::Due).await?;
        self.trust(&looked, tally).await?;
        self.handled.extend(&looked.ids);
        self.carry_out(looked, tally).await
    }

    /// Looks at contacts: what is known of them, and what is to be done about whom. Of a page nobody who was handled by id.
    ///
    /// # Errors
    /// What ends the run.
    pub(super) async fn look(&mut self, records: &[Record], reach: Reach) -> Result<Looked, PassError> {
        let ids: Vec<ContactId> = records.iter().filter_map(Record::id).collect();
        let handled = |record: &Record| reach != Reach::Due && record.id().is_some_and(|id| self.handled.contains(&id));
        let ours: Vec<&Record> = records.iter().filter(|record| !handled(record)).collect();
        let read = ours.len() as u64;
        self.since = self.bridge.clock.now();
        let members = sorting::normalised(self.bridge, ours.iter().copied());
        recognise(self.bridge, members.iter().map(|member| &member.identity)).await?;
        let known = self.known(&ids, &members, reach).await?;
        let sorted = self.sieve().sort(&ours, members, &known);
        Ok(Looked { ids, length: records.len() as u64, read, known, sorted, reach })
    }

    /// Whether the shop is believed to be the one it was.
    ///
    /// # Errors
    /// A hold, where it is not, or what ends any run.
    pub(super) async fn trust(&self, looked: &Looked, tally: &mut Tally) -> Result<(), PassError> {
        let trusted = self.is_trusted(looked).await;
        if trusted.is_err() {
            tally.reading(looked.read);
        }
        trusted
    }

    async fn is_trusted(&self, Looked { ids, known, sorted, reach, .. }: &Looked) -> Result<(), PassError> {
        guards::not_strangers(self.bridge, self.tenure, self.run, &sorted.strangers, sorted.known).await?;
        let newcomers: Vec<ContactId> = ids.iter().filter(|id| !known.contacts.contains_key(id)).copied().collect();
        let (missing, there) = match self.below(known, &newcomers, *reach).await? {
            Some(below) => below,
            None => (known.missing.clone(), known.contacts.len() as u64),
        };
        guards::not_displaced(self.bridge, self.tenure, self.run, (&missing, there), &newcomers).await
    }

    /// Does what is to be done, and records it.
    ///
    /// # Errors
    /// What ends the run. Writes that were made are recorded before it is answered; the checkpoint is not.
    pub(super) async fn carry_out(&mut self, looked: Looked, tally: &mut Tally) -> Result<(), PassError> {
        let Looked { ids, length, read, known, mut sorted, reach } = looked;
        tally.reading(read);
        sorted.tell(self.bridge);
        let work = std::mem::take(&mut sorted.work);
        let page = self.beside(&sorted.hashes);
        let gathering = gather::gather(self.bridge, work, &page, &known);
        let Gathered { evidence, failed, in_doubt } = unless_stopped(&self.bridge.stop, gathering).await?;
        let plan = page::plan(&evidence, &self.bridge.rules.matching, &self.bridge.reading());
        for contact in &plan.contacts {
            self.bridge.watch.planned(contact);
        }
        let Sifted { jobs, held } = self.sift(&plan, &evidence.subjects, &known, &sorted.content, tally).await?;
        if known.paused && !jobs.is_empty() && self.bridge.writer.is_some() {
            return Err(PassError::Paused);
        }
        let applied = apply::apply(self.bridge, self.tenure, &jobs, self.canary).await?;
        let doubts = Doubts::of(self.bridge, &evidence, &known);
        self.canary = applied.canary;
        tally.seen(evidence.customers.len() as u64);
        let failed = Unheard { failed, in_doubt };
        let commit =
            Commit { crossing: self, sorted: &sorted, known: &known, plan: &plan, doubts, reach, ids: &ids, length };
        commit.record(failed, applied, held, tally).await
    }

    /// What contacts hold, and the rest of the page they stand on, as of now.
    fn beside<'h>(&self, these: &'h BTreeMap<ContactId, Hashes>) -> Cow<'h, BTreeMap<ContactId, Hashes>> {
        if self.contents.is_empty() {
            return Cow::Borrowed(these);
        }
        let others = self.contents.iter().filter(|(id, _)| !self.handled.contains(id));
        let mut all: BTreeMap<ContactId, Hashes> = others.map(|(id, hashes)| (*id, hashes.clone())).collect();
        all.extend(these.iter().map(|(id, hashes)| (*id, hashes.clone())));
        Cow::Owned(all)
    }

    /// Who is new, and below an id that was seen before, became visible late.
    pub(super) fn tell_lateness(&self, looked: &Looked) {
        for id in looked.ids.iter().filter(|id| !looked.known.contacts.contains_key(id)) {
            if let Some(late) = lookback::lateness(&self.observed, id.get(), self.since) {
                metrics::arrived_late(self.bridge.shop_name().as_str(), late);
            }
        }
    }

    pub(super) fn sieve(&self) -> Sieve<'_> {
        Sieve { bridge: self.bridge, rules: &self.rules, everything: self.everything, now: self.since }
    }

    async fn known(&self, ids: &[ContactId], members: &[gather::Member], reach: Reach) -> Result<Known, PassError> {
        let identifiers: BTreeSet<Keyed> =
            members.iter().flat_map(|member| [member.hashes.email, member.hashes.phone]).flatten().collect();
        let query = PageQuery {
            shop: self.bridge.shop_name().clone(),
            ids: ids.to_vec(),
            identifiers: identifiers.into_iter().collect(),
            covers: match reach {
                Reach::Page { after, last, .. } => Some((after, last)),
                Reach::Due => None,
            },
        };
        Ok(self.bridge.store.known(&query).await?)
    }

    /// Which updates are made, and which wait for a person.
    async fn sift<'p>(
        &mut self,
        plan: &'p PagePlan,
        subjects: &'p [Subject],
        known: &Known,
        content: &BTreeMap<ContactId, Keyed>,
        tally: &mut Tally,
    ) -> Result<Sifted<'p>, PassError> {
        let subjects: BTreeMap<ContactId, &Subject> = subjects.iter().map(|s| (s.key.id, s)).collect();
        let mut sifted = Sifted { jobs: Vec::new(), held: Vec::new() };
        // Of this page only: between two pages a person may release a hold, and a sync take one down.
        let mut up: BTreeMap<HoldKind, i64> = BTreeMap::new();
        for contact in plan.contacts.iter().filter(|plan| !plan.patch.is_empty()) {
            let id = contact.contact.id;
            let (Some(subject), Some(link)) = (subjects.get(&id), &contact.link) else { continue };
            let Subject { contact: of, identity, .. } = subject;
            let (customer, run) = (&link.customer, self.run);
            let doubted = subject.declared.get(customer).map_or(&[][..], Vec::as_slice);
            let job = Job { contact: of, identity, plan: contact, customer, doubted, run };
            let what = self.what(contact);
            match self.hold_of(contact, what, known) {
                None => sifted.jobs.push(job),
                Some(kind) => {
                    let hold = match up.get(&kind) {
                        Some(hold) => *hold,
                        None => self.put_up(kind, contact, tally).await?,
                    };
                    up.insert(kind, hold);
                    let content = content.get(&id).copied().unwrap_or_else(|| self.bridge.key.hash("content", ""));
                    let fingerprint = Fingerprint { content, rules: self.rules.clone() };
                    let was_due = known.contacts.get(&id).and_then(|prior| prior.retry_at);
                    sifted.held.push(HeldContact { id, hold, fingerprint, what, was_due });
                }
            }
        }
        Ok(sifted)
    }

    /// The hash of an update: whose, and what is written where what stands.
    fn what(&self, plan: &ContactPlan) -> Keyed {
        let fields: Vec<_> = plan.patch.sent().map(|(field, plan)| (field, plan.sent, plan.before)).collect();
        let whom = plan.link.as_ref().map(|link| &link.customer);
        self.bridge.key.hash("held-update", &serde_json::to_string(&(whom, fields)).unwrap_or_default())
    }

    /// What holds this update. A dry run writes nothing, shows all of it, and says what would be held.
    fn hold_of(&mut self, plan: &ContactPlan, what: Keyed, known: &Known) -> Option<HoldKind> {
        let prior = known.contacts.get(&plan.contact.id);
        let judged = prior.and_then(|prior| prior.judged.as_ref());
        let held = prior.and_then(|prior| prior.held.as_ref());
        let standing = plan.link.as_ref().is_some_and(|link| link.standing);
        // A person who says to whom she belongs has looked at her: no changed rule does that.
        let said = !standing && plan.link.as_ref().is_some_and(|link| link.grounds == Grounds::Person);
        let holds = self.gate.ask(Update {
            standing,
            other_rules: !said && judged.is_some_and(|judged| judged.fingerprint.rules != self.rules),
            released: held.is_some_and(|held| held.released && held.what == what),
            // What changed since it was released is not what a person looked at.
            held: held.filter(|held| !held.released || held.what != what).map(|held| held.kind),
        });
        if self.bridge.writer.is_none() {
            if let Some(kind) = holds {
                self.bridge.watch.would_be_held(kind);
            }
            return None;
        }
        holds
    }

    /// The hold of this kind that stands, put up by the first update it holds.
    async fn put_up(&mut self, kind: HoldKind, plan: &ContactPlan, tally: &mut Tally) -> Result<i64, PassError> {
        let allowed = self.allowed.unwrap_or_default();
        let reason = match kind {
            HoldKind::Rules => format!(
                "a changed rule concerns more linked contacts than safeguards.max_updates allows updates in a run ({allowed}): nothing that it asks for is written. Look at `anagrafe plan`, then release the hold"
            ),
            HoldKind::Updates | HoldKind::Shrunk | HoldKind::Merges | HoldKind::Strangers => format!(
                "more customers that were linked before would be updated in one run than safeguards.max_updates allows ({allowed}): those beyond it are held. Look at `anagrafe plan` and `anagrafe holds show`, then release the hold"
            ),
        };
        let new = NewHold {
            shop: self.bridge.shop_name().clone(),
            kind,
            reason,
            count: 1,
            sample: vec![plan.contact.clone()],
            bound: self.bridge.key.hash("hold-updates", &self.rules),
        };
        let hold = self.bridge.store.hold(&self.tenure.lease(), self.run, &new, self.since).await?;
        tally.hold(holding::note(&hold));
        let id = hold.id;
        self.holds.insert(kind, hold);
        Ok(id)
    }
}
