//! Evidence: everything read about a page of contacts, as the planner sees it. Gathered by `crate::sync::gather`;
//! nothing here reads anything.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Contact, ContactKey, Customer, CustomerId, Email, HashKey, Keyed, Phone, Text,
    link::{Field, Link, Role, Ruling},
    rules::MatchingRules,
};

use super::{
    fields::{self, Reading},
    names::{self, FoldedName},
    normalise::{self, Identity},
    shared::{self, Shared},
};

/// The hashes of a contact: what the index holds of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hashes {
    /// Of its e-mail.
    pub email: Option<Keyed>,
    /// Of its telephone number.
    pub phone: Option<Keyed>,
    /// Of its name's words, sorted.
    pub name: Vec<Keyed>,
}

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
    /// Its hashes when it was last judged.
    pub before: Option<Hashes>,
    /// Its link.
    pub link: Option<Link>,
    /// What persons said of it and customers.
    pub rulings: BTreeMap<CustomerId, Ruling>,
    /// Writes that were declared for it and whose outcome a crash kept from us, by customer.
    pub declared: BTreeMap<CustomerId, Declared>,
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
    /// First and last name.
    pub name: FoldedName,
    /// Nickname.
    pub nickname: FoldedName,
    /// Its links to contacts, sorted by contact.
    pub links: Vec<Link>,
    /// The fields that hold what we wrote ourselves: never evidence.
    pub ours: BTreeSet<Field>,
}

impl Candidate {
    /// Reads a customer. `declared` are writes to it that a crash may have kept from being recorded.
    #[must_use]
    pub fn read(customer: Customer, mut links: Vec<Link>, declared: &[&Declared], reading: &Reading<'_>) -> Self {
        let Reading { naming, region, key, rules: _ } = *reading;
        links.sort_by(|a, b| a.contact.cmp(&b.contact));
        let email = side(customer.text(&naming.email), |text| normalise::email(text).ok().flatten());
        let phone = side(customer.text(&naming.telnum), |text| normalise::phone(text, region).ok().flatten());
        let full = [&naming.first_name, &naming.last_name]
            .iter()
            .filter_map(|field| customer.text(field).as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let name = names::fold(&full);
        let nickname = names::fold(customer.text(&naming.nickname).as_str().unwrap_or(""));
        let ours = links
            .iter()
            .filter(|link| link.role == Role::Owner)
            .map(|link| link.baselines.clone())
            .chain(declared.iter().map(|declared| fields::adopted(&customer, declared, reading)))
            .flat_map(|baselines| fields::still_ours(&customer, &baselines, naming, key))
            .collect();
        Self { customer, email, phone, name, nickname, links, ours }
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

    /// Whether the name may count as evidence.
    #[must_use]
    pub fn name_is_evidence(&self) -> bool {
        !self.ours.contains(&Field::Name)
    }
}

fn side<T>(text: Text<'_>, normalised: impl Fn(&str) -> Option<T>) -> Side<T> {
    match text {
        Text::Blank => Side::Blank,
        Text::Is(text) => normalised(text).map_or(Side::Unreadable, Side::Is),
        Text::Opaque => Side::Opaque,
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
}

/// Evidence with its customers found by what they hold.
pub(super) struct View<'a> {
    pub evidence: &'a Evidence,
    pub rules: &'a MatchingRules,
    pub key: &'a HashKey,
    by_email: BTreeMap<&'a Email, Vec<&'a Candidate>>,
    by_phone: BTreeMap<&'a str, Vec<&'a Candidate>>,
}

impl<'a> View<'a> {
    pub fn of(evidence: &'a Evidence, rules: &'a MatchingRules, key: &'a HashKey) -> Self {
        let (mut by_email, mut by_phone) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for candidate in evidence.customers.values() {
            if let Side::Is(email) = &candidate.email {
                by_email.entry(email).or_default().push(candidate);
            }
            if let Side::Is(phone) = &candidate.phone {
                by_phone.entry(phone.e164()).or_default().push(candidate);
            }
        }
        Self { evidence, rules, key, by_email, by_phone }
    }

    /// The customers that hold an e-mail, whoever wrote it there.
    pub fn with_email(&self, email: &Email) -> &[&'a Candidate] {
        self.by_email.get(email).map_or(&[], Vec::as_slice)
    }

    /// The customers that hold a number, whoever wrote it there.
    pub fn with_phone(&self, phone: &Phone) -> &[&'a Candidate] {
        self.by_phone.get(phone.e164()).map_or(&[], Vec::as_slice)
    }

    /// Why an e-mail is shared, if it is.
    pub fn shared_email(&self, email: &Email) -> Option<Shared> {
        let theirs = self.with_email(email).iter().filter(|candidate| !candidate.ours.contains(&Field::Email));
        shared::listed_email(email, &self.rules.shared_emails)
            .or_else(|| self.shared_among_contacts(&self.key.email(email)))
            .or_else(|| shared::by_customers(theirs.map(|candidate| identity_name(candidate)), self.rules.max_share))
    }

    /// Why a number is shared, if it is.
    pub fn shared_phone(&self, phone: &Phone) -> Option<Shared> {
        let theirs = self.with_phone(phone).iter().filter(|candidate| !candidate.ours.contains(&Field::Phone));
        shared::listed_phone(phone, &self.rules.shared_phones)
            .or_else(|| self.shared_among_contacts(&self.key.phone(phone)))
            .or_else(|| shared::by_customers(theirs.map(|candidate| identity_name(candidate)), self.rules.max_share))
    }

    fn shared_among_contacts(&self, identifier: &Keyed) -> Option<Shared> {
        shared::by_contacts(self.evidence.holders.get(identifier)?, self.rules.max_share)
    }
}

/// The name by which a customer counts as a person among the holders of an identifier.
fn identity_name(candidate: &Candidate) -> &FoldedName {
    if candidate.name.is_blank() { &candidate.nickname } else { &candidate.name }
}
