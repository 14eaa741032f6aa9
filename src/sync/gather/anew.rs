//! Customers that a merge is about: read by their ids, whatever a search says of them, and left alone while it is in doubt.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};

use super::{
    super::{Bridge, PassError},
    goes_by,
};
use crate::{
    model::{Customer, CustomerId},
    plan::evidence::{Candidate, Side, Subject},
};

/// Whether a customer that a merge is in doubt for is a contact's, or holds an identifier of hers.
pub(super) fn concerns(
    in_doubt: &BTreeSet<CustomerId>,
    subject: &Subject,
    candidates: &BTreeMap<CustomerId, Candidate>,
) -> bool {
    let linked = goes_by(subject).is_some_and(|customer| in_doubt.contains(customer));
    let holds = |candidate: &Candidate| {
        let email = matches!((&candidate.email, &subject.identity.email), (Side::Is(a), Some(b)) if a == b);
        email || matches!((&candidate.phone, &subject.identity.phone), (Side::Is(a), Some(b)) if a == b)
    };
    linked || in_doubt.iter().filter_map(|customer| candidates.get(customer)).any(holds)
}

/// What asking for these customers by their ids gives stands in the place of what a search found. One that is not found any more, or
/// answers as another, is none.
pub(super) async fn read(
    bridge: &Bridge,
    by_id: &[CustomerId],
    customers: &mut BTreeMap<CustomerId, Customer>,
) -> Result<(), PassError> {
    let reads = by_id.iter().map(|id| async move { (id, bridge.reader.get(id).await) });
    let mut reads = stream::iter(reads).buffered(bridge.rules.concurrency);
    while let Some((id, got)) = reads.next().await {
        match got? {
            Some(customer) if customer.id == *id => drop(customers.insert(id.clone(), customer)),
            Some(_) | None => drop(customers.remove(id)),
        }
    }
    Ok(())
}
