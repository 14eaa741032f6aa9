//! The store in one `SQLite` file: one machine, nothing to install.
//!
//! One connection writes and a few read; WAL lets them do so side by side. Here is what only this database needs: opening
//! its file, its errors, its own statements. The units of work are those of `../sql`, compiled for it.

mod dialect;
mod failure;
mod filling;
mod migrations;
mod open;
#[allow(clippy::duplicate_mod, reason = "the units of work are one text, compiled for each database")]
#[path = "../sql/mod.rs"]
mod sql;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc};

use SqliteStore as TheStore;
use sqlx::Sqlite as Database;

pub(in crate::store) use filling::Filling;
pub use open::{OpenOptions, known_version, made_with, schema_version};

use self::{open::ScratchDir, sql::Lane};
use crate::{model::AccountName, store::rekeying::KeyCheck};

/// The store of one account in a `SQLite` file.
#[derive(Debug)]
pub struct SqliteStore {
    account: Arc<AccountName>,
    /// What the key is recognised by under which it was opened, or to which this process changed it.
    key_check: Arc<KeyCheck>,
    writer: Arc<Lane>,
    readers: Arc<Lane>,
    path: PathBuf,
    /// Which file it was when it was opened, as the system tells files apart.
    origin: Arc<str>,
    /// Last, so that the copy outlives the connections to it.
    _scratch: Option<ScratchDir>,
}
