//! Keyed hashes: all that the store ever keeps of a person. HMAC-SHA-256 under the account's key, with the kind of
//! value as a prefix, so that equal texts of different kinds do not look alike.

use std::fmt;

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;

use super::identifier::{Email, Identifier, Phone};

/// A keyed hash, 16 bytes of HMAC-SHA-256, written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keyed([u8; 16]);

impl Keyed {
    /// The raw bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Keyed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Keyed {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a keyed hash is 32 hexadecimal digits"))
    }
}

/// The key of the hashes. Whoever has it and the store can test whether a known address is in it; so it is a secret.
pub struct HashKey(SecretBox<Vec<u8>>);

/// A key too short to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash key has at least 16 characters")]
pub struct ShortKey;

impl HashKey {
    /// A key from at least 16 bytes.
    ///
    /// # Errors
    /// [`ShortKey`] below that.
    pub fn new(bytes: &[u8]) -> Result<Self, ShortKey> {
        if bytes.len() < 16 { Err(ShortKey) } else { Ok(Self(SecretBox::new(Box::new(bytes.to_vec())))) }
    }

    /// The hash of a value of a kind.
    #[must_use]
    pub fn hash(&self, kind: &str, value: &str) -> Keyed {
        // HMAC takes a key of any length, so this arm of the library's Result does not exist.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else { return Keyed([0; 16]) };
        mac.update(kind.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        Keyed(bytes)
    }

    /// A key of 32 bytes for another purpose, from which this one cannot be found.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        // As above.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) else { return [0; 32] };
        mac.update(b"derived");
        mac.update(&[0]);
        mac.update(purpose.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The hash of an e-mail.
    #[must_use]
    pub fn email(&self, email: &Email) -> Keyed {
        self.hash("email", email.as_str())
    }

    /// The hash of a telephone number.
    #[must_use]
    pub fn phone(&self, phone: &Phone) -> Keyed {
        self.hash("phone", phone.e164())
    }

    /// The hash of either.
    #[must_use]
    pub fn identifier(&self, identifier: &Identifier) -> Keyed {
        match identifier {
            Identifier::Email(email) => self.email(email),
            Identifier::Phone(phone) => self.phone(phone),
        }
    }

    /// What stands under this key for a hash of a former one whose value is not at hand: equal where that hash was, found again by
    /// whoever has both keys and the value, and equal to no hash of a value.
    #[must_use]
    pub fn sealed(&self, former: &Keyed) -> Keyed {
        self.hash("sealed", &former.to_string())
    }

    /// What the store keeps to recognise the key by.
    #[must_use]
    pub fn check_value(&self) -> Keyed {
        self.hash("check", "anagrafe")
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}
