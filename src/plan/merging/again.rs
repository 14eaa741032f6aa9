//! Whether a proposal, planned anew from what both systems say right now, is still the one that was authorised. Anything else
//! drops it, unsent.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    CustomerId, Keyed,
    merge::{AuthorisedBy, Tried},
    proposal::{Authority, Proposal, Proposed},
};

use super::super::page::ContactPlan;

/// What is still to be merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// The one that stays.
    pub survivor: CustomerId,
    /// Those that go into it, one after the other.
    pub absorbed: Vec<CustomerId>,
    /// What each of them says for itself.
    pub rests_on: BTreeMap<CustomerId, Keyed>,
    /// On what evidence, in codes.
    pub evidence: Vec<String>,
}

/// Why it is not the same any more, a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Nothing is proposed for its contact.
    NotProposed,
    /// Something else is.
    Another,
    /// It is the same, and the rules ask a person now.
    Asks,
}

impl Changed {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotProposed => "not-proposed-any-more",
            Self::Another => "proposed-otherwise",
            Self::Asks => "asks-now",
        }
    }
}

/// What is left of a proposal, if it stands. Where a part of it was carried out, the rest of its customers must say what they said
/// then, and nothing may speak against it that did not before: the survivor has become another customer by that very part.
///
/// # Errors
/// Why it does not stand.
pub fn again(kept: &Proposal, by: &AuthorisedBy, tried: &Tried, anew: &ContactPlan) -> Result<Rest, Changed> {
    let merges = || anew.proposals.iter().filter(|proposal| matches!(proposal.proposed, Proposed::Merge { .. }));
    let found = if tried.gone.is_empty() {
        merges().find(|proposal| proposal.id == kept.id)
    } else {
        merges().find(|proposal| is_rest(kept, tried, proposal, anew))
    };
    let found = found.ok_or(if merges().next().is_some() { Changed::Another } else { Changed::NotProposed })?;
    if by.is_automatic() && found.authority != Authority::Automatic {
        return Err(Changed::Asks);
    }
    let Proposed::Merge { survivor, absorbed } = &found.proposed else { return Err(Changed::Another) };
    Ok(Rest {
        survivor: survivor.clone(),
        absorbed: absorbed.clone(),
        rests_on: values(anew, absorbed.iter().chain([survivor])),
        evidence: found.evidence.clone(),
    })
}

fn is_rest(kept: &Proposal, tried: &Tried, found: &Proposal, anew: &ContactPlan) -> bool {
    let gone: BTreeSet<&CustomerId> = tried.gone.iter().collect();
    let (Some(mut left), Some(there)) = (members(kept), members(found)) else { return false };
    left.retain(|customer| !gone.contains(customer));
    let survivor = match &found.proposed {
        Proposed::Merge { survivor, .. } => survivor,
        Proposed::Link { .. } => return false,
    };
    let now = values(anew, there.iter().copied().filter(|customer| *customer != survivor));
    let says_the_same = now.iter().all(|(customer, said)| tried.rests_on.get(customer) == Some(said));
    left == there && says_the_same && reasons(&found.authority).is_subset(&reasons(&kept.authority))
}

fn members(proposal: &Proposal) -> Option<BTreeSet<&CustomerId>> {
    match &proposal.proposed {
        Proposed::Merge { survivor, absorbed } => Some(absorbed.iter().chain([survivor]).collect()),
        Proposed::Link { .. } => None,
    }
}

fn reasons(authority: &Authority) -> BTreeSet<&str> {
    match authority {
        Authority::Automatic => BTreeSet::new(),
        Authority::Ask(reasons) => reasons.iter().map(String::as_str).collect(),
    }
}

fn values<'a>(anew: &ContactPlan, of: impl Iterator<Item = &'a CustomerId>) -> BTreeMap<CustomerId, Keyed> {
    let said = |customer: &CustomerId| anew.weighed.iter().find(|w| w.customer == *customer).and_then(|w| w.values);
    of.filter_map(|customer| Some((customer.clone(), said(customer)?))).collect()
}

#[cfg(test)]
mod tests;
