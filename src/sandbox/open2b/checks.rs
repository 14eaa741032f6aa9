//! How the shop refuses a request it has understood: HTTP 200, `status: error`, one of the vendor's eight types.

use serde_json::{Map, Value, json};

use super::{
    super::wire::Reply,
    records::{FIELDS, Key, Records},
};

/// `{"field","type","description"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    field: String,
    kind: &'static str,
    description: String,
}

/// What checking gives.
pub(super) type Checked<T> = Result<T, Refusal>;

impl Refusal {
    fn new(field: &str, kind: &'static str, description: impl Into<String>) -> Self {
        Self { field: field.into(), kind, description: description.into() }
    }

    pub(super) fn access_denied(method: &str) -> Self {
        Self::new("", "AccessDenied", format!("The key is not granted commerce.{method}"))
    }

    pub(super) fn missing(field: &str) -> Self {
        Self::new(field, "Missing", format!("{field} is required"))
    }

    pub(super) fn missing_combination(field: &str) -> Self {
        Self::new(field, "MissingCombination", format!("{field} must hold at least one field"))
    }

    pub(super) fn malformed(field: &str) -> Self {
        Self::new(field, "Malformed", format!("{field} is malformed"))
    }

    pub(super) fn not_found(field: &str, what: &str, id: i64) -> Self {
        Self::new(field, "NotFound", format!("{what} {id} does not exist"))
    }

    pub(super) fn reply(&self) -> Reply {
        let error = json!({ "field": self.field, "type": self.kind, "description": self.description });
        Reply::json(200, json!({ "status": "error", "error": error }))
    }
}

/// An object whose keys are all known; `null` and absent are an empty one.
pub(super) fn object<'a>(
    value: Option<&'a Value>,
    field: &str,
    known: &[&str],
) -> Checked<Option<&'a Map<String, Value>>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => match map.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(Some(map)),
            Some(unknown) => Err(Refusal::new(unknown, "UnknownField", format!("{unknown} is not a field of {field}"))),
        },
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => Err(Refusal::malformed(field)),
    }
}

/// An integer of at least `least`; absent is `None`, `null` is malformed.
pub(super) fn integer(map: &Map<String, Value>, field: &str, least: i64) -> Checked<Option<i64>> {
    let Some(value) = map.get(field) else { return Ok(None) };
    value.as_i64().filter(|number| *number >= least).map(Some).ok_or_else(|| Refusal::malformed(field))
}

/// `fields`: those named, in the vendor's order; without it all.
pub(super) fn fields(map: &Map<String, Value>) -> Checked<Vec<&'static str>> {
    let Some(value) = map.get("fields") else { return Ok(FIELDS.to_vec()) };
    let names = texts(value, "fields")?;
    if let Some(unknown) = names.iter().find(|name| !FIELDS.contains(name)) {
        return Err(Refusal::new("fields", "UnknownField", format!("{unknown} is not a field of contact")));
    }
    Ok(FIELDS.into_iter().filter(|field| names.contains(field)).collect())
}

/// `order`; without it by name, which a reader who needs ids must not rely on.
pub(super) fn order(map: &Map<String, Value>) -> Checked<Vec<Key>> {
    let Some(value) = map.get("order") else { return Ok(vec![Key { field: "name", descending: false }]) };
    let mut keys: Vec<Key> = Vec::new();
    for text in texts(value, "order")? {
        let name = text.strip_prefix('-').unwrap_or(text);
        let known = FIELDS.iter().find(|field| **field == name).ok_or_else(|| Refusal::malformed("order"))?;
        if keys.iter().any(|key| key.field == *known) {
            return Err(Refusal::new("order", "InvalidCombination", format!("{name} is given twice")));
        }
        keys.push(Key { field: known, descending: text.starts_with('-') });
    }
    Ok(keys)
}

fn texts<'a>(value: &'a Value, field: &str) -> Checked<Vec<&'a str>> {
    let list = value.as_array().ok_or_else(|| Refusal::malformed(field))?;
    list.iter().map(|item| item.as_str().ok_or_else(|| Refusal::malformed(field))).collect()
}

/// The texts a contact may hold, by the vendor's lengths: name 1–50, phone 0–15, e-mail 3–120 or null, note 0–255.
pub(super) struct Texts {
    pub(super) name: Option<String>,
    pub(super) phone: Option<String>,
    /// Empty where `null` was sent: that takes the e-mail away.
    pub(super) email: Option<String>,
    pub(super) note: Option<String>,
}

/// Checks what a create or an update sends of them.
pub(super) fn texts_of(contact: &Map<String, Value>) -> Checked<Texts> {
    Ok(Texts {
        name: text(contact, "name", 1, 50)?,
        phone: text(contact, "phone", 0, 15)?,
        email: email(contact)?,
        note: text(contact, "note", 0, 255)?,
    })
}

/// The owner sent, if it was: an existing shop customer.
pub(super) fn owner(contact: &Map<String, Value>, records: &Records) -> Checked<Option<i64>> {
    let owner = integer(contact, "customer", 1)?;
    match owner {
        Some(id) if !records.has_customer(id) => Err(Refusal::not_found("customer", "Customer", id)),
        Some(_) | None => Ok(owner),
    }
}

fn text(map: &Map<String, Value>, field: &str, least: usize, most: usize) -> Checked<Option<String>> {
    let Some(value) = map.get(field) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| Refusal::malformed(field))?;
    let fits = (least..=most).contains(&text.chars().count());
    if fits { Ok(Some(text.to_owned())) } else { Err(Refusal::malformed(field)) }
}

fn email(map: &Map<String, Value>) -> Checked<Option<String>> {
    if map.get("email").is_some_and(Value::is_null) {
        return Ok(Some(String::new()));
    }
    let Some(email) = text(map, "email", 3, 120)? else { return Ok(None) };
    let well_formed = email.split_once('@').is_some_and(|(local, domain)| {
        let named = !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
        named && !domain.contains('@') && !email.contains(char::is_whitespace)
    });
    if well_formed {
        return Ok(Some(email));
    }
    Err(Refusal::new("email", "InvalidValue", format!("'{email}' is not a well formed email address")))
}
