//! How we speak to Vivocha: one method per endpoint, and nothing decided here. What the methods answer is gathered and
//! acted upon in `sync`.
//!
//! The account's customers resource appears on no public page of the vendor, so its paths, verbs and field names are
//! [`Options`]; how its REST framework behaves (queries, errors, writes) was observed and is written into the files
//! beside this one. Reading and writing are two types: whoever is handed a [`Reader`] cannot change a customer.
//!
//! - [`options`]: what an account's API is called and how to get in
//! - [`query`]: the text of a search; [`search`]: many contacts per call, and when an answer is evidence
//! - `wire`: their JSON and their errors, and what to do about each; `session`: every call goes through it
//! - [`auth`]: headers and tokens; [`mod@world`]: which host an account lives on
//! - [`client`]: [`Reader`], [`Writer`]
//! - [`preflight`]: what the account's own specification says about all of the above; [`probe`]: what it answers in fact

pub mod auth;
pub mod client;
pub mod options;
pub mod preflight;
pub mod probe;
pub mod query;
pub mod search;
mod session;
mod wire;
pub mod world;

pub use auth::{Auth, Clock};
pub use client::{Reader, UPDATE, Writer};
pub use options::{BadOptions, Endpoint, Endpoints, Options, SearchMode};
pub use preflight::{offers_rql, read_openapi, read_target};
pub use probe::Looked;
pub use query::Ask;
pub use search::Searched;
pub use world::world;

#[cfg(all(test, feature = "sandbox"))]
mod tests;
