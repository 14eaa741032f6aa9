//! What became of a merge, from what both customers were and what they are. That one of them is not found proves nothing by itself: an
//! agent may have taken it elsewhere. The other one must hold something of it that it did not hold before, or answer in its place.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::model::{Customer, CustomerId, merge::Doubt, time::Moment};

/// What two customers say of a merge between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It was applied.
    Applied {
        /// The one that remains: not always the one that was meant to.
        remains: CustomerId,
    },
    /// Both are there, and two.
    NotApplied,
    /// Neither: why, a code.
    Unclear(&'static str),
}

/// Two customers of a merge.
#[derive(Debug, Clone, Copy)]
pub struct Pair<'a> {
    /// The one that was to stay.
    pub survivor: &'a CustomerId,
    /// The one that was to go.
    pub absorbed: &'a CustomerId,
}

/// The documents of both as they were, in the order of [`Pair`].
pub type Before<'a> = (&'a Map<String, Value>, &'a Map<String, Value>);

/// What became of a merge. `before`: both as they were, where that is still known; `now`: what asking for each gives; `answered`: the
/// customer that the merge itself was answered with, where it was answered with success.
#[must_use]
pub fn found(
    pair: Pair<'_>,
    before: Option<Before<'_>>,
    now: (Option<&Customer>, Option<&Customer>),
    answered: Option<&CustomerId>,
) -> Found {
    let Pair { survivor, absorbed } = pair;
    match now {
        (Some(one), Some(other)) => both(pair, before, one, other, answered),
        (Some(one), None) if one.id == *survivor => {
            let gained = before.is_some_and(|(was, of)| has_gained(was, of, absorbed, one));
            if gained || answered == Some(survivor) {
                Found::Applied { remains: survivor.clone() }
            } else {
                Found::Unclear("absorbed-not-found")
            }
        }
        (None, Some(other)) if other.id == *absorbed => {
            let gained = before.is_some_and(|(of, was)| has_gained(was, of, survivor, other));
            if gained || answered == Some(absorbed) {
                Found::Applied { remains: absorbed.clone() }
            } else {
                Found::Unclear("survivor-not-found")
            }
        }
        (Some(_), None) | (None, Some(_)) => Found::Unclear("merged-elsewhere"),
        (None, None) => Found::Unclear("neither-found"),
    }
}

fn both(
    Pair { survivor, absorbed }: Pair<'_>,
    before: Option<Before<'_>>,
    one: &Customer,
    other: &Customer,
    answered: Option<&CustomerId>,
) -> Found {
    if one.id == other.id {
        // Whoever answers for both is what they became: one of the two, or else nobody knows whose doing it was.
        return if one.id == *survivor || one.id == *absorbed {
            Found::Applied { remains: one.id.clone() }
        } else {
            Found::Unclear("merged-elsewhere")
        };
    }
    if one.id != *survivor || other.id != *absorbed {
        return Found::Unclear("merged-elsewhere");
    }
    // A server that answers for the one that is gone under the id it was asked for: two ids, and to the letter one customer.
    let key = id_field(one, other);
    let alike = |a: &Map<String, Value>, b: &Map<String, Value>| without(a, key) == without(b, key);
    if !alike(&one.document, &other.document) {
        return Found::NotApplied;
    }
    match before {
        Some((was, of)) if !alike(was, of) => {
            let remains = answered.filter(|id| *id == survivor || *id == absorbed).unwrap_or(survivor);
            Found::Applied { remains: remains.clone() }
        }
        // Two that were alike before are alike still: that says nothing.
        Some(_) => Found::NotApplied,
        None => Found::Unclear("alike"),
    }
}

/// The field that tells two documents apart as theirs.
fn id_field<'a>(one: &'a Customer, other: &Customer) -> Option<&'a String> {
    let is_id = |(_, value): &(&String, &Value)| value.as_str() == Some(one.id.as_str());
    let also =
        |(field, _): &(&String, &Value)| other.document.get(*field).and_then(Value::as_str) == Some(other.id.as_str());
    one.document.iter().filter(is_id).find(also).map(|(field, _)| field)
}

fn without<'a>(document: &'a Map<String, Value>, field: Option<&String>) -> Vec<(&'a String, &'a Value)> {
    let mut rest: Vec<_> = document.iter().filter(|(name, _)| Some(*name) != field).collect();
    rest.sort_by(|a, b| a.0.cmp(b.0));
    rest
}

/// Whether a customer holds something of another one that it did not hold before: a value, a part of one, or its id.
fn has_gained(was: &Map<String, Value>, of: &Map<String, Value>, gone: &CustomerId, now: &Customer) -> bool {
    let named = |document: &Map<String, Value>| document.values().any(|value| mentions(value, gone.as_str()));
    if named(&now.document) && !named(was) {
        return true;
    }
    of.iter().any(|(field, theirs)| {
        let (before, after) = (was.get(field), now.document.get(field));
        before != after && after.is_some_and(|after| gained(before, theirs, after))
    })
}

fn gained(before: Option<&Value>, theirs: &Value, after: &Value) -> bool {
    match (theirs, after) {
        (Value::Null, _) => false,
        (Value::String(theirs), Value::String(after)) => {
            let held = before.and_then(Value::as_str).is_some_and(|before| before.contains(theirs.as_str()));
            !theirs.trim().is_empty() && after.contains(theirs.as_str()) && !held
        }
        (Value::Array(theirs), Value::Array(after)) => {
            let held = before.and_then(Value::as_array);
            theirs.iter().any(|one| after.contains(one) && !held.is_some_and(|held| held.contains(one)))
        }
        (Value::Object(theirs), Value::Object(after)) => {
            let held = before.and_then(Value::as_object);
            theirs.iter().any(|(field, value)| {
                let before = held.and_then(|held| held.get(field));
                before != after.get(field) && after.get(field).is_some_and(|after| gained(before, value, after))
            })
        }
        (theirs, after) => theirs == after,
    }
}

fn mentions(value: &Value, text: &str) -> bool {
    match value {
        Value::String(held) => held == text,
        Value::Array(values) => values.iter().any(|value| mentions(value, text)),
        Value::Object(fields) => fields.values().any(|value| mentions(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether a call that began to be in doubt then can be applied no more. On the machine that noticed it its own clock since it was booted
/// decides, which nobody can set; on another one only the calendar is left.
#[must_use]
pub fn is_past(doubt: Option<&Doubt>, noticed: Moment, horizon: Duration, now: Moment, here: &Doubt) -> bool {
    match doubt {
        Some(Doubt { boot, uptime }) if !boot.is_empty() && *boot == here.boot => {
            here.uptime.checked_sub(*uptime).is_some_and(|span| span > horizon)
        }
        Some(_) | None => now.since(noticed) > horizon,
    }
}

/// How long a doubt may last before a person is asked.
const A_DAY: Duration = Duration::from_hours(24);

/// Whether a person is to be asked about what nothing has told for so long.
#[must_use]
pub fn is_hopeless(declared: Moment, now: Moment) -> bool {
    now.since(declared) >= A_DAY
}

#[cfg(test)]
mod tests;
