//! Whether the store went back in time: an older copy of it was put back, or it is a copy in another place. Told by what the
//! claimer of a lease knows of it, and by where it lies. What it says of the shops is then in doubt until they are resynced.

use super::{
    Connection,
    dialect::RUNS_GO_ON_AFTER,
    failure::failed,
    statement::{query, query_as, query_scalar},
};
use crate::{
    model::AccountName,
    store::{Claim, StoreError, Witness},
};

pub(super) const EPOCH: &str = "SELECT epoch, beat FROM leases WHERE account = $1";
pub(super) const RUN_SINCE: &str = "SELECT run FROM runs WHERE account = $1 AND run >= $2 LIMIT 1";
pub(super) const ORIGIN: &str = "SELECT origin FROM accounts WHERE account = $1";
pub(super) const SETTLE_HERE: &str = "UPDATE accounts SET origin = $2 WHERE account = $1";
/// The first doubt stands: what came after it was done in doubt.
pub(super) const DOUBT: &str = "UPDATE shops SET doubted_at = COALESCE(doubted_at, $2) WHERE account = $1";
/// A reading that began before the doubt looked at a part of each shop while it was not in doubt: it ends none.
pub(super) const BEGIN_ANEW: &str = "DELETE FROM resyncs WHERE account = $1";

/// Whether it did; then every shop is in doubt, and runs are numbered past those that were forgotten.
pub(super) async fn went_back(
    c: &mut Connection,
    account: &AccountName,
    claim: &Claim,
    origin: &str,
) -> Result<bool, StoreError> {
    let elsewhere = moved(c, account, origin).await?;
    let behind = match &claim.witness {
        Some(witness) => is_behind(c, account, witness).await?,
        None => false,
    };
    if !elsewhere && !behind {
        return Ok(false);
    }
    query(DOUBT).bind(account.as_str()).bind(claim.now.millis()).execute(&mut *c).await.map_err(failed)?;
    query(BEGIN_ANEW).bind(account.as_str()).execute(&mut *c).await.map_err(failed)?;
    if let Some(Witness { run, .. }) = claim.witness {
        for &sql in RUNS_GO_ON_AFTER {
            query(sql).bind(run).execute(&mut *c).await.map_err(failed)?;
        }
    }
    Ok(true)
}

async fn is_behind(c: &mut Connection, account: &AccountName, witness: &Witness) -> Result<bool, StoreError> {
    let reached: (i64, i64) = query_as(EPOCH).bind(account.as_str()).fetch_one(&mut *c).await.map_err(failed)?;
    if reached < (witness.epoch, witness.beat) {
        return Ok(true);
    }
    if witness.run < 1 {
        return Ok(false);
    }
    let run: Option<i64> =
        query_scalar(RUN_SINCE).bind(account.as_str()).bind(witness.run).fetch_optional(c).await.map_err(failed)?;
    Ok(run.is_none())
}

/// Whether it was last worked on in another place. From now on it is in this one.
async fn moved(c: &mut Connection, account: &AccountName, origin: &str) -> Result<bool, StoreError> {
    let kept: Option<String> = query_scalar(ORIGIN).bind(account.as_str()).fetch_one(&mut *c).await.map_err(failed)?;
    if kept.as_deref() == Some(origin) {
        return Ok(false);
    }
    query(SETTLE_HERE).bind(account.as_str()).bind(origin).execute(c).await.map_err(failed)?;
    Ok(kept.is_some())
}
