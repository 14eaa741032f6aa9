//! What things are: values without I/O, clocks or async.
//!
//! Everything else imports from here and this imports from nobody. What is *done* with these values is decided in
//! [`crate::plan`] and carried out in `crate::sync`.

pub mod alert;
pub mod contact;
pub mod customer;
pub mod finding;
pub mod hashes;
pub mod hold;
pub mod identifier;
pub mod ids;
pub mod keyed;
pub mod link;
pub mod merge;
pub mod proposal;
pub mod rules;
pub mod run;
pub mod state;
pub mod time;

pub use contact::Contact;
pub use customer::{Customer, Naming, Text};
pub use hashes::Hashes;
pub use identifier::{Email, Identifier, Line, Phone};
pub use ids::{AccountName, ContactId, ContactKey, CustomerId, ShopCustomerId, ShopName};
pub use keyed::{HashKey, Keyed};
