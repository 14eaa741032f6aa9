//! A customer under trial: as it was, what was sent to it, and what of it is to be put back. Pure.
//!
//! Put back is what is ours: a field that shows what was sent, and a field that vanished with an update that did not name
//! it. What shows anything else was changed by somebody meanwhile, and stays.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::model::Customer;

/// As it was, and what was sent.
pub struct Trial {
    /// What it has to be again.
    pub before: Customer,
    /// What the account calls the id.
    id: String,
    /// Every value a field was sent or was seen to hold after it.
    sent: BTreeMap<String, Vec<Value>>,
}

/// What is to be sent to put it back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Back {
    /// The fields to send; empty where nothing is ours.
    pub send: Map<String, Value>,
    /// Which of them are to change; the others stand, and are sent because this server drops what is not sent.
    pub ours: BTreeSet<String>,
    /// Fields that are otherwise than before and not by us.
    pub theirs: BTreeSet<String>,
}

impl Trial {
    pub fn new(before: Customer, id: &str) -> Self {
        Self { before, id: id.to_owned(), sent: BTreeMap::new() }
    }

    /// Notes that a value was sent, or seen to stand where one was.
    pub fn note(&mut self, field: &str, value: Value) {
        self.sent.entry(field.to_owned()).or_default().push(value);
    }

    /// Whether anything was sent.
    pub fn touched(&self) -> bool {
        !self.sent.is_empty()
    }

    /// Whether a field shows what was last sent to it, as far as servers keep texts. What stood there before shows nothing,
    /// though a probe begins with it.
    pub fn shows_last(&self, field: &str, now: &Customer) -> bool {
        let now = of(&now.document, field);
        let changed = now != of(&self.before.document, field);
        let last = self.sent.get(field).and_then(|values| values.last());
        last.is_some_and(|last| last == now || (changed && like(last, now)))
    }

    /// The text last seen to stand where one was sent.
    pub fn shown(&self, field: &str) -> Option<String> {
        self.sent.get(field)?.last()?.as_str().map(str::to_owned)
    }

    /// What an update did besides: fields that stood, were not sent, and are gone.
    pub fn lost(&self, now: &Customer) -> BTreeSet<String> {
        let lost = |(field, was): &(&String, &Value)| {
            let gone = now.document.get(*field).is_none_or(|now| now.is_null() && !was.is_null());
            gone && !self.sent.contains_key(*field)
        };
        self.before.document.iter().filter(lost).map(|(field, _)| field.clone()).collect()
    }

    /// What is to be put back of what stands now.
    pub fn back(&self, now: &Customer) -> Back {
        let lost = self.lost(now);
        let fields: BTreeSet<&String> = self.before.document.keys().chain(now.document.keys()).collect();
        let mut back = Back::default();
        for field in fields.into_iter().filter(|field| **field != self.id) {
            if self.before.document.get(field) == now.document.get(field) {
                continue;
            }
            if lost.contains(field) || self.is_ours(field, of(&now.document, field)) {
                back.ours.insert(field.clone());
            } else {
                back.theirs.insert(field.clone());
            }
        }
        for field in &back.ours {
            back.send.insert(field.clone(), of(&self.before.document, field).clone());
        }
        if !lost.is_empty() {
            // A server that drops what is not sent wants everything that stands.
            let standing = now.document.iter().filter(|(field, _)| **field != self.id && !back.ours.contains(*field));
            back.send.extend(standing.map(|(field, value)| (field.clone(), value.clone())));
        }
        back
    }

    fn is_ours(&self, field: &str, now: &Value) -> bool {
        self.sent.get(field).is_some_and(|values| values.iter().any(|sent| like(sent, now)))
    }
}

/// What a field holds; absent and null alike.
pub fn of<'a>(document: &'a Map<String, Value>, field: &str) -> &'a Value {
    document.get(field).unwrap_or(&Value::Null)
}

/// Whether `now` is what a server may have made of `sent`: servers trim, cut, and store nothing for a blank.
fn like(sent: &Value, now: &Value) -> bool {
    let blank = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    match (sent.as_str(), now.as_str()) {
        _ if sent == now => true,
        _ if blank(sent) => blank(now),
        (Some(sent), Some(now)) => !blank(&Value::from(now)) && sent.trim().starts_with(now.trim()),
        (_, _) => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use serde_json::json;

    use super::*;

    fn customer(document: Value) -> Customer {
        Customer { id: "c1".parse().unwrap(), document: serde_json::from_value(document).unwrap() }
    }

    fn trial() -> Trial {
        let before = json!({"id": "c1", "email": "a@x.it", "nickname": "nina", "tags": ["vip"], "note": null});
        let mut trial = Trial::new(customer(before), "id");
        trial.note("nickname", json!("nina [anagrafe-check t abc è] "));
        trial
    }

    fn names(set: &BTreeSet<String>) -> Vec<&str> {
        set.iter().map(String::as_str).collect()
    }

    #[test]
    fn what_stood_before_shows_no_write_though_the_probe_begins_with_it() {
        let trial = trial();
        assert!(!trial.shows_last("nickname", &trial.before));
        let cut = customer(json!({"id": "c1", "nickname": "nina [a"}));
        assert!(trial.shows_last("nickname", &cut));
    }

    #[test]
    fn where_nothing_is_otherwise_nothing_is_put_back() {
        let trial = trial();
        assert_eq!(trial.back(&trial.before.clone()), Back::default());
    }

    #[test]
    fn a_field_that_shows_what_was_sent_is_put_back_alone_whole_trimmed_or_cut() {
        for shown in ["nina [anagrafe-check t abc è] ", "nina [anagrafe-check t abc è]", "nina [ana"] {
            let now = customer(
                json!({"id": "c1", "email": "a@x.it", "nickname": shown, "tags": ["vip"], "note": null, "seen": 3}),
            );
            let back = trial().back(&now);
            assert_eq!(Value::Object(back.send), json!({"nickname": "nina"}), "{shown}");
            assert_eq!(names(&back.theirs), ["seen"]);
            assert!(trial().shows_last("nickname", &now));
        }
    }

    #[test]
    fn what_an_agent_wrote_meanwhile_stays() {
        let now =
            customer(json!({"id": "c1", "email": "b@x.it", "nickname": "nina R.", "tags": ["vip"], "note": null}));
        let back = trial().back(&now);
        assert!(back.send.is_empty());
        assert_eq!(names(&back.theirs), ["email", "nickname"]);
    }

    #[test]
    fn what_an_overriding_update_dropped_is_sent_with_everything_that_stands() {
        let now = customer(json!({"id": "c1", "nickname": "nina [anagrafe-check t abc è]", "agent": "new"}));
        let trial = trial();
        assert_eq!(names(&trial.lost(&now)), ["email", "note", "tags"]);
        let sent = json!({"agent": "new", "email": "a@x.it", "nickname": "nina", "note": null, "tags": ["vip"]});
        let back = trial.back(&now);
        assert_eq!((Value::Object(back.send), names(&back.theirs)), (sent, vec!["agent"]));
    }

    #[test]
    fn a_blank_that_was_sent_is_ours_however_it_is_kept() {
        for sent in [json!(null), json!("")] {
            for kept in
                [json!({"id": "c1", "nickname": null}), json!({"id": "c1", "nickname": ""}), json!({"id": "c1"})]
            {
                let mut trial = Trial::new(customer(json!({"id": "c1", "nickname": "nina"})), "id");
                trial.note("nickname", sent.clone());
                let back = trial.back(&customer(kept));
                assert_eq!(Value::Object(back.send), json!({"nickname": "nina"}));
            }
        }
    }
}
