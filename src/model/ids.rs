//! The names of things: contacts, customers, shops, accounts. A value that exists is well formed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An id or a name that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadId {
    /// Open2b ids are integers from 1 up.
    #[error("{0} is not an Open2b id (an integer from 1 up)")]
    NotPositive(i64),
    /// Shops and accounts are named with letters, digits, `-` and `_`, 64 at most.
    #[error("a name is 1 to 64 letters, digits, '-' or '_'")]
    BadName,
    /// Vivocha ids are opaque, but neither empty nor longer than 200 bytes, and without control characters.
    #[error("a customer id is 1 to 200 printable characters")]
    BadCustomerId,
}

macro_rules! open2b_id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "i64", into = "i64")]
        pub struct $name(i64);

        impl $name {
            /// The number as Open2b writes it (64 bits: the vendor's samples come near 2·10⁹).
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl TryFrom<i64> for $name {
            type Error = BadId;
            fn try_from(value: i64) -> Result<Self, BadId> {
                if value >= 1 { Ok(Self(value)) } else { Err(BadId::NotPositive(value)) }
            }
        }

        impl From<$name> for i64 {
            fn from(id: $name) -> i64 {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

open2b_id!(ContactId, "The `id` of an Open2b contact (`int(1…)`); ids rise with creation, and are never given twice.");
open2b_id!(ShopCustomerId, "The `customer` of an Open2b contact: the shop customer who owns it.");

/// The id of a Vivocha customer: an opaque string.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CustomerId(String);

impl CustomerId {
    /// The id as Vivocha writes it; percent-encode it before it goes into a path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for CustomerId {
    type Error = BadId;
    fn try_from(value: String) -> Result<Self, BadId> {
        let fits = !value.is_empty() && value.len() <= 200 && !value.chars().any(char::is_control);
        if fits { Ok(Self(value)) } else { Err(BadId::BadCustomerId) }
    }
}

impl From<CustomerId> for String {
    fn from(id: CustomerId) -> String {
        id.0
    }
}

impl std::str::FromStr for CustomerId {
    type Err = BadId;
    fn from_str(text: &str) -> Result<Self, BadId> {
        Self::try_from(text.to_owned())
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! name {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as configured.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(value: String) -> Result<Self, BadId> {
                let fits = (1..=64).contains(&value.len())
                    && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
                if fits { Ok(Self(value)) } else { Err(BadId::BadName) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

name!(ShopName, "The name of a shop: its table in the configuration, `[shops.NAME]`.");
name!(AccountName, "The name of the Vivocha account; it keys all state.");

/// One contact among all shops of the account; the order (shop, id) is the order in which ties are broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContactKey {
    /// The shop it stands in.
    pub shop: ShopName,
    /// Its id there.
    pub id: ContactId,
}

impl fmt::Display for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shop, self.id)
    }
}
