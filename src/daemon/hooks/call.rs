//! What a call says: whether it is the account's, and whose ids it names. Pure. A body is read by nobody before its seal is verified.

use aws_lc_rs::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::replays::Seal;
use crate::model::CustomerId;

/// So many customers of one call are looked at.
const MOST: usize = 4;

/// The account's secret token, as it signs calls.
pub struct Token(hmac::Key);

impl Token {
    /// A token.
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        // Their choice. As a seal under a secret it is not broken.
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose_secret().as_bytes()))
    }

    /// Whether a body is sealed with it. Takes the same time whatever is wrong.
    pub(super) fn sealed(&self, body: &[u8], seal: &Seal) -> bool {
        hmac::verify(&self.0, body, seal).is_ok()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The seal of a header.
pub(super) fn seal(header: &[u8]) -> Option<Seal> {
    let mut seal = [0; 20];
    hex::decode_to_slice(header, &mut seal).ok()?;
    Some(seal)
}

/// The customers that a call names at these places, each once; none if it is no JSON.
pub(super) fn customers(body: &[u8], places: &[String]) -> Option<Vec<CustomerId>> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let mut named = Vec::new();
    for id in places.iter().filter_map(|place| id(document.pointer(place)?)) {
        if named.len() < MOST && !named.contains(&id) {
            named.push(id);
        }
    }
    Some(named)
}

fn id(value: &Value) -> Option<CustomerId> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    CustomerId::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_seals_and_only_what_was_sealed() {
        // RFC 2202, case 2.
        let token = Token::new(&SecretString::from("Jefe"));
        let good = seal(b"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79").unwrap_or_default();
        assert!(token.sealed(b"what do ya want for nothing?", &good));
        assert!(!token.sealed(b"what do ya want for nothing!", &good));
        assert!(!Token::new(&SecretString::from("jefe")).sealed(b"what do ya want for nothing?", &good));
        assert_eq!(seal(b"EFFCDF6AE5EB2FA2D27416D5F184DF9C259A7C79"), Some(good), "either case");
        for header in [
            &b""[..],
            b"effc",
            b"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79 ",
            b"xffcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        ] {
            assert_eq!(seal(header), None);
        }
    }

    #[test]
    fn customers_are_found_where_they_may_stand() {
        let places = ["/cust_id".to_owned(), "/data/contact/cust_id".to_owned(), "/list/0".to_owned()];
        let named = |body: &str| {
            let named = customers(body.as_bytes(), &places)?;
            Some(named.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        for (body, expected) in [
            (r#"{"cust_id":"a"}"#, Some("a")),
            (r#"{"data":{"contact":{"cust_id":"b"}},"cust_id":"a","list":["a"]}"#, Some("a b")),
            (r#"{"cust_id":17,"list":[null]}"#, Some("17")),
            (r#"{"cust_id":"","data":[],"list":{}}"#, Some("")),
            (r#"{"cust_id":{"id":"a"}}"#, Some("")),
            ("[]", Some("")),
            ("null", Some("")),
            ("", None),
            (r#"{"cust_id":"a""#, None),
        ] {
            assert_eq!(named(body).as_deref(), expected, "{body}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(customers(deep.as_bytes(), &places), None, "too deep to be read, and no harm done");
    }
}
