//! What of a merge can be written back: the fields of the customer that remains, as far as they came with the one that is gone. What
//! somebody else has put there since stays hers, and in doubt a value is somebody's. Not here: that the one that is gone cannot come back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

type Document = Map<String, Value>;

/// What is compared. Personal.
#[derive(Debug, Clone, Copy)]
pub struct Documents<'a> {
    /// The customer that remains, as it was before the first merge.
    pub before: &'a Document,
    /// Those that went into it, as they were.
    pub absorbed: &'a [Document],
    /// The customer that remains, as it is now.
    pub now: &'a Document,
    /// The field of its id, which nothing changes.
    pub id: &'a str,
}

/// What is done about each field that is not what it was.
#[derive(Clone, Default, PartialEq)]
pub struct Restoration {
    /// These came with the merge and go back to what they were; null where nothing stood. Personal.
    pub back: Document,
    /// These are something that neither of them was: somebody changed them since, and they stay. Names only.
    pub stays: BTreeSet<String>,
}

/// Decides.
#[must_use]
pub fn restoration(of: Documents<'_>) -> Restoration {
    let mut restoration = Restoration::default();
    let fields: BTreeSet<&String> = of.before.keys().chain(of.now.keys()).collect();
    for field in fields.into_iter().filter(|field| *field != of.id) {
        let (was, is) = (of.before.get(field).unwrap_or(&Value::Null), of.now.get(field).unwrap_or(&Value::Null));
        let theirs: Vec<&Value> = of.absorbed.iter().filter_map(|absorbed| absorbed.get(field)).collect();
        match back(was, &theirs, is) {
            Field::AsItWas => {}
            Field::Came(value) => drop(restoration.back.insert(field.clone(), value)),
            Field::Another => drop(restoration.stays.insert(field.clone())),
        }
    }
    restoration
}

/// What a value is, held against what it was and what came.
enum Field {
    /// What it was.
    AsItWas,
    /// It holds what came; without that it is this.
    Came(Value),
    /// Something else.
    Another,
}

fn back(was: &Value, theirs: &[&Value], is: &Value) -> Field {
    if same(was, is) {
        return Field::AsItWas;
    }
    if theirs.iter().any(|theirs| !is_blank(theirs) && same(theirs, is)) {
        return Field::Came(was.clone());
    }
    match is {
        Value::String(is) => text(was, theirs, is),
        Value::Array(is) => array(was, theirs, is),
        Value::Object(is) => object(was, theirs, is),
        Value::Null | Value::Bool(_) | Value::Number(_) => Field::Another,
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// Servers trim, and answer nothing as null, as an empty text or not at all.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => one.trim() == other.trim(),
        _ => one == other || is_blank(one) && is_blank(other),
    }
}

/// Texts that were put one behind the other, with nothing else than what stands between words.
fn text(was: &Value, theirs: &[&Value], is: &str) -> Field {
    let Some(own) = was.as_str().map(str::trim).filter(|own| !own.is_empty()) else { return Field::Another };
    let mut rest = is.replacen(own, " ", 1);
    if rest == is {
        return Field::Another;
    }
    for theirs in theirs.iter().filter_map(|theirs| theirs.as_str()).map(str::trim).filter(|text| !text.is_empty()) {
        rest = rest.replacen(theirs, " ", 1);
    }
    if rest.chars().any(char::is_alphanumeric) { Field::Another } else { Field::Came(was.clone()) }
}

/// A list without what came: whatever somebody has added since stays in it.
fn array(was: &Value, theirs: &[&Value], is: &[Value]) -> Field {
    let none = Vec::new();
    let own = match was {
        Value::Array(own) => own,
        Value::Null => &none,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return Field::Another,
    };
    let theirs: Vec<&Value> = theirs.iter().filter_map(|theirs| theirs.as_array()).flatten().collect();
    let came = |one: &Value| theirs.contains(&one) && !own.contains(one);
    if !is.iter().any(came) {
        return Field::Another;
    }
    let rest: Vec<Value> = is.iter().filter(|one| !came(one)).cloned().collect();
    Field::Came(if rest.is_empty() { was.clone() } else { Value::Array(rest) })
}

/// An object without what came, field by field.
fn object(was: &Value, theirs: &[&Value], is: &Document) -> Field {
    let none = Map::new();
    let own = match was {
        Value::Object(own) => own,
        Value::Null => &none,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return Field::Another,
    };
    let theirs: Vec<&Document> = theirs.iter().filter_map(|theirs| theirs.as_object()).collect();
    let mut rest = is.clone();
    let mut came = false;
    let fields: BTreeMap<&String, &Value> = is.iter().collect();
    for (field, is) in fields {
        let of_theirs: Vec<&Value> = theirs.iter().filter_map(|theirs| theirs.get(field)).collect();
        let Field::Came(value) = back(own.get(field).unwrap_or(&Value::Null), &of_theirs, is) else { continue };
        came = true;
        if own.contains_key(field) || !value.is_null() {
            rest.insert(field.clone(), value);
        } else {
            rest.remove(field);
        }
    }
    if !came {
        return Field::Another;
    }
    Field::Came(if rest.is_empty() { was.clone() } else { Value::Object(rest) })
}

#[cfg(test)]
mod tests;
