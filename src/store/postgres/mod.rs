//! The store in a Postgres database: where several processes or machines take part. Also behind a pgbouncer that hands out
//! its connections by transaction: nothing here outlives one.
//!
//! The units of work are those of `../sql`, compiled for it. Here is what only this database needs: opening it,
//! its errors, its own statements, the copy a plan works on, and patience ([`PostgresStore`]): a database restarts, and a
//! run is to survive that.

mod alerts;
mod by_hand;
mod dialect;
mod failure;
mod migrations;
mod open;
mod patient;
mod rekeying;
mod rights;
mod scratch;
#[allow(clippy::duplicate_mod, reason = "the units of work are one text, compiled for each database")]
#[path = "../sql/mod.rs"]
mod sql;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use Units as TheStore;
use sqlx::Postgres as Database;

pub use open::{OpenOptions, known_version, place, schema_version};
pub use patient::{Patience, PostgresStore};
pub use rights::{Rights, grant_making, grant_working, made_with, rights};
pub use scratch::scratch;

use self::sql::Lane;
use crate::{model::AccountName, store::rekeying::KeyCheck};

/// The units of work on one database, each tried once.
#[derive(Debug)]
pub(in crate::store) struct Units {
    account: Arc<AccountName>,
    /// What the key is recognised by under which it was opened, or to which this process changed it.
    key_check: Arc<KeyCheck>,
    writer: Arc<Lane>,
    readers: Arc<Lane>,
    /// Where the database is, as it was found when it was opened.
    origin: Arc<str>,
}
