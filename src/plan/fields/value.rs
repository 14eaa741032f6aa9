//! The values of fields: what the contact says, what stands in the customer, and when the two are the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::model::{
    Contact, Customer, HashKey, Keyed, Naming, ShopName,
    link::{Baseline, Baselines, Field},
    rules::FieldRule,
};

use super::{
    super::{
        evidence::Declared,
        names::{self, SplitName},
        normalise::{self, Identity},
    },
    Reading,
};

/// What a contact says about a field. Personal.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// Nothing, or nothing usable.
    Nothing,
    /// A text, normalised where the field has a normal form.
    Text(String),
    /// A name, split where that is certain.
    Name(SplitName),
    /// Its own id in its shop.
    Id(ShopName, i64),
}

/// What a contact says about a field.
#[must_use]
pub fn said(field: Field, shop: &ShopName, contact: &Contact, identity: &Identity) -> Said {
    let text = |text: &str| if text.trim().is_empty() { Said::Nothing } else { Said::Text(text.trim().to_owned()) };
    match field {
        Field::Name if identity.name.is_blank() => Said::Nothing,
        Field::Name => Said::Name(names::split(&contact.name)),
        Field::Email => identity.email.as_ref().map_or(Said::Nothing, |email| Said::Text(email.as_str().to_owned())),
        Field::Phone => identity.phone.as_ref().map_or(Said::Nothing, |phone| Said::Text(phone.e164().to_owned())),
        Field::Note => text(&contact.note),
        Field::Ids => Said::Id(shop.clone(), contact.id.get()),
    }
}

/// What stands in a customer for a field: one value, or the three of the name.
pub(super) type Standing = Vec<(String, Value)>;

fn targets<'a>(field: Field, rule: &'a FieldRule, naming: &'a Naming) -> Vec<&'a str> {
    match field {
        Field::Name => vec![&naming.first_name, &naming.last_name, &naming.nickname],
        Field::Email | Field::Phone | Field::Note | Field::Ids => vec![&rule.to],
    }
}

pub(super) fn standing(field: Field, customer: &Customer, rule: &FieldRule, naming: &Naming) -> Standing {
    targets(field, rule, naming)
        .into_iter()
        .map(|target| (target.to_owned(), customer.document.get(target).cloned().unwrap_or(Value::Null)))
        .collect()
}

fn blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
        Value::Object(map) => map.is_empty(),
    }
}

pub(super) fn is_blank(_field: Field, standing: &Standing) -> bool {
    standing.iter().all(|(_, value)| blank(value))
}

/// The hash of what stands, blank ones alike: servers store null, `""` or nothing.
pub(super) fn hash(field: Field, standing: &Standing, key: &HashKey) -> Keyed {
    let values: Vec<&Value> =
        standing.iter().map(|(_, value)| if blank(value) { &Value::Null } else { value }).collect();
    key.hash(field.as_str(), &serde_json::to_string(&values).unwrap_or_default())
}

pub(super) fn source_hash(field: Field, said: &Said, key: &HashKey) -> Keyed {
    let text = match said {
        Said::Nothing => String::new(),
        Said::Text(text) => format!("={text}"),
        Said::Name(SplitName::Split { first, last }) => format!("={first}\n{last}"),
        Said::Name(SplitName::Whole(whole)) => format!("={whole}"),
        Said::Id(shop, id) => format!("={shop}/{id}"),
    };
    key.hash(&format!("said-{field}"), &text)
}

/// Whether the customer holds what the contact says, in whatever spelling: nothing is rewritten for its looks.
pub(super) fn equal(said: &Said, standing: &Standing, reading: &Reading<'_>) -> bool {
    let texts: Vec<&str> = standing.iter().map(|(_, value)| value.as_str().unwrap_or("")).collect();
    let stranger = standing.iter().any(|(_, value)| !blank(value) && !value.is_string());
    match said {
        Said::Nothing => false,
        Said::Id(shop, id) => {
            standing.iter().any(|(_, value)| value.get(shop.as_str()).and_then(Value::as_i64) == Some(*id))
        }
        Said::Text(_) | Said::Name(_) if stranger => false,
        Said::Text(text) => texts.first().is_some_and(|standing| same_text(text, standing, reading)),
        Said::Name(name) => same_name(name, &texts),
    }
}

fn same_text(said: &str, standing: &str, reading: &Reading<'_>) -> bool {
    let same_email = || normalise::email(standing).ok().flatten().is_some_and(|email| email.as_str() == said);
    let same_phone =
        || normalise::phone(standing, reading.region).ok().flatten().is_some_and(|phone| phone.e164() == said);
    said == standing.trim() || same_email() || same_phone()
}

fn same_name(said: &SplitName, standing: &[&str]) -> bool {
    let said = match said {
        SplitName::Split { first, last } => names::fold(&format!("{first} {last}")),
        SplitName::Whole(whole) => names::fold(whole),
    };
    let full = names::fold(&standing.iter().take(2).copied().collect::<Vec<_>>().join(" "));
    let nickname = names::fold(standing.get(2).copied().unwrap_or(""));
    said == full || (full.is_blank() && said == nickname)
}

/// What is sent for a field. The unit of the name replaces what stands of it: a nickname of ours does not outlive
/// the first and last name that take its place.
pub(super) fn body(
    field: Field,
    said: &Said,
    standing: &Standing,
    rule: &FieldRule,
    naming: &Naming,
) -> Map<String, Value> {
    match said {
        Said::Nothing => Map::new(),
        Said::Text(text) => Map::from_iter([(rule.to.clone(), Value::from(text.as_str()))]),
        Said::Name(SplitName::Split { first, last }) => unit([first, last, ""], standing, naming),
        Said::Name(SplitName::Whole(whole)) => unit(["", "", whole], standing, naming),
        Said::Id(shop, id) => {
            let mut ids = match standing.first() {
                Some((_, Value::Object(map))) => map.clone(),
                Some(_) | None => Map::new(),
            };
            ids.insert(shop.as_str().to_owned(), Value::from(*id));
            debug_assert!(field == Field::Ids, "only ids say an id");
            Map::from_iter([(rule.to.clone(), Value::Object(ids))])
        }
    }
}

fn unit(values: [&str; 3], standing: &Standing, naming: &Naming) -> Map<String, Value> {
    let was = |target: &str| standing.iter().find(|(name, _)| name == target).is_some_and(|(_, value)| !blank(value));
    [&naming.first_name, &naming.last_name, &naming.nickname]
        .into_iter()
        .zip(values)
        .filter(|(target, value)| !value.is_empty() || was(target))
        .map(|(target, value)| (target.clone(), Value::from(value)))
        .collect()
}

/// What is sent to blank a field: an empty text, since a schema of texts refuses null; of `ids` nothing is ever blanked.
pub(super) fn clearing(field: Field, standing: &Standing, rule: &FieldRule, naming: &Naming) -> Map<String, Value> {
    match field {
        Field::Name => unit(["", "", ""], standing, naming),
        Field::Email | Field::Phone | Field::Note => Map::from_iter([(rule.to.clone(), Value::from(""))]),
        Field::Ids => Map::new(),
    }
}

/// The hash of what will stand once `sent` is applied.
pub(super) fn hash_after(field: Field, standing: &Standing, sent: &Map<String, Value>, reading: &Reading<'_>) -> Keyed {
    let after =
        standing.iter().map(|(target, value)| (target.clone(), sent.get(target).unwrap_or(value).clone())).collect();
    hash(field, &after, reading.key)
}

/// The fields of a customer that hold exactly what came back from our last write, by its baselines. Where a field is sent to is
/// read from the account's naming: only e-mail, telephone and name are evidence.
#[must_use]
pub fn still_ours(customer: &Customer, baselines: &Baselines, naming: &Naming, key: &HashKey) -> BTreeSet<Field> {
    let value = |target: &String| (target.clone(), customer.document.get(target).cloned().unwrap_or(Value::Null));
    let standing = |field: Field| match field {
        Field::Name => Some(vec![value(&naming.first_name), value(&naming.last_name), value(&naming.nickname)]),
        Field::Email => Some(vec![value(&naming.email)]),
        Field::Phone => Some(vec![value(&naming.telnum)]),
        Field::Note | Field::Ids => None,
    };
    baselines
        .iter()
        .filter_map(|(field, baseline)| Some((*field, standing(*field)?, baseline.returned?)))
        .filter(|(field, standing, returned)| !is_blank(*field, standing) && hash(*field, standing, key) == *returned)
        .map(|(field, _, _)| field)
        .collect()
}

/// The baselines of writes that were declared and whose answer was lost: adopted where the customer holds exactly what
/// was to be sent.
#[must_use]
pub fn adopted(customer: &Customer, declared: &Declared, reading: &Reading<'_>) -> Baselines {
    declared
        .iter()
        .map(|(field, (source, sent))| {
            let standing = standing(*field, customer, reading.rule(*field), reading.naming);
            (*field, Baseline { source: *source, returned: Some(hash(*field, &standing, reading.key)) }, *sent)
        })
        .filter(|(_, baseline, sent)| baseline.returned == Some(*sent))
        .map(|(field, baseline, _)| (field, baseline))
        .collect()
}
