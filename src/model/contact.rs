//! A contact as the shop wrote it. Vendor's page: Open2b 7.5, `contacts.find`.

use std::fmt;

use super::ids::{ContactId, ShopCustomerId};

/// A person's record in Open2b, well formed but not yet normalised. Blank, null and absent texts are all `""`.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// `id`.
    pub id: ContactId,
    /// `customer`: the shop customer who owns it; absent only where the answer left it out.
    pub owner: Option<ShopCustomerId>,
    /// `name`, as written.
    pub name: String,
    /// `phone`, free text of at most 15 characters.
    pub phone: String,
    /// `email`, as written; not unique in the shop.
    pub email: String,
    /// `note`: the shop's own remarks. Never sent anywhere unless `[fields] note` says so.
    pub note: String,
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("id", &self.id).finish_non_exhaustive()
    }
}
