//! Who owns a customer that several contacts are linked to. The owner writes its fields, the others write nothing.
//! A person's choice comes first, then both identifiers before e-mail before telephone, then the lowest (shop, id); and an owner stays
//! while its link stands.

use std::collections::BTreeMap;

use crate::model::{
    ContactKey, CustomerId, Keyed,
    link::{Grounds, Role},
};

use super::{
    evidence::View,
    names::{NameMatch, compare_words},
};

/// A contact of this page that would be linked to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim<'a> {
    pub contact: &'a ContactKey,
    pub customer: &'a CustomerId,
    pub grounds: Grounds,
    pub name: &'a [Keyed],
    /// Whether it was linked to this customer before.
    pub standing: bool,
}

/// What a claim comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Granted {
    /// The link, in this role.
    As(Role),
    /// The owner's name differs: two people cannot be one customer, so a person decides.
    OwnerDiffers,
}

/// Settles all claims of a page, by contact.
pub(super) fn settle<'a>(claims: &[Claim<'a>], view: &View<'_>) -> BTreeMap<&'a ContactKey, Granted> {
    let mut by_customer: BTreeMap<&CustomerId, Vec<&Claim<'a>>> = BTreeMap::new();
    for claim in claims {
        by_customer.entry(claim.customer).or_default().push(claim);
    }
    let mut granted = BTreeMap::new();
    for (customer, mut rivals) in by_customer {
        rivals.sort_by(|a, b| a.grounds.cmp(&b.grounds).then_with(|| a.contact.cmp(b.contact)));
        let owner = standing_owner(customer, claims, view)
            .or_else(|| rivals.first().map(|claim| (claim.contact.clone(), claim.name.to_vec())));
        for claim in rivals {
            granted.insert(claim.contact, role(claim, owner.as_ref()));
        }
    }
    granted
}

fn role(claim: &Claim<'_>, owner: Option<&(ContactKey, Vec<Keyed>)>) -> Granted {
    match owner {
        Some((owner, _)) if owner == claim.contact => Granted::As(Role::Owner),
        // A link that stands is not questioned by a rival's name, and a person's word is not questioned at all.
        Some((_, name))
            if !claim.standing
                && claim.grounds != Grounds::Person
                && compare_words(claim.name, name) == NameMatch::Differ =>
        {
            Granted::OwnerDiffers
        }
        Some(_) => Granted::As(Role::Secondary),
        None => Granted::As(Role::Owner),
    }
}

/// The owner before this page, unless this page moves it elsewhere.
fn standing_owner(customer: &CustomerId, claims: &[Claim<'_>], view: &View<'_>) -> Option<(ContactKey, Vec<Keyed>)> {
    let candidate = view.evidence.customers.get(customer)?;
    let owner = candidate.links.iter().find(|link| link.role == Role::Owner)?;
    let subject = view.evidence.subjects.iter().find(|subject| subject.key == owner.contact);
    match subject {
        Some(subject) => {
            let stays = claims.iter().any(|claim| claim.contact == &subject.key && claim.customer == customer);
            stays.then(|| (subject.key.clone(), subject.hashes.name.clone()))
        }
        None => {
            let name = view.evidence.linked_names.get(&owner.contact).cloned().unwrap_or_default();
            Some((owner.contact.clone(), name))
        }
    }
}
