//! Deletions. A contact that a whole reading did not find where it was is asked for by its id, and only where the shop says that
//! it has none of that id, and the reading as a whole adds up, is it gone.

use super::{
    PassError,
    crossing::Crossing,
    due::{self, Fetched},
    holding,
    reading::{Body, fields},
    tally::Tally,
};
use crate::{
    model::{
        ContactId, ContactKey,
        hold::{HoldKind, NewHold},
    },
    open2b::Conditions,
    plan::completeness,
    store::{Due, DueQuery, PageRecord, Resync, ResyncStep},
};

/// So many are asked for at a time.
const CHUNK: usize = 200;
/// So many where whoever chats is not to wait for it.
const SMALL_CHUNK: usize = 16;
/// So many are recorded at once: all, but where a list of them would be large. A person releases just these, and one who is killed halfway
/// would find others.
const GONE_AT_ONCE: usize = 50_000;

/// The end of a resync.
pub(super) struct Vanished<'a, 'b> {
    pub body: &'a Body<'b>,
    pub crossing: &'a mut Crossing<'b>,
    /// So many may be gone by a person's word.
    pub released: u64,
}

impl Vanished<'_, '_> {
    /// Looks for whoever was missing, and records who is gone.
    pub async fn conclude(mut self, tally: &mut Tally) -> Result<(), PassError> {
        let progress = self.body.progress().await?;
        let Some(place) = &progress.resync else { return Ok(()) };
        let bridge = self.body.bridge;
        let after = bridge.shop.count(Conditions::default()).await?;
        let (before, read, arrivals) = (place.count, place.read, place.arrivals);
        if let Some(doubt) = (completeness::Reading { before, after, read, arrivals }).doubt() {
            self.begin_anew(place, after).await?;
            return Err(PassError::Incomplete { doubt });
        }
        let missing = self.missing().await?;
        let gone = self.ask_for(&missing, tally).await?;
        self.not_too_many(progress.known, &gone).await?;
        for gone in gone.chunks(GONE_AT_ONCE) {
            let record = PageRecord { gone: gone.to_vec(), ..self.body.nothing() };
            bridge.store.record(&self.body.tenure.lease(), &record).await?;
            tally.vanished(gone.len() as u64);
        }
        Ok(())
    }

    /// A reading that does not add up is worth nothing to the next one.
    async fn begin_anew(&self, place: &Resync, count: u64) -> Result<(), PassError> {
        let started_at = self.body.bridge.clock.now();
        let begin = Resync { started_at, after: 0, read: 0, arrivals: 0, whole: false, count, ..place.clone() };
        let record = PageRecord { resync: Some(ResyncStep::Begin(begin)), ..self.body.nothing() };
        Ok(self.body.bridge.store.record(&self.body.tenure.lease(), &record).await?)
    }

    async fn missing(&self) -> Result<Vec<ContactId>, PassError> {
        let bridge = self.body.bridge;
        let mut missing: Vec<ContactId> = Vec::new();
        loop {
            let after = missing.last().map_or(0, |id| id.get());
            let query = DueQuery { shop: bridge.shop_name().clone(), why: Due::Missing, after, limit: 10_000 };
            let more = bridge.store.due(&query).await?;
            if more.is_empty() {
                return Ok(missing);
            }
            missing.extend(more);
        }
    }

    /// Asks for each by its id. Those that are there after all are handled like any other; answers those that are not.
    async fn ask_for(&mut self, missing: &[ContactId], tally: &mut Tally) -> Result<Vec<ContactId>, PassError> {
        let bridge = self.body.bridge;
        let mut gone = Vec::new();
        let size = if self.crossing.portion.is_some() { SMALL_CHUNK } else { CHUNK };
        for (chunk, ids) in missing.chunks(size).enumerate() {
            let Fetched { records, absent, unread: _ } = due::fetch(bridge, ids, &fields(bridge)).await?;
            if !records.is_empty() {
                // Judged anew, whatever it was: it is not missing any more.
                self.crossing.handle(records, tally).await?;
            }
            gone.extend(absent);
            bridge.watch.confirming((chunk * size + ids.len()) as u64, missing.len() as u64);
            self.crossing.between(&fields(bridge), tally).await?;
        }
        // Who was named meanwhile, and was there then, is not.
        gone.retain(|id| !self.crossing.handled.contains(id));
        Ok(gone)
    }

    /// So many at once are believed only where a person says so, of just these.
    async fn not_too_many(&self, known: u64, gone: &[ContactId]) -> Result<(), PassError> {
        let bridge = self.body.bridge;
        if gone.len() as u64 <= self.released {
            return Ok(());
        }
        let Some(found) = completeness::too_many_gone(known, gone.len() as u64, &bridge.rules.safeguards) else {
            return Ok(());
        };
        let key = |id: &ContactId| ContactKey { shop: bridge.shop_name().clone(), id: *id };
        let hold = NewHold {
            shop: bridge.shop_name().clone(),
            kind: HoldKind::Shrunk,
            reason: format!("{found}. If they were deleted, release this hold; if not, look at the shop and its key"),
            count: gone.len() as u64,
            sample: gone.iter().take(20).map(key).collect(),
            bound: bridge.key.hash("hold-gone", &serde_json::to_string(gone).unwrap_or_default()),
        };
        holding::stop_unless_released(bridge, self.body.tenure, self.body.run, hold).await
    }
}
