//! The survey: a shop that is new is first read whole into the index, hashes only and without a call to Vivocha, so that
//! shared identifiers are known before anyone is linked. Resumes where it was interrupted.

use tracing::Instrument as _;

use super::{Bridge, PassError, Tenure, pages::Pages, recognise::recognise, stopping::unless_stopped, tally::Tally};
use crate::{
    model::ContactId,
    open2b::{Conditions, Field, Page, Record},
    plan::{
        completeness,
        evidence::Hashes,
        normalise::{self, Identity},
    },
    store::{IndexEntry, SurveyStep},
};

/// Surveys the rest of a shop after `after`, where it counts `of` contacts.
///
/// # Errors
/// Whatever ends a run, also where fewer were read than the shop counts: who is not in the index yet may share an identifier with
/// somebody who is. What was indexed stays.
pub async fn survey(bridge: &Bridge, tenure: &Tenure, after: i64, of: u64, tally: &mut Tally) -> Result<(), PassError> {
    let fields = vec![Field::Id, Field::Name, Field::Phone, Field::Email];
    let mut pages = Pages::after(bridge.shop.clone(), after, fields, true);
    let mut last = after;
    while let Some((page, span)) = unless_stopped(&bridge.stop, pages.next()).await? {
        last = page.last;
        index(bridge, tenure, &page).instrument(span).await?;
        tally.surveyed(page.records.len() as u64);
        bridge.watch.surveying(tally.read(), of.max(tally.read()));
    }
    if last == 0 {
        // An empty shop is not a surveyed one: its people may be yet to come, or the key sees none of them.
        return Ok(());
    }
    let now = bridge.shop.count(Conditions { customer: None, after: Some(after) }).await?;
    if let Some(doubt) = completeness::fell_short(of, now, tally.read()) {
        return Err(PassError::Incomplete { doubt });
    }
    let end = SurveyStep { shop: bridge.shop_name().clone(), entries: Vec::new(), after: last, whole: true };
    bridge.store.survey(&tenure.lease(), &end).await?;
    Ok(())
}

/// Takes a page into the index.
async fn index(bridge: &Bridge, tenure: &Tenure, page: &Page) -> Result<(), PassError> {
    let people: Vec<(ContactId, Identity)> =
        page.records.iter().filter_map(|record| identified(record, bridge)).collect();
    recognise(bridge, people.iter().map(|(_, identity)| identity)).await?;
    let entries = people.iter().map(|(id, identity)| index_entry(*id, Hashes::of(identity, &bridge.key))).collect();
    let step = SurveyStep { shop: bridge.shop_name().clone(), entries, after: page.last, whole: false };
    Ok(bridge.store.survey(&tenure.lease(), &step).await?)
}

fn identified(record: &Record, bridge: &Bridge) -> Option<(ContactId, Identity)> {
    match record {
        Record::Whole(contact) => {
            let identity = normalise::identity(&contact.name, &contact.email, &contact.phone, bridge.rules.region);
            Some((contact.id, identity))
        }
        // The crossing reads it again and parks it.
        Record::Malformed { .. } => None,
    }
}

/// An index entry of hashes.
#[must_use]
pub fn index_entry(id: ContactId, hashes: Hashes) -> IndexEntry {
    let Hashes { email, phone, name } = hashes;
    IndexEntry { id, email, phone, name }
}
