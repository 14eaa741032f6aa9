//! Anagrafe: one person, one record. Brings the contacts of an Open2b shop to the customers of a Vivocha account.

pub mod cli;
pub mod config;
pub mod http;
pub mod model;
pub mod open2b;
pub mod plan;
#[cfg(feature = "sandbox")]
#[expect(clippy::disallowed_methods, reason = "it stands for other people's systems, which have clocks of their own")]
pub mod sandbox;
pub mod store;
pub mod sync;
pub mod vivocha;
