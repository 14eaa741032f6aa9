//! Writes to customers: declared before their first byte is sent, settled when their outcome is known.

use std::collections::BTreeMap;

use super::{
    Connection, erasures,
    failure::failed,
    known::PAUSED,
    rows::json,
    statement::{query, query_scalar},
};
use crate::{
    model::{AccountName, ContactKey, ShopName, time::Moment},
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
    refuse_erased(c, account, writes).await?;
    let rows: Vec<_> = writes
        .iter()
        .map(|Declaration { run, contact, hashes: _, customer, why, fields, at }| {
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

/// Nothing is sent for persons who were erased while what was to be written was found out.
async fn refuse_erased(c: &mut Connection, account: &AccountName, writes: &[Declaration]) -> Result<(), StoreError> {
    let mut by_shop: BTreeMap<&ShopName, Vec<_>> = BTreeMap::new();
    for Declaration { contact, hashes, .. } in writes {
        by_shop.entry(&contact.shop).or_default().push((contact.id, hashes.email, hashes.phone));
    }
    let mut refused = Vec::new();
    for (shop, contacts) in by_shop {
        let erased = erasures::excluded(c, account, shop, contacts.into_iter()).await?;
        refused.extend(erased.into_iter().map(|id| ContactKey { shop: shop.clone(), id }));
    }
    if refused.is_empty() { Ok(()) } else { Err(StoreError::Erased(refused)) }
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
    // Each write once, as it was settled last.
    let settled: BTreeMap<WriteId, WriteOutcome> = settled.iter().copied().collect();
    let settled: Vec<_> = settled.into_iter().collect();
    query(SETTLE).bind(account.as_str()).bind(json(&settled)?).bind(at.millis()).execute(c).await.map_err(failed)?;
    Ok(())
}
