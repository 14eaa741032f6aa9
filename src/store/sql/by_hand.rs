//! Writes by hand.

use async_trait::async_trait;

use super::{
    Connection, Row, TheStore,
    failure::failed,
    known::PAUSED,
    lease,
    rows::{all, customer, from_json, from_word, get, json, moment},
    statement::{query, query_scalar},
};
use crate::{
    model::{AccountName, CustomerId, time::Moment},
    store::{ByHand, HandWrite, KeptHandWrite, Lease, StoreError, WriteId, WriteOutcome},
};

pub(super) const DECLARE: &str = "
    INSERT INTO by_hand (account, epoch, customer, why, by, fields, declared_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING write";
pub(super) const SETTLE: &str = "
    UPDATE by_hand SET outcome = $3, settled_at = $4
     WHERE account = $1 AND write = $2 AND COALESCE(outcome, 'unknown') = 'unknown'";
pub(super) const OF: &str = "
    SELECT write, customer, why, by, fields, declared_at, outcome, settled_at
      FROM by_hand WHERE account = $1 AND customer = $2 ORDER BY write DESC";

#[async_trait]
impl ByHand for TheStore {
    async fn declare_by_hand(&self, lease: Option<&Lease>, write: &HandWrite) -> Result<WriteId, StoreError> {
        let (lease, write) = (lease.cloned(), write.clone());
        self.origin_now()?;
        self.write(move |c, account| {
            Box::pin(async move {
                if let Some(lease) = &lease {
                    lease::fence(c, account, lease).await?;
                }
                declare(c, account, lease.as_ref(), &write).await
            })
        })
        .await
    }

    async fn settle_by_hand(&self, write: WriteId, outcome: WriteOutcome, now: Moment) -> Result<(), StoreError> {
        self.write(move |c, account| {
            Box::pin(async move {
                let settle = query(SETTLE).bind(account.as_str()).bind(write.0);
                settle.bind(outcome.as_str()).bind(now.millis()).execute(c).await.map_err(failed)?;
                Ok(())
            })
        })
        .await
    }

    async fn by_hand(&self, customer: &CustomerId) -> Result<Vec<KeptHandWrite>, StoreError> {
        let customer = customer.clone();
        self.read(move |c, account| {
            Box::pin(async move { all(query(OF).bind(account.as_str()).bind(customer.as_str()), c, kept).await })
        })
        .await
    }
}

async fn declare(
    c: &mut Connection,
    account: &AccountName,
    lease: Option<&Lease>,
    write: &HandWrite,
) -> Result<WriteId, StoreError> {
    let paused: i64 = query_scalar(PAUSED).bind(account.as_str()).fetch_one(&mut *c).await.map_err(failed)?;
    if paused > 0 && !write.puts_back {
        return Err(StoreError::Paused);
    }
    let HandWrite { customer, why, by, fields, at, puts_back: _ } = write;
    query_scalar(DECLARE)
        .bind(account.as_str())
        .bind(lease.map(|lease| lease.epoch))
        .bind(customer.as_str())
        .bind(*why)
        .bind(by)
        .bind(json(fields)?)
        .bind(at.millis())
        .fetch_one(c)
        .await
        .map(WriteId)
        .map_err(failed)
}

fn kept(row: &Row) -> Result<KeptHandWrite, StoreError> {
    let outcome = match get::<Option<&str>>(row, "outcome")? {
        Some(word) => Some((from_word(word, "the outcome of a write")?, moment(row, "settled_at")?)),
        None => None,
    };
    Ok(KeptHandWrite {
        id: WriteId(get(row, "write")?),
        customer: customer(row)?,
        why: get(row, "why")?,
        by: get(row, "by")?,
        fields: from_json(get(row, "fields")?, "the fields of a write by hand")?,
        declared_at: moment(row, "declared_at")?,
        outcome,
    })
}
