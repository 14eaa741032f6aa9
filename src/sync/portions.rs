//! A page in portions. A page may hold a thousand contacts, and where each of them is written to it lasts a minute or two. Whoever chats
//! meanwhile does not wait so long: where calls tell of chats, a page is handled portion after portion, each so large that it lasts a second
//! or two, and between them it is asked who is due at once. A portion is a page like any other, only shorter; what is judged of a page as a
//! whole, is judged before.

use std::{collections::BTreeSet, time::Duration};

use super::{
    PassError,
    clock::uptime,
    crossing::{Crossing, Looked, Reach},
    reading::fields,
    tally::Tally,
};
use crate::{
    model::ContactId,
    open2b::{Field, Page, Record},
};

/// Contacts to be looked at in the first portion of a run.
const FIRST: usize = 16;
/// At least so many, however long they take: a search asks about many at once.
const LEAST: usize = 8;
/// At most so many: more than a page has.
const MOST: usize = 1 << 16;
/// A portion that took less is followed by one of twice the size.
const SHORT: Duration = Duration::from_millis(500);
/// A portion that took more is followed by one of half the size.
const LONG: Duration = Duration::from_millis(1500);

/// How many contacts to be looked at a portion has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion(usize);

impl Portion {
    /// A run's first.
    pub const FIRST: Self = Self(FIRST);

    /// What the next one is, after one with so many to be looked at took so long.
    #[must_use]
    fn after(self, looked_at: usize, took: Duration) -> Self {
        let Self(size) = self;
        if took > LONG {
            Self((size / 2).max(LEAST))
        } else if took < SHORT && looked_at >= size {
            Self((size * 2).min(MOST))
        } else {
            self
        }
    }

    /// Cuts the next portion from the front of what is left of a page: up to so many of `work`, and whoever stands among them.
    fn cut(self, left: &mut Page, work: &BTreeSet<ContactId>) -> Page {
        let is_work = |record: &Record| record.id().filter(|id| work.contains(id));
        let mut here = left.records.iter().enumerate().filter_map(|(at, record)| Some((at, is_work(record)?)));
        let last = here.nth(self.0.max(1) - 1);
        let more = here.next().is_some();
        match last.filter(|_| more) {
            Some((at, last)) => {
                let rest = left.records.split_off(at + 1);
                Page { records: std::mem::replace(&mut left.records, rest), last: last.get() }
            }
            None => Page { records: std::mem::take(&mut left.records), last: left.last },
        }
    }
}

impl Crossing<'_> {
    /// Handles the page that was read after an id. `resync` and `moves` as in [`Reach::Page`].
    ///
    /// # Errors
    /// What ends the run. Writes that were made are recorded before it is answered; the checkpoint is not.
    pub(super) async fn page(
        &mut self,
        mut page: Page,
        mut after: i64,
        (resync, moves): (bool, bool),
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        let reach = |after, last| Reach::Page { after, last, resync, moves };
        let looked = self.look(&page.records, reach(after, page.last)).await?;
        self.trust(&looked, tally).await?;
        self.tell_lateness(&looked);
        let work = looked.work();
        let Some(mut portion) = self.portion.filter(|Portion(size)| work.len() > *size) else {
            self.measured(looked, work.len(), tally).await?;
            self.pass(after, page.last);
            return Ok(());
        };
        self.begin(looked, tally);
        while !page.records.is_empty() {
            let Page { records, last } = portion.cut(&mut page, &work);
            let looked = self.look(&records, reach(after, last)).await?;
            let length = looked.work().len();
            self.measured(looked, length, tally).await?;
            self.pass(after, last);
            after = last;
            portion = self.portion.unwrap_or(portion);
            if !page.records.is_empty() {
                self.between(&fields(self.bridge), tally).await?;
            }
        }
        self.contents.clear();
        Ok(())
    }

    /// Portions of what was looked at begin.
    fn begin(&mut self, looked: Looked, tally: &Tally) {
        self.reads = tally.read() + looked.read;
        self.contents = looked.hashes();
    }

    /// Ids after one and up to another were handled.
    fn pass(&mut self, after: i64, last: i64) {
        let from = self.passed.map_or(after, |(from, _)| from);
        self.passed = Some((from, last));
    }

    /// Handles contacts that were fetched by id, many, portion after portion.
    ///
    /// # Errors
    /// What ends the run.
    pub(super) async fn portioned(
        &mut self,
        mut records: Vec<Record>,
        wanted: &[Field],
        tally: &mut Tally,
    ) -> Result<(), PassError> {
        if records.is_empty() {
            return Ok(());
        }
        let whole = self.look(&records, Reach::Due).await?;
        self.trust(&whole, tally).await?;
        if self.portion.is_none_or(|Portion(size)| records.len() <= size) {
            self.handled.extend(&whole.ids);
            return self.measured(whole, records.len(), tally).await;
        }
        self.begin(whole, tally);
        while !records.is_empty() {
            let size = self.portion.map_or(records.len(), |Portion(size)| size.min(records.len()));
            let rest = records.split_off(size);
            let looked = self.look(&std::mem::replace(&mut records, rest), Reach::Due).await?;
            self.handled.extend(&looked.ids);
            self.measured(looked, size, tally).await?;
            if !records.is_empty() {
                self.between(wanted, tally).await?;
                records.retain(|record| record.id().is_none_or(|id| !self.handled.contains(&id)));
            }
        }
        self.contents.clear();
        Ok(())
    }

    /// Carries out what was looked at, and learns from how long that took.
    async fn measured(&mut self, looked: Looked, length: usize, tally: &mut Tally) -> Result<(), PassError> {
        let begun = uptime();
        self.carry_out(looked, tally).await?;
        self.portion = self.portion.map(|portion| portion.after(length, uptime().saturating_sub(begun)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end so")]
    use super::*;
    use crate::open2b::RecordDefect;

    fn id(n: i64) -> ContactId {
        ContactId::try_from(n).unwrap()
    }

    fn record(n: i64) -> Record {
        Record::Malformed { id: Some(id(n)), defect: RecordDefect::NotAnObject }
    }

    const NAMELESS: Record = Record::Malformed { id: None, defect: RecordDefect::BadId };

    fn ids(page: &Page) -> (Vec<Option<i64>>, i64) {
        (page.records.iter().map(|record| record.id().map(ContactId::get)).collect(), page.last)
    }

    #[test]
    fn portions_are_the_page_in_its_order_and_end_with_its_end() {
        for size in 1..9 {
            for length in 1..8_i64 {
                for rhythm in 1..4 {
                    let mut records: Vec<Record> = (1..=length).map(|n| record(n * 10)).collect();
                    records.insert(records.len() / 2, NAMELESS);
                    records.push(NAMELESS);
                    let work = (1..=length).filter(|n| n % rhythm == 0).map(|n| id(n * 10)).collect();
                    let mut left = Page { records: records.clone(), last: length * 10 };
                    let (mut seen, mut before) = (Vec::new(), 0);
                    while !left.records.is_empty() {
                        let part = Portion(size).cut(&mut left, &work);
                        let inside = part.records.iter().filter_map(Record::id);
                        assert!(inside.clone().all(|id| id.get() > before && id.get() <= part.last));
                        assert!(inside.filter(|id| work.contains(id)).count() <= size && part.last > before);
                        before = part.last;
                        seen.extend(part.records);
                    }
                    assert_eq!((seen, before), (records, length * 10));
                }
            }
        }
    }

    #[test]
    fn whoever_needs_nothing_stands_with_whoever_is_worked_on_and_makes_no_portion() {
        let work = BTreeSet::from([id(2), id(4)]);
        let mut left = Page { records: (1..=6).map(record).collect(), last: 6 };
        assert_eq!(ids(&Portion(1).cut(&mut left, &work)), (vec![Some(1), Some(2)], 2));
        assert_eq!(ids(&Portion(1).cut(&mut left, &work)), (vec![Some(3), Some(4), Some(5), Some(6)], 6));
        let mut left = Page { records: (1..=6).map(record).collect(), last: 6 };
        assert_eq!(ids(&Portion(2).cut(&mut left, &work)).1, 6);
    }

    #[test]
    fn a_portion_grows_while_it_is_short_and_full_and_shrinks_while_it_is_long() {
        let (short, middling, long) = (Duration::from_millis(10), Duration::from_secs(1), Duration::from_secs(9));
        assert_eq!(Portion(16).after(16, short), Portion(32));
        assert_eq!(Portion(16).after(15, short), Portion(16), "a small page says nothing of a large one");
        assert_eq!(Portion(16).after(16, middling), Portion(16));
        assert_eq!(Portion(16).after(1, long), Portion(8));
        assert_eq!(Portion(8).after(8, long), Portion(8));
        assert_eq!(Portion(MOST).after(MOST, short), Portion(MOST));
    }
}
