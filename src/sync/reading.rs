//! A sync: what is due by itself, then what is new since one lookback ago, page after page to the end of the shop.

use std::collections::{BTreeMap, BTreeSet};

use tracing::Instrument as _;

use super::{
    Bridge, PassError, Tenure, crossing::Crossing, due, guards, pages::Pages, portions::Portion, run::SyncOptions,
    stopping::unless_stopped, tally::Tally,
};
use crate::{
    model::{
        ContactId,
        run::{Pass, RunId},
        time::Moment,
    },
    observe::traces::{self, Phase},
    open2b::{Conditions, Field, Page, Record},
    plan::{gate::Gate, lookback, safeguards},
    store::{PageRecord, ShopProgress},
};

/// The inside of a run.
pub(super) struct Body<'a> {
    pub bridge: &'a Bridge,
    pub tenure: &'a Tenure,
    pub run: RunId,
    pub pass: Pass,
    pub started_at: Moment,
}

impl<'a> Body<'a> {
    pub async fn progress(&self) -> Result<ShopProgress, PassError> {
        let Self { bridge, .. } = self;
        let tail = u64::from(bridge.rules.page_size) * u64::from(bridge.rules.lookback_pages);
        Ok(bridge.store.progress(bridge.shop_name(), tail, &bridge.rules_print()).await?)
    }

    /// A crossing under the safeguards of a run.
    pub fn crossing(&self, progress: &ShopProgress, everything: bool) -> Crossing<'a> {
        let bridge = self.bridge;
        let allowed = safeguards::updates_allowed(progress.linked_customers, &bridge.rules.safeguards);
        Crossing {
            bridge,
            tenure: self.tenure,
            run: self.run,
            everything,
            gate: Gate::new(allowed, progress.judged_otherwise),
            allowed,
            holds: BTreeMap::new(),
            rules: bridge.rules_print(),
            canary: false,
            since: self.started_at,
            highest: progress.checkpoint,
            tail_after: progress.tail_after,
            observed: progress.observed.clone(),
            handled: BTreeSet::new(),
            looks: BTreeMap::new(),
            passed: None,
            contents: BTreeMap::new(),
            reads: 0,
            portion: (bridge.rules.listens && bridge.writer.is_some()).then_some(Portion::FIRST),
        }
    }

    pub async fn sync(&self, options: SyncOptions, tally: &mut Tally) -> Result<(), PassError> {
        let bridge = self.bridge;
        let progress = self.progress().await?;
        guards::not_doubted(bridge, &progress)?;
        if progress.known > 0 {
            guards::not_shrunk(bridge, self.tenure, self.run, &progress).await?;
        }
        self.doubts(tally).instrument(traces::phase(Phase::Doubts)).await?;
        let mut crossing = self.crossing(&progress, options.full);
        // Who is due at once may be more than a person allowed.
        crossing.portion = crossing.portion.filter(|_| options.limit.is_none());
        let (start, ahead) = self.start(options, &progress).await?;
        let of = options.limit.map_or(ahead, |limit| ahead.min(limit));
        if progress.crossed {
            let most = options.limit.map_or(due::MAX_DUE, |limit| limit.min(due::MAX_DUE));
            crossing.due(most, &fields(bridge), tally).instrument(traces::phase(Phase::Due)).await?;
        }
        if self.pages(&mut crossing, start.after, options.limit, of, tally).await? {
            let record = PageRecord { end: true, deep: start.deep || !progress.crossed, ..self.nothing() };
            bridge.store.record(&self.tenure.lease(), &record).await?;
        }
        self.merging(&mut crossing, tally).instrument(traces::phase(Phase::Merging)).await
    }

    /// Where to begin, and how many contacts there are from there. The whole lookback is read only where that is within a quarter of
    /// what the shop bears: what is deeper, a resync finds.
    async fn start(&self, options: SyncOptions, progress: &ShopProgress) -> Result<(lookback::Start, u64), PassError> {
        let count = async |after| {
            self.bridge.shop.count(Conditions { customer: None, after: Some(after) }).await.map_err(PassError::from)
        };
        if options.full {
            return Ok((lookback::Start { after: 0, deep: true }, count(0).await?));
        }
        if !progress.crossed {
            let after = progress.checkpoint;
            return Ok((lookback::Start { after, deep: true }, count(after).await?));
        }
        let history = lookback::History {
            checkpoint: progress.checkpoint,
            observed: &progress.observed,
            tail_after: progress.tail_after,
            deep_at: progress.deep_at,
        };
        let start = lookback::start(&history, self.bridge.rules.lookback, self.started_at);
        let ahead = count(start.after).await?;
        let pages = ahead.div_ceil(u64::from(self.bridge.rules.page_size).max(1));
        if lookback::is_affordable(
            pages,
            u64::from(self.bridge.rules.lookback_pages),
            self.bridge.rules.shop_calls_per_hour,
        ) {
            return Ok((start, ahead));
        }
        let start = lookback::shallow(&history);
        Ok((start, count(start.after).await?))
    }

    /// Reads page after page; answers whether the end of the shop was seen.
    async fn pages(
        &self,
        crossing: &mut Crossing<'_>,
        mut after: i64,
        limit: Option<u64>,
        of: u64,
        tally: &mut Tally,
    ) -> Result<bool, PassError> {
        let bridge = self.bridge;
        // With a limit no page is fetched that may not be needed.
        let mut pages = Pages::after(bridge.shop.clone(), after, fields(bridge), limit.is_none());
        let mut left = limit.map(|limit| limit.saturating_sub(tally.read()));
        if left == Some(0) {
            return Ok(false);
        }
        while let Some((page, span)) = unless_stopped(&bridge.stop, pages.next()).await? {
            let page = cut(page, left);
            left = left.map(|left| left - page.records.len() as u64);
            let last = page.last;
            crossing.page(page, after, (false, true), tally).instrument(span).await?;
            bridge.watch.crossing(&self.report(tally, None), of.max(tally.read()));
            if left == Some(0) {
                return Ok(false);
            }
            if limit.is_none() {
                crossing.between(&fields(bridge), tally).await?;
            }
            after = last;
            pages.go_on(after);
        }
        Ok(true)
    }

    /// A record of nothing, as of now.
    pub fn nothing(&self) -> PageRecord {
        PageRecord::empty(self.run, self.bridge.shop_name().clone(), self.bridge.clock.now())
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
pub(super) fn fields(bridge: &Bridge) -> Vec<Field> {
    use crate::model::rules::WriteRule;
    let mut fields = vec![Field::Id, Field::Customer, Field::Name, Field::Phone, Field::Email];
    if bridge.rules.fields.note.rule != WriteRule::Never {
        fields.push(Field::Note);
    }
    fields
}
