//! A contact, a customer and what is remembered of both, for one rule at a time.

use serde_json::{Map, Value, json};

use crate::{
    model::{
        Contact, Customer, HashKey, Naming, ShopName,
        link::{Baselines, Field},
        rules::{FieldRule, FieldRules, WriteRule},
    },
    plan::{
        fields::{Guard, Patch, Reading, Verdict, Wish, patch},
        normalise::{self, Region},
    },
};

pub struct Desk {
    pub shop: ShopName,
    pub contact: Contact,
    pub customer: Customer,
    pub baselines: Baselines,
    pub guard: Guard,
    pub rules: FieldRules,
    pub naming: Naming,
    pub key: HashKey,
    pub region: Region,
    /// What the server makes of a text.
    pub server: fn(&str) -> String,
}

impl Desk {
    /// `every` rule for all five fields; nobody says anything yet.
    pub fn new(every: WriteRule) -> Self {
        let rule = |to: &str| FieldRule { to: to.into(), rule: every, clear: false };
        Self {
            shop: "main".parse().unwrap(),
            contact: Contact {
                id: 7.try_into().unwrap(),
                owner: None,
                name: String::new(),
                phone: String::new(),
                email: String::new(),
                note: String::new(),
            },
            customer: Customer { id: "C".parse().unwrap(), document: Map::from_iter([("id".into(), json!("C"))]) },
            baselines: Baselines::new(),
            guard: Guard::default(),
            rules: FieldRules {
                name: rule("name"),
                email: rule("email"),
                phone: rule("telnum"),
                note: rule("remarks"),
                ids: FieldRule { rule: WriteRule::Never, ..rule("ids") },
            },
            naming: Naming::default(),
            key: HashKey::new(b"0123456789abcdef").unwrap(),
            region: Region::parse("IT").unwrap(),
            server: str::to_owned,
        }
    }

    pub fn clearing(every: WriteRule) -> Self {
        let mut desk = Self::new(every);
        let FieldRules { name, email, phone, note, ids } = &mut desk.rules;
        for rule in [name, email, phone, note, ids] {
            rule.clear = true;
        }
        desk
    }

    pub fn says(&mut self, name: &str, email: &str, phone: &str) -> &mut Self {
        (self.contact.name, self.contact.email, self.contact.phone) = (name.into(), email.into(), phone.into());
        self
    }

    /// Somebody else writes to the customer.
    pub fn stands(&mut self, field: &str, value: impl Into<Value>) -> &mut Self {
        self.customer.document.insert(field.into(), value.into());
        self
    }

    pub fn reading(&self) -> Reading<'_> {
        Reading { rules: &self.rules, naming: &self.naming, region: self.region, key: &self.key }
    }

    pub fn patch(&self) -> Patch {
        let Contact { name, email, phone, .. } = &self.contact;
        let identity = normalise::identity(name, email, phone, self.region);
        let wish = Wish {
            shop: &self.shop,
            contact: &self.contact,
            identity: &identity,
            baselines: &self.baselines,
            guard: &self.guard,
        };
        patch(&wish, &self.customer, &self.reading())
    }

    pub fn verdict(&self, field: Field) -> Verdict {
        self.patch().fields()[&field].verdict
    }

    pub fn body(&self) -> Value {
        Value::Object(self.patch().body())
    }

    /// Sends what there is, takes the server's answer for settled, and tells what was sent.
    pub fn pass(&mut self) -> Value {
        let patch = self.patch();
        let server = self.server;
        let body = patch.body();
        let stored = |value: &Value| value.as_str().map_or_else(|| value.clone(), |text| Value::from(server(text)));
        self.customer.document.extend(body.iter().map(|(field, value)| (field.clone(), stored(value))));
        self.baselines = patch.settled(&self.baselines, &self.customer, &self.reading());
        Value::Object(body)
    }
}
