//! A run from its beginning to its report, whatever happens in between: the report is recorded and answered also where
//! the run fails, is held, or is stopped.

use std::collections::BTreeMap;

use tracing::Instrument as _;

use super::{Bridge, Interlude, PassError, Tenure, holding, reading::Body, survey, tally::Tally};
use crate::{
    model::{
        ContactId,
        run::{Calls, Outcome, Pass, RunReport, SurveyNote},
    },
    observe::traces,
    open2b::Conditions,
    store::NewRun,
};

/// How a sync is to go.
#[derive(Debug, Clone, Copy, Default)]
pub struct SyncOptions {
    /// Reads at most so many contacts.
    pub limit: Option<u64>,
    /// Reads from the beginning and looks at everything, changed or not.
    pub full: bool,
}

/// How a resync is to go.
#[derive(Debug, Clone, Default)]
pub struct ResyncOptions {
    /// Only these contacts.
    pub contacts: Vec<ContactId>,
    /// Only contacts from this id on.
    pub from: Option<ContactId>,
    /// Looks at everybody, changed or not. No safeguard is left out for it.
    pub force: bool,
}

/// A report, and what ended the run early, if something did.
#[derive(Debug)]
pub struct Ran {
    /// The report, as recorded.
    pub report: RunReport,
    /// Why it is not done.
    pub error: Option<PassError>,
}

/// What a survey came to.
#[derive(Debug)]
pub enum Surveyed {
    /// The index is whole; this survey made it so, or it was before.
    Whole(Option<SurveyNote>),
    /// It ended early, or there is nobody to survey: there is nothing to cross.
    Ended(Box<Ran>),
}

/// What is run.
enum Task<'a> {
    Survey,
    Sync(SyncOptions),
    Resync(&'a ResyncOptions, &'a dyn Interlude),
}

impl Task<'_> {
    /// Whether a person asked for a part of it only.
    const fn is_partial(&self) -> bool {
        match self {
            Self::Survey => false,
            Self::Sync(options) => options.limit.is_some(),
            Self::Resync(options, _) => !options.contacts.is_empty() || options.from.is_some(),
        }
    }

    const fn pass(&self) -> Pass {
        match self {
            Self::Survey => Pass::Survey,
            Self::Sync(_) => Pass::Sync,
            Self::Resync(..) => Pass::Resync,
        }
    }
}

/// Surveys a shop, where its index is incomplete. Where there are several shops, all are surveyed before any is crossed: who
/// shares an identifier is then known over all of them.
///
/// # Errors
/// Only where the run could not even be begun or its report not be recorded.
pub async fn survey(bridge: &Bridge, tenure: &Tenure) -> Result<Surveyed, PassError> {
    let progress = bridge.store.progress(bridge.shop_name(), 0, &bridge.rules_print()).await?;
    if progress.surveyed_whole {
        return Ok(Surveyed::Whole(None));
    }
    let ran = run(bridge, tenure, Task::Survey, None).await?;
    if ran.error.is_some() || (ran.report.read == 0 && progress.surveyed == 0) {
        return Ok(Surveyed::Ended(Box::new(ran)));
    }
    let RunReport { run, read, duration_ms, .. } = ran.report;
    Ok(Surveyed::Whole(Some(SurveyNote { run, read, duration_ms })))
}

/// One sync of a shop whose index is whole.
///
/// # Errors
/// Only where the run could not even be begun or its report not be recorded.
pub async fn sync(
    bridge: &Bridge,
    tenure: &Tenure,
    options: SyncOptions,
    surveyed: Option<SurveyNote>,
) -> Result<Ran, PassError> {
    run(bridge, tenure, Task::Sync(options), surveyed).await
}

/// One resync of a shop whose index is whole; `interlude` is asked between its pages.
///
/// # Errors
/// Only where the run could not even be begun or its report not be recorded.
pub async fn resync(
    bridge: &Bridge,
    tenure: &Tenure,
    options: &ResyncOptions,
    surveyed: Option<SurveyNote>,
    interlude: &dyn Interlude,
) -> Result<Ran, PassError> {
    run(bridge, tenure, Task::Resync(options, interlude), surveyed).await
}

async fn run(bridge: &Bridge, tenure: &Tenure, task: Task<'_>, survey: Option<SurveyNote>) -> Result<Ran, PassError> {
    // What stops this run for a reason of its own stops no other.
    let bridge = &Bridge { stop: bridge.stop.child_token(), ..bridge.clone() };
    let (shop, dry) = (bridge.shop_name().as_str(), bridge.writer.is_none());
    let span = traces::run(task.pass(), bridge.account.as_str(), shop, dry);
    // A run is a large future, and is awaited from many places.
    let ran = Box::pin(reported(bridge, tenure, task, survey)).instrument(span.clone()).await;
    match &ran {
        Ok(Ran { report, error }) => traces::ran(&span, report, error.as_ref().map(PassError::as_str)),
        Err(error) => traces::failed(&span, error.as_str()),
    }
    bridge.watch.done();
    ran
}

async fn reported(
    bridge: &Bridge,
    tenure: &Tenure,
    task: Task<'_>,
    survey: Option<SurveyNote>,
) -> Result<Ran, PassError> {
    let (started_at, pass, partial) = (bridge.clock.now(), task.pass(), task.is_partial());
    let new = NewRun { shop: bridge.shop_name().clone(), source: bridge.source, pass, partial, at: started_at };
    let run = bridge.store.begin(&tenure.lease(), &new).await?;
    tenure.began(run);
    let calls_before = calls(bridge);
    let mut tally = Tally::default();
    let body = Body { bridge, tenure, run, pass, started_at };
    let ended = body.run(task, &mut tally).await.and_then(|()| balanced(&tally));
    if let Err(PassError::Held(hold)) = &ended {
        tally.hold(holding::note(hold));
    }
    let outcome = outcome(&ended, &tally);
    holding::fall_where_empty(bridge).await?;
    list_standing(bridge, &mut tally).await?;
    let mut report = body.report(&tally, survey);
    (report.outcome, report.partial) = (outcome, partial);
    report.error = ended.as_ref().err().map(ToString::to_string);
    report.calls = spent(calls(bridge), &calls_before);
    bridge.store.finish(&tenure.lease(), &report).await?;
    Ok(Ran { report, error: ended.err() })
}

/// Every report lists what is held in the shop, with the figures of now.
async fn list_standing(bridge: &Bridge, tally: &mut Tally) -> Result<(), PassError> {
    for hold in bridge.store.holds(false).await? {
        if hold.what.shop == *bridge.shop_name() {
            tally.hold(holding::note(&hold));
        }
    }
    Ok(())
}

/// Whether every contact read ended in exactly one count: else the run is no success, whatever it did.
fn balanced(tally: &Tally) -> Result<(), PassError> {
    let (read, counted) = (tally.read(), tally.counts().sum());
    if read == counted { Ok(()) } else { Err(PassError::Unbalanced { read, counted }) }
}

fn outcome(ended: &Result<(), PassError>, tally: &Tally) -> Outcome {
    match ended {
        Ok(()) if !tally.holds().is_empty() => Outcome::Held,
        Ok(()) if tally.counts().parked > 0 => Outcome::Parked,
        Ok(()) => Outcome::Done,
        // A pause is a hold that a person put up; a store in doubt is one that a resync takes down.
        Err(PassError::Held(_) | PassError::Paused | PassError::Doubted { .. }) => Outcome::Held,
        Err(PassError::Stopped) => Outcome::Stopped,
        Err(
            PassError::Call(_)
            | PassError::Store(_)
            | PassError::Outage { .. }
            | PassError::LeaseLost
            | PassError::Incomplete { .. }
            | PassError::StillDoubted
            | PassError::Overrides { .. }
            | PassError::Canary { .. }
            | PassError::NotReadBack { .. }
            | PassError::Seal(_)
            | PassError::NoSuchContacts
            | PassError::Unbalanced { .. },
        ) => Outcome::Failed,
    }
}

fn calls(bridge: &Bridge) -> Calls {
    let named = |calls: BTreeMap<&'static str, u64>| calls.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
    Calls { open2b: named(bridge.shop.calls()), vivocha: named(bridge.reader.calls()) }
}

/// What a run spent: the clients count since they were made.
fn spent(now: Calls, before: &Calls) -> Calls {
    let minus = |now: BTreeMap<String, u64>, before: &BTreeMap<String, u64>| {
        now.into_iter()
            .map(|(name, count)| (name.clone(), count - before.get(&name).copied().unwrap_or(0)))
            .filter(|(_, count)| *count > 0)
            .collect()
    };
    Calls { open2b: minus(now.open2b, &before.open2b), vivocha: minus(now.vivocha, &before.vivocha) }
}

impl Body<'_> {
    async fn run(&self, task: Task<'_>, tally: &mut Tally) -> Result<(), PassError> {
        match task {
            Task::Survey => self.survey(tally).await,
            Task::Sync(options) => self.sync(options, tally).await,
            Task::Resync(ResyncOptions { contacts, force, .. }, _) if !contacts.is_empty() => {
                self.contacts(contacts, *force, tally).await
            }
            Task::Resync(options, interlude) => self.resync(options, interlude, tally).await,
        }
    }

    /// The report so far.
    pub(super) fn report(&self, tally: &Tally, survey: Option<SurveyNote>) -> RunReport {
        let now = self.bridge.clock.now();
        RunReport {
            run: self.run,
            account: self.bridge.account.clone(),
            shop: self.bridge.shop_name().clone(),
            pass: self.pass,
            partial: false,
            outcome: Outcome::Running,
            started_at: self.started_at,
            duration_ms: u64::try_from(now.since(self.started_at).as_millis()).unwrap_or(u64::MAX),
            read: tally.read(),
            counts: tally.counts(),
            gone: tally.gone(),
            merges: tally.merges(),
            calls: Calls::default(),
            holds: tally.holds().to_vec(),
            updates: tally.updates(),
            error: None,
            survey,
        }
    }

    async fn survey(&self, tally: &mut Tally) -> Result<(), PassError> {
        let bridge = self.bridge;
        let progress = self.progress().await?;
        let after = Conditions { customer: None, after: Some(progress.surveyed) };
        let of = bridge.shop.count(after).await?;
        survey::survey(bridge, self.tenure, progress.surveyed, of, tally).await?;
        if tally.read() == 0 && progress.surveyed == 0 {
            bridge.watch.notice(&format!(
                "shop {0} has no contacts: nothing to do. If it should have some, look at shops.{0}.url and at what the key may read",
                bridge.shop_name()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::state::ContactState, sync::tally::Ended};

    #[test]
    fn a7_a_run_whose_figures_do_not_add_up_is_no_success() {
        let mut tally = Tally::default();
        tally.reading(2);
        tally.ended(Ended::In(ContactState::Linked));
        let ended = balanced(&tally);
        assert!(matches!(ended, Err(PassError::Unbalanced { read: 2, counted: 1 })));
        assert_eq!(outcome(&ended, &tally), Outcome::Failed);
        tally.ended(Ended::Unchanged);
        assert_eq!(outcome(&balanced(&tally), &tally), Outcome::Done);
    }
}
