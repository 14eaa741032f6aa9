//! What happens at Vivocha: people chat, agents merge and edit. Each way answers whether there was somebody left for it.

use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use super::{
    Change,
    hand::{Chosen, Hand, linked, writing},
};
use crate::sandbox::population::{AskTruth, Expected, Kind, MergeTruth, Why};

/// The ways to chat.
pub(super) const CHATS: &[fn(&mut Hand<'_>) -> bool] = &[
    |hand| chat_by_email(hand, true),
    |hand| chat_by_email(hand, false),
    |hand| chat_by_phone(hand, true),
    |hand| chat_by_phone(hand, false),
    second_chat,
];

/// The ways in which agents merge.
pub(super) const MERGES: &[fn(&mut Hand<'_>) -> bool] =
    &[|hand| merged(hand, true), |hand| merged(hand, false), merged_into_new];

/// The ways in which agents edit.
pub(super) const EDITS: &[fn(&mut Hand<'_>) -> bool] = &[
    |hand| over_phone(hand, "customer lacks the telephone", false),
    |hand| over_phone(hand, "customer lacks the telephone", true),
    |hand| over_email(hand, "customer lacks the e-mail", false),
    |hand| over_email(hand, "customer lacks the e-mail", true),
    |hand| over_name(hand, false),
    |hand| over_name(hand, true),
    cleared,
    |hand| over_phone(hand, "both identifiers", false),
    |hand| over_phone(hand, "both identifiers", true),
    |hand| over_email(hand, "both identifiers", false),
    |hand| over_email(hand, "both identifiers", true),
    elsewhere,
];

fn chat_by_email(hand: &mut Hand<'_>, named: bool) -> bool {
    let has_email = |chosen: &Chosen| chosen.contact.email.is_some();
    let Some(chosen) = hand.choose_if(Kind::NoCounterpart, "never chatted", has_email) else { return false };
    let email = chosen.contact.email.clone().unwrap_or_default().to_lowercase();
    let number = chosen.number();
    came(hand, chosen, named, ("email", &email), number.as_deref().map(|number| ("telnum", number)));
    true
}

fn chat_by_phone(hand: &mut Hand<'_>, named: bool) -> bool {
    let Some(chosen) = hand.choose_if(Kind::NoCounterpart, "never chatted", |chosen| chosen.number().is_some()) else {
        return false;
    };
    let number = chosen.number().unwrap_or_default();
    let email = chosen.contact.email.clone().map(|email| email.to_lowercase());
    let held = if hand.rng_even() { number } else { chosen.contact.phone.clone() };
    came(hand, chosen, named, ("telnum", &held), email.as_deref().map(|email| ("email", email)));
    true
}

/// A known person chatted: the customer gets what it lacks, unless it is not certain that it is she.
fn came(hand: &mut Hand<'_>, chosen: Chosen, named: bool, held: (&str, &str), lacked: Option<(&str, &str)>) {
    let (given, family) = chosen.two_words();
    let words = [("firstname", given.as_str()), ("lastname", family.as_str())];
    let fields: Vec<_> = [held].into_iter().chain(words.into_iter().filter(|_| named)).collect();
    let customer = hand.chat(chosen.truth.person, chosen.truth.kind, &fields);
    let by_phone = held.0 == "telnum";
    // The country code of Italy, and a landline's 0.
    let fixed = chosen.number().is_some_and(|number| number.starts_with("+390"));
    if by_phone && fixed && !named {
        let mut truth = chosen.truth;
        (truth.state, truth.findable, truth.counterpart) = (Expected::Waiting, true, Some(customer.clone()));
        truth.asks = vec![AskTruth { customer, why: Why::FixedLineAlone }];
        hand.note(truth, Change::NamelessChatByPhone);
        return;
    }
    let writes: Vec<_> = lacked.into_iter().chain(words.into_iter().filter(|_| !named)).collect();
    let change = match (by_phone, named) {
        (false, true) => Change::ChatByEmail,
        (false, false) => Change::NamelessChatByEmail,
        (true, true) => Change::ChatByPhone,
        (true, false) => Change::NamelessChatByPhone,
    };
    hand.note(writing(linked(chosen.truth, &customer), &writes), change);
}

/// She chatted from another device: a customer of hers besides the one she is linked to, who remains.
fn second_chat(hand: &mut Hand<'_>) -> bool {
    let Some(Chosen { contact, mut truth }) = hand.choose_settled() else { return false };
    let email = contact.email.unwrap_or_default().to_lowercase();
    let second = hand.chat(truth.person, truth.kind, &[("email", &email)]);
    let survivor = truth.customer.clone().unwrap_or_default();
    truth.merge = Some(MergeTruth { survivor, absorbed: vec![second], automatic: true });
    hand.note(truth, Change::SecondChat)
}

/// Customers of one person, of whom the rules would have proposed a merge.
const SEVERAL: &[&str] = &[
    "one has both, one the e-mail",
    "both have the e-mail",
    "a bridge",
    "a bridge, one without a name",
    "one has another telephone",
    "both have the telephone",
];

fn merged(hand: &mut Hand<'_>, linked_stays: bool) -> bool {
    let start = SEVERAL.choose(&mut hand.rng).copied().unwrap_or_default();
    let mut cases = [start].into_iter().chain(SEVERAL.iter().copied());
    let Some(chosen) = cases.find_map(|case| hand.choose(Kind::SeveralCustomers, case)) else { return false };
    let here = chosen.customer();
    let Some(other) = chosen.truth.merge.as_ref().and_then(|merge| merge.absorbed.first()).cloned() else {
        return false;
    };
    if linked_stays { absorb(hand, chosen, &here, &other) } else { absorb(hand, chosen, &other, &here) }
}

/// She chatted a second time, and an agent merged the customer she is linked to into the new one.
fn merged_into_new(hand: &mut Hand<'_>) -> bool {
    let Some(chosen) = hand.choose_settled() else { return false };
    let email = chosen.contact.email.clone().unwrap_or_default().to_lowercase();
    let second = hand.chat(chosen.truth.person, chosen.truth.kind, &[("email", &email)]);
    let here = chosen.customer();
    absorb(hand, chosen, &second, &here)
}

fn absorb(hand: &mut Hand<'_>, chosen: Chosen, survivor: &str, absorbed: &str) -> bool {
    if !hand.account.merge_customers(survivor, absorbed) {
        return false;
    }
    hand.drift.truth.customers.remove(absorbed);
    hand.drift.absorbed.insert(absorbed.to_owned(), survivor.to_owned());
    let change = if chosen.customer() == survivor { Change::MergedIntoLinked } else { Change::LinkedAbsorbed };
    let mut truth = linked(chosen.truth, survivor);
    truth.merge = None;
    hand.note(truth, change)
}

/// An agent gives a field a value; the shop may then change its source.
fn agent(hand: &mut Hand<'_>, chosen: Chosen, field: &str, value: &Value, change: Change) -> bool {
    let customer = chosen.customer();
    hand.account.edit_customer(&customer, |document| {
        document.insert(field.to_owned(), value.clone());
    });
    hand.stands(chosen.contact.id, &customer, field, value);
    hand.note(chosen.truth, change)
}

fn over_phone(hand: &mut Hand<'_>, case: &'static str, then_shop: bool) -> bool {
    let Some(chosen) = hand.choose(Kind::Plain, case) else { return false };
    let (theirs, ours) = (hand.new_mobile(), hand.new_mobile());
    if then_shop {
        hand.edit(chosen.contact.id, |contact| contact.phone = ours);
    }
    agent(hand, chosen, "telnum", &theirs.into(), over(case, then_shop))
}

fn over_email(hand: &mut Hand<'_>, case: &'static str, then_shop: bool) -> bool {
    let Some(chosen) = hand.choose(Kind::Plain, case) else { return false };
    let (theirs, ours) = (hand.new_email(), hand.new_email());
    if then_shop {
        hand.edit(chosen.contact.id, |contact| contact.email = Some(ours));
    }
    agent(hand, chosen, "email", &theirs.into(), over(case, then_shop))
}

/// The customer bore the name that we wrote; an agent adds a second family name. First, last and nickname are one unit: nothing of
/// it is ours any more.
fn over_name(hand: &mut Hand<'_>, then_shop: bool) -> bool {
    const CASE: &str = "customer lacks a name";
    let Some(chosen) = hand.choose(Kind::Plain, CASE) else { return false };
    let somebody = hand.newcomer(&chosen.contact.name);
    let (given, family) = chosen.two_words();
    if then_shop {
        hand.edit(chosen.contact.id, |contact| contact.name = somebody.name());
    }
    let customer = chosen.customer();
    hand.stands(chosen.contact.id, &customer, "firstname", &given.into());
    agent(hand, chosen, "lastname", &format!("{family} Aggiunti").into(), over(CASE, then_shop))
}

const fn over(case: &str, then_shop: bool) -> Change {
    match (case.as_bytes(), then_shop) {
        (b"both identifiers", false) => Change::AgentOverTheirs,
        (b"both identifiers", true) => Change::AgentOverTheirsThenShop,
        (_, false) => Change::AgentOverOurs,
        (_, true) => Change::AgentOverOursThenShop,
    }
}

/// An agent took away a number that we had written. The shop still says it, and says nothing new: it stays away.
fn cleared(hand: &mut Hand<'_>) -> bool {
    let Some(chosen) = hand.choose(Kind::Plain, "customer lacks the telephone") else { return false };
    agent(hand, chosen, "telnum", &Value::Null, Change::AgentCleared)
}

/// What no contact says anything about.
fn elsewhere(hand: &mut Hand<'_>) -> bool {
    let Some(chosen) = hand.choose_settled() else { return false };
    let (field, value) =
        [("tags", json!(["richiamare"])), ("data", json!({ "crm": { "open": 3 } })), ("nickname", json!("la signora"))]
            .choose(&mut hand.rng)
            .cloned()
            .unwrap_or(("tags", Value::Null));
    agent(hand, chosen, field, &value, Change::AgentElsewhere)
}
