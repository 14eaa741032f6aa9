//! Anagrafe: one person, one record. Reads the contacts of an Open2b shop, finds the same people among the customers of a
//! Vivocha account by e-mail and telephone, and brings those customers up to date.
//!
//! ```text
//!  Open2b ──page──▶ normalise ──▶ gather ──▶ plan ──▶ apply ──▶ record
//!  open2b           plan          sync       plan     sync      sync, store
//!                   pure          reads only pure     writes    one transaction
//! ```
//!
//! Everything that could be wrong about a person is decided in [`plan`], which is pure; everything that could go wrong on
//! the way happens in [`sync`], which decides nothing about people. A dry run is a plan not applied.
//!
//! In the order in which data meets them: [`config`] (what the operator wants), [`http`] (how we speak), [`open2b`] and
//! [`vivocha`] (with whom), [`model`] (what things are), [`plan`] (what to do), [`sync`] (doing it), [`store`] (what is remembered),
//! [`daemon`] (doing it by itself), [`observe`] (how that is seen), [`cli`] (who asks). `sandbox` is both vendors in miniature, to try all of
//! that on.

pub mod cli;
pub mod config;
pub mod daemon;
pub mod http;
pub mod model;
pub mod observe;
pub mod open2b;
pub mod plan;
#[cfg(feature = "sandbox")]
#[expect(clippy::disallowed_methods, reason = "it stands for other people's systems, which have clocks of their own")]
pub mod sandbox;
pub mod store;
pub mod sync;
pub mod vivocha;
