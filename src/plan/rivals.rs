//! An owner whose customer turns out to be somebody else's.
//!
//! The owner's link is questioned where both hold: **it contradicts the customer** (no identifier of its own stands there, another one
//! does, and so does another name), and **another contact fits** (holds an identifier that the customer has of its own and that is not
//! shared, and bears the customer's name).
//!
//! Whether a hostile shopper can silence a victim with this: he controls contacts of his own, with any address, number and name, and
//! what is typed into chats. He does not control the victim's contact, nor what the victim's customer holds, nor whether an
//! identifier of his is shared. So
//! - The contradiction is read from the victim's contact and customer alone, on bare values: he cannot take an agreement away by
//!   registering the victim's address until it is shared. While one identifier or the name of the victim's contact stands on the
//!   customer, whatever he registers questions nothing.
//! - Where all three speak against the victim already, his contact must hold an identifier of that customer and its name; a nameless
//!   contact questions nobody, nor do so many that they make the identifier a shared one. All that he gains is that an update of a
//!   customer that, by all that is known, is not the victim's waits for a person.
//! - Her answer ends it for good, whoever else comes: a person's "same person", and a link that rests on it, is never questioned.
//! - A chat that replaces all three values of the victim's customer (if the account lets a visitor do so) makes it the visitor's: to
//!   stop writing the victim's data there is what this is for.
//! - Each newcomer makes the owner due once when it is judged, however many it holds, and such a look is a few reads.

use std::collections::BTreeSet;

use crate::model::{
    ContactKey, Keyed,
    link::{Grounds, Link, Role},
    rules::MAX_HOLDERS,
};

use super::{
    evidence::{Candidate, Side, Subject, hashed_name},
    matching::Agreement,
    names::{self, NameMatch, compare_words},
    view::View,
};

/// Whether an owner's link is questioned by a rival.
pub(super) fn questioned(subject: &Subject, link: &Link, candidate: &Candidate, view: &View<'_>) -> bool {
    link.role == Role::Owner
        && link.grounds != Grounds::Person
        && contradicts(subject, candidate)
        && rivals(candidate, view).iter().any(|rival| **rival != subject.key)
}

/// On bare values: what others do with an identifier changes nothing about whose it is.
fn contradicts(subject: &Subject, candidate: &Candidate) -> bool {
    let (emails, phones) = &candidate.inside;
    let email = bare(subject.identity.email.as_ref(), candidate.email_as_evidence(), emails);
    let phone = bare(subject.identity.phone.as_ref(), candidate.phone_as_evidence(), phones);
    let sides = [email, phone];
    !sides.contains(&Agreement::Agree)
        && sides.contains(&Agreement::Differ)
        && names::compare(&subject.identity.name, candidate.name_as_evidence()) == NameMatch::Differ
}

fn bare<T: PartialEq>(mine: Option<&T>, theirs: &Side<T>, inside: &[T]) -> Agreement {
    match (mine, theirs) {
        (Some(mine), _) if inside.contains(mine) => Agreement::Agree,
        (Some(mine), Side::Is(theirs)) if mine == theirs => Agreement::Agree,
        (Some(_), Side::Is(_)) => Agreement::Differ,
        // What cannot be read contradicts nobody.
        (None, _) | (Some(_), Side::Blank | Side::Unreadable | Side::Opaque) => Agreement::Lacking,
    }
}

/// The contacts of the index that fit a customer for certain, by hashes: an identifier that it holds of its own and that is not shared,
/// and its name.
fn rivals<'a>(candidate: &Candidate, view: &View<'a>) -> BTreeSet<&'a ContactKey> {
    let name = hashed_name(candidate.name_as_evidence(), view.key);
    identifiers(candidate, view)
        .into_iter()
        .flat_map(|identifier| view.holders(identifier))
        .filter(|(_, theirs)| compare_words(theirs, &name) == NameMatch::Agree)
        .map(|(contact, _)| contact)
        .collect()
}

/// What a customer holds of its own, as hashes, shared ones left out.
fn identifiers(candidate: &Candidate, view: &View<'_>) -> Vec<Keyed> {
    let email = match candidate.email_as_evidence() {
        Side::Is(email) if view.shared_email(email).is_none() => Some(view.key.email(email)),
        Side::Is(_) | Side::Blank | Side::Unreadable | Side::Opaque => None,
    };
    let phone = match candidate.phone_as_evidence() {
        Side::Is(phone) if view.shared_phone(phone).is_none() => Some(view.key.phone(phone)),
        Side::Is(_) | Side::Blank | Side::Unreadable | Side::Opaque => None,
    };
    [email, phone].into_iter().flatten().collect()
}

/// The owner, of another page, that a newcomer may have found to contradict its customer: it holds nothing that the customer has of
/// its own, and bears another name. What it does hold only its own judgement can tell.
pub(super) fn owner_to_look_at<'a>(
    newcomer: &ContactKey,
    candidate: &'a Candidate,
    view: &View<'_>,
) -> Option<&'a ContactKey> {
    let owner =
        candidate.owner().filter(|owner| owner.grounds != Grounds::Person && !view.is_of_page(&owner.contact))?;
    let name = hashed_name(candidate.name_as_evidence(), view.key);
    let another = compare_words(view.linked_name(&owner.contact), &name) == NameMatch::Differ;
    let holds = |identifier: Keyed| view.holders(identifier).any(|(contact, _)| *contact == owner.contact);
    let fits = rivals(candidate, view).contains(newcomer);
    (another && fits && !identifiers(candidate, view).into_iter().any(holds)).then_some(&owner.contact)
}

/// Whoever of another page holds what a customer has of its own: its owner goes, and they may have been waiting for that.
pub(super) fn waiting_for<'a>(candidate: &Candidate, view: &View<'a>) -> BTreeSet<&'a ContactKey> {
    identifiers(candidate, view)
        .into_iter()
        .filter(|identifier| view.holders(*identifier).count() < MAX_HOLDERS)
        .flat_map(|identifier| view.holders(identifier))
        .map(|(contact, _)| contact)
        .filter(|contact| !view.is_of_page(contact))
        .collect()
}
