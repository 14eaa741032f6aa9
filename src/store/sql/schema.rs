//! The schema a database is at, and bringing it to the one this binary knows.

use futures::future::BoxFuture;
use sqlx::{
    SqlSafeStr as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{Connection, failure::failed, statement::query_scalar};
use crate::store::StoreError;

pub(super) const VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";

/// Migrations by the paths of their files, which the binary takes with it: `schema::migrations!["…/0001_what_it_does.sql", …]`. (sqlx's own
/// macro reads a folder, and has both databases built a second time, for the compiler.)
macro_rules! migrations {
    [$($path:literal),+ $(,)?] => {
        schema::migrator(&[$(($path, include_str!($path))),+])
    };
}
pub(in crate::store) use migrations;

/// Migrations by path and text. One whose name has no version is none.
pub(in crate::store) fn migrator(files: &[(&'static str, &'static str)]) -> Migrator {
    let migration = |(path, sql): &(&'static str, &'static str)| {
        let name = path.rsplit('/').next()?.strip_suffix(".sql")?;
        let (version, description) = name.split_once('_')?;
        let (version, description) = (version.parse().ok()?, description.replace('_', " "));
        Some(Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false))
    };
    Migrator::with_migrations(files.iter().filter_map(migration).collect())
}

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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
pub(in crate::store) mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// These are what sqlx reads in a folder.
    pub async fn are_those_of(folder: &str, taken: &Migrator) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        let files = fs::read_dir(&folder).unwrap().count();
        let read = Migrator::new(folder).await.unwrap();
        let told = |of: &Migration| (of.version, of.description.clone(), of.checksum.clone(), of.no_tx);
        let taken: Vec<_> = taken.iter().map(told).collect();
        assert_eq!(taken, read.iter().map(told).collect::<Vec<_>>());
        assert_eq!(taken.len(), files);
    }
}
