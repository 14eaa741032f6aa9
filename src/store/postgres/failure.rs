//! What Postgres' errors mean to a caller. Its messages name tables and columns, never values (those stand in the detail,
//! which is not shown).

use sqlx::postgres::PgDatabaseError;

use crate::store::StoreError;

/// A session that ended, or could not begin, for now: class 08, and an operator or a crash at work, no room for one more.
const GONE: [&str; 8] = ["57P01", "57P02", "57P03", "57P05", "53300", "53400", "25P03", "53200"];
/// A transaction that was broken off and may be tried again: a lock or a statement that took too long, two that waited for
/// each other, a standby that had to go on.
const BROKEN_OFF: [&str; 4] = ["55P03", "57014", "40P01", "40001"];
/// pgbouncer has one code for all it has to say; with these words it means that it will say so again.
const FOR_GOOD: [&str; 5] = ["no such", "authentication", "unsupported", "not allowed", "password"];

/// The store's error for one of the database.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    if let Some(why) = passing(&error) {
        return StoreError::Unreachable(why);
    }
    match of_database(&error).map(|error| (error.code(), error.message())) {
        Some(("53100", _)) => StoreError::Full,
        Some(("25006", message)) => StoreError::ReadOnly(message.to_owned()),
        Some(_) | None => StoreError::Database(error),
    }
}

/// The store's error for a commit that failed: where the answer is missing, the commit may have been heard.
pub(super) fn in_doubt(error: sqlx::Error) -> StoreError {
    match failed(error) {
        StoreError::Unreachable(why) => StoreError::InDoubt(why),
        error => error,
    }
}

/// Why the same may succeed a little later, where it may.
fn passing(error: &sqlx::Error) -> Option<String> {
    // Whoever hangs up before a word was said (a proxy without a server behind it) is away, and no server of another kind.
    if let sqlx::Error::Protocol(text) = error
        && text.contains("SSLRequest: 0x00")
    {
        return Some("the connection ended before it began".into());
    }
    if let sqlx::Error::Io(error) = error {
        return Some(error.to_string());
    }
    let error = of_database(error)?;
    let (code, message) = (error.code(), error.message());
    let gone = GONE.contains(&code) || (code.starts_with("08") && !FOR_GOOD.iter().any(|word| message.contains(word)));
    (gone || BROKEN_OFF.contains(&code)).then(|| message.to_owned())
}

/// What the database itself said.
pub(super) fn of_database(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}
