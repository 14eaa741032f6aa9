//! A merge by hand: a proposal of the person who sends it, authorised by her, on the same path as any other. What she is shown is what is
//! sent: the hash of both documents is the proposal's.

use super::{
    super::{Bridge, PassError, Tenure},
    send::{self, Ended},
};
use crate::{
    model::{Customer, CustomerId, Hashes, link::Role, merge::AuthorisedBy, proposal::ProposalId},
    store::{NewMerge, PageQuery},
    vivocha::Writer,
};

pub use super::{doubts::settle_doubts, send::Ended as ByHand};

/// How long what she was shown is good for.
const GOOD_FOR: std::time::Duration = std::time::Duration::from_secs(30);

/// Two customers, as they were read.
#[derive(Debug, Clone)]
pub struct Two {
    /// The one that is to stay.
    pub survivor: Customer,
    /// The one that is to go into it.
    pub absorbed: Customer,
    /// The hash of all of that.
    pub proposal: ProposalId,
}

/// Why two customers cannot be merged by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// There is no such customer.
    #[error("customer {0} does not exist: nothing was sent")]
    Nobody(CustomerId),
    /// It was merged already.
    #[error("customer {0} is {1} now, the two were merged already: nothing was sent; name {1} if that is meant")]
    Alias(CustomerId, CustomerId),
    /// They are one.
    #[error("{0} and {1} are the same customer: nothing was sent")]
    Same(CustomerId, CustomerId),
}

/// Reads both.
///
/// # Errors
/// If a call failed; or, within, why they cannot be merged.
pub async fn read(
    bridge: &Bridge,
    survivor: &CustomerId,
    absorbed: &CustomerId,
) -> Result<Result<Two, Impossible>, PassError> {
    if survivor == absorbed {
        return Ok(Err(Impossible::Same(survivor.clone(), absorbed.clone())));
    }
    let (one, other) = (bridge.reader.get(survivor).await?, bridge.reader.get(absorbed).await?);
    let (Some(one), Some(other)) = (&one, &other) else {
        let missing = if one.is_none() { survivor } else { absorbed };
        return Ok(Err(Impossible::Nobody(missing.clone())));
    };
    if one.id == other.id {
        return Ok(Err(Impossible::Same(survivor.clone(), absorbed.clone())));
    }
    for (asked, got) in [(survivor, one), (absorbed, other)] {
        if got.id != *asked {
            return Ok(Err(Impossible::Alias(asked.clone(), got.id.clone())));
        }
    }
    let content = serde_json::to_string(&(survivor, absorbed, &one.document, &other.document)).unwrap_or_default();
    let mut id = bridge.key.hash("merge-by-hand", &content).to_string();
    id.truncate(16);
    Ok(Ok(Two { survivor: one.clone(), absorbed: other.clone(), proposal: ProposalId(id) }))
}

/// Merges them, by a person's authority.
///
/// # Errors
/// What ends a run.
pub async fn merge(bridge: &Bridge, tenure: &Tenure, two: &Two, by: &str) -> Result<Ended, PassError> {
    let Some(writer) = &bridge.writer else { return Err(PassError::Stopped) };
    let writer = writer.under(tenure.permit_on_a_look(Some(bridge.stop.clone()), GOOD_FOR));
    let new = NewMerge {
        run: None,
        proposal: two.proposal.clone(),
        contact: contact(bridge, two).await?,
        survivor: two.survivor.id.clone(),
        absorbed: two.absorbed.id.clone(),
        authorised_by: AuthorisedBy::Person(by.to_owned()),
        evidence: vec!["by-hand".to_owned()],
        rests_on: std::collections::BTreeMap::new(),
        before: Vec::new(),
        most_a_day: bridge.rules.safeguards.max_approved_per_day,
        at: bridge.clock.now(),
    };
    send::send(bridge, tenure, &writer as &Writer, new, (&two.survivor, &two.absorbed)).await
}

/// The contact that owns one of them, the survivor's first.
async fn contact(bridge: &Bridge, two: &Two) -> Result<Option<(crate::model::ContactKey, Hashes)>, PassError> {
    let ids = [two.survivor.id.clone(), two.absorbed.id.clone()];
    let found = bridge.store.found(&ids, &[]).await?;
    let owners = ids.iter().filter_map(|id| found.links.get(id)).flatten();
    let owner = owners.filter(|link| link.ended.is_none()).min_by_key(|link| link.role != Role::Owner);
    let Some(key) = owner.map(|link| link.contact.clone()) else { return Ok(None) };
    let query = PageQuery { shop: key.shop.clone(), ids: vec![key.id], identifiers: Vec::new(), covers: None };
    let known = bridge.store.known(&query).await?;
    let entry = known.contacts.get(&key.id).map(|prior| prior.entry.clone());
    let hashes = entry.map(|entry| Hashes { email: entry.email, phone: entry.phone, name: entry.name });
    Ok(Some((key, hashes.unwrap_or_default())))
}
