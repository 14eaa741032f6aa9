//! The shop's contacts, by id, and who owns them.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet, HashSet},
    ops::Bound,
};

use serde_json::{Map, Value};

use crate::sandbox::population::ShopContact;

/// The fields of a contact, in the vendor's order.
pub(super) const FIELDS: [&str; 6] = ["id", "customer", "name", "phone", "email", "note"];

/// All of them.
pub(super) struct Records {
    contacts: BTreeMap<i64, ShopContact>,
    hidden: BTreeSet<i64>,
    customers: HashSet<i64>,
    last_id: i64,
}

impl Records {
    pub(super) fn new(contacts: Vec<ShopContact>) -> Self {
        let customers = contacts.iter().map(|contact| contact.customer).collect();
        let contacts: BTreeMap<_, _> = contacts.into_iter().map(|contact| (contact.id, contact)).collect();
        let last_id = contacts.keys().next_back().copied().unwrap_or(0);
        Self { contacts, hidden: BTreeSet::new(), customers, last_id }
    }

    pub(super) fn all(&self) -> Vec<ShopContact> {
        self.contacts.values().cloned().collect()
    }

    /// Ids are never given twice, not even after a deletion.
    pub(super) fn add(&mut self, mut contact: ShopContact, visible: bool) -> i64 {
        self.last_id += 1;
        contact.id = self.last_id;
        self.customers.insert(contact.customer);
        self.contacts.insert(self.last_id, contact);
        if !visible {
            self.hidden.insert(self.last_id);
        }
        self.last_id
    }

    /// Adds a contact under an id that was given to nobody: what a transaction that began early and ended late does. False if
    /// somebody has it, or it is above all that were given.
    pub(super) fn add_at(&mut self, id: i64, mut contact: ShopContact) -> bool {
        if id < 1 || id > self.last_id || self.contacts.contains_key(&id) {
            return false;
        }
        contact.id = id;
        self.customers.insert(contact.customer);
        self.contacts.insert(id, contact);
        true
    }

    pub(super) fn show(&mut self, id: i64) -> bool {
        self.hidden.remove(&id)
    }

    pub(super) fn edit(&mut self, id: i64, edit: impl FnOnce(&mut ShopContact)) -> bool {
        let Some(contact) = self.contacts.get_mut(&id) else { return false };
        edit(contact);
        contact.id = id;
        self.customers.insert(contact.customer);
        true
    }

    pub(super) fn delete(&mut self, id: i64) -> bool {
        self.hidden.remove(&id);
        self.contacts.remove(&id).is_some()
    }

    pub(super) fn has_customer(&self, id: i64) -> bool {
        self.customers.contains(&id)
    }

    pub(super) fn get(&self, id: i64) -> Option<&ShopContact> {
        self.contacts.get(&id).filter(|_| !self.hidden.contains(&id))
    }

    /// How many are visible after an id; all of them without looking at each.
    pub(super) fn count(&self, after: i64) -> usize {
        let range = (Bound::Excluded(after), Bound::Unbounded);
        let before_all = self.contacts.first_key_value().is_none_or(|(first, _)| after < *first);
        let held = if before_all { self.contacts.len() } else { self.contacts.range(range).count() };
        held - self.hidden.range(range).count()
    }

    /// Those that are visible and meet the conditions, by id.
    pub(super) fn matching(&self, customer: Option<i64>, after: i64) -> impl Iterator<Item = &ShopContact> {
        self.contacts
            .range((Bound::Excluded(after), Bound::Unbounded))
            .map(|(_, contact)| contact)
            .filter(move |contact| !self.hidden.contains(&contact.id))
            .filter(move |contact| customer.is_none_or(|customer| contact.customer == customer))
    }
}

/// Who has this id in another installation: always the same person, and nobody of this one.
pub(super) fn somebody_else(id: i64) -> ShopContact {
    ShopContact {
        id,
        customer: id,
        name: format!("Altrove{id} Forestieri{id}"),
        phone: format!("+39344{:07}", id % 10_000_000),
        email: Some(format!("forestieri{id}@altro-negozio.example")),
        note: String::new(),
    }
}

/// One key of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) field: &'static str,
    pub(super) descending: bool,
}

/// Compares by several keys in turn.
pub(super) fn by(keys: &[Key], one: &ShopContact, other: &ShopContact) -> Ordering {
    let compare = |key: &Key| {
        let ordering = match key.field {
            "customer" => one.customer.cmp(&other.customer),
            "name" => one.name.cmp(&other.name),
            "phone" => one.phone.cmp(&other.phone),
            "email" => one.email.cmp(&other.email),
            "note" => one.note.cmp(&other.note),
            _ => one.id.cmp(&other.id),
        };
        if key.descending { ordering.reverse() } else { ordering }
    };
    keys.iter().map(compare).find(|ordering| ordering.is_ne()).unwrap_or(Ordering::Equal)
}

/// A contact as answered. A missing e-mail is `null`, `""` or absent, in turn by id: the vendor's samples show all three.
pub(super) fn answered(contact: &ShopContact, fields: &[&'static str]) -> Value {
    let mut row = Map::new();
    for field in fields {
        let value = match *field {
            "id" => contact.id.into(),
            "customer" => contact.customer.into(),
            "name" => contact.name.clone().into(),
            "phone" => contact.phone.clone().into(),
            "note" => contact.note.clone().into(),
            _ => match (&contact.email, contact.id % 3) {
                (Some(email), _) => email.clone().into(),
                (None, 0) => Value::Null,
                (None, 1) => "".into(),
                (None, _) => continue,
            },
        };
        row.insert((*field).to_owned(), value);
    }
    Value::Object(row)
}
