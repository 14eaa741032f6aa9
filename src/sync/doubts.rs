//! Updates of earlier runs that nobody knows the outcome of: whether they were applied is seen in the customer; that one was not is certain
//! only once it is too late for it.

use std::collections::BTreeMap;

use super::Bridge;
use crate::{
    model::{ContactId, time::Moment},
    plan::{
        evidence::Evidence,
        fields,
        safeguards::{self, Doubted},
    },
    store::{Known, WriteId, WriteOutcome},
};

/// What is known of them now, by the contacts they were for.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// What is to be recorded of each.
    pub settled: Vec<(ContactId, (WriteId, WriteOutcome))>,
    /// Contacts that are to be looked at again, and when: what one of these may still do to their customers is seen then.
    pub open: BTreeMap<ContactId, Moment>,
}

impl Doubts {
    /// What the customers read for a page tell of them.
    pub fn of(bridge: &Bridge, evidence: &Evidence, known: &Known) -> Self {
        let mut doubts = Self::default();
        let now = bridge.clock.now();
        let judged = evidence.subjects.iter().filter_map(|subject| {
            let id = subject.key.id;
            Some((id, known.contacts.get(&id)?))
        });
        for (contact, write) in judged.flat_map(|(id, prior)| prior.unsettled.iter().map(move |write| (id, write))) {
            let declared = write.fields.iter().map(|(field, d)| (*field, (d.source, d.sent))).collect();
            let applied = evidence.customers.get(&write.customer).is_some_and(|candidate| {
                !fields::adopted(&candidate.customer, &declared, &bridge.reading()).is_empty()
            });
            let (outcome, until) = match safeguards::doubted(applied, write.doubted_at, now, bridge.rules.too_late()) {
                Doubted::Applied => (Some(WriteOutcome::Applied), None),
                Doubted::NotApplied => (Some(WriteOutcome::NotApplied), None),
                Doubted::Begins { until } => (Some(WriteOutcome::Unknown), Some(until)),
                Doubted::Stands { until } => (None, Some(until)),
            };
            doubts.settled.extend(outcome.map(|outcome| (contact, (write.id, outcome))));
            if let Some(until) = until {
                doubts.open.entry(contact).and_modify(|at| *at = until.max(*at)).or_insert(until);
            }
        }
        doubts
    }
}
