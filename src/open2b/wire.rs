//! The JSON of the contacts API, as the vendor's page shows it: what we send, and the envelope of what comes back.
//!
//! The HTTP status never proves success: only 200 with `"status": "ok"` does.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::{ContactId, ShopCustomerId};

/// A field of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// `id`
    Id,
    /// `customer`
    Customer,
    /// `name`
    Name,
    /// `phone`
    Phone,
    /// `email`
    Email,
    /// `note`
    Note,
}

impl Field {
    /// All six, in the page's order.
    pub const ALL: [Self; 6] = [Self::Id, Self::Customer, Self::Name, Self::Phone, Self::Email, Self::Note];

    /// As the page writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Customer => "customer",
            Self::Name => "name",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Note => "note",
        }
    }

    /// These fields with the id in front: a record without one cannot be told from another.
    #[must_use]
    pub fn with_id(fields: &[Self]) -> Vec<Self> {
        let mut wanted = vec![Self::Id];
        wanted.extend(fields.iter().filter(|field| **field != Self::Id));
        wanted
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A key to sort by: `id`, `-id`, `customer` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: Field,
    /// From the highest down.
    pub descending: bool,
}

impl Serialize for Order {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}{}", if self.descending { "-" } else { "" }, self.by))
    }
}

/// Which contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Conditions {
    /// Those of this shop customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<ShopCustomerId>,
    /// Those with an id above this (`int(0…)`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
}

/// A search for contacts, by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindQuery {
    /// Which.
    pub conditions: Conditions,
    /// Fields to return.
    pub fields: Vec<Field>,
    /// In which order.
    pub order: Vec<Order>,
    /// At most so many (`int(1…)`).
    pub limit: u32,
    /// Index of the first (`int(0…)`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u32>,
}

/// A contact to create. What is `None` is left out of the request.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct NewContact {
    /// The shop customer it belongs to.
    #[serde(rename = "customer")]
    pub owner: ShopCustomerId,
    /// 1 to 50 characters.
    pub name: String,
    /// Up to 15 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// 3 to 120 characters; a blank one is sent as null.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "blank_as_null")]
    pub email: Option<String>,
    /// Up to 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Changes to a contact. What is `None` stays as it is.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct ContactPatch {
    /// The shop customer it belongs to.
    #[serde(rename = "customer", skip_serializing_if = "Option::is_none")]
    pub owner: Option<ShopCustomerId>,
    /// 1 to 50 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Up to 15 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// 3 to 120 characters; a blank one is sent as null.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "blank_as_null")]
    pub email: Option<String>,
    /// Up to 255 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl fmt::Debug for NewContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewContact").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl fmt::Debug for ContactPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactPatch").finish_non_exhaustive()
    }
}

/// The page gives an e-mail 3 characters at least, or null.
#[expect(clippy::ref_option, reason = "serde asks for this signature")]
fn blank_as_null<S: serde::Serializer>(email: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    email.as_deref().filter(|text| !text.is_empty()).serialize(serializer)
}

/// The request of `contacts.get`.
#[derive(Serialize)]
pub(super) struct Get<'a> {
    pub(super) id: ContactId,
    pub(super) fields: &'a [Field],
}

/// The request of `contacts.count`.
#[derive(Serialize)]
pub(super) struct Count {
    /// Null counts all.
    pub(super) conditions: Option<Conditions>,
}

/// The request of `contacts.create`.
#[derive(Serialize)]
pub(super) struct Create<'a> {
    pub(super) contact: &'a NewContact,
}

/// The request of `contacts.update`.
#[derive(Serialize)]
pub(super) struct Update<'a> {
    pub(super) id: ContactId,
    pub(super) contact: &'a ContactPatch,
}

/// The request of `contacts.delete`.
#[derive(Serialize)]
pub(super) struct Delete<'a> {
    pub(super) ids: &'a [ContactId],
}

/// Why the shop refused, in the vendor's own types. All are the caller's fault: never retried.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A field that the method does not have.
    UnknownField,
    /// The app has not been granted the method.
    AccessDenied,
    /// A field that must be given.
    Missing,
    /// One of several fields must be given.
    MissingCombination,
    /// A value of the wrong form.
    Malformed,
    /// A value that is not allowed.
    InvalidValue,
    /// Values that do not go together.
    InvalidCombination,
    /// Something named does not exist.
    NotFound,
    /// A type the vendor's page does not list.
    Other(String),
}

impl ErrorKind {
    fn parse(text: &str) -> Self {
        match text {
            "UnknownField" => Self::UnknownField,
            "AccessDenied" => Self::AccessDenied,
            "Missing" => Self::Missing,
            "MissingCombination" => Self::MissingCombination,
            "Malformed" => Self::Malformed,
            "InvalidValue" => Self::InvalidValue,
            "InvalidCombination" => Self::InvalidCombination,
            "NotFound" => Self::NotFound,
            other => Self::Other(word(other).unwrap_or("(unnamed)").to_owned()),
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownField => "UnknownField: this version of the API has no such field",
            Self::AccessDenied => "AccessDenied: the app may not call this method",
            Self::Missing => "Missing: it must be given",
            Self::MissingCombination => "MissingCombination: this or another field must be given with it",
            Self::Malformed => "Malformed: a value of the wrong form",
            Self::InvalidValue => "InvalidValue: the shop does not accept this value",
            Self::InvalidCombination => "InvalidCombination: it does not go together with another field",
            Self::NotFound => "NotFound: what it names does not exist in the shop",
            Self::Other(kind) => return write!(f, "{kind}: a type of error that the vendor's page does not list"),
        })
    }
}

/// An error of the API: HTTP 200 with `"status": "error"`.
///
/// The vendor's description is not kept: it quotes what was sent (`'<email>' is not a well formed email address`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ShopError {
    /// The field at fault, if it is named in plain letters.
    pub field: Option<String>,
    /// What is wrong with it.
    pub kind: ErrorKind,
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "field {field}: ")?;
        }
        self.kind.fmt(f)
    }
}

/// Names only, so that a value cannot slip into an error: `email`, `contact.email`, `ids[0]`.
fn word(text: &str) -> Option<&str> {
    let fits = (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".[]_".contains(&b));
    fits.then_some(text)
}

/// A body as text. Bytes that are not UTF-8 become U+FFFD, so that one corrupt record does not hide the others.
pub(super) struct Body<'a> {
    pub(super) text: Cow<'a, str>,
}

impl<'a> Body<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { text: String::from_utf8_lossy(bytes) }
    }

    /// Whether bytes were replaced.
    pub(super) fn corrupt(&self) -> bool {
        matches!(self.text, Cow::Owned(_))
    }
}

/// What the body of a 200 says.
pub(super) enum Said<'a> {
    /// `"status": "ok"`: the members beside it, unread.
    Ok(BTreeMap<String, &'a RawValue>),
    /// `"status": "error"`.
    Refused(ShopError),
    /// JSON, but nothing the vendor's page shows.
    Foreign,
    /// No JSON at all.
    NotJson,
}

impl<'a> Said<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let Ok(whole) = serde_json::from_str::<&RawValue>(text) else { return Self::NotJson };
        let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(whole.get()) else {
            return Self::Foreign;
        };
        match members.get("status").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()).as_deref() {
            Some("ok") => Self::Ok(members),
            Some("error") => Self::Refused(refusal(members.get("error").copied())),
            Some(_) | None => Self::Foreign,
        }
    }
}

fn refusal(raw: Option<&RawValue>) -> ShopError {
    #[derive(Default, Deserialize)]
    struct Wire {
        field: Option<String>,
        r#type: Option<String>,
    }
    let wire: Wire = raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    ShopError {
        field: wire.field.as_deref().and_then(word).map(str::to_owned),
        kind: ErrorKind::parse(wire.r#type.as_deref().unwrap_or_default()),
    }
}
