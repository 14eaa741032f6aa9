//! Evidence: everything read about a page of contacts, as the planner sees it. Gathered by `crate::sync::gather`;
//! nothing here reads anything.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::{
    Contact, ContactKey, Customer, CustomerId, Email, HashKey, Keyed, Phone, Text,
    link::{Field, Link, Role, Ruling},
};

pub use crate::model::Hashes;

use super::{
    fields::{self, Reading},
    names::{self, FoldedName},
    normalise::{self, Identity},
};

impl Hashes {
    /// The hashes of an identity.
    #[must_use]
    pub fn of(identity: &Identity, key: &HashKey) -> Self {
        Self {
            email: identity.email.as_ref().map(|email| key.email(email)),
            phone: identity.phone.as_ref().map(|phone| key.phone(phone)),
            name: hashed_name(&identity.name, key),
        }
    }
}

/// The hashes of a name's words, sorted.
#[must_use]
pub fn hashed_name(name: &FoldedName, key: &HashKey) -> Vec<Keyed> {
    let words: BTreeSet<Keyed> = name.words().iter().map(|word| key.hash("name", word)).collect();
    words.into_iter().collect()
}

/// Who holds identifiers among the contacts of all shops, by the hash of the identifier.
pub type Holders = BTreeMap<Keyed, BTreeMap<ContactKey, Vec<Keyed>>>;

/// Declared fields: the hashes of the contact's value and of what was to be sent.
pub type Declared = BTreeMap<Field, (Keyed, Keyed)>;

/// One contact that is to be judged.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Who.
    pub key: ContactKey,
    /// As the shop wrote it.
    pub contact: Contact,
    /// Normalised.
    pub identity: Identity,
    /// Its hashes now.
    pub hashes: Hashes,
    /// Its link.
    pub link: Option<Link>,
    /// Links it had and that are not forgotten yet, latest first.
    pub former: Vec<Link>,
    /// What persons said of it and customers.
    pub rulings: BTreeMap<CustomerId, Ruling>,
    /// Writes that were declared for it and whose outcome a crash kept from us, by customer, the oldest first.
    pub declared: BTreeMap<CustomerId, Vec<Declared>>,
    /// Whether a search for its e-mail found more customers than can be read.
    pub crowded_email: bool,
    /// The same for its telephone number.
    pub crowded_phone: bool,
}

/// An identifier on a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Side<T> {
    /// Nothing stands there.
    Blank,
    /// A valid one.
    Is(T),
    /// A text that is no valid one.
    Unreadable,
    /// Something that is no text.
    Opaque,
}

/// One customer found.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// As Vivocha answered.
    pub customer: Customer,
    /// Its e-mail.
    pub email: Side<Email>,
    /// Its telephone number.
    pub phone: Side<Phone>,
    /// What stands in something that is no text (a list of addresses): nothing to match by, but hers all the same.
    pub inside: (Vec<Email>, Vec<Phone>),
    /// First and last name.
    pub name: FoldedName,
    /// Nickname.
    pub nickname: FoldedName,
    /// Its links to contacts, former ones too, sorted by contact.
    pub links: Vec<Link>,
    /// The fields that hold what we wrote ourselves: never evidence.
    pub ours: BTreeSet<Field>,
}

impl Candidate {
    /// Reads a customer. `declared` are writes to it that a crash may have kept from being recorded.
    #[must_use]
    pub fn read(customer: Customer, links: Vec<Link>, declared: &[&Declared], reading: &Reading<'_>) -> Self {
        let Reading { naming, region, .. } = *reading;
        let email_of = |text: &str| normalise::email(text).ok().flatten();
        let phone_of = |text: &str| normalise::phone(text, region).ok().flatten();
        let email = side(customer.text(&naming.email), email_of);
        let phone = side(customer.text(&naming.telnum), phone_of);
        let inside = (inside(&customer, &naming.email, email_of), inside(&customer, &naming.telnum, phone_of));
        let full = [&naming.first_name, &naming.last_name]
            .iter()
            .filter_map(|field| customer.text(field).as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let name = names::fold(&full);
        let nickname = names::fold(customer.text(&naming.nickname).as_str().unwrap_or(""));
        // Whoever of us wrote it, an owner of today, one who stepped back, or one whose link ended.
        let ours = links
            .iter()
            .map(|link| link.baselines.clone())
            .chain(declared.iter().map(|declared| fields::adopted(&customer, declared, reading)))
            .flat_map(|baselines| fields::still_ours(&customer, &baselines, reading))
            .collect();
        let mut candidate = Self { customer, email, phone, inside, name, nickname, links, ours };
        candidate.sort_links();
        candidate
    }

    pub(super) fn sort_links(&mut self) {
        self.links.sort_by(|a, b| (&a.contact, a.ended, a.since).cmp(&(&b.contact, b.ended, b.since)));
    }

    /// Its owner today.
    #[must_use]
    pub fn owner(&self) -> Option<&Link> {
        self.links.iter().find(|link| link.role == Role::Owner && link.ended.is_none())
    }

    /// The e-mail as evidence: nothing, where we wrote it.
    #[must_use]
    pub fn email_as_evidence(&self) -> &Side<Email> {
        if self.ours.contains(&Field::Email) { &Side::Blank } else { &self.email }
    }

    /// The number as evidence: nothing, where we wrote it.
    #[must_use]
    pub fn phone_as_evidence(&self) -> &Side<Phone> {
        if self.ours.contains(&Field::Phone) { &Side::Blank } else { &self.phone }
    }

    /// First and last name as evidence: blank, where we wrote them.
    #[must_use]
    pub fn name_as_evidence(&self) -> &FoldedName {
        if self.ours.contains(&Field::Name) { &BLANK } else { &self.name }
    }

    /// The nickname as evidence: it is written with the name, and so never evidence where that is not.
    #[must_use]
    pub fn nickname_as_evidence(&self) -> &FoldedName {
        if self.ours.contains(&Field::Name) { &BLANK } else { &self.nickname }
    }

    /// The name by which it counts as a person: a nickname where there is no other.
    #[must_use]
    pub fn called(&self) -> &FoldedName {
        let name = self.name_as_evidence();
        if name.is_blank() { self.nickname_as_evidence() } else { name }
    }
}

static BLANK: FoldedName = FoldedName::blank();

fn side<T>(text: Text<'_>, normalised: impl Fn(&str) -> Option<T>) -> Side<T> {
    match text {
        Text::Blank => Side::Blank,
        Text::Is(text) => normalised(text).map_or(Side::Unreadable, Side::Is),
        Text::Opaque => Side::Opaque,
    }
}

fn inside<T>(customer: &Customer, field: &str, normalised: impl Fn(&str) -> Option<T> + Copy) -> Vec<T> {
    match customer.document.get(field) {
        Some(Value::Array(values)) => values.iter().flat_map(|value| held(value, normalised)).collect(),
        Some(value @ Value::Number(_)) => held(value, normalised),
        Some(Value::String(_) | Value::Null | Value::Bool(_) | Value::Object(_)) | None => Vec::new(),
    }
}

fn held<T>(value: &Value, normalised: impl Fn(&str) -> Option<T>) -> Vec<T> {
    match value {
        Value::String(text) => normalised(text).into_iter().collect(),
        Value::Number(number) => normalised(&number.to_string()).into_iter().collect(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Vec::new(),
    }
}

/// All that a page is planned on.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The contacts to judge, in any order.
    pub subjects: Vec<Subject>,
    /// The customers found, for whomever.
    pub customers: BTreeMap<CustomerId, Candidate>,
    /// Who holds the identifiers of subjects and customers, among the contacts of all shops, this page included.
    pub holders: Holders,
    /// The names of contacts to whom the customers found are linked, hashed.
    pub linked_names: BTreeMap<ContactKey, Vec<Keyed>>,
    /// The links, former ones too, of customers that subjects are or were linked to and that cannot be read any more.
    pub lost: BTreeMap<CustomerId, Vec<Link>>,
    /// Pairs of customers that a person said are two people, each in order.
    pub parted: BTreeSet<(CustomerId, CustomerId)>,
}
