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
        normalise::{self, Identity, Region},
    },
    Reading,
};

/// What a contact says about a field. Personal.
#[derive(Clone, PartialEq, Eq)]
pub enum Said {
    /// Nothing.
    Nothing,
    /// Something that is no value (`n/a`, half an address): never written, and never taken for blank.
    Unusable,
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
    let (text, said) = match field {
        Field::Name if identity.name.is_blank() => (&contact.name, None),
        Field::Name => (&contact.name, Some(Said::Name(names::split(&contact.name)))),
        Field::Email => (&contact.email, identity.email.as_ref().map(|email| Said::Text(email.as_str().to_owned()))),
        Field::Phone => (&contact.phone, identity.phone.as_ref().map(|phone| Said::Text(phone.e164().to_owned()))),
        Field::Note => {
            let note = contact.note.trim();
            (&contact.note, (!note.is_empty()).then(|| Said::Text(note.to_owned())))
        }
        Field::Ids => return Said::Id(shop.clone(), contact.id.get()),
    };
    said.unwrap_or(if text.trim().is_empty() { Said::Nothing } else { Said::Unusable })
}

/// What stands in a customer for a field: one value, or the three of the name.
pub(super) type Standing = Vec<(String, Value)>;

fn targets<'a>(field: Field, rule: &'a FieldRule, naming: &'a Naming) -> Vec<&'a str> {
    match field {
        Field::Name => vec![&naming.first_name, &naming.last_name, &naming.nickname],
        Field::Email | Field::Phone | Field::Note | Field::Ids => vec![&rule.to],
    }
}

/// What stands there for a contact of `shop`. Of `ids`, which holds an entry for each shop, only the shop's own: what the others
/// wrote beside it is neither in the way nor ours.
pub(super) fn standing(
    field: Field,
    customer: &Customer,
    rule: &FieldRule,
    naming: &Naming,
    shop: &ShopName,
) -> Standing {
    whole(field, customer, rule, naming)
        .into_iter()
        .map(|(target, value)| (target, if field == Field::Ids { entry(value, shop.as_str()) } else { value }))
        .collect()
}

fn whole(field: Field, customer: &Customer, rule: &FieldRule, naming: &Naming) -> Standing {
    targets(field, rule, naming)
        .into_iter()
        .map(|target| (target.to_owned(), customer.document.get(target).cloned().unwrap_or(Value::Null)))
        .collect()
}

/// The entry of a shop, as an object of nothing else. What is no object is somebody else's, for every shop.
fn entry(value: Value, shop: &str) -> Value {
    match value {
        Value::Object(mut map) => match map.remove(shop).filter(|value| !blank(value)) {
            Some(value) => Value::Object(Map::from_iter([(shop.to_owned(), value)])),
            None => Value::Null,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => value,
    }
}

/// What stands there for any shop, each part by itself.
pub(super) fn parts(field: Field, customer: &Customer, reading: &Reading<'_>) -> Vec<Standing> {
    let whole = whole(field, customer, reading.rule(field), reading.naming);
    match (field, whole.first()) {
        (Field::Ids, Some((target, Value::Object(map)))) => {
            map.keys().map(|shop| vec![(target.clone(), entry(Value::Object(map.clone()), shop))]).collect()
        }
        (Field::Ids | Field::Name | Field::Email | Field::Phone | Field::Note, _) => vec![whole],
    }
}

fn blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => false,
        Value::Object(map) => map.is_empty(),
    }
}

pub(super) fn is_blank(standing: &Standing) -> bool {
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
        Said::Unusable => "?".to_owned(),
        Said::Text(text) => format!("={text}"),
        Said::Name(SplitName::Split { first, last }) => format!("={first}\n{last}"),
        Said::Name(SplitName::Whole(whole)) => format!("={whole}"),
        Said::Id(shop, id) => format!("={shop}/{id}"),
    };
    key.hash(&format!("said-{field}"), &text)
}

/// Whether the customer holds what the contact says, in whatever spelling: nothing is rewritten for its looks.
pub(super) fn equal(field: Field, said: &Said, standing: &Standing, reading: &Reading<'_>) -> bool {
    let texts: Vec<&str> = standing.iter().map(|(_, value)| value.as_str().unwrap_or("")).collect();
    let stranger = standing.iter().any(|(_, value)| !blank(value) && !value.is_string());
    match said {
        Said::Nothing | Said::Unusable => false,
        Said::Id(shop, id) => {
            standing.iter().any(|(_, value)| value.get(shop.as_str()).and_then(Value::as_i64) == Some(*id))
        }
        Said::Text(_) | Said::Name(_) if stranger => false,
        Said::Text(text) => texts.first().is_some_and(|standing| same_text(field, text, standing, reading)),
        Said::Name(name) => same_name(name, &texts),
    }
}

fn same_text(field: Field, said: &str, standing: &str, reading: &Reading<'_>) -> bool {
    said == standing.trim() || normal(field, standing, reading.region).as_deref() == Some(said)
}

/// The normal form of what stands, for a field that has one.
pub(super) fn normal(field: Field, standing: &str, region: Region) -> Option<String> {
    match field {
        Field::Email => normalise::email(standing).ok().flatten().map(|email| email.as_str().to_owned()),
        Field::Phone => normalise::phone(standing, region).ok().flatten().map(|phone| phone.e164().to_owned()),
        Field::Name | Field::Note | Field::Ids => None,
    }
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

/// What is sent for a field. Where the unit of the name holds what we wrote it is replaced whole, so that a nickname of ours does
/// not outlive the first and last name that take its place; beside a stranger's value nothing is blanked.
pub(super) fn body(
    said: &Said,
    customer: &Customer,
    standing: &Standing,
    ours: bool,
    rule: &FieldRule,
    naming: &Naming,
) -> Map<String, Value> {
    match said {
        Said::Nothing | Said::Unusable => Map::new(),
        Said::Text(text) => Map::from_iter([(rule.to.clone(), Value::from(text.as_str()))]),
        Said::Name(SplitName::Split { first, last }) => unit([first, last, ""], standing, ours, naming),
        Said::Name(SplitName::Whole(whole)) => unit(["", "", whole], standing, ours, naming),
        Said::Id(shop, id) => {
            // The entries of other shops go along as they stand.
            let mut ids = match customer.document.get(&rule.to) {
                Some(Value::Object(map)) => map.clone(),
                Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | None => {
                    Map::new()
                }
            };
            ids.insert(shop.as_str().to_owned(), Value::from(*id));
            Map::from_iter([(rule.to.clone(), Value::Object(ids))])
        }
    }
}

fn unit(values: [&str; 3], standing: &Standing, blanking: bool, naming: &Naming) -> Map<String, Value> {
    let was = |target: &str| standing.iter().find(|(name, _)| name == target).is_some_and(|(_, value)| !blank(value));
    [&naming.first_name, &naming.last_name, &naming.nickname]
        .into_iter()
        .zip(values)
        .filter(|(target, value)| !value.is_empty() || (blanking && was(target)))
        .map(|(target, value)| (target.clone(), Value::from(value)))
        .collect()
}

/// What is sent to blank a field: an empty text, since a schema of texts refuses null; of `ids` nothing is ever blanked.
pub(super) fn clearing(field: Field, standing: &Standing, rule: &FieldRule, naming: &Naming) -> Map<String, Value> {
    match field {
        Field::Name => unit(["", "", ""], standing, true, naming),
        Field::Email | Field::Phone | Field::Note => Map::from_iter([(rule.to.clone(), Value::from(""))]),
        Field::Ids => Map::new(),
    }
}

/// The hash of what will stand once `sent` is applied.
pub(super) fn hash_after(
    field: Field,
    standing: &Standing,
    sent: &Map<String, Value>,
    shop: &ShopName,
    reading: &Reading<'_>,
) -> Keyed {
    let after = |(target, value): &(String, Value)| match sent.get(target) {
        Some(sent) if field == Field::Ids => (target.clone(), entry(sent.clone(), shop.as_str())),
        Some(sent) => (target.clone(), sent.clone()),
        None => (target.clone(), value.clone()),
    };
    hash(field, &standing.iter().map(after).collect(), reading.key)
}

/// The fields of a customer that hold what we wrote, by the baselines of a link: what came back from our last write, or an
/// identifier of ours in another spelling. Where a field is sent to is read from the account's naming: only e-mail,
/// telephone and name are evidence.
#[must_use]
pub fn still_ours(customer: &Customer, baselines: &Baselines, reading: &Reading<'_>) -> BTreeSet<Field> {
    let naming = reading.naming;
    let value = |target: &String| (target.clone(), customer.document.get(target).cloned().unwrap_or(Value::Null));
    let holds = |field: Field, baseline: &Baseline, returned: Keyed| match field {
        Field::Name => {
            names_of_ours(&[&naming.first_name, &naming.last_name, &naming.nickname].map(value), returned, reading)
        }
        Field::Email => identifier_of_ours(field, value(&naming.email), baseline, returned, reading),
        Field::Phone => identifier_of_ours(field, value(&naming.telnum), baseline, returned, reading),
        Field::Note | Field::Ids => false,
    };
    baselines
        .iter()
        .filter_map(|(field, baseline)| Some((*field, baseline, baseline.returned?)))
        .filter(|(field, baseline, returned)| holds(*field, baseline, *returned))
        .map(|(field, _, _)| field)
        .collect()
}

/// A nickname added beside our first and last name does not make those its author's; nor does `Cliente` our nickname.
fn names_of_ours(standing: &[(String, Value); 3], returned: Keyed, reading: &Reading<'_>) -> bool {
    let [first, last, nickname] = standing;
    let without = |part: &(String, Value)| (part.0.clone(), Value::Null);
    let full = [first, last].map(|(_, value)| value.as_str().unwrap_or("")).join(" ");
    let mut parts = vec![standing.to_vec(), vec![first.clone(), last.clone(), without(nickname)]];
    if names::fold(&full).is_blank() {
        parts.push(vec![without(first), without(last), nickname.clone()]);
    }
    parts.iter().any(|part| !is_blank(part) && hash(Field::Name, part, reading.key) == returned)
}

/// Who writes our number another way adds nothing to it.
fn identifier_of_ours(
    field: Field,
    standing: (String, Value),
    baseline: &Baseline,
    returned: Keyed,
    reading: &Reading<'_>,
) -> bool {
    let standing = vec![standing];
    !is_blank(&standing)
        && (hash(field, &standing, reading.key) == returned || says(field, &standing, baseline.source, reading))
}

/// Whether what stands for an identifier is, in whatever spelling, what a contact said.
fn says(field: Field, standing: &Standing, source: Keyed, reading: &Reading<'_>) -> bool {
    let text = standing.first().and_then(|(_, value)| value.as_str());
    text.and_then(|text| normal(field, text, reading.region))
        .is_some_and(|normal| source_hash(field, &Said::Text(normal), reading.key) == source)
}

/// The baselines of writes that were declared and whose answer was lost: adopted where the customer holds what was to be sent,
/// an identifier in whatever spelling.
#[must_use]
pub fn adopted(customer: &Customer, declared: &Declared, reading: &Reading<'_>) -> Baselines {
    declared
        .iter()
        .filter_map(|(field, (source, sent))| {
            parts(*field, customer, reading).into_iter().find_map(|standing| {
                let returned = hash(*field, &standing, reading.key);
                let is_so = returned == *sent || says(*field, &standing, *source, reading);
                is_so.then_some((*field, Baseline { source: *source, returned: Some(returned) }))
            })
        })
        .collect()
}

/// Of baselines that were settled with another customer, those that hold for this one: what came back from our write is what
/// stands here. It came here with that customer, when somebody merged it into this one.
#[must_use]
pub fn carried(customer: &Customer, baselines: &Baselines, reading: &Reading<'_>) -> Baselines {
    let ours = still_ours(customer, baselines, reading);
    let stands = |field: Field, returned: Keyed| {
        parts(field, customer, reading)
            .iter()
            .any(|standing| !is_blank(standing) && hash(field, standing, reading.key) == returned)
    };
    baselines
        .iter()
        .filter(|(field, baseline)| {
            ours.contains(field) || baseline.returned.is_some_and(|returned| stands(**field, returned))
        })
        .map(|(field, baseline)| (*field, *baseline))
        .collect()
}
