//! Contacts that are due by themselves, wherever they stand: parked ones, those a person decided about, heirs of an owner that
//! went. A few are fetched by id; many by the pages they stand on, which costs no more calls and mostly far fewer.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use tracing::Instrument as _;

use super::{
    Bridge, PassError,
    crossing::{Crossing, Reach},
    record::{self, About, Terms},
    stopping::unless_stopped,
    tally::{Ended, Tally},
};
use crate::{
    http::{CallError, Verdict},
    model::{
        ContactId, Hashes,
        state::{ContactState, NOT_IN_THE_SHOP},
    },
    observe::traces::{self, Phase},
    open2b::{Field, Record},
    store::{Due, DueQuery, PageQuery, PageRecord},
};

/// How many due contacts one sync handles.
pub(super) const MAX_DUE: u64 = 1000;
/// Up to so many are fetched by id.
const BY_ID: usize = 40;
/// Up to so many that became due at once are handled between two pages: each costs a call of its own, and more of them wait for the next one.
const BETWEEN: usize = 16;
/// One and the same is looked at so often in a run, however often it is named.
const LOOKS: u8 = 3;
/// Fetches by id at once.
const AT_ONCE: usize = 4;

/// What came of asking for contacts by id.
pub(super) struct Fetched {
    /// They are there.
    pub records: Vec<Record>,
    /// The shop knows none of that id.
    pub absent: Vec<ContactId>,
    /// They could not be read now, and why: who is due stays so.
    pub unread: Vec<(ContactId, CallError)>,
}

/// Whom nothing came of that was asked for by id.
pub(super) struct Left {
    /// They could not be read now, and why.
    pub unread: Vec<(ContactId, CallError)>,
    /// Neither the shop nor the store has them.
    pub unknown: Vec<ContactId>,
}

/// Asks the shop for contacts by id.
pub(super) async fn fetch(bridge: &Bridge, ids: &[ContactId], fields: &[Field]) -> Result<Fetched, PassError> {
    let gets = ids.iter().map(|id| async move { (*id, bridge.shop.get_fields(*id, fields).await) });
    let fetching = async { Ok::<_, PassError>(stream::iter(gets).buffer_unordered(AT_ONCE).collect().await) };
    let answers: Vec<(ContactId, _)> = unless_stopped(&bridge.stop, fetching).await?;
    let mut fetched = Fetched { records: Vec::new(), absent: Vec::new(), unread: Vec::new() };
    for (id, answer) in answers {
        match answer {
            Ok(Some(record)) => fetched.records.push(record),
            Ok(None) => fetched.absent.push(id),
            Err(error) if error.verdict == Verdict::Stop => return Err(error.into()),
            Err(error) => {
                tracing::warn!(contact = %id, %error, "a contact could not be read by its id");
                fetched.unread.push((id, error));
            }
        }
    }
    fetched.records.sort_by_key(Record::id);
    fetched.absent.sort_unstable();
    fetched.unread.sort_unstable_by_key(|(id, _)| *id);
    Ok(fetched)
}

impl Crossing<'_> {
    /// Handles what is due, at most so many; where calls tell of chats, first whoever chats.
    ///
    /// # Errors
    /// What ends a run.
    pub(super) async fn due(&mut self, most: u64, fields: &[Field], tally: &mut Tally) -> Result<(), PassError> {
        if self.portion.is_some() {
            self.between(fields, tally).await?;
        }
        let query = DueQuery {
            shop: self.bridge.shop_name().clone(),
            why: Due::Retry(self.bridge.clock.now()),
            after: 0,
            limit: most,
        };
        let due = self.bridge.store.due(&query).await?;
        if due.len() <= BY_ID {
            self.by_id(&due, fields, tally).await?;
            return Ok(());
        }
        let mut left = due.as_slice();
        while let Some(first) = left.first() {
            let page = unless_stopped(&self.bridge.stop, self.bridge.shop.page(first.get() - 1, fields)).await?;
            let end = if page.records.is_empty() { i64::MAX } else { page.last };
            let (here, beyond) = left.split_at(left.partition_point(|id| id.get() <= end));
            let wanted = |record: &Record| record.id().is_some_and(|id| here.binary_search(&id).is_ok());
            let records: Vec<Record> = page.records.into_iter().filter(wanted).collect();
            let there = |id: &ContactId| records.iter().any(|record| record.id() == Some(*id));
            let absent: Vec<ContactId> = here.iter().filter(|id| !there(id)).copied().collect();
            self.portioned(records, fields, tally).await?;
            self.by_id(&absent, fields, tally).await?;
            left = beyond;
        }
        Ok(())
    }

    /// Handles what became due at once while the pages are read: whoever chats does not wait for the end of a long run. Any process may have
    /// named them; with the next page in flight there is nobody among them whom it would handle again.
    ///
    /// # Errors
    /// What ends a run.
    pub(super) async fn between(&mut self, fields: &[Field], tally: &mut Tally) -> Result<(), PassError> {
        // A dry run records nothing of it: they would be due again after the next page.
        if self.bridge.writer.is_none() {
            return Ok(());
        }
        let tired: BTreeSet<ContactId> =
            self.looks.iter().filter(|(_, looks)| **looks >= LOOKS).map(|(id, _)| *id).collect();
        let query = DueQuery {
            shop: self.bridge.shop_name().clone(),
            why: Due::AtOnce(self.bridge.clock.now()),
            after: 0,
            limit: (BETWEEN + tired.len()) as u64,
        };
        let mut due = self.bridge.store.due(&query).await?;
        due.retain(|id| !tired.contains(id));
        due.truncate(BETWEEN);
        for id in &due {
            *self.looks.entry(*id).or_default() += 1;
        }
        if due.is_empty() {
            return Ok(());
        }
        // Who is not there is a resync's to judge, and who cannot be read is due still.
        self.look_in(&due, fields, tally).instrument(traces::phase(Phase::Due)).await
    }

    /// Handles a few contacts whenever that may be: whoever was counted already is not counted once more.
    async fn look_in(&mut self, ids: &[ContactId], fields: &[Field], tally: &mut Tally) -> Result<(), PassError> {
        let records = fetch(self.bridge, ids, fields).await?.records;
        let passed = |id: ContactId| self.passed.is_some_and(|(after, last)| id.get() > after && id.get() <= last);
        let counted = |record: &Record| record.id().is_some_and(|id| self.handled.contains(&id) || passed(id));
        let (again, anew): (Vec<Record>, Vec<Record>) = records.into_iter().partition(counted);
        self.handle_few(&anew, tally).await?;
        let mut own = Tally::default();
        let ended = self.handle_few(&again, &mut own).await;
        tally.again(&own);
        ended
    }

    /// Handles a few contacts. Whether the shop is another one is judged by many: where these are strangers they are left to their page.
    async fn handle_few(&mut self, records: &[Record], tally: &mut Tally) -> Result<(), PassError> {
        if records.is_empty() {
            return Ok(());
        }
        let looked = self.look(records, Reach::Due).await?;
        if looked.are_strangers() {
            return Ok(());
        }
        self.handled.extend(&looked.ids);
        self.carry_out(looked, tally).await
    }

    /// Handles these contacts, fetched by id; answers those of whom nothing came.
    pub(super) async fn by_id(
        &mut self,
        ids: &[ContactId],
        fields: &[Field],
        tally: &mut Tally,
    ) -> Result<Left, PassError> {
        let Fetched { records, absent, unread } = fetch(self.bridge, ids, fields).await?;
        if !records.is_empty() {
            self.handle(records, tally).await?;
        }
        // Only a resync concludes that they are gone; until then they are tried again, ever more seldom.
        let unknown = self.park(&absent, NOT_IN_THE_SHOP, tally).await?;
        Ok(Left { unread, unknown })
    }

    /// Parks contacts that were asked for by id in vain; answers those of whom there is nothing to park.
    pub(super) async fn park(
        &mut self,
        ids: &[ContactId],
        cause: &str,
        tally: &mut Tally,
    ) -> Result<Vec<ContactId>, PassError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (bridge, shop) = (self.bridge, self.bridge.shop_name());
        let query = PageQuery { shop: shop.clone(), ids: ids.to_vec(), identifiers: Vec::new(), covers: None };
        let now = bridge.clock.now();
        let known = bridge.store.known(&query).await?;
        let terms = Terms {
            now,
            rules: self.rules.clone(),
            too_late: bridge.rules.too_late(),
            recheck_linked: bridge.rules.recheck_linked,
            recheck_unmatched: bridge.rules.recheck_unmatched,
        };
        let mut page = PageRecord::empty(self.run, shop.clone(), now);
        let mut unknown = Vec::new();
        for id in ids {
            let prior = known.contacts.get(id);
            let judged = prior.and_then(|prior| prior.judged.as_ref());
            let over = judged.is_some_and(|judged| matches!(judged.state, ContactState::Gone | ContactState::Excluded));
            let Some(prior) = prior.filter(|_| !over) else {
                unknown.push(*id);
                continue;
            };
            let content = judged.map_or_else(|| bridge.key.hash("content", ""), |judged| judged.fingerprint.content);
            let entry = prior.entry.clone();
            let hashes = Hashes { email: entry.email, phone: entry.phone, name: entry.name };
            let about = About { id: *id, hashes, content, prior: Some(prior) };
            page.contacts.push(record::parked(about, cause, &terms));
        }
        tally.reading(page.contacts.len() as u64);
        self.handled.extend(ids);
        bridge.store.record(&self.tenure.lease(), &page).await?;
        for contact in &page.contacts {
            tally.ended(Ended::In(contact.state));
        }
        Ok(unknown)
    }
}
