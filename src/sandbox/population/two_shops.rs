//! Two shops that feed one account: some people are in both, under other ids and spelled otherwise; the others are in one.
//!
//! Made of one population, so that no identifier of one shop is by chance somebody else's in the other. Only people who stand
//! alone there are moved or doubled: what is true of a family behind one telephone is true of it wherever its members shop.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{ContactTruth, Kind, OtherShop, Population, ShopContact, generate, numbers::international, plain::capital};

/// What the configuration calls the second shop.
const SECOND: &str = "second";

/// How large the two are.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Contacts of the first shop.
    pub first: usize,
    /// Contacts of the second, `second`.
    pub second: usize,
    /// People in both: at most a third of the smaller shop, so that there are enough of the kinds that can be.
    pub shared: usize,
    /// Customers of the account.
    pub customers: usize,
}

/// The people of a seed in two shops. A person in both is linked, or not, in both alike; where she is linked the first shop owns,
/// whose name comes first in the alphabet, if both are crossed in that order: an owner stays while its link stands.
#[must_use]
pub fn two_shops(seed: u64, sizes: Sizes) -> Population {
    let Sizes { first, second, shared, customers } = sizes;
    let alone = second.saturating_sub(shared);
    let mut people = generate(seed, first + alone, customers);
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5EC0_4D5B);
    let mut single: Vec<usize> = (0..people.contacts.len())
        .filter(|at| people.contacts.get(*at).and_then(|c| people.truth.contacts.get(&c.id)).is_some_and(stands_alone))
        .collect();
    single.shuffle(&mut rng);
    let moved: BTreeSet<usize> = single.iter().take(alone).copied().collect();
    let doubled: Vec<usize> = single.iter().skip(alone).take(shared).copied().collect();
    let as_written: BTreeSet<String> = people
        .customers
        .iter()
        .flat_map(|customer| ["email", "telnum"].map(|field| customer.get(field)?.as_str().map(str::to_owned)))
        .flatten()
        .collect();
    let mut drafts: Vec<(ShopContact, ContactTruth)> = Vec::new();
    for at in doubled {
        let Some(contact) = people.contacts.get(at) else { continue };
        let Some(truth) = people.truth.contacts.get(&contact.id) else { continue };
        let mut truth = truth.clone();
        truth.owner = false;
        truth.writes.clear();
        drafts.push((respelled(contact, &as_written, &mut rng), truth));
    }
    let mut stay = Vec::with_capacity(first);
    for (at, contact) in std::mem::take(&mut people.contacts).into_iter().enumerate() {
        match people.truth.contacts.get(&contact.id).filter(|_| moved.contains(&at)).cloned() {
            Some(truth) => {
                people.truth.contacts.remove(&contact.id);
                drafts.push((contact, truth));
            }
            None => stay.push(contact),
        }
    }
    people.contacts = stay;
    drafts.shuffle(&mut rng);
    let (mut contacts, mut truths, mut id) = (Vec::new(), BTreeMap::new(), 1000);
    for (mut contact, mut truth) in drafts {
        id += rng.random_range(1..=3);
        (contact.id, truth.contact) = (id, id);
        contacts.push(contact);
        truths.insert(id, truth);
    }
    people.truth.others.insert(SECOND.to_owned(), truths);
    people.others.push(OtherShop { name: SECOND.to_owned(), contacts });
    people
}

/// Nobody else's truth depends on this contact, nor hers on anybody.
fn stands_alone(truth: &ContactTruth) -> bool {
    matches!(truth.kind, Kind::Plain | Kind::NoCounterpart)
}

/// The same person as another hand wrote her down: the same identifiers and the same words of the name. Where a customer holds an
/// identifier just as the first shop wrote it, the second writes it so too: in another spelling nobody would find it.
fn respelled(contact: &ShopContact, as_written: &BTreeSet<String>, rng: &mut ChaCha8Rng) -> ShopContact {
    let name = match (rng.random_range(0..4), contact.name.split_whitespace().collect::<Vec<_>>().as_slice()) {
        (0, _) => contact.name.to_uppercase(),
        (1, [one, other]) => format!("{other} {one}"),
        (2, words) => words.join(" ").to_lowercase(),
        (_, _) => contact.name.clone(),
    };
    let otherwise = |email: &String, way: u32| match way {
        _ if as_written.contains(email) => email.clone(),
        0 => email.to_uppercase(),
        1 => capital(&email.to_lowercase()),
        _ => email.to_lowercase(),
    };
    let way = rng.random_range(0..3);
    let email = contact.email.as_ref().map(|email| otherwise(email, way));
    let number = international(&contact.phone).filter(|_| !as_written.contains(&contact.phone));
    let phone = match (rng.random_range(0..3), number) {
        (0, Some(number)) => number,
        (1, Some(number)) => format!("00{}", number.trim_start_matches('+')),
        (_, _) => contact.phone.clone(),
    };
    ShopContact { name, email, phone, customer: contact.customer + 5_000_000, ..contact.clone() }
}
