//! Writes to customers: declared before their first byte is sent, settled when their outcome is known.

use sqlx::{query, query_scalar};

use super::{Connection, failure::failed, known::PAUSED, rows::json};
use crate::{
    model::{AccountName, time::Moment},
    store::{Declaration, Lease, StoreError, WriteId, WriteOutcome},
};

pub(super) const DECLARE: &str = "
    INSERT INTO writes (account, run, epoch, shop, id, customer, why, fields, declared_at)
    SELECT $1, CAST(value ->> 0 AS BIGINT), $3, value ->> 1, CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4,
           CAST(value -> 5 AS TEXT), CAST(value ->> 6 AS BIGINT)
      FROM json_each($2) ORDER BY key
    RETURNING write";
/// A doubt may be resolved later; what is certain stays. (`COALESCE`, so that SQLite finds each write by its number and not by
/// reading all doubts of the account.)
pub(super) const SETTLE: &str = "
    UPDATE writes SET outcome = settled.value ->> 1, settled_at = $3
      FROM json_each($2) settled
     WHERE writes.write = CAST(settled.value ->> 0 AS BIGINT) AND account = $1 AND COALESCE(outcome, 'unknown') = 'unknown'";

pub(super) async fn declare(
    c: &mut Connection,
    account: &AccountName,
    lease: &Lease,
    writes: &[Declaration],
) -> Result<Vec<WriteId>, StoreError> {
    let paused: i64 = query_scalar(PAUSED).bind(account.as_str()).fetch_one(&mut *c).await.map_err(failed)?;
    if paused > 0 {
        return Err(StoreError::Paused);
    }
    let rows: Vec<_> = writes
        .iter()
        .map(|Declaration { run, contact, customer, why, fields, at }| {
            (run, &contact.shop, contact.id, customer, why, fields, at.millis())
        })
        .collect();
    let mut ids: Vec<i64> = query_scalar(DECLARE)
        .bind(account.as_str())
        .bind(json(&rows)?)
        .bind(lease.epoch)
        .fetch_all(c)
        .await
        .map_err(failed)?;
    // Numbers rise in the order of insertion; RETURNING promises no order.
    ids.sort_unstable();
    Ok(ids.into_iter().map(WriteId).collect())
}

pub(super) async fn settle(
    c: &mut Connection,
    account: &AccountName,
    settled: &[(WriteId, WriteOutcome)],
    at: Moment,
) -> Result<(), StoreError> {
    if settled.is_empty() {
        return Ok(());
    }
    query(SETTLE).bind(account.as_str()).bind(json(settled)?).bind(at.millis()).execute(c).await.map_err(failed)?;
    Ok(())
}
