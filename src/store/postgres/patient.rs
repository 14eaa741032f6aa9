//! Patience with a database that is away: restarted, failing over, out of connections. A step that certainly did not happen
//! is tried again for a while; one that may have happened only where doing it twice is doing it once. Whoever was waited for
//! must be the server that the lease was taken from: one that took over may have gone back in time, and only a new lease
//! finds that out.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Units,
    open::{OpenOptions, Server},
};
use crate::{
    model::{
        ContactId, ContactKey, CustomerId, Keyed, ShopName,
        hold::{Hold, NewHold},
        merge::Merge,
        proposal::{KeptProposal, ProposalId, ProposalState},
        run::{Pass, RunId, RunReport},
        time::Moment,
    },
    store::{
        Acquired, Before, Claim, Decision, Declaration, Declared, DueQuery, Erased, Erasure, Found, Health, Known,
        Lease, MergeQuery, MergeState, MergeStep, Merges, NewMerge, NewRun, Overview, PageQuery, PageRecord, Parted,
        Quarantine, Questions, ResyncStep, RunQuery, ShopProgress, Store, StoreError, Story, SurveyStep, Whose,
        WriteId,
    },
};

/// How long a database that is away is waited for.
#[derive(Debug, Clone)]
pub struct Patience {
    /// From the first failure on.
    pub span: Duration,
    /// Ends all waiting.
    pub stop: CancellationToken,
}

/// A step whose commit got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Twice {
    /// Done twice it is done once.
    Same,
    /// It would be done twice: a second run, a second declaration, a decision on what is decided.
    Wrong,
}

/// The store of one account in a Postgres database.
#[derive(Debug)]
pub struct PostgresStore {
    pub(super) units: Units,
    server: Arc<Server>,
    patience: Patience,
    /// Where the database was when the lease was last taken, or else when it was opened.
    origin: Mutex<Arc<str>>,
    /// Whether it was told that the database is away: many ask, and that is one piece of news.
    away: AtomicBool,
}

impl PostgresStore {
    /// Opens a store. `notice` hears it once if the database has to be waited for.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Unreachable`], [`StoreError::ReadOnly`], [`StoreError::TooNew`],
    /// [`StoreError::TooOld`], [`StoreError::WrongKey`]; each before anything is changed.
    pub async fn open(
        options: &OpenOptions,
        patience: Patience,
        notice: &(dyn Fn(&str) + Sync),
    ) -> Result<Self, StoreError> {
        let server = Arc::new(Server::parse(&options.url)?);
        // To open a store twice is to open it.
        let opened = patience.with(Twice::Same, &server, notice, || Units::open(options, &server)).await;
        let origin = |units: &Units| Mutex::new(Arc::clone(&units.origin));
        opened.map(|units| Self { origin: origin(&units), units, server, patience, away: AtomicBool::new(false) })
    }

    /// A question.
    pub(super) async fn patiently<T, F>(&self, twice: Twice, ask: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let notice = |text: &str| {
            if self.away.swap(true, Ordering::Relaxed) {
                tracing::debug!("{text}");
            } else {
                tracing::warn!("{text}");
            }
        };
        let answer = self.patience.with(twice, &self.server, &notice, ask).await;
        if answer.is_ok() && self.away.load(Ordering::Relaxed) && self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the {} answers again", self.server.place);
        }
        answer
    }

    /// A step of a pass, or of a person.
    pub(super) async fn worked<T, F>(&self, twice: Twice, ask: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let waited = AtomicBool::new(false);
        let ask = || {
            let (again, step) = (waited.swap(true, Ordering::Relaxed), ask());
            async move {
                if again {
                    self.still_there().await?;
                }
                step.await
            }
        };
        self.patiently(twice, ask).await
    }

    async fn still_there(&self) -> Result<(), StoreError> {
        let found = self.units.where_it_is_now(&self.server).await?.origin;
        if *self.origin() == found {
            return Ok(());
        }
        let reason = "another server has taken over, or it was restored, since this run began: run again; what it may have forgotten is then looked for".to_owned();
        Err(StoreError::Open { path: self.server.place.clone(), reason })
    }

    fn origin(&self) -> MutexGuard<'_, Arc<str>> {
        self.origin.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Patience {
    pub(super) async fn with<T, F>(
        &self,
        twice: Twice,
        server: &Server,
        notice: &(dyn Fn(&str) + Sync),
        ask: impl Fn() -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        const LONGEST: Duration = Duration::from_secs(2);
        let mut since = None;
        let mut pause = Duration::from_millis(100);
        loop {
            let error = match ask().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let again = match &error {
                StoreError::Unreachable(_) => true,
                StoreError::InDoubt(_) => twice == Twice::Same,
                _ => false,
            };
            let first = since.is_none();
            let waited = since.get_or_insert_with(Instant::now).elapsed();
            if !again || self.stop.is_cancelled() || waited + pause > self.span {
                return Err(server.placed(error));
            }
            if first {
                let span = humantime::format_duration(self.span);
                notice(&format!("the {} is away; it is waited for, {span} at most", server.place));
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stop.cancelled() => {}
            }
            pause = (pause * 2).min(LONGEST);
        }
    }
}

#[async_trait]
impl Questions for PostgresStore {
    async fn overview(&self) -> Result<Overview, StoreError> {
        self.patiently(Twice::Same, || self.units.overview()).await
    }

    async fn due_by_shop(&self, now: Moment) -> Result<BTreeMap<ShopName, u64>, StoreError> {
        self.patiently(Twice::Same, || self.units.due_by_shop(now)).await
    }

    async fn runs(&self, which: RunQuery) -> Result<Vec<RunReport>, StoreError> {
        self.patiently(Twice::Same, || self.units.runs(which)).await
    }

    async fn last_done(&self, pass: Pass) -> Result<BTreeMap<ShopName, Moment>, StoreError> {
        self.patiently(Twice::Same, || self.units.last_done(pass)).await
    }

    async fn last_tried(&self, pass: Pass) -> Result<BTreeMap<ShopName, Moment>, StoreError> {
        self.patiently(Twice::Same, || self.units.last_tried(pass)).await
    }

    async fn story(&self, of: &Whose) -> Result<Story, StoreError> {
        self.patiently(Twice::Same, || self.units.story(of)).await
    }

    async fn proposals(&self, state: Option<ProposalState>) -> Result<Vec<KeptProposal>, StoreError> {
        self.patiently(Twice::Same, || self.units.proposals(state)).await
    }

    async fn holds(&self, all: bool) -> Result<Vec<Hold>, StoreError> {
        self.patiently(Twice::Same, || self.units.holds(all)).await
    }

    async fn held(&self, hold: i64, limit: u64) -> Result<Vec<ContactKey>, StoreError> {
        self.patiently(Twice::Same, || self.units.held(hold, limit)).await
    }

    async fn erasures(&self) -> Result<Vec<Erased>, StoreError> {
        self.patiently(Twice::Same, || self.units.erasures()).await
    }

    async fn judged_by(&self, shop: &ShopName) -> Result<BTreeMap<String, u64>, StoreError> {
        self.patiently(Twice::Same, || self.units.judged_by(shop)).await
    }

    async fn health(&self) -> Result<Health, StoreError> {
        self.patiently(Twice::Same, || self.units.health()).await
    }
}

#[async_trait]
impl Merges for PostgresStore {
    async fn merge_state(&self, shop: &ShopName, now: Moment) -> Result<MergeState, StoreError> {
        self.worked(Twice::Same, || self.units.merge_state(shop, now)).await
    }

    async fn to_authorise(&self, shop: &ShopName) -> Result<Vec<KeptProposal>, StoreError> {
        self.worked(Twice::Same, || self.units.to_authorise(shop)).await
    }

    async fn merges(&self, which: &MergeQuery) -> Result<Vec<Merge>, StoreError> {
        self.patiently(Twice::Same, || self.units.merges(which)).await
    }

    async fn before(&self, of: &ProposalId, now: Moment) -> Result<Vec<Before>, StoreError> {
        self.patiently(Twice::Same, || self.units.before(of, now)).await
    }

    async fn parted(&self, customers: &[CustomerId]) -> Result<Vec<Parted>, StoreError> {
        self.patiently(Twice::Same, || self.units.parted(customers)).await
    }

    async fn quarantine(&self, max_share: u64, limit: u64) -> Result<Quarantine, StoreError> {
        self.patiently(Twice::Same, || self.units.quarantine(max_share, limit)).await
    }

    async fn declare_merge(&self, lease: &Lease, merge: &NewMerge) -> Result<Declared, StoreError> {
        self.worked(Twice::Wrong, || self.units.declare_merge(lease, merge)).await
    }

    async fn settle_merge(&self, lease: &Lease, step: &MergeStep, now: Moment) -> Result<(), StoreError> {
        self.worked(Twice::Same, || self.units.settle_merge(lease, step, now)).await
    }

    async fn hold_merges(
        &self,
        lease: &Lease,
        run: RunId,
        hold: &NewHold,
        proposals: &[ProposalId],
        now: Moment,
    ) -> Result<Hold, StoreError> {
        self.worked(Twice::Same, || self.units.hold_merges(lease, run, hold, proposals, now)).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn acquire(&self, claim: &Claim) -> Result<Acquired, StoreError> {
        let ask = || async {
            let units = self.units.where_it_is_now(&self.server).await?;
            let acquired = units.acquire(claim).await?;
            if matches!(acquired, Acquired::Ours { .. }) {
                *self.origin() = units.origin;
            }
            Ok(acquired)
        };
        self.patiently(Twice::Wrong, ask).await
    }

    async fn renew(&self, lease: &Lease, now: Moment) -> Result<Lease, StoreError> {
        // Who holds it asks again by itself: what it may do until then is counted from each asking. Where the database is by now is
        // asked too: a standby that took over may have forgotten what this run declared.
        let renewed = async { self.units.where_it_is_now(&self.server).await?.renew(lease, now).await };
        renewed.await.map_err(|error| self.server.placed(error))
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.worked(Twice::Same, || self.units.release(lease)).await
    }

    async fn begin(&self, lease: &Lease, run: &NewRun) -> Result<RunId, StoreError> {
        self.worked(Twice::Wrong, || self.units.begin(lease, run)).await
    }

    async fn finish(&self, lease: &Lease, report: &RunReport) -> Result<(), StoreError> {
        self.worked(Twice::Same, || self.units.finish(lease, report)).await
    }

    async fn progress(&self, shop: &ShopName, tail: u64, rules: &str) -> Result<ShopProgress, StoreError> {
        self.worked(Twice::Same, || self.units.progress(shop, tail, rules)).await
    }

    async fn survey(&self, lease: &Lease, step: &SurveyStep) -> Result<(), StoreError> {
        self.worked(Twice::Same, || self.units.survey(lease, step)).await
    }

    async fn known(&self, page: &PageQuery) -> Result<Known, StoreError> {
        self.worked(Twice::Same, || self.units.known(page)).await
    }

    async fn found(&self, customers: &[CustomerId], identifiers: &[Keyed]) -> Result<Found, StoreError> {
        self.worked(Twice::Same, || self.units.found(customers, identifiers)).await
    }

    async fn due(&self, of: &DueQuery) -> Result<Vec<ContactId>, StoreError> {
        self.worked(Twice::Same, || self.units.due(of)).await
    }

    async fn declare(&self, lease: &Lease, writes: &[Declaration]) -> Result<Vec<WriteId>, StoreError> {
        self.worked(Twice::Wrong, || self.units.declare(lease, writes)).await
    }

    async fn record(&self, lease: &Lease, page: &PageRecord) -> Result<(), StoreError> {
        let twice = match page.resync {
            // It counts what it has read.
            Some(ResyncStep::Page { .. }) => Twice::Wrong,
            None | Some(ResyncStep::Begin(_) | ResyncStep::Whole | ResyncStep::End { .. }) => Twice::Same,
        };
        self.worked(twice, || self.units.record(lease, page)).await
    }

    async fn hold(&self, lease: &Lease, run: RunId, hold: &NewHold, now: Moment) -> Result<Hold, StoreError> {
        self.worked(Twice::Same, || self.units.hold(lease, run, hold, now)).await
    }

    async fn decide(&self, decision: &Decision, by: &str, now: Moment) -> Result<(), StoreError> {
        self.worked(Twice::Wrong, || self.units.decide(decision, by, now)).await
    }

    async fn make_due(&self, contacts: &[ContactKey], now: Moment) -> Result<u64, StoreError> {
        self.patiently(Twice::Same, || self.units.make_due(contacts, now)).await
    }

    async fn erase(&self, whom: &Erasure, by: &str, now: Moment) -> Result<Erased, StoreError> {
        self.worked(Twice::Wrong, || self.units.erase(whom, by, now)).await
    }

    async fn lift(&self, erasure: i64, by: &str, now: Moment) -> Result<Erased, StoreError> {
        self.worked(Twice::Wrong, || self.units.lift(erasure, by, now)).await
    }

    async fn close(&self) {
        self.units.close().await;
    }
}
