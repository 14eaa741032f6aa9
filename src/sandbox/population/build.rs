//! The workbench on which groups are made: people, identifiers that nobody else gets, and the drafts of contacts and
//! customers. Knows no kind of group.

use std::collections::{BTreeMap, HashSet};

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use super::{
    Population, ShopContact, groups,
    names::{self, DOMAINS, FAMILY, GIVEN, pick, plain},
    numbers::{Number, Numbers},
    plain as plain_people,
    truth::{AskTruth, ContactTruth, CustomerTruth, Expected, Kind, MergeTruth, Truth, Why},
};

/// The most contacts and the most customers that one group makes.
const LARGEST_GROUP: usize = 12;

/// A person: a name of two plain words, an e-mail and a mobile that are hers alone.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) id: u32,
    pub(super) given: String,
    pub(super) family: String,
    pub(super) email: String,
    pub(super) mobile: Number,
}

impl Person {
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.given, self.family)
    }
}

/// What a customer holds; `None` is blank.
#[derive(Debug, Clone, Default)]
pub(super) struct Chat {
    pub(super) email: Option<String>,
    pub(super) telnum: Option<String>,
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    pub(super) nick: Option<String>,
}

impl Chat {
    /// A customer who gave this person's name.
    pub(super) fn named(person: &Person) -> Self {
        Self { first: Some(person.given.clone()), last: Some(person.family.clone()), ..Self::default() }
    }

    pub(super) fn email(mut self, email: &str) -> Self {
        self.email = Some(email.to_owned());
        self
    }

    pub(super) fn telnum(mut self, telnum: String) -> Self {
        self.telnum = Some(telnum);
        self
    }
}

/// A contact before it has an id.
pub(super) struct Draft {
    contact: ShopContact,
    truth: ContactTruth,
    /// Among the drafts of one contest the lowest id owns the fields.
    contest: Option<u32>,
}

impl Draft {
    /// A contact of this person, written down as of somebody who never chatted: `unmatched`, unless said otherwise.
    pub(super) fn of(person: &Person, case: &'static str) -> Self {
        let contact = ShopContact { customer: i64::from(person.id), name: person.name(), ..ShopContact::default() };
        let truth = ContactTruth {
            contact: 0,
            person: person.id,
            kind: Kind::Plain,
            case,
            state: Expected::Unmatched,
            customer: None,
            counterpart: None,
            findable: false,
            owner: false,
            writes: BTreeMap::new(),
            asks: Vec::new(),
            merge: None,
        };
        Self { contact, truth, contest: None }
    }

    pub(super) fn name(mut self, name: String) -> Self {
        self.contact.name = name;
        self
    }

    pub(super) fn email(mut self, email: &str) -> Self {
        self.contact.email = Some(email.to_owned());
        self
    }

    pub(super) fn phone(mut self, phone: &str) -> Self {
        phone.clone_into(&mut self.contact.phone);
        self
    }

    /// Two contacts may belong to one shop customer.
    pub(super) fn owned_by(mut self, customer: u32) -> Self {
        self.contact.customer = i64::from(customer);
        self
    }

    /// To be linked to the customer who is the person.
    pub(super) fn linked(mut self, customer: &str) -> Self {
        self.truth.state = Expected::Linked;
        self.truth.customer = Some(customer.to_owned());
        self.truth.owner = true;
        self.counterpart(customer, true)
    }

    /// Linked, but another contact owns the customer's fields.
    pub(super) fn secondary(mut self) -> Self {
        self.truth.owner = false;
        self
    }

    /// The lowest id of this contest owns the customer's fields.
    pub(super) fn contest(mut self, contest: u32) -> Self {
        self.contest = Some(contest);
        self
    }

    /// The customer who is the person, whatever the rules make of it.
    pub(super) fn counterpart(mut self, customer: &str, findable: bool) -> Self {
        self.truth.counterpart = Some(customer.to_owned());
        self.truth.findable = findable;
        self
    }

    pub(super) fn invalid(mut self) -> Self {
        self.truth.state = Expected::Invalid;
        self
    }

    /// A link that is to be asked about; makes the contact wait, unless it is linked elsewhere.
    pub(super) fn asks(mut self, customer: &str, why: Why) -> Self {
        if self.truth.state == Expected::Unmatched {
            self.truth.state = Expected::Waiting;
        }
        self.truth.asks.push(AskTruth { customer: customer.to_owned(), why });
        self
    }

    pub(super) fn merge(mut self, survivor: &str, mut absorbed: Vec<String>, automatic: bool) -> Self {
        absorbed.sort();
        self.truth.merge = Some(MergeTruth { survivor: survivor.to_owned(), absorbed, automatic });
        self
    }

    pub(super) fn writes(mut self, field: &str, value: impl Into<String>) -> Self {
        self.truth.writes.insert(field.to_owned(), value.into());
        self
    }
}

/// How one group of a kind is made.
pub(super) type Make = fn(&mut Build);

/// The workbench.
pub(super) struct Build {
    pub(super) rng: ChaCha8Rng,
    numbers: Numbers,
    emails: HashSet<String>,
    ids: HashSet<String>,
    people: u32,
    contests: u32,
    kind: Kind,
    contacts: Vec<Draft>,
    customers: Vec<(Map<String, Value>, CustomerTruth)>,
    most_contacts: usize,
    most_customers: usize,
}

impl Build {
    pub(super) fn new(seed: u64, contacts: usize, customers: usize) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            numbers: Numbers::default(),
            emails: HashSet::new(),
            ids: HashSet::new(),
            people: 0,
            contests: 0,
            kind: Kind::Plain,
            contacts: Vec::with_capacity(contacts),
            customers: Vec::with_capacity(customers),
            most_contacts: contacts,
            most_customers: customers,
        }
    }

    /// Groups of a kind, until so many of a thousand contacts are of it or there is no room for another.
    pub(super) fn fill(&mut self, kind: Kind, per_thousand: usize, make: Make) {
        self.kind = kind;
        let wanted = self.contacts.len() + self.most_contacts * per_thousand / 1000;
        let room = |build: &Self| {
            let contacts = build.contacts.len() + LARGEST_GROUP <= build.most_contacts;
            contacts && build.customers.len() + LARGEST_GROUP <= build.most_customers
        };
        while self.contacts.len() < wanted && room(self) {
            make(self);
        }
    }

    /// The rest of the contacts: plain people while there are customers to be had, then people who never chatted; and the
    /// rest of the customers: strangers.
    pub(super) fn fill_plain(&mut self) {
        self.kind = Kind::Plain;
        while self.contacts.len() < self.most_contacts && self.customers.len() < self.most_customers {
            plain_people::make(self);
        }
        self.kind = Kind::NoCounterpart;
        while self.contacts.len() < self.most_contacts {
            groups::no_counterpart(self);
        }
        self.kind = Kind::Stranger;
        while self.customers.len() < self.most_customers {
            groups::stranger(self);
        }
    }

    /// Shuffles everybody, so that groups are scattered over pages, and gives the contacts their ids.
    pub(super) fn finish(mut self) -> Population {
        self.contacts.shuffle(&mut self.rng);
        self.customers.shuffle(&mut self.rng);
        let (mut contacts, mut truth, mut owned) = (Vec::new(), Truth::default(), HashSet::new());
        let mut id = 1000;
        for Draft { mut contact, truth: mut about, contest } in self.contacts {
            id += self.rng.random_range(1..=3);
            (contact.id, about.contact) = (id, id);
            // Ids rise, so the first that is met is the lowest.
            if contest.is_some_and(|contest| !owned.insert(contest)) {
                about.owner = false;
                about.writes.clear();
            }
            contacts.push(contact);
            truth.contacts.insert(id, about);
        }
        let mut customers = Vec::new();
        for (document, about) in self.customers {
            customers.push(document);
            truth.customers.insert(about.customer.clone(), about);
        }
        Population { contacts, customers, truth, others: Vec::new() }
    }

    /// A new person, with a name of two plain words.
    pub(super) fn person(&mut self) -> Person {
        let given = pick(&mut self.rng, GIVEN).to_owned();
        let family = pick(&mut self.rng, FAMILY).to_owned();
        self.person_named(given, family)
    }

    pub(super) fn person_named(&mut self, given: String, family: String) -> Person {
        self.people += 1;
        let email = self.email(&given, &family);
        Person { id: self.people, email, mobile: self.mobile(), given, family }
    }

    /// So many people, no two of whom share a given name or a family name.
    pub(super) fn people(&mut self, count: usize) -> Vec<Person> {
        let mut words = HashSet::new();
        let mut people = Vec::new();
        while people.len() < count {
            let (given, family) = (pick(&mut self.rng, GIVEN), pick(&mut self.rng, FAMILY));
            if !words.contains(given) && !words.contains(family) {
                words.extend([given, family]);
                people.push(self.person_named(given.to_owned(), family.to_owned()));
            }
        }
        people
    }

    /// So many people of one family name and different given names.
    pub(super) fn relatives(&mut self, count: usize) -> Vec<Person> {
        let family = pick(&mut self.rng, FAMILY);
        let people = self.people(count);
        people.into_iter().map(|person| Person { family: family.to_owned(), ..person }).collect()
    }

    /// An address that nobody else has, in lower case.
    pub(super) fn email(&mut self, given: &str, family: &str) -> String {
        let (given, family) = (plain(given), plain(family));
        loop {
            let number = self.rng.random_range(1..10_000);
            let initial = given.get(..1).unwrap_or_default();
            let local = match self.rng.random_range(0..4) {
                0 => format!("{given}.{family}"),
                1 => format!("{given}{family}{number}"),
                2 => format!("{family}.{given}{number}"),
                _ => format!("{initial}.{family}{number}"),
            };
            let domain = pick(&mut self.rng, DOMAINS);
            if let Some(email) = self.unused(format!("{local}@{domain}")) {
                return email;
            }
        }
    }

    /// The address, if it is not somebody's already.
    pub(super) fn unused(&mut self, email: String) -> Option<String> {
        self.emails.insert(email.clone()).then_some(email)
    }

    pub(super) fn mobile(&mut self) -> Number {
        self.numbers.mobile(&mut self.rng)
    }

    pub(super) fn fixed(&mut self) -> Number {
        self.numbers.fixed(&mut self.rng)
    }

    pub(super) fn abroad(&mut self) -> Number {
        self.numbers.abroad(&mut self.rng)
    }

    pub(super) fn new_contest(&mut self) -> u32 {
        self.contests += 1;
        self.contests
    }

    /// One in so many.
    pub(super) fn one_in(&mut self, many: u32) -> bool {
        self.rng.random_ratio(1, many)
    }

    /// Enters a contact.
    pub(super) fn contact(&mut self, mut draft: Draft) {
        draft.truth.kind = self.kind;
        if self.one_in(8) {
            draft.contact.note = "Chiamare dopo le 18".into();
        }
        self.contacts.push(draft);
    }

    /// Enters a customer who is this person.
    pub(super) fn customer(&mut self, person: &Person, chat: Chat) -> String {
        let id = loop {
            let id = format!("{:08x}{:016x}", self.rng.random::<u32>(), self.rng.random::<u64>());
            if self.ids.insert(id.clone()) {
                break id;
            }
        };
        let mut document = Map::new();
        document.insert("id".into(), id.clone().into());
        let Chat { email, telnum, first, last, nick } = chat;
        let fields =
            [("email", email), ("telnum", telnum), ("firstname", first), ("lastname", last), ("nickname", nick)];
        for (field, value) in fields {
            self.hold(&mut document, field, value);
        }
        if self.one_in(3) {
            self.other_data(&mut document);
        }
        self.customers.push((document, CustomerTruth { customer: id.clone(), person: person.id, kind: self.kind }));
        id
    }

    /// A blank is absent, `null` or empty: all three occur.
    fn hold(&mut self, document: &mut Map<String, Value>, field: &str, value: Option<String>) {
        let value = match (value, self.rng.random_range(0..3)) {
            (Some(value), _) => Value::String(value),
            (None, 0) => Value::Null,
            (None, 1) => "".into(),
            (None, _) => return,
        };
        document.insert(field.into(), value);
    }

    /// What others have written into a customer and nobody may lose.
    fn other_data(&mut self, document: &mut Map<String, Value>) {
        let orders = self.rng.random_range(1..40);
        document.insert("tags".into(), json!(["chat", names::pick(&mut self.rng, &["vip", "reso", "newsletter"])]));
        document.insert("data".into(), json!({ "crm": { "orders": orders, "open": null }, "consent": [true, false] }));
        document.insert("vvcu".into(), format!("vvcu-{:012x}", self.rng.random::<u64>() >> 16).into());
    }
}
