//! What every change needs: people of a kind that were not touched yet, names and identifiers that nobody has, and the pen that
//! writes a change down.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use super::{Change, Drift, Stands};
use crate::sandbox::{
    open2b::Shop,
    population::{
        ContactTruth, CustomerTruth, Expected, Kind, ShopContact, Truth,
        names::{FAMILY, GIVEN, pick},
        numbers::international,
    },
    vivocha::Account,
};

/// Somebody new, whose every word and identifier is nobody's.
pub(super) struct Newcomer {
    pub(super) given: String,
    pub(super) family: String,
    pub(super) email: String,
    /// E.164
    pub(super) mobile: String,
}

impl Newcomer {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

/// Somebody chosen: the contact as it stands, and what was true of it.
pub(super) struct Chosen {
    pub(super) contact: ShopContact,
    pub(super) truth: ContactTruth,
}

impl Chosen {
    /// The customer it is linked to; the pools of the linked hold no others.
    pub(super) fn customer(&self) -> String {
        self.truth.customer.clone().unwrap_or_default()
    }

    /// The words of a name of two: given, family.
    pub(super) fn two_words(&self) -> (String, String) {
        let (given, family) = self.contact.name.trim().split_once(' ').unwrap_or((&self.contact.name, ""));
        (given.to_owned(), family.to_owned())
    }

    /// Her telephone number as a customer may hold it.
    pub(super) fn number(&self) -> Option<String> {
        international(&self.contact.phone)
    }
}

/// Both systems and the truth, while they change.
pub(super) struct Hand<'a> {
    pub(super) shop: &'a Shop,
    pub(super) account: &'a Account,
    pub(super) rng: ChaCha8Rng,
    pub(super) drift: Drift,
    contacts: HashMap<i64, ShopContact>,
    pools: BTreeMap<(Kind, &'static str), Vec<i64>>,
    free: Vec<i64>,
    taken: HashSet<String>,
    next_person: u32,
}

impl<'a> Hand<'a> {
    pub(super) fn new(shop: &'a Shop, account: &'a Account, truth: &Truth, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut truth = truth.clone();
        // What the first crossing was to write is written.
        truth.contacts.values_mut().for_each(|truth| truth.writes.clear());
        let held = account.customers();
        let fields = held.iter().flat_map(|customer| ["email", "telnum"].map(|field| customer.get(field)));
        let mut taken: HashSet<String> = fields
            .flatten()
            .filter_map(Value::as_str)
            .map(|held| international(held).unwrap_or(held.to_lowercase()))
            .collect();
        let contacts: HashMap<i64, ShopContact> =
            shop.contacts().into_iter().map(|contact| (contact.id, contact)).collect();
        for contact in contacts.values() {
            taken.extend(international(&contact.phone));
            taken.extend(contact.email.as_ref().map(|email| email.to_lowercase()));
        }
        let mut pools: BTreeMap<_, Vec<i64>> = BTreeMap::new();
        for truth in truth.contacts.values().filter(|truth| contacts.contains_key(&truth.contact)) {
            pools.entry((truth.kind, truth.case)).or_default().push(truth.contact);
        }
        for pool in pools.values_mut() {
            pool.shuffle(&mut rng);
        }
        let ids: BTreeSet<i64> = contacts.keys().copied().collect();
        let mut free: Vec<i64> = match (ids.first(), ids.last()) {
            (Some(first), Some(last)) => (*first..*last).filter(|id| !ids.contains(id)).collect(),
            _ => Vec::new(),
        };
        free.shuffle(&mut rng);
        let next_person = truth.contacts.values().map(|truth| truth.person).max().unwrap_or(0);
        let drift = Drift { truth, ..Drift::default() };
        Self { shop, account, rng, drift, contacts, pools, free, taken, next_person }
    }

    /// One of this case whom nothing has happened to yet and who suits.
    pub(super) fn choose_if(
        &mut self,
        kind: Kind,
        case: &'static str,
        suits: impl Fn(&Chosen) -> bool,
    ) -> Option<Chosen> {
        let pool = self.pools.get_mut(&(kind, case))?;
        let at = pool.iter().rposition(|id| {
            let chosen = chosen(&self.contacts, &self.drift, *id);
            chosen.is_some_and(|chosen| suits(&chosen))
        })?;
        let id = pool.remove(at);
        chosen(&self.contacts, &self.drift, id)
    }

    /// One of this case whom nothing has happened to yet.
    pub(super) fn choose(&mut self, kind: Kind, case: &'static str) -> Option<Chosen> {
        self.choose_if(kind, case, |_| true)
    }

    /// A plain person who is linked, and of whom the first crossing wrote nothing.
    pub(super) fn choose_settled(&mut self) -> Option<Chosen> {
        self.choose(Kind::Plain, "both identifiers")
    }

    /// Another contact that is linked to this customer.
    pub(super) fn sibling(&self, of: &Chosen) -> Option<i64> {
        of.truth.customer.as_ref()?;
        let siblings = self.drift.truth.contacts.values();
        let linked = |truth: &&ContactTruth| truth.customer == of.truth.customer && truth.contact != of.contact.id;
        siblings.filter(|truth| truth.kind == of.truth.kind).find(linked).map(|truth| truth.contact)
    }

    pub(super) fn rng_even(&mut self) -> bool {
        self.rng.random_ratio(1, 2)
    }

    /// An id below the highest that nobody has.
    pub(super) fn free_id(&mut self) -> Option<i64> {
        self.free.pop()
    }

    pub(super) fn new_person(&mut self) -> u32 {
        self.next_person += 1;
        self.next_person
    }

    /// Somebody whose name shares no word with this one.
    pub(super) fn newcomer(&mut self, unlike: &str) -> Newcomer {
        let unlike = unlike.to_lowercase();
        let mut word = |from: &[&'static str]| loop {
            let word = pick(&mut self.rng, from);
            if !unlike.split_whitespace().any(|other| other == word.to_lowercase()) {
                break word.to_owned();
            }
        };
        let (given, family) = (word(GIVEN), word(FAMILY));
        Newcomer { given, family, email: self.new_email(), mobile: self.new_mobile() }
    }

    pub(super) fn new_email(&mut self) -> String {
        loop {
            let email = format!("casella{}@posta.example", self.rng.random_range(0..10_000_000));
            if self.taken.insert(email.clone()) {
                return email;
            }
        }
    }

    pub(super) fn new_mobile(&mut self) -> String {
        loop {
            let number = format!("+39347{}", self.rng.random_range(2_000_000..9_000_000));
            if self.taken.insert(number.clone()) {
                return number;
            }
        }
    }

    /// A customer comes to chat, who is this person.
    pub(super) fn chat(&mut self, person: u32, kind: Kind, fields: &[(&str, &str)]) -> String {
        let id = format!("{:08x}{:016x}", self.rng.random::<u32>(), self.rng.random::<u64>());
        let mut document = Map::from_iter([("id".to_owned(), Value::from(id))]);
        document.extend(fields.iter().map(|(field, value)| ((*field).to_owned(), Value::from(*value))));
        let id = self.account.add_customer(document);
        self.drift.truth.customers.insert(id.clone(), CustomerTruth { customer: id.clone(), person, kind });
        id
    }

    /// The staff edits a contact.
    pub(super) fn edit(&mut self, id: i64, edit: impl FnOnce(&mut ShopContact)) {
        self.shop.edit_contact(id, edit);
    }

    /// Writes down what happened, and what is true of the contact now.
    pub(super) fn note(&mut self, truth: ContactTruth, change: Change) -> bool {
        self.drift.changed.insert(truth.contact, change);
        self.drift.truth.contacts.insert(truth.contact, truth);
        true
    }

    /// Writes down an agent's value.
    pub(super) fn stands(&mut self, contact: i64, customer: &str, field: &str, value: &Value) {
        let (customer, field, value) = (customer.to_owned(), field.to_owned(), value.clone());
        self.drift.stands.push(Stands { contact, customer, field, value });
    }
}

fn chosen(contacts: &HashMap<i64, ShopContact>, drift: &Drift, id: i64) -> Option<Chosen> {
    // A sibling may have been touched on somebody else's account.
    if drift.changed.contains_key(&id) {
        return None;
    }
    Some(Chosen { contact: contacts.get(&id)?.clone(), truth: drift.truth.contacts.get(&id)?.clone() })
}

/// The truth of a contact that is now nobody's customer.
pub(super) fn unlinked(mut truth: ContactTruth, state: Expected) -> ContactTruth {
    (truth.state, truth.customer, truth.owner, truth.merge) = (state, None, false, None);
    (truth.counterpart, truth.findable) = (None, false);
    truth.asks.clear();
    truth
}

/// The truth of a contact that is now linked to this customer, and owns it.
pub(super) fn linked(mut truth: ContactTruth, customer: &str) -> ContactTruth {
    (truth.state, truth.owner, truth.findable) = (Expected::Linked, true, true);
    (truth.customer, truth.counterpart) = (Some(customer.to_owned()), Some(customer.to_owned()));
    truth.asks.clear();
    truth
}

/// The same, and this is to be written to the customer.
pub(super) fn writing(mut truth: ContactTruth, writes: &[(&str, &str)]) -> ContactTruth {
    truth.writes = writes.iter().map(|(field, value)| ((*field).to_owned(), (*value).to_owned())).collect();
    truth
}
