//! What the shop's staff does, and what ends late there. Each way answers whether there was somebody left to do it to.

use super::{
    Change,
    hand::{Chosen, Hand, linked, unlinked, writing},
};
use crate::sandbox::population::{AskTruth, ContactTruth, Expected, Kind, ShopContact, Why};

/// The ways to edit a contact.
pub(super) const EDITS: &[fn(&mut Hand<'_>) -> bool] = &[
    |hand| new_phone(hand, "customer lacks the telephone", Change::NewPhoneOverOurs),
    |hand| new_phone(hand, "both identifiers", Change::NewPhoneOverTheirs),
    |hand| new_email(hand, "customer lacks the e-mail", Change::NewEmailOverOurs),
    |hand| new_email(hand, "both identifiers", Change::NewEmailOverTheirs),
    |hand| new_name(hand, "customer lacks a name", Change::NewNameOverOurs),
    |hand| new_name(hand, "both identifiers", Change::NewNameOverTheirs),
    respelled,
    corrected,
    emptied,
    email_taken_away,
    |hand| reused(hand, false),
    |hand| reused(hand, true),
];

/// The ways to delete one: people of whom no one else's truth depends, and people registered twice.
pub(super) const DELETIONS: &[fn(&mut Hand<'_>) -> bool] = &[
    |hand| deleted(hand, Kind::Plain, "both identifiers"),
    |hand| deleted(hand, Kind::Plain, "customer lacks the telephone"),
    |hand| deleted(hand, Kind::NoCounterpart, "never chatted"),
    |hand| deleted(hand, Kind::RegisteredTwice, "registered twice, with both"),
    |hand| deleted(hand, Kind::RegisteredTwice, "registered twice, alike"),
];

/// The ways to become visible late.
pub(super) const LATE: &[fn(&mut Hand<'_>) -> bool] =
    &[late, |hand| late_and_known(hand, true), |hand| late_and_known(hand, false)];

fn new_phone(hand: &mut Hand<'_>, case: &'static str, change: Change) -> bool {
    let Some(Chosen { contact, truth }) = hand.choose(Kind::Plain, case) else { return false };
    let number = hand.new_mobile();
    hand.edit(contact.id, |contact| contact.phone.clone_from(&number));
    let ours = change == Change::NewPhoneOverOurs;
    hand.note(if ours { writing(truth, &[("telnum", &number)]) } else { truth }, change)
}

fn new_email(hand: &mut Hand<'_>, case: &'static str, change: Change) -> bool {
    let Some(Chosen { contact, truth }) = hand.choose(Kind::Plain, case) else { return false };
    let email = hand.new_email();
    hand.edit(contact.id, |contact| contact.email = Some(email.clone()));
    let ours = change == Change::NewEmailOverOurs;
    hand.note(if ours { writing(truth, &[("email", &email)]) } else { truth }, change)
}

/// By its identifiers the link stands, whatever the name.
fn new_name(hand: &mut Hand<'_>, case: &'static str, change: Change) -> bool {
    let Some(Chosen { contact, truth }) = hand.choose(Kind::Plain, case) else { return false };
    let somebody = hand.newcomer(&contact.name);
    hand.edit(contact.id, |contact| contact.name = somebody.name());
    let ours = change == Change::NewNameOverOurs;
    let writes = [("firstname", somebody.given.as_str()), ("lastname", somebody.family.as_str())];
    hand.note(if ours { writing(truth, &writes) } else { truth }, change)
}

fn respelled(hand: &mut Hand<'_>) -> bool {
    let Some(chosen) = hand.choose_settled() else { return false };
    let number = chosen.number().unwrap_or_default();
    hand.edit(chosen.contact.id, |contact| {
        contact.name = contact.name.to_uppercase();
        contact.email = contact.email.as_ref().map(|email| email.to_uppercase());
        contact.phone = format!("00{}", number.trim_start_matches('+'));
    });
    hand.note(chosen.truth, Change::Respelled)
}

/// She chatted, and only now can be found: by the e-mail that the staff mistyped.
fn corrected(hand: &mut Hand<'_>) -> bool {
    let Some(chosen) = hand.choose(Kind::Unusable, "no identifier") else { return false };
    let (email, (given, family)) = (hand.new_email(), chosen.two_words());
    let chat = [("email", email.as_str()), ("firstname", &given), ("lastname", &family)];
    let customer = hand.chat(chosen.truth.person, Kind::Unusable, &chat);
    hand.edit(chosen.contact.id, |contact| contact.email = Some(email.clone()));
    hand.note(linked(chosen.truth, &customer), Change::Corrected)
}

fn emptied(hand: &mut Hand<'_>) -> bool {
    let Some(Chosen { contact, truth }) = hand.choose(Kind::NoCounterpart, "never chatted") else { return false };
    hand.edit(contact.id, |contact| (contact.email, contact.phone) = (None, String::new()));
    hand.note(unlinked(truth, Expected::Invalid), Change::Emptied)
}

/// Blank never blanks: the customer keeps it.
fn email_taken_away(hand: &mut Hand<'_>) -> bool {
    let Some(Chosen { contact, truth }) = hand.choose(Kind::Plain, "customer lacks the e-mail") else { return false };
    hand.edit(contact.id, |contact| contact.email = None);
    hand.note(truth, Change::EmailTakenAway)
}

/// Nothing of what it was linked by remains. The link is kept and writes nothing until a person has said; also where the record
/// now says everything of another customer.
fn reused(hand: &mut Hand<'_>, for_a_customer: bool) -> bool {
    let Some(Chosen { contact, mut truth }) = hand.choose_settled() else { return false };
    let (customer, somebody, person) =
        (truth.customer.clone().unwrap_or_default(), hand.newcomer(&contact.name), hand.new_person());
    if for_a_customer {
        let chat = [("email", somebody.email.as_str()), ("firstname", &somebody.given), ("lastname", &somebody.family)];
        hand.chat(person, Kind::Plain, &chat);
    }
    hand.edit(contact.id, |contact| {
        contact.name = somebody.name();
        contact.email = Some(somebody.email.clone());
        contact.phone.clone_from(&somebody.mobile);
    });
    (truth.person, truth.state) = (person, Expected::Waiting);
    (truth.counterpart, truth.findable) = (None, false);
    truth.asks = vec![AskTruth { customer, why: Why::Questioned }];
    hand.note(truth, if for_a_customer { Change::ReusedForAnotherCustomer } else { Change::Reused })
}

fn deleted(hand: &mut Hand<'_>, kind: Kind, case: &'static str) -> bool {
    let Some(chosen) = hand.choose(kind, case) else { return false };
    let heir = hand.sibling(&chosen).and_then(|id| hand.drift.truth.contacts.get(&id)).cloned();
    hand.shop.delete_contact(chosen.contact.id);
    if let Some(mut heir) = heir {
        heir.owner = true;
        hand.note(heir, Change::Heir);
    }
    hand.note(unlinked(chosen.truth, Expected::Gone), Change::Deleted)
}

fn late(hand: &mut Hand<'_>) -> bool {
    let Some(id) = hand.free_id() else { return false };
    let (somebody, person) = (hand.newcomer(""), hand.new_person());
    let contact =
        ShopContact { name: somebody.name(), email: Some(somebody.email), phone: somebody.mobile, ..owned(person) };
    hand.shop.add_contact_below(id, contact) && hand.note(arrived(id, person), Change::Late)
}

/// A customer of long ago whose contact is read only now: what she lacks is written.
fn late_and_known(hand: &mut Hand<'_>, by_email: bool) -> bool {
    let Some(id) = hand.free_id() else { return false };
    let (somebody, person) = (hand.newcomer(""), hand.new_person());
    let (held, lacked) = if by_email {
        (("email", somebody.email.as_str()), ("telnum", somebody.mobile.as_str()))
    } else {
        (("telnum", somebody.mobile.as_str()), ("email", somebody.email.as_str()))
    };
    let customer = hand.chat(person, Kind::Plain, &[held]);
    let names = [("firstname", somebody.given.as_str()), ("lastname", somebody.family.as_str())];
    let truth = writing(linked(arrived(id, person), &customer), &[lacked, names[0], names[1]]);
    let contact = ShopContact {
        name: somebody.name(),
        email: Some(somebody.email.clone()),
        phone: somebody.mobile.clone(),
        ..owned(person)
    };
    hand.shop.add_contact_below(id, contact) && hand.note(truth, Change::LateAndKnown)
}

fn owned(person: u32) -> ShopContact {
    ShopContact { customer: i64::from(person), ..ShopContact::default() }
}

/// The truth of somebody who came late and never chatted.
fn arrived(id: i64, person: u32) -> ContactTruth {
    ContactTruth {
        contact: id,
        person,
        kind: Kind::NoCounterpart,
        case: "came late",
        state: Expected::Unmatched,
        customer: None,
        counterpart: None,
        findable: false,
        owner: false,
        writes: std::collections::BTreeMap::new(),
        asks: Vec::new(),
        merge: None,
    }
}
