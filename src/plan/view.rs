//! The evidence with its customers found by what they hold, and each identifier asked once whether it is shared. Built for one
//! page, thrown away with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    ContactKey, CustomerId, Email, HashKey, Keyed, Phone,
    link::{Field, Link},
    rules::MatchingRules,
};

use super::{
    aliases::Heirs,
    evidence::{Candidate, Evidence, Side},
    fields::{self, Reading},
    names::FoldedName,
    past::Heir,
    shared::{self, Shared},
};

pub(super) struct View<'a> {
    pub rules: &'a MatchingRules,
    pub key: &'a HashKey,
    pub reading: &'a Reading<'a>,
    heirs: &'a Heirs,
    evidence: &'a Evidence,
    of_page: BTreeSet<&'a ContactKey>,
    by_email: BTreeMap<&'a Email, Vec<&'a Candidate>>,
    by_phone: BTreeMap<&'a Phone, Vec<&'a Candidate>>,
    shared_emails: BTreeMap<&'a Email, Option<Shared>>,
    shared_phones: BTreeMap<&'a Phone, Option<Shared>>,
    values: BTreeMap<&'a CustomerId, Keyed>,
    may_be_ours: BTreeMap<&'a CustomerId, BTreeSet<Field>>,
}

impl<'a> View<'a> {
    pub fn of(evidence: &'a Evidence, heirs: &'a Heirs, rules: &'a MatchingRules, reading: &'a Reading<'a>) -> Self {
        let key = reading.key;
        let (mut by_email, mut by_phone) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for candidate in evidence.customers.values() {
            let (emails, phones) = &candidate.inside;
            for email in is(&candidate.email).into_iter().chain(emails) {
                by_email.entry(email).or_default().push(candidate);
            }
            for phone in is(&candidate.phone).into_iter().chain(phones) {
                by_phone.entry(phone).or_default().push(candidate);
            }
        }
        let (shared_emails, shared_phones) = (BTreeMap::new(), BTreeMap::new());
        let of_page = evidence.subjects.iter().map(|subject| &subject.key).collect();
        let values = evidence.customers.iter().map(|(id, candidate)| (id, values(candidate, key))).collect();
        let mut view = Self {
            rules,
            key,
            reading,
            heirs,
            evidence,
            of_page,
            by_email,
            by_phone,
            shared_emails,
            shared_phones,
            values,
            may_be_ours: BTreeMap::new(),
        };
        let identities = || evidence.subjects.iter().map(|subject| &subject.identity);
        let emails = view.by_email.keys().copied().chain(identities().filter_map(|identity| identity.email.as_ref()));
        view.shared_emails = emails.map(|email| (email, view.why_email(email))).collect();
        let phones = view.by_phone.keys().copied().chain(identities().filter_map(|identity| identity.phone.as_ref()));
        view.shared_phones = phones.map(|phone| (phone, view.why_phone(phone))).collect();
        view.may_be_ours = view.written_elsewhere();
        view
    }

    /// What subjects wrote to customers that are not here, and that customers here hold: those may have been merged into these.
    fn written_elsewhere(&self) -> BTreeMap<&'a CustomerId, BTreeSet<Field>> {
        let mut written = BTreeMap::<_, BTreeSet<Field>>::new();
        for subject in &self.evidence.subjects {
            let away = |link: &&Link| self.customer(&link.customer).is_none();
            for link in subject.link.iter().chain(&subject.former).filter(away) {
                let by_email = subject.identity.email.as_ref().map_or(&[][..], |email| self.with_email(email));
                let by_phone = subject.identity.phone.as_ref().map_or(&[][..], |phone| self.with_phone(phone));
                for candidate in by_email.iter().chain(by_phone) {
                    let ours = fields::still_ours(&candidate.customer, &link.baselines, self.reading);
                    written.entry(&candidate.customer.id).or_default().extend(ours);
                }
            }
        }
        written
    }

    /// Whether a field of a customer holds what may be our own writing to another one that was merged into it: good enough to link,
    /// and nothing to merge by.
    pub fn may_be_ours(&self, customer: &CustomerId, field: Field) -> bool {
        self.may_be_ours.get(customer).is_some_and(|fields| fields.contains(&field))
    }

    /// The heir of a contact's lost customer.
    pub fn heir(&self, contact: &ContactKey) -> Option<&'a Heir> {
        self.heirs.get(contact)
    }

    /// The links of a customer that cannot be read any more.
    pub fn lost(&self, customer: &CustomerId) -> &'a [Link] {
        self.evidence.lost.get(customer).map_or(&[], Vec::as_slice)
    }

    /// The contacts that hold an identifier, with their hashed names.
    pub fn holders(&self, identifier: Keyed) -> impl Iterator<Item = (&'a ContactKey, &'a Vec<Keyed>)> + use<'a> {
        self.evidence.holders.get(&identifier).into_iter().flatten()
    }

    /// Whether a contact is judged in this page.
    pub fn is_of_page(&self, contact: &ContactKey) -> bool {
        self.of_page.contains(contact)
    }

    /// A customer that was found.
    pub fn customer(&self, id: &CustomerId) -> Option<&'a Candidate> {
        self.evidence.customers.get(id)
    }

    /// Whether a person said that two customers are two people.
    pub fn are_parted(&self, one: &CustomerId, other: &CustomerId) -> bool {
        let pair = if one < other { (one.clone(), other.clone()) } else { (other.clone(), one.clone()) };
        self.evidence.parted.contains(&pair)
    }

    /// The hash of all that a customer says for itself, what we wrote left out.
    pub fn values(&self, id: &CustomerId) -> Option<Keyed> {
        self.values.get(id).copied()
    }

    /// The name of a contact that is not of this page and linked to a customer that is.
    pub fn linked_name(&self, contact: &ContactKey) -> &'a [Keyed] {
        self.evidence.linked_names.get(contact).map_or(&[], Vec::as_slice)
    }

    /// The customers that hold an e-mail, whoever wrote it there.
    pub fn with_email(&self, email: &Email) -> &[&'a Candidate] {
        self.by_email.get(email).map_or(&[], Vec::as_slice)
    }

    /// The customers that hold a number, whoever wrote it there.
    pub fn with_phone(&self, phone: &Phone) -> &[&'a Candidate] {
        self.by_phone.get(phone).map_or(&[], Vec::as_slice)
    }

    /// Why an e-mail of this evidence is shared, if it is.
    pub fn shared_email(&self, email: &Email) -> Option<Shared> {
        self.shared_emails.get(email).copied().flatten()
    }

    /// Why a number of this evidence is shared, if it is.
    pub fn shared_phone(&self, phone: &Phone) -> Option<Shared> {
        self.shared_phones.get(phone).copied().flatten()
    }

    fn why_email(&self, email: &Email) -> Option<Shared> {
        shared::listed_email(email, &self.rules.shared_emails)
            .or_else(|| self.among_contacts(&self.key.email(email)))
            .or_else(|| self.among_customers(self.with_email(email), Field::Email))
    }

    fn why_phone(&self, phone: &Phone) -> Option<Shared> {
        shared::listed_phone(phone, &self.rules.shared_phones)
            .or_else(|| self.among_contacts(&self.key.phone(phone)))
            .or_else(|| self.among_customers(self.with_phone(phone), Field::Phone))
    }

    fn among_contacts(&self, identifier: &Keyed) -> Option<Shared> {
        shared::by_contacts(self.evidence.holders.get(identifier)?, self.rules.max_share)
    }

    /// Where we wrote the identifier nobody holds it of her own; where we wrote the name it does not make two holders one.
    fn among_customers(&self, holders: &[&Candidate], field: Field) -> Option<Shared> {
        let own = holders.iter().filter(|candidate| !candidate.ours.contains(&field));
        let names: Vec<&FoldedName> = own.map(|candidate| candidate.called()).collect();
        shared::by_customers(names.into_iter(), self.rules.max_share)
    }
}

const fn is<T>(side: &Side<T>) -> Option<&T> {
    match side {
        Side::Is(value) => Some(value),
        Side::Blank | Side::Unreadable | Side::Opaque => None,
    }
}

fn values(candidate: &Candidate, key: &HashKey) -> Keyed {
    let email = side_text(candidate.email_as_evidence(), Email::as_str);
    let phone = side_text(candidate.phone_as_evidence(), Phone::e164);
    let (name, nickname) = (candidate.name_as_evidence().words(), candidate.nickname_as_evidence().words());
    key.hash("evidence", &serde_json::to_string(&(email, phone, name, nickname)).unwrap_or_default())
}

fn side_text<T>(side: &Side<T>, text: impl Fn(&T) -> &str) -> &str {
    match side {
        Side::Is(value) => text(value),
        Side::Blank => "",
        Side::Unreadable => "?",
        Side::Opaque => "!",
    }
}
