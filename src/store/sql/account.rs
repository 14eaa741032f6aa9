//! The account in its store: recognised by the key of its hashes, made where there is none yet.

use super::{
    Connection,
    failure::failed,
    statement::{query, query_scalar},
};
use crate::{
    model::{AccountName, Keyed},
    store::StoreError,
};

pub(super) const KEY_CHECK: &str = "SELECT key_check FROM accounts WHERE account = $1";
pub(super) const NEW_ACCOUNT: &str = "INSERT INTO accounts (account, key_check) VALUES ($1, $2)";
pub(super) const NEW_LEASE: &str = "INSERT INTO leases (account, epoch) VALUES ($1, 0)";
/// Whether the store holds the account; makes it if asked to. Within the transaction that opens the store: of several
/// processes that start at once one makes it and the others find it made.
///
/// # Errors
/// [`StoreError::WrongKey`] if it was made with another key.
pub(in crate::store) async fn admit(
    c: &mut Connection,
    account: &AccountName,
    key_check: &Keyed,
    make: bool,
) -> Result<bool, StoreError> {
    if admitted(c, account, key_check).await? {
        return Ok(true);
    }
    if make {
        let account = account.as_str();
        query(NEW_ACCOUNT).bind(account).bind(key_check.to_string()).execute(&mut *c).await.map_err(failed)?;
        query(NEW_LEASE).bind(account).execute(c).await.map_err(failed)?;
    }
    Ok(make)
}

/// Whether the store holds the account.
///
/// # Errors
/// [`StoreError::WrongKey`] if it was made with another key.
pub(in crate::store) async fn admitted(
    c: &mut Connection,
    account: &AccountName,
    key_check: &Keyed,
) -> Result<bool, StoreError> {
    let known: Option<String> =
        query_scalar(KEY_CHECK).bind(account.as_str()).fetch_optional(c).await.map_err(failed)?;
    match known {
        Some(known) if known == key_check.to_string() => Ok(true),
        Some(_) => Err(StoreError::WrongKey),
        None => Ok(false),
    }
}
