//! Anagrafe: one person, one record. Brings the contacts of an Open2b shop to the customers of a Vivocha account.

pub mod cli;
pub mod config;
pub mod http;
pub mod model;
pub mod open2b;
pub mod plan;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod store;
pub mod sync;
pub mod vivocha;
