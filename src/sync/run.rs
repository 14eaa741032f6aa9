//! A run from its beginning to its report, whatever happens in between: the report is recorded and answered also where
//! the run fails, is held, or is stopped.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};

use super::{
    Bridge, PassError, Tenure,
    crossing::{Crossing, Reach},
    pages::Pages,
    stopping::unless_stopped,
    survey,
    tally::Tally,
};
use crate::{
    model::{
        ContactId,
        hold::{HoldKind, NewHold},
        run::{Calls, HoldNote, Outcome, Pass, RunId, RunReport, SurveyNote},
        time::Moment,
    },
    open2b::{Conditions, Field, Page, Record},
    plan::{lookback, safeguards},
    store::{Due, DueQuery, NewRun, PageRecord, ShopProgress},
};

/// How a sync is to go.
#[derive(Debug, Clone, Copy, Default)]
pub struct SyncOptions {
    /// Reads at most so many contacts.
    pub limit: Option<u64>,
    /// Reads from the beginning and looks at everything, changed or not.
    pub full: bool,
}

/// How many due contacts are fetched by id in one sync.
const MAX_DUE: u64 = 200;

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
    let ran = run(bridge, tenure, Pass::Survey, SyncOptions::default(), None).await;
    bridge.watch.done();
    let ran = ran?;
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
    // What stops this run for a reason of its own stops no other.
    let bridge = &Bridge { stop: bridge.stop.child_token(), ..bridge.clone() };
    let ran = run(bridge, tenure, Pass::Sync, options, surveyed).await;
    bridge.watch.done();
    ran
}

fn tail(bridge: &Bridge) -> u64 {
    u64::from(bridge.rules.page_size) * u64::from(bridge.rules.lookback_pages)
}

async fn run(
    bridge: &Bridge,
    tenure: &Tenure,
    pass: Pass,
    options: SyncOptions,
    survey: Option<SurveyNote>,
) -> Result<Ran, PassError> {
    let started_at = bridge.clock.now();
    let source = bridge.key.hash("shop", bridge.shop_name().as_str());
    let new = NewRun { shop: bridge.shop_name().clone(), source, pass, at: started_at };
    let run = bridge.store.begin(&tenure.lease(), &new).await?;
    let calls_before = calls(bridge);
    let mut tally = Tally::default();
    let body = Body { bridge, tenure, run, options, started_at };
    let ended = match pass {
        Pass::Survey => body.survey(&mut tally).await,
        Pass::Sync | Pass::Resync => body.crossing(&mut tally).await,
    };
    let ended = ended.and_then(|()| balanced(&tally));
    if let Err(PassError::Held(hold)) = &ended {
        tally.hold(note(hold));
    }
    let mut report = body.report(pass, &tally, survey);
    report.outcome = outcome(&ended, &tally);
    report.error = ended.as_ref().err().map(ToString::to_string);
    report.calls = spent(calls(bridge), &calls_before);
    bridge.store.finish(&tenure.lease(), &report).await?;
    Ok(Ran { report, error: ended.err() })
}

/// Whether every contact read ended in exactly one count: else the run is no success, whatever it did.
fn balanced(tally: &Tally) -> Result<(), PassError> {
    let (read, counted) = (tally.read(), tally.counts().sum());
    if read == counted { Ok(()) } else { Err(PassError::Unbalanced { read, counted }) }
}

fn outcome(ended: &Result<(), PassError>, tally: &Tally) -> Outcome {
    match ended {
        Ok(()) if tally.counts().parked > 0 => Outcome::Parked,
        Ok(()) => Outcome::Done,
        // A pause is a hold that a person put up.
        Err(PassError::Held(_) | PassError::Paused) => Outcome::Held,
        Err(PassError::Stopped) => Outcome::Stopped,
        Err(
            PassError::Call(_)
            | PassError::Store(_)
            | PassError::Outage { .. }
            | PassError::LeaseLost
            | PassError::Overrides { .. }
            | PassError::Canary { .. }
            | PassError::Unbalanced { .. },
        ) => Outcome::Failed,
    }
}

fn note(hold: &crate::model::hold::Hold) -> HoldNote {
    HoldNote {
        id: hold.id,
        kind: hold.what.kind.as_str().into(),
        reason: hold.what.reason.clone(),
        count: hold.what.count,
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

/// The inside of a run.
struct Body<'a> {
    bridge: &'a Bridge,
    tenure: &'a Tenure,
    run: RunId,
    options: SyncOptions,
    started_at: Moment,
}

impl Body<'_> {
    fn report(&self, pass: Pass, tally: &Tally, survey: Option<SurveyNote>) -> RunReport {
        let now = self.bridge.clock.now();
        RunReport {
            run: self.run,
            account: self.bridge.account.clone(),
            shop: self.bridge.shop_name().clone(),
            pass,
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
        let progress = self.bridge.store.progress(self.bridge.shop_name(), 0, &self.bridge.rules_print()).await?;
        let after = Conditions { customer: None, after: Some(progress.surveyed) };
        let of = self.bridge.shop.count(after).await?;
        survey::survey(self.bridge, self.tenure, progress.surveyed, of, tally).await?;
        if tally.read() == 0 && progress.surveyed == 0 {
            self.bridge.watch.notice(&format!(
                "shop {0} has no contacts: nothing to do. If it should have some, look at shops.{0}.url and at what the key may read",
                self.bridge.shop_name()
            ));
        }
        Ok(())
    }

    async fn crossing(&self, tally: &mut Tally) -> Result<(), PassError> {
        let bridge = self.bridge;
        let progress = bridge.store.progress(bridge.shop_name(), tail(bridge), &bridge.rules_print()).await?;
        self.guard_shrunk(&progress).await?;
        let mut crossing = Crossing {
            bridge,
            tenure: self.tenure,
            run: self.run,
            everything: self.options.full,
            updates_allowed: safeguards::updates_allowed(progress.linked_customers, &bridge.rules.safeguards),
            rules: bridge.rules_print(),
            canary: false,
            since: self.started_at,
            handled: BTreeSet::new(),
        };
        let start = self.start(&progress);
        let of = bridge.shop.count(Conditions { customer: None, after: Some(start.after) }).await?;
        let of = self.options.limit.map_or(of, |limit| of.min(limit));
        if progress.crossed {
            self.due(&mut crossing, tally).await?;
        }
        let end = self.pages(&mut crossing, start.after, of, tally).await?;
        if end {
            let deep = start.deep || !progress.crossed;
            self.end(deep).await?;
        }
        Ok(())
    }

    fn start(&self, progress: &ShopProgress) -> lookback::Start {
        if self.options.full {
            return lookback::Start { after: 0, deep: true };
        }
        if !progress.crossed {
            return lookback::Start { after: progress.checkpoint, deep: true };
        }
        let history = lookback::History {
            checkpoint: progress.checkpoint,
            observed: &progress.observed,
            tail_after: progress.tail_after,
            deep_at: progress.deep_at,
        };
        lookback::start(&history, self.bridge.rules.lookback, self.bridge.clock.now())
    }

    /// A shop that has become much smaller, or empty, is not believed: nothing is read, nothing concluded.
    async fn guard_shrunk(&self, progress: &ShopProgress) -> Result<(), PassError> {
        if progress.known == 0 {
            return Ok(());
        }
        let bridge = self.bridge;
        let count = bridge.shop.count(Conditions::default()).await?;
        let Some(found) = safeguards::shrunk(progress.known, count, &bridge.rules.safeguards) else { return Ok(()) };
        let hold = NewHold {
            shop: bridge.shop_name().clone(),
            kind: HoldKind::Shrunk,
            reason: format!("{found}. If that is right, release this hold; if not, look at the shop and its key"),
            count: progress.known.saturating_sub(count),
            sample: Vec::new(),
            bound: bridge.key.hash("hold-shrunk", &format!("{count}")),
        };
        super::holding::stop_unless_released(bridge, self.tenure, self.run, hold).await
    }

    /// Contacts whose retry is due: fetched one by one, handled as a page.
    async fn due(&self, crossing: &mut Crossing<'_>, tally: &mut Tally) -> Result<(), PassError> {
        let bridge = self.bridge;
        let most = self.options.limit.map_or(MAX_DUE, |limit| limit.min(MAX_DUE));
        let why = Due::Retry(bridge.clock.now());
        let asked = DueQuery { shop: bridge.shop_name().clone(), why, after: 0, limit: most };
        let due = bridge.store.due(&asked).await?;
        let gets = due.into_iter().map(|id| async move { (id, bridge.shop.get(id).await) });
        let fetching = async { Ok::<_, PassError>(stream::iter(gets).buffer_unordered(4).collect().await) };
        let fetched: Vec<(ContactId, _)> = unless_stopped(&bridge.stop, fetching).await?;
        let mut records = Vec::new();
        for (id, got) in fetched {
            match got {
                Ok(Some(record)) => records.push(record),
                Ok(None) => {
                    tracing::info!(contact = %id, "a parked contact is not in the shop any more; a resync concludes that");
                }
                Err(error) if error.verdict == crate::http::Verdict::Stop => return Err(error.into()),
                Err(error) => tracing::warn!(contact = %id, %error, "a parked contact could not be read; it stays due"),
            }
        }
        records.sort_by_key(Record::id);
        if records.is_empty() { Ok(()) } else { crossing.handle(records, Reach::Due, tally).await }
    }

    /// Reads page after page; answers whether the end of the shop was seen.
    async fn pages(
        &self,
        crossing: &mut Crossing<'_>,
        after: i64,
        of: u64,
        tally: &mut Tally,
    ) -> Result<bool, PassError> {
        let bridge = self.bridge;
        // With a limit no page is fetched that may not be needed.
        let mut pages = Pages::after(bridge.shop.clone(), after, fields(bridge), self.options.limit.is_none());
        let mut left = self.options.limit.map(|limit| limit.saturating_sub(tally.read()));
        if left == Some(0) {
            return Ok(false);
        }
        while let Some(page) = unless_stopped(&bridge.stop, pages.next()).await? {
            let page = cut(page, left);
            left = left.map(|left| left - page.records.len() as u64);
            crossing.handle(page.records, Reach::Page(page.last), tally).await?;
            bridge.watch.crossing(&self.report(Pass::Sync, tally, None), of.max(tally.read()));
            if left == Some(0) {
                return Ok(false);
            }
            pages.go_on(page.last);
        }
        Ok(true)
    }

    async fn end(&self, deep: bool) -> Result<(), PassError> {
        let empty = PageRecord::empty(self.run, self.bridge.shop_name().clone(), self.bridge.clock.now());
        let record = PageRecord { since: self.started_at, end: true, deep, ..empty };
        Ok(self.bridge.store.record(&self.tenure.lease(), &record).await?)
    }
}

/// A page cut to what may still be read; the checkpoint then stands at the last one that is.
fn cut(mut page: Page, left: Option<u64>) -> Page {
    let Some(left) = left.and_then(|left| usize::try_from(left).ok()) else { return page };
    if page.records.len() > left {
        page.records.truncate(left);
        // A record without an id at the cut is read again by the next run.
        page.last = page.records.iter().filter_map(Record::id).map(ContactId::get).max().unwrap_or(page.last);
    }
    page
}

/// The fields a crossing needs: the note only where it is sent.
fn fields(bridge: &Bridge) -> Vec<Field> {
    use crate::model::rules::WriteRule;
    let mut fields = vec![Field::Id, Field::Customer, Field::Name, Field::Phone, Field::Email];
    if bridge.rules.fields.note.rule != WriteRule::Never {
        fields.push(Field::Note);
    }
    fields
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
