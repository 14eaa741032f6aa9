//! Anagrafe: one person, one record. Brings the contacts of an Open2b shop to the customers of a Vivocha account.

pub mod http;
pub mod model;
pub mod plan;
#[cfg(feature = "sandbox")]
pub mod sandbox;
