//! A script of units from a seed, played to both stores at once: each answers the same. What the Postgres adapter repeats
//! when a commit got no answer is played to it twice.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use anagrafe::{
    model::{
        ContactKey, HashKey, Hashes, Keyed,
        hold::{HoldKind, NewHold},
        link::{Link, Role},
        proposal::{Proposal, ProposalId},
        run::{Calls, Counts, MergeCounts, Outcome, Pass, RunId, RunReport},
        state::ContactState,
        time::Moment,
    },
    store::{
        Acquired, ContactRecord, Decision, Declaration, DeclaredField, Due, DueQuery, Erasure, Fingerprint,
        HeldContact, IndexEntry, Lease, LinkChange, LinkRecord, NewRun, PageQuery, PageRecord, Prior, RekeyedContact,
        RekeyedLink, RekeyedPage, RekeyedShop, Resync, ResyncStep, RunQuery, Store, StoreError, Succession, SurveyStep,
        Switch, Switched, Whose, WriteId, WriteOutcome,
    },
};

use crate::store_behaviour::{
    RULES, at, claim, contact, customer, hash, id, judged, link, new_hold, propose_link, propose_merge, shop,
};

/// Both stores, and what the script knows of them.
pub struct Both {
    stores: [Box<dyn Store>; 2],
    random: u64,
    second: i64,
    lease: Option<Lease>,
    run: Option<RunId>,
    writes: Vec<WriteId>,
    holds: Vec<i64>,
    merges: Vec<i64>,
    erasures: Vec<i64>,
    proposals: Vec<String>,
    done: BTreeMap<&'static str, u64>,
}

/// What a store answered, in words that are the same for both.
fn shown<T: Debug>(answer: &Result<T, StoreError>) -> String {
    match answer {
        Ok(value) => format!("{value:?}"),
        Err(StoreError::Database(_)) => "the database refused".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Asks both the same; the second one twice, if told so.
macro_rules! both {
    ($self:ident, $twice:expr, |$store:ident| $ask:expr) => {{
        let [first, second] = &$self.stores;
        let one = {
            let $store = &**first;
            $ask.await
        };
        let other = {
            let $store = &**second;
            if $twice {
                drop($ask.await);
            }
            $ask.await
        };
        assert_eq!(shown(&one), shown(&other), "at second {}", $self.second);
        one
    }};
}

#[path = "merging.rs"]
mod merging;

/// A contact of whom nothing is at hand.
fn sealed(prior: &Prior, next: &HashKey) -> RekeyedContact {
    let known_as = |email: Option<Keyed>, phone: Option<Keyed>, name: &[Keyed]| Hashes {
        email: email.map(|hash| next.sealed(&hash)),
        phone: phone.map(|hash| next.sealed(&hash)),
        name: name.iter().map(|hash| next.sealed(hash)).collect(),
    };
    let link = |link: &Link| RekeyedLink {
        customer: link.customer.clone(),
        baselines: link.baselines.clone(),
        known_as: known_as(link.known_as.email, link.known_as.phone, &link.known_as.name),
    };
    let IndexEntry { id, email, phone, name } = &prior.entry;
    let Hashes { email, phone, name } = known_as(*email, *phone, name);
    RekeyedContact {
        entry: IndexEntry { id: *id, email, phone, name },
        content: prior.judged.as_ref().map(|judged| next.sealed(&judged.fingerprint.content)),
        links: prior.link.iter().chain(&prior.former).map(link).collect(),
    }
}

impl Both {
    pub fn new(seed: u64, one: impl Store + 'static, other: impl Store + 'static) -> Self {
        Self {
            stores: [Box::new(one), Box::new(other)],
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            second: 0,
            lease: None,
            run: None,
            writes: Vec::new(),
            holds: Vec::new(),
            merges: Vec::new(),
            erasures: Vec::new(),
            proposals: Vec::new(),
            done: BTreeMap::new(),
        }
    }

    /// How often something succeeded.
    pub fn done(&self) -> BTreeMap<&'static str, u64> {
        self.done.clone()
    }

    pub async fn play(&mut self, steps: u64) {
        self.acquire().await;
        self.begin().await;
        for step in 0..steps {
            self.second += i64::try_from(self.below(90)).unwrap();
            match self.below(30) {
                0 => self.acquire().await,
                1 | 2 => self.begin().await,
                3 | 4 => self.survey().await,
                5..=12 => self.record().await,
                13 | 14 => self.declare().await,
                15 => self.hold().await,
                16..=20 => self.decide().await,
                21 => self.erase().await,
                22 => self.finish().await,
                23 | 24 => self.declare_merge().await,
                25..=27 => self.settle_merge().await,
                28 => self.hold_merges().await,
                _ => self.renew().await,
            }
            if step % 5 == 0 {
                self.ask().await;
                self.ask_about_merges().await;
            }
        }
    }

    /// Changes the key of both: some identifiers were met, all else is sealed.
    pub async fn rotate(&mut self) {
        self.second += 100;
        self.acquire().await;
        let (lease, run) = (self.held_lease(), self.run.unwrap());
        let settled = self.writes.iter().map(|write| (*write, WriteOutcome::NotApplied)).collect();
        let page = PageRecord { settled, ..PageRecord::empty(run, shop("alfa"), self.now()) };
        both!(self, true, |store| store.record(&lease, &page)).unwrap();
        let names = ["alfa", "beta"].map(shop);
        let next = Arc::new(HashKey::new(b"the next key of both of them").unwrap());
        both!(self, true, |store| store.rekey(&lease, &names)).unwrap();
        for name in &names {
            let left = both!(self, false, |store| store.left(name, 0, 99)).unwrap();
            let page = PageQuery { shop: name.clone(), ids: left, identifiers: Vec::new(), covers: None };
            let known = both!(self, false, |store| store.known(&page)).unwrap();
            let met = (0..5).map(|n| hash(&format!("e{n}"))).map(|old| (old, next.sealed(&old))).collect();
            let contacts = known.contacts.values().map(|prior| sealed(prior, &next)).collect();
            let page = RekeyedPage { shop: name.clone(), contacts, met };
            both!(self, true, |store| store.stage(&lease, &page)).unwrap();
        }
        let shops = names.iter().map(|name| RekeyedShop {
            shop: name.clone(),
            source: next.hash("source", name.as_str()),
            rules: (RULES.to_owned(), "normalise=2".to_owned()),
        });
        let switch = Switch { next: Arc::clone(&next), shops: shops.collect(), at: self.now() };
        let switched = both!(self, true, |store| store.switch(&lease, &switch)).unwrap();
        assert!(matches!(switched, Switched::Done { .. }), "{switched:?}");
        both!(self, false, |store| store.sealed()).unwrap();
        let met: Vec<_> = (5..9).map(|n| hash(&format!("e{n}"))).map(|old| (next.sealed(&old), old)).collect();
        // How many it recognised is answered once; a second time there is nothing left to recognise.
        drop(both!(self, false, |store| store.recognise(&met)));
        drop(both!(self, true, |store| store.recognise(&met)));
        self.ask().await;
    }

    fn below(&mut self, end: u64) -> u64 {
        // xorshift: the same on every machine.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % end
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let length = u64::try_from(of.len()).unwrap();
        if length == 0 { None } else { of.get(usize::try_from(self.below(length)).unwrap()).cloned() }
    }

    fn number(&mut self) -> i64 {
        i64::try_from(self.below(14)).unwrap() + 1
    }

    fn now(&self) -> Moment {
        at(self.second)
    }

    fn count(&mut self, what: &'static str, done: bool) {
        *self.done.entry(what).or_default() += u64::from(done);
    }

    fn held_lease(&self) -> Lease {
        self.lease.clone().unwrap()
    }

    async fn acquire(&mut self) {
        let first = claim(1, self.now());
        let answer = both!(self, false, |store| store.acquire(&first)).unwrap();
        let answer = match answer {
            Acquired::Busy(held) => {
                let claim = anagrafe::store::Claim { succession: Some(Succession::Silent(held)), ..first };
                both!(self, false, |store| store.acquire(&claim)).unwrap()
            }
            ours @ Acquired::Ours { .. } => ours,
        };
        let Acquired::Ours { lease, went_back } = answer else { panic!("it was seen as it stands") };
        assert!(!went_back);
        self.lease = Some(lease);
        self.begin().await;
    }

    async fn begin(&mut self) {
        let name = self.one_of(&["alfa", "beta"]).unwrap();
        let new = NewRun { shop: shop(name), source: hash(name), pass: Pass::Sync, partial: false, at: self.now() };
        let lease = self.held_lease();
        self.run = both!(self, false, |store| store.begin(&lease, &new)).ok();
    }

    fn entry(&mut self) -> IndexEntry {
        let number = self.number();
        let identifier =
            |both: &mut Self, kind: &str| (!both.chance(4)).then(|| hash(&format!("{kind}{}", both.below(9))));
        IndexEntry {
            id: id(number),
            email: identifier(self, "e"),
            phone: identifier(self, "p"),
            name: if self.chance(3) { Vec::new() } else { vec![hash("anna"), hash("rossi")] },
        }
    }

    async fn survey(&mut self) {
        let entries: Vec<_> = (0..self.below(5)).map(|_| self.entry()).collect();
        let step = SurveyStep {
            shop: shop(self.one_of(&["alfa", "beta"]).unwrap()),
            entries,
            after: self.number(),
            whole: self.chance(3),
        };
        let lease = self.held_lease();
        drop(both!(self, true, |store| store.survey(&lease, &step)));
    }

    fn some_customer(&mut self) -> String {
        format!("c{}", self.below(7))
    }

    fn contact(&mut self) -> ContactRecord {
        let entry = self.entry();
        let number = entry.id.get();
        let state = self.one_of(&ContactState::ALL).unwrap();
        let to = self.some_customer();
        let change = match self.below(5) {
            0 => LinkChange::Drop,
            1 | 2 => {
                let role = self.one_of(&[Role::Owner, Role::Secondary]).unwrap();
                let known_as = Hashes { email: entry.email, phone: entry.phone, name: entry.name.clone() };
                LinkChange::Set(LinkRecord { known_as, ..link(&to, role) })
            }
            _ => LinkChange::Keep,
        };
        let proposals = match self.below(3) {
            0 => None,
            1 => Some(Vec::new()),
            _ => Some(vec![self.proposal(number)]),
        };
        let retry = self.chance(2).then(|| self.now());
        ContactRecord {
            entry,
            fingerprint: Fingerprint { content: hash(&to), rules: RULES.into() },
            recheck_at: self.chance(2).then(|| self.now()),
            retry_at: retry,
            attempts: u32::try_from(self.below(4)).unwrap(),
            parked_since: retry,
            link: change,
            proposals,
            ..judged(number, state)
        }
    }

    fn proposal(&mut self, number: i64) -> Proposal {
        let name = format!("p{number}-{}", self.below(3));
        if !self.proposals.contains(&name) {
            self.proposals.push(name.clone());
        }
        if name.ends_with('0') {
            propose_merge(&name, number, "c1", &["c2", "c3"])
        } else {
            propose_link(&name, number, "c4")
        }
    }

    /// When a contact is due by itself.
    async fn due_at(&self, shop_name: &str, id: anagrafe::model::ContactId) -> Option<Moment> {
        let query = PageQuery { shop: shop(shop_name), ids: vec![id], identifiers: Vec::new(), covers: None };
        self.stores[0].known(&query).await.unwrap().contacts.get(&id).and_then(|prior| prior.retry_at)
    }

    async fn record(&mut self) {
        let Some(run) = self.run else { return };
        let name = self.one_of(&["alfa", "beta"]).unwrap();
        let mut contacts: Vec<_> = (0..self.below(4)).map(|_| self.contact()).collect();
        for contact in &mut contacts {
            // Some were made due since they were read.
            contact.was_due = if self.chance(3) { None } else { self.due_at(name, contact.entry.id).await };
        }
        let linked = contacts.iter().filter(|contact| matches!(contact.link, LinkChange::Set(_))).count();
        let settled = (0..self.below(3)).filter_map(|_| {
            let write = self.one_of(&self.writes.clone())?;
            Some((write, self.one_of(&WriteOutcome::ALL)?))
        });
        let settled = settled.collect();
        let held = match (self.one_of(&self.holds.clone()), contacts.first()) {
            (Some(hold), Some(first)) => vec![HeldContact {
                id: first.entry.id,
                hold,
                fingerprint: first.fingerprint.clone(),
                what: hash("what"),
                was_due: first.was_due,
            }],
            _ => Vec::new(),
        };
        let page = PageRecord {
            settled,
            held,
            checkpoint: self.chance(2).then(|| self.number()),
            end: self.chance(3),
            deep: self.chance(5),
            gone: if self.chance(4) { vec![id(self.number())] } else { Vec::new() },
            found: if self.chance(4) { vec![id(self.number())] } else { Vec::new() },
            due: if self.chance(4) { vec![contact(self.number())] } else { Vec::new() },
            resync: self.resync(),
            contacts,
            ..PageRecord::empty(run, shop(name), self.now())
        };
        let lease = self.held_lease();
        let twice = !matches!(page.resync, Some(ResyncStep::Page { .. }));
        let recorded = both!(self, twice, |store| store.record(&lease, &page));
        self.count("recorded", recorded.is_ok());
        self.count("linked", recorded.is_ok() && linked > 0);
    }

    fn resync(&mut self) -> Option<ResyncStep> {
        let now = self.now();
        match self.below(8) {
            0 => Some(ResyncStep::Begin(Resync {
                started_at: now,
                from: 0,
                after: 0,
                count: 9,
                highest: 14,
                read: 0,
                arrivals: 0,
                force: self.chance(2),
                whole: false,
            })),
            1 | 2 => Some(ResyncStep::Page {
                after: self.number(),
                read: 3,
                arrivals: 1,
                missing: vec![id(self.number()), id(self.number())],
            }),
            3 => Some(ResyncStep::Whole),
            4 => Some(ResyncStep::End {
                rules: self.chance(2).then(|| RULES.into()),
                forget_before: at(self.second / 2),
            }),
            _ => None,
        }
    }

    async fn declare(&mut self) {
        let Some(run) = self.run else { return };
        let now = self.now();
        if !self.chance(3) {
            both!(self, false, |store| store.decide(&Decision::Resume, "eva", now)).unwrap();
        }
        let field = DeclaredField { source: hash("source"), sent: hash("sent"), before: hash("before") };
        let declarations: Vec<_> = (0..=self.below(3))
            .map(|_| Declaration {
                run,
                contact: contact(self.number()),
                hashes: anagrafe::model::Hashes::default(),
                customer: customer(&self.some_customer()),
                why: "both-agree".into(),
                fields: BTreeMap::from([(anagrafe::model::link::Field::Phone, field)]),
                at: self.now(),
            })
            .collect();
        let lease = self.held_lease();
        let declared = both!(self, false, |store| store.declare(&lease, &declarations));
        self.count("declared", declared.is_ok());
        self.writes.extend(declared.unwrap_or_default());
    }

    async fn hold(&mut self) {
        let Some(run) = self.run else { return };
        let bound = format!("bound{}", self.below(4));
        let hold = NewHold { kind: self.one_of(&HoldKind::ALL).unwrap(), ..new_hold(&bound) };
        let (lease, now) = (self.held_lease(), self.now());
        if let Ok(hold) = both!(self, true, |store| store.hold(&lease, run, &hold, now)) {
            self.holds.push(hold.id);
        }
    }

    async fn decide(&mut self) {
        let proposal = self.one_of(&self.proposals.clone()).map(ProposalId);
        let decision = match (self.below(10), proposal) {
            (0 | 1, Some(proposal)) => Decision::Approve(proposal),
            (2 | 3, Some(proposal)) => Decision::Reject(proposal),
            (4, _) => Decision::Pause("looking".into()),
            (5, _) => Decision::Detach(contact(self.number())),
            (6, _) => Decision::Assign(contact(self.number()), customer(&self.some_customer())),
            (7, _) if !self.holds.is_empty() => Decision::Release(self.one_of(&self.holds.clone()).unwrap()),
            (8, _) if !self.holds.is_empty() => Decision::Fall(self.one_of(&self.holds.clone()).unwrap()),
            _ => Decision::Resume,
        };
        let now = self.now();
        let decided = both!(self, false, |store| store.decide(&decision, "eva", now));
        self.count("decided", decided.is_ok());
    }

    async fn erase(&mut self) {
        let now = self.now();
        if self.chance(2)
            && let Some(erasure) = self.one_of(&self.erasures.clone())
        {
            drop(both!(self, false, |store| store.lift(erasure, "eva", now)));
            return;
        }
        let email = format!("e{}", self.below(9));
        let whom = Erasure { contacts: vec![contact(self.number())], emails: vec![hash(&email)], phones: Vec::new() };
        let erased = both!(self, false, |store| store.erase(&whom, "eva", now));
        self.count("erased", erased.is_ok());
        self.erasures.extend(erased.ok().map(|erased| erased.id));
    }

    async fn finish(&mut self) {
        let Some(run) = self.run else { return };
        let report = RunReport {
            run,
            account: "account".parse().unwrap(),
            shop: shop("alfa"),
            pass: Pass::Sync,
            partial: false,
            outcome: Outcome::Done,
            started_at: self.now(),
            duration_ms: 7,
            read: 0,
            counts: Counts::default(),
            gone: 0,
            merges: MergeCounts::default(),
            calls: Calls::default(),
            holds: Vec::new(),
            updates: 0,
            error: Some("a \u{0} in a text of somebody else's".into()),
            survey: None,
        };
        let lease = self.held_lease();
        drop(both!(self, true, |store| store.finish(&lease, &report)));
    }

    async fn renew(&mut self) {
        let (lease, now) = (self.held_lease(), self.now());
        if let Ok(lease) = both!(self, false, |store| store.renew(&lease, now)) {
            self.lease = Some(lease);
        }
    }

    /// All questions.
    async fn ask(&mut self) {
        let name = shop(self.one_of(&["alfa", "beta"]).unwrap());
        let identifiers: Vec<_> = (0..9).flat_map(|n| [hash(&format!("e{n}")), hash(&format!("p{n}"))]).collect();
        let page = PageQuery {
            shop: name.clone(),
            ids: (1..=14).map(id).collect(),
            identifiers: identifiers.clone(),
            covers: Some((0, 14)),
        };
        let customers: Vec<_> = (0..7).map(|n| customer(&format!("c{n}"))).collect();
        let key = ContactKey { shop: name.clone(), id: id(self.number()) };
        let now = self.now().after(Duration::from_secs(1));
        drop(both!(self, false, |store| store.progress(&name, 3, RULES)).unwrap());
        drop(both!(self, false, |store| store.known(&page)).unwrap());
        drop(both!(self, false, |store| store.found(&customers, &identifiers)).unwrap());
        for why in [Due::Retry(now), Due::AtOnce(now), Due::Missing] {
            let due = DueQuery { shop: name.clone(), why, after: 2, limit: 5 };
            drop(both!(self, false, |store| store.due(&due)).unwrap());
        }
        drop(both!(self, false, |store| store.overview()).unwrap());
        drop(both!(self, false, |store| store.proposals(None)).unwrap());
        drop(both!(self, false, |store| store.holds(true)).unwrap());
        drop(both!(self, false, |store| store.erasures()).unwrap());
        drop(both!(self, false, |store| store.runs(RunQuery::Last(5))).unwrap());
        for whose in [Whose::Contact(key), Whose::Customer(customer(&self.some_customer()))] {
            drop(both!(self, false, |store| store.story(&whose)).unwrap());
        }
    }
}
