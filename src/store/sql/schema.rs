//! The schema a database is at, and bringing it to the one this binary knows.

use futures::future::BoxFuture;
use sqlx::migrate::{MigrateError, Migrator};

use super::{Connection, failure::failed, statement::query_scalar};
use crate::store::StoreError;

pub(super) const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";

/// The last version of some migrations.
pub(in crate::store) fn last(migrations: &Migrator) -> i64 {
    migrations.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The version of a database that holds a store.
pub(in crate::store) async fn version(c: &mut Connection) -> Result<i64, sqlx::Error> {
    query_scalar(VERSION).fetch_one(c).await
}

/// Fails where a newer binary has been at work.
pub(in crate::store) fn not_newer(found: i64, known: i64) -> Result<(), StoreError> {
    if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(()) }
}

/// The migrations up to a version, or all, in the transaction of the caller. sqlx's `run` is this, for what gives a
/// connection; its bounds do not hold where the future may change threads.
pub(in crate::store) fn migrate_within<'c>(
    unit: &'c mut Connection,
    migrations: &'static Migrator,
    to: Option<i64>,
) -> BoxFuture<'c, Result<(), MigrateError>> {
    Box::pin(migrations.run_direct(to, unit, false))
}

/// The store's error for a migration that failed.
pub(in crate::store) fn unmigrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        error => StoreError::Database(sqlx::Error::Migrate(Box::new(error))),
    }
}
