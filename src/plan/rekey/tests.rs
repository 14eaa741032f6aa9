//! A new key changes every hash and no decision: whatever would be done under the old one is done under the new one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

use serde_json::{Map, Value, json};

use super::*;
use crate::{
    model::{
        Contact, Customer, Naming, ShopName,
        link::Field,
        rules::{FieldRule, FieldRules, WriteRule},
    },
    plan::{
        fields::{Guard, Verdict, Wish, patch, still_ours},
        fingerprint,
        normalise::{self, Identity, Region},
        past::is_who_it_was,
    },
};

struct Room {
    rules: FieldRules,
    naming: Naming,
    shop: ShopName,
    old: HashKey,
    new: HashKey,
}

impl Room {
    fn new(every: WriteRule) -> Self {
        let rule = |to: &str| FieldRule { to: to.into(), rule: every, clear: true };
        Self {
            rules: FieldRules {
                name: rule("name"),
                email: rule("email"),
                phone: rule("telnum"),
                note: rule("remarks"),
                ids: rule("ids"),
            },
            naming: Naming::default(),
            shop: "main".parse().unwrap(),
            old: HashKey::new(b"the key until today").unwrap(),
            new: HashKey::new(b"the key from today on").unwrap(),
        }
    }

    fn reading<'a>(&'a self, key: &'a HashKey) -> Reading<'a> {
        Reading { rules: &self.rules, naming: &self.naming, region: Region::parse("IT").unwrap(), key }
    }

    fn rekeyed(&self, contact: Option<&Contact>, customers: &[Customer]) -> Rekeyed<'_> {
        let identity = contact.map(identity);
        let plain = Plain { shop: &self.shop, contact: contact.zip(identity.as_ref()), customers };
        Rekeyed::of(&plain, &self.reading(&self.old), &self.reading(&self.new))
    }

    /// What is settled once the contact was written to a customer, whose server has its own way with texts.
    fn settled(&self, contact: &Contact, key: &HashKey, server: fn(&str) -> String) -> (Customer, Baselines) {
        let before = customer(json!({}));
        let (none, guard, identity) = (Baselines::new(), Guard::default(), identity(contact));
        let wish = Wish { shop: &self.shop, contact, identity: &identity, baselines: &none, guard: &guard };
        let patch = patch(&wish, &before, &self.reading(key));
        let stored = |(name, value): (String, Value)| match value {
            Value::String(text) => (name, server(&text).into()),
            value => (name, value),
        };
        let after = Customer { document: patch.body().into_iter().map(stored).collect(), ..before };
        let baselines = patch.settled(&none, &after, &self.reading(key));
        (after, baselines)
    }

    fn verdicts(&self, contact: &Contact, to: &Customer, baselines: &Baselines, key: &HashKey) -> Vec<Verdict> {
        let (identity, guard) = (identity(contact), Guard::default());
        let wish = Wish { shop: &self.shop, contact, identity: &identity, baselines, guard: &guard };
        patch(&wish, to, &self.reading(key)).fields().values().map(|plan| plan.verdict).collect()
    }
}

fn identity(contact: &Contact) -> Identity {
    normalise::identity(&contact.name, &contact.email, &contact.phone, Region::parse("IT").unwrap())
}

fn customer(document: Value) -> Customer {
    let Value::Object(document) = document else { return customer(json!({})) };
    Customer { id: "C".parse().unwrap(), document }
}

fn contact(name: &str, email: &str, phone: &str) -> Contact {
    let (name, email, phone) = (name.into(), email.into(), phone.into());
    Contact { id: 7.try_into().unwrap(), owner: None, name, phone, email, note: " calls in the evening ".into() }
}

fn anna() -> Contact {
    contact("Anna Rossi", "Anna@Example.it", "333 1234567")
}

fn with(customer: &Customer, changes: Value) -> Customer {
    let Value::Object(changes) = changes else { return customer.clone() };
    let mut document: Map<String, Value> = customer.document.clone();
    document.extend(changes);
    Customer { document, ..customer.clone() }
}

#[test]
fn what_is_at_hand_becomes_what_the_new_key_makes_of_it() {
    let room = Room::new(WriteRule::IfUnedited);
    let anna = anna();
    let (at_vivocha, baselines) = room.settled(&anna, &room.old, str::to_owned);
    let (_, under_new) = room.settled(&anna, &room.new, str::to_owned);
    let rekeyed = room.rekeyed(Some(&anna), &[]);
    assert!(rekeyed.knows_what_came_back(&baselines), "what came back is what was sent: nobody needs to be read");
    assert_eq!(rekeyed.baselines(&baselines), under_new);
    assert_eq!(room.rekeyed(None, &[at_vivocha]).baselines(&baselines)[&Field::Email], under_new[&Field::Email]);
    let (old, new) = (Hashes::of(&identity(&anna), &room.old), Hashes::of(&identity(&anna), &room.new));
    assert_eq!(rekeyed.known_as(&old), new);
    let content = |key| fingerprint::content(&anna, &room.rules, key);
    assert_eq!(rekeyed.hash(content(&room.old)), content(&room.new));
}

#[test]
fn what_a_server_made_of_our_values_is_known_from_what_stands_there() {
    let room = Room::new(WriteRule::IfUnedited);
    let (at_vivocha, baselines) = room.settled(&anna(), &room.old, str::to_uppercase);
    let (_, under_new) = room.settled(&anna(), &room.new, str::to_uppercase);
    assert!(!room.rekeyed(Some(&anna()), &[]).knows_what_came_back(&baselines));
    let rekeyed = room.rekeyed(Some(&anna()), &[at_vivocha]);
    assert!(rekeyed.knows_what_came_back(&baselines));
    assert_eq!(rekeyed.baselines(&baselines), under_new);
}

/// Every rule, every change on either side since the field was settled: the same verdicts, and the same fields are ours.
#[test]
fn every_verdict_is_what_it_was() {
    let edits = [
        json!({}),
        json!({"email": "agent@example.it"}),
        json!({"telnum": "0039 333 1234567"}),
        json!({"telnum": "06 12345678", "nickname": "Annina"}),
        json!({"firstname": "Agente", "lastname": ""}),
        json!({"email": "", "telnum": null, "remarks": "", "ids": {}}),
        json!({"remarks": "an agent's", "ids": {"main": 8, "other": 3}}),
        json!({"firstname": "", "lastname": "", "nickname": ""}),
    ];
    let later = [
        anna(),
        contact("Anna Bianchi", "Anna@Example.it", "333 1234567"),
        contact("Anna Rossi", "nuova@example.it", "347 7654321"),
        contact("Anna Maria Rossi Bianchi Verdi", "", ""),
        contact("", "n/a", "none"),
    ];
    for every in [WriteRule::Always, WriteRule::IfEmpty, WriteRule::IfUnedited, WriteRule::Never] {
        let room = Room::new(every);
        let (settled, baselines) = room.settled(&anna(), &room.old, str::to_owned);
        let known_as = Hashes::of(&identity(&anna()), &room.old);
        for edit in &edits {
            let stands = with(&settled, edit.clone());
            for now in &later {
                let rekeyed = room.rekeyed(Some(now), std::slice::from_ref(&stands));
                let under_new = rekeyed.baselines(&baselines);
                let told = format!("{every:?} {edit} {:?}", now.name);
                let verdicts = |baselines, key| room.verdicts(now, &stands, baselines, key);
                assert_eq!(verdicts(&under_new, &room.new), verdicts(&baselines, &room.old), "{told}");
                let ours = |baselines, key| still_ours(&stands, baselines, &room.reading(key));
                assert_eq!(ours(&under_new, &room.new), ours(&baselines, &room.old), "{told}");
                let stays = |known_as, key| is_who_it_was(known_as, &Hashes::of(&identity(now), key));
                assert_eq!(stays(&rekeyed.known_as(&known_as), &room.new), stays(&known_as, &room.old), "{told}");
            }
        }
    }
}

#[test]
fn a_value_that_is_nowhere_any_more_is_sealed_and_nobodys() {
    let room = Room::new(WriteRule::IfUnedited);
    let lost = room.old.hash("email", "was@example.it");
    let known_as = Hashes { email: Some(lost), phone: None, name: vec![room.old.hash("name", "was")] };
    let other = contact("Bruno Neri", "bruno@example.it", "");
    let sealed = room.rekeyed(Some(&other), &[]).known_as(&known_as);
    assert!(sealed != Hashes::default() && sealed != known_as && sealed.name.len() == 1);
    assert!(!is_who_it_was(&sealed, &Hashes::of(&identity(&other), &room.new)), "a record taken over is questioned");
    assert_eq!(sealed.email, Some(room.new.sealed(&lost)), "whoever has both keys and the value knows it again");
    assert_eq!(room.rekeyed(None, &[]).known_as(&known_as), sealed, "and it is one thing wherever it stood");
}
