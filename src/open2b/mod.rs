//! The Open2b client: one method for each call of the vendor's page on contacts (Open2b 7.5, API v10), and nothing else of
//! the shop.
//!
//! [`client`] makes the calls, [`wire`] is their JSON, [`page`] decides what may be believed of a reading. What is done with
//! the contacts is decided elsewhere.

pub mod client;
pub mod page;
#[cfg(all(test, feature = "sandbox"))]
mod tests;
pub mod wire;

pub use client::{BadShop, Shop, ShopOptions};
pub use page::{Page, Record, RecordDefect};
pub use wire::{Conditions, ContactPatch, ErrorKind, Field, FindQuery, NewContact, Order, ShopError};
