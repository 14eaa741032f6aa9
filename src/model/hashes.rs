//! What is kept of who a contact is: the hashes of her identifiers and of her name's words. Made from an identity by
//! [`crate::plan::evidence`].

use super::keyed::Keyed;

/// The hashes of a contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Hashes {
    /// Of its e-mail.
    pub email: Option<Keyed>,
    /// Of its telephone number.
    pub phone: Option<Keyed>,
    /// Of its name's words, sorted.
    pub name: Vec<Keyed>,
}
