//! Everything a merge rests on, read again: the contact by its id, one search for her identifiers, and each customer by its id. Planned
//! anew from that by the same planner as a page.

use std::collections::BTreeMap;

use super::super::{
    Bridge, PassError,
    gather::{self, Gathered, Member},
};
use crate::{
    http::Verdict,
    model::{ContactKey, Customer, CustomerId, Hashes, state::ContactState},
    open2b::Record,
    plan::{
        normalise,
        page::{self, ContactPlan},
    },
    store::PageQuery,
};

/// What is so now.
pub(super) struct Anew {
    /// By what the contact may have been erased.
    pub hashes: Hashes,
    /// What is to be done for her.
    pub plan: ContactPlan,
    /// The customers that were found.
    pub customers: BTreeMap<CustomerId, Customer>,
}

/// What a second look comes to.
pub(super) enum Look {
    /// It could be taken.
    Anew(Box<Anew>),
    /// What was proposed cannot be so any more: why, a code.
    Changed(&'static str),
    /// Something could not be read now: another run looks again.
    NotNow,
}

/// Reads and plans anew.
///
/// # Errors
/// What ends the run.
pub(super) async fn look(bridge: &Bridge, key: &ContactKey, customers: &[CustomerId]) -> Result<Look, PassError> {
    let contact = match bridge.shop.get(key.id).await {
        Ok(Some(Record::Whole(contact))) => contact,
        Ok(None) => return Ok(Look::Changed("contact-gone")),
        Ok(Some(Record::Malformed { .. })) => return Ok(Look::Changed("contact-unreadable")),
        Err(error) if error.verdict == Verdict::Stop => return Err(error.into()),
        Err(_) => return Ok(Look::NotNow),
    };
    let identity = normalise::identity(&contact.name, &contact.email, &contact.phone, bridge.rules.region);
    let hashes = Hashes::of(&identity, &bridge.key);
    let identifiers = [hashes.email, hashes.phone].into_iter().flatten().collect();
    let asked = PageQuery { shop: key.shop.clone(), ids: vec![key.id], identifiers, covers: None };
    let known = bridge.store.known(&asked).await?;
    if known.paused {
        return Err(PassError::Paused);
    }
    let prior = known.contacts.get(&key.id).cloned();
    let judged = prior.as_ref().and_then(|prior| prior.judged.as_ref());
    if !known.erased.is_empty() || judged.is_some_and(|judged| judged.state == ContactState::Excluded) {
        return Ok(Look::Changed("erased"));
    }
    let page = BTreeMap::from([(key.id, hashes.clone())]);
    let member = Member { contact, identity, hashes: hashes.clone(), prior };
    let gathered = match gather::gather_anew(bridge, vec![member], &page, &known, customers).await {
        Err(PassError::Call(error)) if error.verdict != Verdict::Stop => return Ok(Look::NotNow),
        gathered => gathered?,
    };
    let Gathered { evidence, failed, in_doubt } = gathered;
    if !failed.is_empty() || !in_doubt.is_empty() {
        return Ok(Look::NotNow);
    }
    let plan = page::plan(&evidence, &bridge.rules.matching, &bridge.reading());
    let Some(plan) = plan.contacts.into_iter().next() else { return Ok(Look::NotNow) };
    let customers = evidence.customers.into_iter().map(|(id, candidate)| (id, candidate.customer)).collect();
    Ok(Look::Anew(Box::new(Anew { hashes, plan, customers })))
}
