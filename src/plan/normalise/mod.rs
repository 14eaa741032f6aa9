//! From what somebody typed to an identifier, or to the reason why it is none. The same functions read the shop's contacts
//! and Vivocha's customers, so that two texts are one identifier exactly when they give equal values here.
//!
//! Not a cleaner: where a text could be read in two ways it gives no identifier. A missing identifier costs a match that a
//! person may still make; a wrong one may cost a merge that nobody can undo.

mod defect;
mod email;
mod phone;
mod phone_text;
mod region;
pub(in crate::plan) mod visible;

#[cfg(test)]
mod tests;

pub use defect::{Defect, Field};
pub use email::email;
pub use phone::phone;
pub use region::Region;

pub(in crate::plan) use phone::{parsed, san_marino_from_italy};

use super::names::{FoldedName, fold};
use crate::model::{Email, Phone};

/// The version of these rules and of those of [`super::names`]; part of every fingerprint, so that a changed rule reaches
/// contacts that did not change. Raise it with every change of what any text becomes, the telephone library's metadata
/// included.
pub const VERSION: u32 = 1;

/// Everything by which a person may be recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The e-mail, if the text is one.
    pub email: Option<Email>,
    /// The telephone number, if the text is one.
    pub phone: Option<Phone>,
    /// Why a text that is not blank gave no identifier; at most one per field.
    pub defects: Vec<(Field, Defect)>,
    /// The folded name.
    pub name: FoldedName,
}

/// Reads the three texts of a person. `region` is the shop's country, for numbers written without one.
#[must_use]
pub fn identity(name: &str, email_text: &str, phone_text: &str, region: Region) -> Identity {
    let mut defects = Vec::new();
    let email = email(email_text).unwrap_or_else(|defect| {
        defects.push((defect.field(), defect));
        None
    });
    let phone = phone(phone_text, region).unwrap_or_else(|defect| {
        defects.push((defect.field(), defect));
        None
    });
    Identity { email, phone, defects, name: fold(name) }
}
