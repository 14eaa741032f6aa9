//! A customer as Vivocha answered: its id and the whole document, whatever else it holds. What the account calls its
//! fields is a setting ([`Naming`]), since no public page of the vendor shows the resource.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ids::CustomerId;

/// A person's record in Vivocha.
#[derive(Clone, PartialEq)]
pub struct Customer {
    /// Its id, read from the field [`Naming::id`].
    pub id: CustomerId,
    /// The whole document as answered, the id included. Personal.
    pub document: Map<String, Value>,
}

impl Customer {
    /// What a field of the document holds.
    #[must_use]
    pub fn text(&self, field: &str) -> Text<'_> {
        match self.document.get(field) {
            None | Some(Value::Null) => Text::Blank,
            Some(Value::String(text)) if text.trim().is_empty() => Text::Blank,
            Some(Value::String(text)) => Text::Is(text),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Text::Opaque,
        }
    }
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A text field of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// Absent, null, empty or spaces.
    Blank,
    /// A text.
    Is(&'a str),
    /// Something that is not a text. It is somebody's, so it is never taken for blank and never for a match.
    Opaque,
}

impl<'a> Text<'a> {
    /// The text, if it is one.
    #[must_use]
    pub const fn as_str(self) -> Option<&'a str> {
        match self {
            Text::Is(text) => Some(text),
            Text::Blank | Text::Opaque => None,
        }
    }

    /// Whether nothing stands there.
    #[must_use]
    pub const fn is_blank(self) -> bool {
        matches!(self, Text::Blank)
    }
}

/// What the account calls things: `[vivocha.fields]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Naming {
    /// The id of a customer.
    pub id: String,
    /// The e-mail.
    pub email: String,
    /// The telephone number.
    pub telnum: String,
    /// Vivocha's unique user identifier.
    pub vvcu: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Nickname.
    pub nickname: String,
}

impl Default for Naming {
    fn default() -> Self {
        Self {
            id: "id".into(),
            email: "email".into(),
            telnum: "telnum".into(),
            vvcu: "vvcu".into(),
            first_name: "firstname".into(),
            last_name: "lastname".into(),
            nickname: "nickname".into(),
        }
    }
}
