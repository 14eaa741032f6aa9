//! What `SQLite`'s errors mean to a caller. Its messages name tables and columns, never values.

use crate::store::StoreError;

/// `SQLITE_FULL`.
const FULL: i32 = 13;
/// `SQLITE_IOERR_SHMSIZE`: the memory shared by the connections is a file too, and could not grow.
const SHM_SIZE: i32 = 0xa | (19 << 8);
/// `SQLITE_BUSY`, `SQLITE_LOCKED`.
const BUSY: [i32; 2] = [5, 6];

/// The store's error for one of the database.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    let storage_full = matches!(&error, sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull);
    match code(&error) {
        Some(code) if code & 0xff == FULL || code == SHM_SIZE => StoreError::Full,
        Some(_) | None if storage_full => StoreError::Full,
        Some(_) | None => StoreError::Database(error),
    }
}

/// Whether another connection was in the way.
pub(super) fn busy(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| BUSY.contains(&(code & 0xff)))
}

/// The extended result code.
fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
