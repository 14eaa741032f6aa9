//! Who owns a customer that several contacts are linked to. The owner writes its fields, the others write nothing.
//! A person's choice comes first, then both identifiers before e-mail before telephone, then the lowest (shop, id); and an owner stays
//! while its link stands. Who was its owner and is back is it again, unless another one is it now.

use std::collections::BTreeMap;

use crate::model::{
    ContactKey, CustomerId, Keyed,
    link::{Grounds, Role},
};

use super::{
    evidence::Candidate,
    names::{NameMatch, compare_words},
    past::Place,
    view::View,
};

/// A contact of this page that would be linked to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim<'a> {
    pub contact: &'a ContactKey,
    pub customer: &'a CustomerId,
    pub grounds: Grounds,
    pub name: &'a [Keyed],
    /// What it was to this customer before.
    pub place: Place,
    /// Whether its link stood today: such a one is not questioned by a rival's name.
    pub stands: bool,
}

/// What a claim comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Granted {
    /// The link, in this role.
    As(Role),
    /// The owner's name differs: two people cannot be one customer, so a person decides.
    OwnerDiffers,
}

/// Settles all claims of a page, one by contact. The store has one owner a customer: there is never a second one here.
pub(super) fn settle<'a>(claims: &[Claim<'a>], view: &View<'_>) -> BTreeMap<&'a ContactKey, Granted> {
    let mut by_customer: BTreeMap<&CustomerId, Vec<&Claim<'a>>> = BTreeMap::new();
    for claim in claims {
        by_customer.entry(claim.customer).or_default().push(claim);
    }
    let mut granted = BTreeMap::new();
    for (customer, mut rivals) in by_customer {
        let rank = |claim: &Claim<'_>| (claim.place, claim.grounds);
        rivals.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.contact.cmp(b.contact)));
        let elsewhere = view.customer(customer).and_then(|candidate| owner_elsewhere(candidate, view));
        let owner = elsewhere.or_else(|| rivals.first().map(|claim| (claim.contact, claim.name)));
        for claim in rivals {
            granted.insert(claim.contact, role(claim, owner));
        }
    }
    granted
}

fn role(claim: &Claim<'_>, owner: Option<(&ContactKey, &[Keyed])>) -> Granted {
    match owner {
        Some((owner, _)) if owner == claim.contact => Granted::As(Role::Owner),
        // A link that stands is not questioned by a rival's name, and a person's word is not questioned at all.
        Some((_, name))
            if !claim.stands
                && claim.grounds != Grounds::Person
                && compare_words(claim.name, name) == NameMatch::Differ =>
        {
            Granted::OwnerDiffers
        }
        Some(_) => Granted::As(Role::Secondary),
        None => Granted::As(Role::Owner),
    }
}

/// The owner before this page, if it is not of this page: such a one stays.
fn owner_elsewhere<'v>(candidate: &'v Candidate, view: &View<'v>) -> Option<(&'v ContactKey, &'v [Keyed])> {
    let owner = candidate.owner()?;
    (!view.is_of_page(&owner.contact)).then(|| (&owner.contact, view.linked_name(&owner.contact)))
}
