//! A resync: everything, from the first contact to the last. It bounds staleness: edits, rechecks, deletions, and whatever a sync
//! cannot see. Goes on where it was interrupted, unless that is too long ago, and lets what is due run between its pages.

use tracing::Instrument as _;

use super::{
    PassError,
    crossing::Crossing,
    due::Left,
    guards::{self, Counted},
    holding,
    pages::Pages,
    reading::{Body, fields},
    run::ResyncOptions,
    stopping::unless_stopped,
    tally::{Ended, Tally},
    vanished::Vanished,
    watch::Interlude,
};
use crate::{
    http::CallError,
    model::{ContactId, hold::HoldKind, state::ContactState},
    observe::traces::{self, Phase},
    open2b::Conditions,
    plan::completeness,
    store::{PageQuery, PageRecord, Resync, ResyncStep, ShopProgress},
};

impl Body<'_> {
    /// Everything, or everything after an id that a person named.
    pub async fn resync(
        &self,
        options: &ResyncOptions,
        interlude: &dyn Interlude,
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        let progress = self.progress().await?;
        // What was written since the copy was made does not show in a fingerprint of before: in doubt everybody is looked at.
        let options = &ResyncOptions { force: options.force || progress.doubted_at.is_some(), ..options.clone() };
        // Where everything was read, what is missing is known by name, and looked at one by one.
        let read = options.from.is_none() && self.resumable(options, &progress).is_some_and(|place| place.whole);
        let Counted { count, released } = if read {
            guards::released_before(self.bridge, &progress).await?
        } else {
            guards::not_shrunk(self.bridge, self.tenure, self.run, &progress).await?
        };
        if let Some(from) = options.from {
            return self.resync_from(from, options.force, &progress, interlude, tally).await;
        }
        // What a store in doubt has forgotten may still be under way: it is settled, and merged, by a run that knows what was done.
        let doubted = progress.doubted_at.is_some();
        if !doubted {
            self.doubts(tally).instrument(traces::phase(Phase::Doubts)).await?;
        }
        let place = self.place(options, &progress, count).await?;
        let from_the_beginning = place.after == 0 && !place.whole;
        let mut crossing = self.crossing(&progress, place.force);
        crossing.highest = place.highest;
        if !place.whole {
            let of = place.count.saturating_sub(place.read);
            self.all_after(&mut crossing, place.after, (i64::MAX, true), of, interlude, tally).await?;
            let record = PageRecord { end: true, deep: true, resync: Some(ResyncStep::Whole), ..self.nothing() };
            self.bridge.store.record(&self.tenure.lease(), &record).await?;
        }
        let vanished = Vanished { body: self, crossing: &mut crossing, released };
        vanished.conclude(tally).instrument(traces::phase(Phase::Vanished)).await?;
        if from_the_beginning {
            // Everything was read by this run, and nobody on it was another shop's.
            holding::fall(self.bridge, HoldKind::Strangers).await?;
        }
        // A rule that still waits for a person has not been applied to everybody.
        let rules = crossing.holds.is_empty().then(|| crossing.rules.clone());
        let forget_before = self.bridge.clock.now().before(completeness::KEPT);
        let end = PageRecord { resync: Some(ResyncStep::End { rules, forget_before }), ..self.nothing() };
        self.bridge.store.record(&self.tenure.lease(), &end).await?;
        if doubted {
            let still = self.progress().await?.doubted_at.is_some();
            return if still { Err(PassError::StillDoubted) } else { Ok(()) };
        }
        self.merging(&mut crossing, tally).instrument(traces::phase(Phase::Merging)).await
    }

    /// These contacts only, by their ids.
    pub async fn contacts(&self, ids: &[ContactId], force: bool, tally: &mut Tally) -> Result<(), PassError> {
        let progress = self.progress().await?;
        guards::not_doubted(self.bridge, &progress)?;
        guards::not_shrunk(self.bridge, self.tenure, self.run, &progress).await?;
        let mut crossing = self.crossing(&progress, force);
        let mut strange = Vec::new();
        for ids in ids.chunks(self.bridge.rules.page_size as usize) {
            let span = traces::phase(Phase::Named);
            let Left { unread, unknown } = crossing.by_id(ids, &fields(self.bridge), tally).instrument(span).await?;
            self.unread(&mut crossing, &unread, tally).await?;
            strange.extend(unknown);
            self.bridge.watch.crossing(&self.report(tally, None), tally.read());
        }
        for id in &strange {
            let shop = self.bridge.shop_name();
            self.bridge.watch.notice(&format!("shop {shop} has no contact {id}"));
        }
        if strange.len() == ids.len() { Err(PassError::NoSuchContacts) } else { Ok(()) }
    }

    /// Who could not be read is parked. Of whom nothing is known there is nothing to park: she counts as parked all the same, since
    /// she was asked for and nothing came of it.
    async fn unread(
        &self,
        crossing: &mut Crossing<'_>,
        unread: &[(ContactId, CallError)],
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        let shop = self.bridge.shop_name();
        for (id, error) in unread {
            self.bridge.watch.notice(&format!("shop {shop}: contact {id} could not be read: {error}"));
        }
        let ids: Vec<ContactId> = unread.iter().map(|(id, _)| *id).collect();
        let unknown = crossing.park(&ids, "contact-unreadable", tally).await?;
        tally.reading(unknown.len() as u64);
        for _ in unknown {
            tally.ended(Ended::In(ContactState::Parked));
        }
        Ok(())
    }

    /// The place where it was interrupted, if that was not too long ago, and it looked as closely as is asked now.
    fn resumable(&self, options: &ResyncOptions, progress: &ShopProgress) -> Option<Resync> {
        let now = self.bridge.clock.now();
        let stale = |place: &Resync| completeness::is_stale(place.started_at, self.bridge.rules.resync_period, now);
        progress.resync.clone().filter(|place| !stale(place) && (place.force || !options.force))
    }

    /// Where to go on, or the beginning.
    async fn place(&self, options: &ResyncOptions, progress: &ShopProgress, count: u64) -> Result<Resync, PassError> {
        let now = self.bridge.clock.now();
        if let Some(place) = self.resumable(options, progress) {
            tracing::info!(after = place.after, started_at = %place.started_at, "the resync goes on where it was interrupted");
            return Ok(place);
        }
        let place = Resync {
            started_at: now,
            from: 0,
            after: 0,
            count,
            highest: progress.checkpoint.max(progress.surveyed),
            read: 0,
            arrivals: 0,
            force: options.force,
            whole: false,
        };
        let begin = PageRecord { resync: Some(ResyncStep::Begin(place.clone())), ..self.nothing() };
        self.bridge.store.record(&self.tenure.lease(), &begin).await?;
        Ok(place)
    }

    /// From an id that a person named: a reading of a part concludes nothing about who is missing.
    async fn resync_from(
        &self,
        from: ContactId,
        force: bool,
        progress: &ShopProgress,
        interlude: &dyn Interlude,
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        guards::not_doubted(self.bridge, progress)?;
        let after = from.get() - 1;
        let of = self.bridge.shop.count(Conditions { customer: None, after: Some(after) }).await?;
        let mut crossing = self.crossing(progress, force);
        self.all_after(&mut crossing, after, (progress.checkpoint, false), of, interlude, tally).await
    }

    async fn all_after(
        &self,
        crossing: &mut Crossing<'_>,
        mut after: i64,
        (checkpoint, resync): (i64, bool),
        of: u64,
        interlude: &dyn Interlude,
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        let bridge = self.bridge;
        // Read from beyond the checkpoint, there is a gap below that nobody has accounted for.
        let moves = after <= checkpoint;
        let mut pages = Pages::after(bridge.shop.clone(), after, fields(bridge), true);
        while let Some((page, span)) = unless_stopped(&bridge.stop, pages.next()).await? {
            let last = page.last;
            crossing.page(page, after, (resync, moves), tally).instrument(span).await?;
            after = last;
            bridge.watch.crossing(&self.report(tally, None), of.max(tally.read()));
            crossing.between(&fields(bridge), tally).await?;
            if interlude.rest().await? {
                // The page in flight was read before what ran meanwhile: its values may be older than those just written.
                pages = Pages::after(bridge.shop.clone(), after, fields(bridge), true);
            }
        }
        if resync {
            self.beyond(after).await?;
        }
        Ok(())
    }

    /// Who is known above the last id of the shop was not on any page: missing as well.
    async fn beyond(&self, after: i64) -> Result<(), PassError> {
        let shop = self.bridge.shop_name().clone();
        let query = PageQuery { shop, ids: Vec::new(), identifiers: Vec::new(), covers: Some((after, i64::MAX)) };
        let missing = self.bridge.store.known(&query).await?.missing;
        let step = ResyncStep::Page { after, read: 0, arrivals: 0, missing };
        let record = PageRecord { resync: Some(step), ..self.nothing() };
        Ok(self.bridge.store.record(&self.tenure.lease(), &record).await?)
    }
}
