//! What `SQLite`'s errors mean to a caller. Its messages name tables and columns, never values.

use crate::store::StoreError;

/// `SQLITE_FULL`.
const FULL: i32 = 13;
/// `SQLITE_IOERR_SHMSIZE`: the memory shared by the connections is a file too, and could not grow.
const SHM_SIZE: i32 = 0xa | (19 << 8);
/// `SQLITE_READONLY`.
const READ_ONLY: i32 = 8;
/// `SQLITE_BUSY`, `SQLITE_LOCKED`.
const BUSY: [i32; 2] = [5, 6];

/// The store's error for one of the database.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    let storage_full = matches!(&error, sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull);
    match code(&error) {
        Some(code) if code & 0xff == FULL || code == SHM_SIZE => StoreError::Full,
        Some(code) if code & 0xff == READ_ONLY => StoreError::ReadOnly(words(&error)),
        Some(_) | None if storage_full => StoreError::Full,
        Some(_) | None => StoreError::Database(error),
    }
}

/// The store's error for a commit that failed. There is nobody in between who could have heard it all the same.
pub(super) fn in_doubt(error: sqlx::Error) -> StoreError {
    failed(error)
}

/// What `SQLite` says.
fn words(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// Whether another connection was in the way.
pub(super) fn busy(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| BUSY.contains(&(code & 0xff)))
}

/// The extended result code.
fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
