//! The lease of the account, and the fence that every write stands behind. No clock decides here: a lease is free, or its
//! holder is succeeded on the claimer's word, which counts only while the lease is still as the claimer saw it.

use std::time::Duration;

use super::{
    Connection, Row,
    failure::failed,
    rows::{get, moment},
    statement::{query, query_scalar},
    witness,
};
use crate::{
    model::{AccountName, time::Moment},
    store::{Acquired, Claim, Held, Holder, Lease, StoreError, Succession},
};

pub(super) const CURRENT: &str = "
    SELECT epoch, beat, ttl, expires_at, host, boot, pid, started, purpose
      FROM leases WHERE account = $1 AND host IS NOT NULL";
/// Past the furthest that the claimer knows of, too.
pub(super) const TAKE: &str = "
    UPDATE leases
       SET epoch = CASE WHEN epoch > $9 THEN epoch ELSE $9 END + 1, beat = 0, ttl = $8, expires_at = $2, host = $3,
           boot = $4, pid = $5, started = $6, purpose = $7
     WHERE account = $1 RETURNING epoch";
pub(super) const RENEW: &str = "
    UPDATE leases SET expires_at = $3, beat = beat + 1
     WHERE account = $1 AND epoch = $2 AND host IS NOT NULL
       AND (SELECT origin FROM accounts WHERE accounts.account = $1) = $4";
pub(super) const RELEASE: &str = "
    UPDATE leases SET expires_at = NULL, host = NULL, boot = NULL, pid = NULL, started = NULL, purpose = NULL
     WHERE account = $1 AND epoch = $2";
/// An update rather than a question: where rows are locked one by one, this locks the lease until the unit ends.
pub(super) const FENCE: &str = "
    UPDATE leases SET epoch = epoch WHERE account = $1 AND epoch = $2 AND host IS NOT NULL";

/// How long a lease lasts that was taken before leases said so.
const UNSAID: Duration = Duration::from_secs(90);

pub(super) async fn acquire(
    c: &mut Connection,
    account: &AccountName,
    claim: &Claim,
    origin: &str,
) -> Result<Acquired, StoreError> {
    if let Some(held) = current(c, account).await?
        && !succeeds(claim, &held)
    {
        return Ok(Acquired::Busy(held));
    }
    let went_back = witness::went_back(c, account, claim, origin).await?;
    let Claim { holder, ttl, now, succession: _, witness } = claim;
    let expires = now.after(*ttl);
    let epoch = query_scalar(TAKE)
        .bind(account.as_str())
        .bind(expires.millis())
        .bind(&holder.host)
        .bind(&holder.boot)
        .bind(i64::from(holder.pid))
        .bind(i64::try_from(holder.started).unwrap_or(i64::MAX))
        .bind(&holder.purpose)
        .bind(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
        .bind(witness.map_or(0, |witness| witness.epoch))
        .fetch_one(c)
        .await
        .map_err(failed)?;
    Ok(Acquired::Ours { lease: Lease { epoch, expires, ttl: *ttl }, went_back })
}

/// Whether the claimer's word about the holder counts: for the very lease that stands, not renewed since it was seen. That
/// the holder is dead, only on the claimer's own host and boot: nobody can see the processes of another.
fn succeeds(claim: &Claim, held: &Held) -> bool {
    let as_seen = |seen: &Held| (&seen.holder, seen.epoch, seen.beat) == (&held.holder, held.epoch, held.beat);
    let (here, there) = (&claim.holder, &held.holder);
    match &claim.succession {
        None => false,
        Some(Succession::Silent(seen)) => as_seen(seen),
        Some(Succession::Dead(seen)) => as_seen(seen) && here.host == there.host && here.boot == there.boot,
    }
}

pub(super) async fn renew(
    c: &mut Connection,
    account: &AccountName,
    lease: &Lease,
    now: Moment,
    origin: &str,
) -> Result<Lease, StoreError> {
    let expires = now.after(lease.ttl);
    let renewed = query(RENEW)
        .bind(account.as_str())
        .bind(lease.epoch)
        .bind(expires.millis())
        .bind(origin)
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

/// The lease as it stands, if anybody has it.
pub(super) async fn current(c: &mut Connection, account: &AccountName) -> Result<Option<Held>, StoreError> {
    let row = query(CURRENT).bind(account.as_str()).fetch_optional(c).await.map_err(failed)?;
    row.map(|row| held(&row)).transpose()
}

fn held(row: &Row) -> Result<Held, StoreError> {
    let holder = Holder {
        host: get(row, "host")?,
        boot: get(row, "boot")?,
        pid: u32::try_from(get::<i64>(row, "pid")?).map_err(|_| StoreError::Inconsistent("the process of a lease"))?,
        started: u64::try_from(get::<i64>(row, "started")?)
            .map_err(|_| StoreError::Inconsistent("the start of a lease"))?,
        purpose: get(row, "purpose")?,
    };
    let ttl = match get::<Option<i64>>(row, "ttl")?.map(u64::try_from) {
        None => UNSAID,
        Some(Ok(millis)) => Duration::from_millis(millis),
        Some(Err(_)) => return Err(StoreError::Inconsistent("how long a lease lasts")),
    };
    Ok(Held { holder, epoch: get(row, "epoch")?, beat: get(row, "beat")?, ttl, expires: moment(row, "expires_at")? })
}
