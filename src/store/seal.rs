//! What a customer was before a merge, sealed: AES-256-GCM under a key drawn from the key of the hashes. Whoever has the store alone
//! reads nothing of it; whoever has both reads it for as long as it is kept. Not here: how long that is, and who may ask.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::SealedCustomer;
use crate::model::{Customer, CustomerId, HashKey, Keyed};

/// Why something sealed cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    /// It was sealed under another key.
    #[error(
        "it was sealed under another hash key (check value {0}): put the key back that the store had at that time (store.hash_key_file), or restore the customer from Vivocha's own history"
    )]
    AnotherKey(Keyed),
    /// It is not what was sealed.
    #[error(
        "it is damaged: the store was changed by something else than Anagrafe; restore the customer from Vivocha's own history"
    )]
    Damaged,
    /// The library refused.
    #[error("the system's cryptography failed")]
    Crypto,
}

/// Seals a customer's document.
///
/// # Errors
/// If there is no randomness.
pub fn seal(customer: &Customer, key: &HashKey) -> Result<SealedCustomer, Unsealable> {
    let mut text = serde_json::to_vec(&customer.document).map_err(|_| Unsealable::Crypto)?;
    let nonce = sealing(key)?.seal_in_place_append_tag(bound_to(&customer.id), &mut text);
    let mut sealed = nonce.map_err(|_| Unsealable::Crypto)?.as_ref().to_vec();
    sealed.append(&mut text);
    Ok(SealedCustomer { customer: customer.id.clone(), under: key.check_value(), text: STANDARD.encode(sealed) })
}

/// The document that was sealed. Personal.
///
/// # Errors
/// If it was sealed under another key, or is damaged.
pub fn open(sealed: &SealedCustomer, key: &HashKey) -> Result<Map<String, Value>, Unsealable> {
    if sealed.under != key.check_value() {
        return Err(Unsealable::AnotherKey(sealed.under));
    }
    let bytes = STANDARD.decode(&sealed.text).map_err(|_| Unsealable::Damaged)?;
    let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or(Unsealable::Damaged)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unsealable::Damaged)?;
    let mut text = text.to_vec();
    let document = sealing(key)?.open_in_place(nonce, bound_to(&sealed.customer), &mut text);
    serde_json::from_slice(document.map_err(|_| Unsealable::Damaged)?).map_err(|_| Unsealable::Damaged)
}

fn sealing(key: &HashKey) -> Result<RandomizedNonceKey, Unsealable> {
    RandomizedNonceKey::new(&AES_256_GCM, &key.derived("before-a-merge")).map_err(|_| Unsealable::Crypto)
}

/// One customer's cannot be put in another's place.
fn bound_to(customer: &CustomerId) -> Aad<String> {
    Aad::from(format!("before-a-merge/{customer}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may end so")]
    use serde_json::json;

    use super::*;

    fn key(text: &str) -> HashKey {
        HashKey::new(text.as_bytes()).unwrap()
    }

    fn anna() -> Customer {
        let Value::Object(document) = json!({"id": "c1", "email": "anna@example.it", "n": null}) else {
            unreachable!()
        };
        Customer { id: "c1".parse().unwrap(), document }
    }

    #[test]
    fn what_is_sealed_opens_under_its_key_and_shows_nothing_without() {
        let key = key("a key of sixteen bytes");
        let sealed = seal(&anna(), &key).unwrap();
        assert_eq!(open(&sealed, &key).unwrap(), anna().document);
        let bytes = STANDARD.decode(&sealed.text).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"anna"));
        assert_ne!(seal(&anna(), &key).unwrap().text, sealed.text, "never the same twice");
    }

    #[test]
    fn another_key_a_changed_byte_and_another_customer_are_told() {
        let sealed = seal(&anna(), &key("a key of sixteen bytes")).unwrap();
        let another = key("another key of some bytes");
        assert!(matches!(open(&sealed, &another), Err(Unsealable::AnotherKey(_))));
        let mut bytes = STANDARD.decode(&sealed.text).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let changed = SealedCustomer { text: STANDARD.encode(&bytes), ..sealed.clone() };
        let elsewhere = SealedCustomer { customer: "c2".parse().unwrap(), ..sealed.clone() };
        let short = SealedCustomer { text: "AAAA".into(), ..sealed };
        for broken in [changed, elsewhere, short] {
            assert_eq!(open(&broken, &key("a key of sixteen bytes")), Err(Unsealable::Damaged));
        }
    }
}
