//! Merges of one page that touch each other. Two contacts of one person propose the same merge: one proposal is enough, the first
//! contact's. Where clusters overlap without being the same, each of them asks: which of them is right is not for us to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    CustomerId,
    proposal::{Authority, Proposal, Proposed},
};

use super::PagePlan;

type Cluster = BTreeSet<CustomerId>;

pub(super) fn reconcile(plan: &mut PagePlan) {
    let clusters: BTreeSet<Cluster> =
        plan.contacts.iter().flat_map(|contact| &contact.proposals).filter_map(cluster).collect();
    let mut memberships: BTreeMap<&CustomerId, usize> = BTreeMap::new();
    for member in clusters.iter().flatten() {
        *memberships.entry(member).or_default() += 1;
    }
    let overlaps = |member: &CustomerId| memberships.get(member).is_some_and(|clusters| *clusters > 1);
    let mut seen = BTreeSet::new();
    for contact in &mut plan.contacts {
        contact.proposals.retain_mut(|proposal| {
            let Some(cluster) = cluster(proposal) else { return true };
            if cluster.iter().any(overlaps) {
                proposal.authority = overlapping(&proposal.authority);
            }
            seen.insert(cluster)
        });
        contact.proposals.sort();
    }
}

fn cluster(proposal: &Proposal) -> Option<Cluster> {
    match &proposal.proposed {
        Proposed::Link { .. } => None,
        Proposed::Merge { survivor, absorbed } => Some(absorbed.iter().chain([survivor]).cloned().collect()),
    }
}

fn overlapping(authority: &Authority) -> Authority {
    let mut reasons = match authority {
        Authority::Automatic => Vec::new(),
        Authority::Ask(reasons) => reasons.clone(),
    };
    reasons.push("overlapping-clusters".into());
    reasons.sort();
    Authority::Ask(reasons)
}
