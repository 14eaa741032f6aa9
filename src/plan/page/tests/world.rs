//! A small world: what stands in the shops, in Vivocha and in our memory, from which evidence is made as gathering would make it,
//! and to which a plan can be applied. No servers: a write takes, and a text comes back as it was sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{
    model::{
        Contact, ContactId, ContactKey, Customer, CustomerId, HashKey, Naming,
        link::{Baselines, Field, Grounds, Link, Role, Ruling},
        rules::{AskOrLink, FieldRule, FieldRules, MatchingRules, WriteRule},
        time::Moment,
    },
    plan::{
        evidence::{Candidate, Declared, Evidence, Hashes, Holders, Subject},
        fields::Reading,
        normalise::{self, Identity, Region},
        page::{self, PagePlan},
    },
};

pub struct World {
    pub contacts: BTreeMap<ContactKey, Contact>,
    pub customers: BTreeMap<CustomerId, Map<String, Value>>,
    pub links: BTreeMap<ContactKey, Link>,
    /// Links that ended, latest first.
    pub former: BTreeMap<ContactKey, Vec<Link>>,
    pub rulings: BTreeMap<(ContactKey, CustomerId), Ruling>,
    pub declared: BTreeMap<(ContactKey, CustomerId), Declared>,
    pub crowded_emails: BTreeSet<ContactKey>,
    pub crowded_phones: BTreeSet<ContactKey>,
    pub parted: BTreeSet<(CustomerId, CustomerId)>,
    /// Contacts that are known and not of the page.
    pub elsewhere: BTreeSet<ContactKey>,
    pub matching: MatchingRules,
    pub fields: FieldRules,
    pub naming: Naming,
    pub region: Region,
    pub key: HashKey,
    /// What we were seen writing and nobody has touched since, by customer and field.
    pub(super) written: BTreeSet<(CustomerId, String)>,
    /// Contacts that are gone from their shop, as they were.
    pub(super) deleted: BTreeMap<ContactKey, Contact>,
    /// Seconds since the beginning.
    pub(super) clock: i64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let contacts: Vec<_> =
            self.contacts.iter().map(|(who, c)| (who.to_string(), &c.name, &c.email, &c.phone)).collect();
        f.debug_struct("World")
            .field("contacts", &contacts)
            .field("elsewhere", &self.elsewhere)
            .field("customers", &self.customers)
            .field("links", &self.links)
            .field("rulings", &self.rulings)
            .field("matching", &self.matching)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// `3`, or `b/3` in another shop than `a`.
pub fn key(text: &str) -> ContactKey {
    let (shop, id) = text.split_once('/').unwrap_or(("a", text));
    ContactKey { shop: shop.parse().unwrap(), id: ContactId::try_from(id.parse::<i64>().unwrap()).unwrap() }
}

pub fn id(text: &str) -> CustomerId {
    text.parse().unwrap()
}

pub fn rule(to: &str, rule: WriteRule) -> FieldRule {
    FieldRule { to: to.into(), rule, clear: false }
}

pub fn field_rules(every: WriteRule) -> FieldRules {
    FieldRules {
        name: rule("name", every),
        email: rule("email", every),
        phone: rule("telnum", every),
        note: rule("note", WriteRule::Never),
        ids: rule("ids", WriteRule::Never),
    }
}

impl World {
    /// Nobody, and fields that are not written.
    pub fn new() -> Self {
        Self {
            contacts: BTreeMap::new(),
            customers: BTreeMap::new(),
            links: BTreeMap::new(),
            former: BTreeMap::new(),
            rulings: BTreeMap::new(),
            declared: BTreeMap::new(),
            crowded_emails: BTreeSet::new(),
            crowded_phones: BTreeSet::new(),
            parted: BTreeSet::new(),
            elsewhere: BTreeSet::new(),
            matching: MatchingRules {
                auto_merge: true,
                fixed_line_alone: AskOrLink::Ask,
                names_differ: AskOrLink::Ask,
                max_share: 2,
                max_cluster: 4,
                shared_emails: vec!["info@*".into()],
                shared_phones: vec!["+390612345678".into()],
            },
            fields: field_rules(WriteRule::Never),
            naming: Naming::default(),
            region: Region::parse("IT").unwrap(),
            key: HashKey::new(b"0123456789abcdef").unwrap(),
            written: BTreeSet::new(),
            deleted: BTreeMap::new(),
            clock: 0,
        }
    }

    /// Nobody, and name, e-mail and telephone written by a rule.
    pub fn writing(every: WriteRule) -> Self {
        Self { fields: field_rules(every), ..Self::new() }
    }

    pub fn contact(mut self, who: &str, name: &str, email: &str, phone: &str) -> Self {
        self.set_contact(who, name, email, phone);
        self
    }

    pub fn set_contact(&mut self, who: &str, name: &str, email: &str, phone: &str) {
        let key = key(who);
        let (name, email, phone) = (name.to_owned(), email.to_owned(), phone.to_owned());
        let contact = Contact { id: key.id, owner: None, name, phone, email, note: String::new() };
        self.deleted.remove(&key);
        self.contacts.insert(key, contact);
    }

    /// `fields` by the account's names; texts or anything else.
    pub fn customer(mut self, who: &str, fields: Value) -> Self {
        let Value::Object(mut document) = fields else { unreachable!("a customer is an object") };
        document.insert("id".into(), json!(who));
        self.customers.insert(id(who), document);
        self
    }

    /// A link without baselines, made by the e-mail.
    pub fn link(self, who: &str, whom: &str, role: Role) -> Self {
        self.linked_by(who, whom, role, Grounds::Email)
    }

    pub fn linked_by(mut self, who: &str, whom: &str, role: Role, grounds: Grounds) -> Self {
        let link = Link {
            contact: key(who),
            customer: id(whom),
            role,
            grounds,
            row: "email".into(),
            since: Moment::from_millis(0),
            baselines: Baselines::new(),
            known_as: self.hashes(&key(who)),
            ended: None,
        };
        self.links.insert(key(who), link);
        self
    }

    pub fn ruled(mut self, who: &str, whom: &str, ruling: Ruling) -> Self {
        self.rulings.insert((key(who), id(whom)), ruling);
        self
    }

    /// Two customers that a person said are two people.
    pub fn parted(mut self, one: &str, other: &str) -> Self {
        self.parted.insert((id(one.min(other)), id(one.max(other))));
        self
    }

    /// A contact that another page will judge.
    pub fn off_page(mut self, who: &str) -> Self {
        self.elsewhere.insert(key(who));
        self
    }

    pub fn reading(&self) -> Reading<'_> {
        Reading { rules: &self.fields, naming: &self.naming, region: self.region, key: &self.key }
    }

    pub fn identity(&self, who: &ContactKey) -> Identity {
        let contact = &self.contacts[who];
        normalise::identity(&contact.name, &contact.email, &contact.phone, self.region)
    }

    pub fn hashes(&self, who: &ContactKey) -> Hashes {
        Hashes::of(&self.identity(who), &self.key)
    }

    pub fn candidate(&self, whom: &CustomerId) -> Candidate {
        let customer = Customer { id: whom.clone(), document: self.customers[whom].clone() };
        let links = self.links_of(whom);
        let declared: Vec<&Declared> =
            self.declared.iter().filter(|((_, customer), _)| customer == whom).map(|(_, declared)| declared).collect();
        Candidate::read(customer, links, &declared, &self.reading())
    }

    /// The links of a customer, former ones too.
    fn links_of(&self, whom: &CustomerId) -> Vec<Link> {
        let all = self.links.values().chain(self.former.values().flatten());
        all.filter(|link| link.customer == *whom).cloned().collect()
    }

    fn subject(&self, who: &ContactKey) -> Subject {
        let of = |(contact, _): &&ContactKeyAnd| contact == who;
        Subject {
            key: who.clone(),
            contact: self.contacts[who].clone(),
            identity: self.identity(who),
            hashes: self.hashes(who),
            link: self.links.get(who).cloned(),
            former: self.former.get(who).cloned().unwrap_or_default(),
            rulings: self.rulings.iter().filter(|(pair, _)| of(pair)).map(|((_, c), r)| (c.clone(), *r)).collect(),
            declared: self
                .declared
                .iter()
                .filter(|(p, _)| of(p))
                .map(|((_, c), d)| (c.clone(), vec![d.clone()]))
                .collect(),
            crowded_email: self.crowded_emails.contains(who),
            crowded_phone: self.crowded_phones.contains(who),
        }
    }

    pub fn evidence(&self) -> Evidence {
        let mut holders = Holders::new();
        for who in self.contacts.keys() {
            let hashes = self.hashes(who);
            for identifier in [hashes.email, hashes.phone].into_iter().flatten() {
                holders.entry(identifier).or_default().insert(who.clone(), hashes.name.clone());
            }
        }
        let subjects: Vec<Subject> =
            self.contacts.keys().filter(|who| !self.elsewhere.contains(who)).map(|who| self.subject(who)).collect();
        let goes_by = |subject: &Subject| Some(subject.link.as_ref().or(subject.former.first())?.customer.clone());
        let lost = subjects.iter().filter_map(goes_by).filter(|whom| !self.customers.contains_key(whom));
        let lost = lost.map(|whom| (whom.clone(), self.links_of(&whom))).collect();
        Evidence {
            subjects,
            customers: self.customers.keys().map(|whom| (whom.clone(), self.candidate(whom))).collect(),
            holders,
            linked_names: self
                .links
                .keys()
                .filter(|who| self.contacts.contains_key(who))
                .map(|who| (who.clone(), self.hashes(who).name))
                .collect(),
            lost,
            parted: self.parted.clone(),
        }
    }

    pub fn plan(&self) -> PagePlan {
        page::plan(&self.evidence(), &self.matching, &self.reading())
    }

    /// The plan as it prints, a line a contact.
    pub fn told(&self) -> Vec<String> {
        self.plan().to_string().lines().map(str::to_owned).collect()
    }

    /// What stands in a customer.
    pub fn stands(&self, whom: &str, field: &str) -> &str {
        self.customers[&id(whom)].get(field).and_then(Value::as_str).unwrap_or("")
    }

    /// Two owners of one customer: the store would refuse the page.
    pub fn has_one_owner_a_customer(&self) -> bool {
        let mut owned = BTreeSet::new();
        self.links.values().filter(|link| link.role == Role::Owner).all(|link| owned.insert(&link.customer))
    }

    /// Whether a field holds something that we were seen writing.
    pub fn wrote(&self, whom: &str, field: &str) -> bool {
        self.written.contains(&(id(whom), field.to_owned())) && !self.stands(whom, field).is_empty()
    }

    /// Which fields of a customer hold what we wrote.
    pub fn ours(&self, whom: &str) -> Vec<Field> {
        self.candidate(&id(whom)).ours.into_iter().collect()
    }
}

type ContactKeyAnd = (ContactKey, CustomerId);
