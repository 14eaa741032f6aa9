//! The account in its store: recognised by the key of its hashes, made where there is none yet.

use sqlx::{query, query_scalar};

use super::{Connection, failure::failed};
use crate::{
    model::{AccountName, Keyed},
    store::StoreError,
};

pub(super) const KEY_CHECK: &str = "SELECT key_check FROM accounts WHERE account = $1";
pub(super) const NEW_ACCOUNT: &str = "INSERT INTO accounts (account, key_check) VALUES ($1, $2)";
pub(super) const NEW_LEASE: &str = "INSERT INTO leases (account, epoch) VALUES ($1, 0)";
/// For a copy: nobody has its lease.
pub(in crate::store) const FORGET_LEASES: &str = "
    UPDATE leases SET expires_at = NULL, host = NULL, boot = NULL, pid = NULL, started = NULL, purpose = NULL";

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
    let account = account.as_str();
    let known: Option<String> = query_scalar(KEY_CHECK).bind(account).fetch_optional(&mut *c).await.map_err(failed)?;
    let check = key_check.to_string();
    match known {
        Some(known) if known == check => Ok(true),
        Some(_) => Err(StoreError::WrongKey),
        None if make => {
            query(NEW_ACCOUNT).bind(account).bind(check).execute(&mut *c).await.map_err(failed)?;
            query(NEW_LEASE).bind(account).execute(c).await.map_err(failed)?;
            Ok(true)
        }
        None => Ok(false),
    }
}
