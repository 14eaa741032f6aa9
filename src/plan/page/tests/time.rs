//! What happens to a world in time: plans that are applied and recorded as the store would, contacts that come and go, agents that edit
//! and merge.

use serde_json::Value;

use super::world::{World, id, key};
use crate::{
    model::{
        ContactKey, Customer, CustomerId,
        link::{Link, Role},
        time::Moment,
    },
    plan::{
        normalise,
        page::{ContactPlan, PagePlan, QUESTIONED},
    },
};

impl World {
    /// Plans and applies: what was written, as (customer, field, value).
    pub fn pass(&mut self) -> Vec<(CustomerId, String, Value)> {
        let plan = self.plan();
        self.apply(&plan)
    }

    pub fn apply(&mut self, plan: &PagePlan) -> Vec<(CustomerId, String, Value)> {
        self.clock += 1;
        plan.contacts.iter().flat_map(|contact| self.apply_one(contact)).collect()
    }

    fn apply_one(&mut self, contact: &ContactPlan) -> Vec<(CustomerId, String, Value)> {
        let who = &contact.contact;
        let mut writes = Vec::new();
        if contact.reason == QUESTIONED {
            return writes;
        }
        let Some(link) = &contact.link else {
            self.end(who);
            return writes;
        };
        let mut baselines = contact.baselines.clone();
        if link.role == Role::Owner {
            let body = contact.patch.body();
            self.written.extend(body.keys().map(|field| (link.customer.clone(), field.clone())));
            writes.extend(body.iter().map(|(field, value)| (link.customer.clone(), field.clone(), value.clone())));
            self.customers.get_mut(&link.customer).unwrap().extend(body);
            let after = Customer { id: link.customer.clone(), document: self.customers[&link.customer].clone() };
            baselines = contact.patch.settled(&baselines, &after, &self.reading());
        }
        self.declared.retain(|(of, _), _| of != who);
        let before = self.links.get(who).filter(|before| before.customer == link.customer).map(|before| before.since);
        if before.is_none() {
            self.end(who);
        }
        // One row a contact and customer.
        self.former.entry(who.clone()).or_default().retain(|former| former.customer != link.customer);
        let link = Link {
            contact: who.clone(),
            customer: link.customer.clone(),
            role: link.role,
            grounds: link.grounds,
            row: link.row.clone(),
            since: before.unwrap_or(self.now()),
            baselines,
            known_as: link.known_as.clone(),
            ended: None,
        };
        self.links.insert(who.clone(), link);
        writes
    }

    fn now(&self) -> Moment {
        Moment::from_millis(self.clock * 1000)
    }

    /// The link of a contact becomes a former one.
    pub fn end(&mut self, who: &ContactKey) {
        if let Some(link) = self.links.remove(who) {
            let link = Link { ended: Some(self.now()), ..link };
            self.former.entry(who.clone()).or_default().insert(0, link);
        }
    }

    /// A contact is deleted in its shop.
    pub fn gone(&mut self, who: &str) {
        self.clock += 1;
        if let Some(contact) = self.contacts.remove(&key(who)) {
            self.deleted.insert(key(who), contact);
        }
        self.end(&key(who));
    }

    /// The shop restores its backup.
    pub fn all_back(&mut self) {
        self.contacts.append(&mut self.deleted);
    }

    /// An agent merges a customer into another one: what is blank there is taken over, and the one answers no more.
    pub fn absorbed(&mut self, whom: &str, into: &str) {
        let Some(gone) = self.customers.remove(&id(whom)) else { return };
        self.clock += 1;
        let Some(stays) = self.customers.get_mut(&id(into)) else { return };
        for (field, value) in gone {
            let blank = |value: &Value| value.is_null() || value.as_str().is_some_and(str::is_empty);
            if stays.get(&field).is_none_or(blank) && !blank(&value) {
                if self.written.contains(&(id(whom), field.clone())) {
                    self.written.insert((id(into), field.clone()));
                }
                stays.insert(field, value);
            }
        }
    }

    /// Nobody remembers which of a customer's values were ours.
    pub fn forget(&mut self, whom: &str) {
        self.written.retain(|(customer, _)| *customer != id(whom));
    }

    /// An agent edits a customer. An identifier in another spelling is the same one.
    pub fn by_agent(&mut self, whom: &str, field: &str, value: &Value) {
        let Some(document) = self.customers.get_mut(&id(whom)) else { return };
        let normal = |value: &Value| {
            let text = value.as_str().unwrap_or("");
            match field {
                "email" => normalise::email(text).ok().flatten().map(|email| email.as_str().to_owned()),
                "telnum" => normalise::phone(text, self.region).ok().flatten().map(|phone| phone.e164().to_owned()),
                _ => None,
            }
        };
        let before = document.insert(field.to_owned(), value.clone()).unwrap_or(Value::Null);
        let same = before == *value || (normal(value).is_some() && normal(value) == normal(&before));
        if !same {
            self.written.remove(&(id(whom), field.to_owned()));
        }
    }
}
