//! What is at hand in the clear, and every hash that may have been made of it: what a new key can be applied to. Hashes have no way
//! back; a stored one is known again only by making it anew from what stands in the shop and in Vivocha now.
//!
//! Made in an order that does not depend on the key, so that two keys give two lists of which each pair is one value. That a
//! list holds what nobody ever stored does no harm.

use serde_json::{Map, Value};

use crate::model::{Contact, Customer, Keyed, ShopName, link::Field};

use super::{
    Reading,
    value::{self, Said, Standing},
};
use crate::plan::{
    fingerprint,
    names::{self, SplitName},
    normalise::Identity,
};

/// One contact and the customers it is or was linked to, as far as they can be read. Personal.
#[derive(Debug, Clone, Copy)]
pub struct Plain<'a> {
    /// The contact's shop.
    pub shop: &'a ShopName,
    /// The contact, as the shop has it now, and what that is.
    pub contact: Option<(&'a Contact, &'a Identity)>,
    /// The customers.
    pub customers: &'a [Customer],
}

/// Every hash that may have been made of it.
#[must_use]
pub fn hashes(plain: &Plain<'_>, reading: &Reading<'_>) -> Vec<Keyed> {
    let mut made = Made { reading, hashes: Vec::new() };
    made.of_nothing();
    if let Some((contact, identity)) = plain.contact {
        made.of_contact(plain.shop, contact, identity);
    }
    for customer in plain.customers {
        made.of_customer(customer);
        if let Some((contact, identity)) = plain.contact {
            made.of_names_side_by_side(&value::said(Field::Name, plain.shop, contact, identity), customer);
        }
    }
    made.hashes
}

struct Made<'a> {
    reading: &'a Reading<'a>,
    hashes: Vec<Keyed>,
}

impl Made<'_> {
    /// What stands for a blank, on either side.
    fn of_nothing(&mut self) {
        self.hashes.push(self.reading.key.hash("content", ""));
        for field in Field::ALL {
            self.said(field, &Said::Nothing);
            self.said(field, &Said::Unusable);
            match field {
                Field::Name => self.named(Value::Null, Value::Null, Value::Null),
                Field::Email | Field::Phone | Field::Note | Field::Ids => self.stands(field, &[Value::Null]),
            }
        }
    }

    fn of_contact(&mut self, shop: &ShopName, contact: &Contact, identity: &Identity) {
        let Reading { rules, key, .. } = self.reading;
        self.hashes.push(fingerprint::content(contact, rules, key));
        self.hashes.extend(identity.email.as_ref().map(|email| key.email(email)));
        self.hashes.extend(identity.phone.as_ref().map(|phone| key.phone(phone)));
        self.words(identity.name.words());
        for field in Field::ALL {
            let said = value::said(field, shop, contact, identity);
            self.said(field, &said);
            // What we write is mostly what comes back.
            match &said {
                Said::Nothing | Said::Unusable => {}
                Said::Text(text) => self.stands(field, &[text.as_str().into()]),
                Said::Name(SplitName::Split { first, last }) => self.named(first.as_str(), last.as_str(), Value::Null),
                Said::Name(SplitName::Whole(whole)) => self.named(Value::Null, Value::Null, whole.as_str()),
                Said::Id(shop, id) => {
                    let entry = Map::from_iter([(shop.as_str().to_owned(), Value::from(*id))]);
                    self.stands(field, &[Value::Object(entry)]);
                }
            }
        }
    }

    fn of_customer(&mut self, customer: &Customer) {
        for field in Field::ALL {
            for standing in value::parts(field, customer, self.reading) {
                self.hashes.push(value::hash(field, &standing, self.reading.key));
            }
        }
        let naming = self.reading.naming;
        self.identifier(Field::Email, customer, &naming.email);
        self.identifier(Field::Phone, customer, &naming.telnum);
        let note = customer.text(&self.reading.rules.note.to).as_str().unwrap_or_default().trim();
        self.said(Field::Note, &Said::Text(note.to_owned()));
        self.names(customer);
    }

    /// An identifier as it stands is its normal form in some spelling: what a contact says, and what we write.
    fn identifier(&mut self, field: Field, customer: &Customer, target: &str) {
        let text = customer.text(target).as_str().unwrap_or_default();
        let Some(normal) = value::normal(field, text, self.reading.region) else { return };
        // Hashed under the field's word, as `HashKey::email` and `phone` do.
        self.hashes.push(self.reading.key.hash(field.as_str(), &normal));
        self.stands(field, &[normal.as_str().into()]);
        self.said(field, &Said::Text(normal));
    }

    fn names(&mut self, customer: &Customer) {
        let [first, last, nickname] = self.name_of(customer);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let full = format!("{} {}", text(&first), text(&last));
        self.words(names::fold(&full).words());
        self.words(names::fold(&text(&nickname)).words());
        self.said(Field::Name, &Said::Name(SplitName::Split { first: text(&first), last: text(&last) }));
        for whole in [text(&nickname), full.trim().to_owned()] {
            self.said(Field::Name, &Said::Name(names::split(&whole)));
            self.said(Field::Name, &Said::Name(SplitName::Whole(whole)));
        }
        // A nickname that was added beside our first and last name, or they beside our nickname.
        self.named(first, last, Value::Null);
        self.named(Value::Null, Value::Null, nickname);
    }

    /// Our part of a name beside somebody else's.
    fn of_names_side_by_side(&mut self, said: &Said, customer: &Customer) {
        let [first, last, nickname] = self.name_of(customer);
        match said {
            Said::Name(SplitName::Split { first, last }) => self.named(first.as_str(), last.as_str(), nickname),
            Said::Name(SplitName::Whole(whole)) => self.named(first, last, whole.as_str()),
            Said::Nothing | Said::Unusable | Said::Text(_) | Said::Id(..) => {}
        }
    }

    fn name_of(&self, customer: &Customer) -> [Value; 3] {
        let naming = self.reading.naming;
        [&naming.first_name, &naming.last_name, &naming.nickname]
            .map(|target| customer.document.get(target).cloned().unwrap_or(Value::Null))
    }

    fn named(&mut self, first: impl Into<Value>, last: impl Into<Value>, nickname: impl Into<Value>) {
        self.stands(Field::Name, &[first.into(), last.into(), nickname.into()]);
    }

    fn words(&mut self, words: &[String]) {
        self.hashes.extend(words.iter().map(|word| self.reading.key.hash("name", word)));
    }

    fn said(&mut self, field: Field, said: &Said) {
        self.hashes.push(value::source_hash(field, said, self.reading.key));
    }

    fn stands(&mut self, field: Field, values: &[Value]) {
        let standing: Standing = values.iter().map(|value| (String::new(), value.clone())).collect();
        self.hashes.push(value::hash(field, &standing, self.reading.key));
    }
}
