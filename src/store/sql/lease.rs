//! The lease of the account, and the fence that every write stands behind.

use sqlx::{query, query_scalar};

use super::{
    Connection, Row,
    failure::failed,
    rows::{get, moment},
};
use crate::{
    model::{AccountName, time::Moment},
    store::{Acquired, Claim, Holder, Lease, StoreError},
};

pub(super) const CURRENT: &str = "
    SELECT expires_at, host, boot, pid, started, purpose FROM leases WHERE account = $1 AND host IS NOT NULL";
pub(super) const TAKE: &str = "
    UPDATE leases SET epoch = epoch + 1, expires_at = $2, host = $3, boot = $4, pid = $5, started = $6, purpose = $7
     WHERE account = $1 RETURNING epoch";
pub(super) const RENEW: &str = "
    UPDATE leases SET expires_at = $3 WHERE account = $1 AND epoch = $2 AND host IS NOT NULL";
pub(super) const RELEASE: &str = "
    UPDATE leases SET expires_at = NULL, host = NULL, boot = NULL, pid = NULL, started = NULL, purpose = NULL
     WHERE account = $1 AND epoch = $2";
/// An update rather than a question: where rows are locked one by one, this locks the lease until the unit ends.
pub(super) const FENCE: &str = "
    UPDATE leases SET epoch = epoch WHERE account = $1 AND epoch = $2 AND host IS NOT NULL";

pub(super) async fn acquire(c: &mut Connection, account: &AccountName, claim: &Claim) -> Result<Acquired, StoreError> {
    if let Some((holder, expires)) = current(c, account).await?
        && expires > claim.now
        && !succeeds_dead(claim, &holder)
    {
        return Ok(Acquired::Busy { holder, expires });
    }
    let Claim { holder, ttl, now, dead: _ } = claim;
    let expires = now.after(*ttl);
    let epoch = query_scalar(TAKE)
        .bind(account.as_str())
        .bind(expires.millis())
        .bind(&holder.host)
        .bind(&holder.boot)
        .bind(i64::from(holder.pid))
        .bind(i64::try_from(holder.started).unwrap_or(i64::MAX))
        .bind(&holder.purpose)
        .fetch_one(c)
        .await
        .map_err(failed)?;
    Ok(Acquired::Ours(Lease { epoch, expires, ttl: *ttl }))
}

/// The claimer's word that the holder is dead counts for the very holder that stands, and only on the claimer's own
/// host and boot: nobody can see the processes of another.
fn succeeds_dead(claim: &Claim, holder: &Holder) -> bool {
    claim.dead.as_ref() == Some(holder) && holder.host == claim.holder.host && holder.boot == claim.holder.boot
}

pub(super) async fn renew(
    c: &mut Connection,
    account: &AccountName,
    lease: &Lease,
    now: Moment,
) -> Result<Lease, StoreError> {
    let expires = now.after(lease.ttl);
    let renewed = query(RENEW)
        .bind(account.as_str())
        .bind(lease.epoch)
        .bind(expires.millis())
        .execute(c)
        .await
        .map_err(failed)?
        .rows_affected();
    if renewed == 1 { Ok(Lease { expires, ..lease.clone() }) } else { Err(StoreError::LeaseLost) }
}

pub(super) async fn release(c: &mut Connection, account: &AccountName, lease: &Lease) -> Result<(), StoreError> {
    query(RELEASE).bind(account.as_str()).bind(lease.epoch).execute(c).await.map_err(failed)?;
    Ok(())
}

/// Fails unless the lease is the current one. First in every unit that writes.
pub(super) async fn fence(c: &mut Connection, account: &AccountName, lease: &Lease) -> Result<(), StoreError> {
    let current = query(FENCE).bind(account.as_str()).bind(lease.epoch).execute(c).await.map_err(failed)?;
    if current.rows_affected() == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

/// Who has the lease, expired or not.
pub(super) async fn current(c: &mut Connection, account: &AccountName) -> Result<Option<(Holder, Moment)>, StoreError> {
    let row = query(CURRENT).bind(account.as_str()).fetch_optional(c).await.map_err(failed)?;
    row.map(|row| holder(&row)).transpose()
}

fn holder(row: &Row) -> Result<(Holder, Moment), StoreError> {
    let holder = Holder {
        host: get(row, "host")?,
        boot: get(row, "boot")?,
        pid: u32::try_from(get::<i64>(row, "pid")?).map_err(|_| StoreError::Inconsistent("the process of a lease"))?,
        started: u64::try_from(get::<i64>(row, "started")?)
            .map_err(|_| StoreError::Inconsistent("the start of a lease"))?,
        purpose: get(row, "purpose")?,
    };
    Ok((holder, moment(row, "expires_at")?))
}
