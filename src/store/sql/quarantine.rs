//! What keeps people apart: identifiers that several of them hold, and customers of whom a person said that they are two.

use super::{
    Connection,
    failure::failed,
    rows::{all, contact, count, customer_in, get, json, keyed, moment},
    statement::query,
};
use crate::{
    model::{AccountName, CustomerId},
    store::{Parted, Quarantine, Quarantined, StoreError},
};

pub(super) const PARTED: &str = "
    SELECT one, other, decided_by, decided_at FROM parted
     WHERE account = $1 AND (one IN (SELECT atom FROM json_each($2)) OR other IN (SELECT atom FROM json_each($2)))
     ORDER BY one, other";
/// It reads the whole index: for a person who asks, not for a page.
pub(super) const SEVERAL: &str = "
    WITH several AS (
        SELECT kind, hash, COUNT(*) AS holders
          FROM (SELECT 'email' AS kind, email AS hash, name FROM contacts
                 WHERE account = $1 AND email IS NOT NULL AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
                UNION ALL
                SELECT 'phone', phone, name FROM contacts
                 WHERE account = $1 AND phone IS NOT NULL AND (state IS NULL OR state NOT IN ('gone', 'excluded'))) held
         GROUP BY kind, hash
        HAVING COUNT(*) > $2 OR COUNT(DISTINCT NULLIF(name, '')) > 1)
    SELECT kind, hash, holders, (SELECT COUNT(*) FROM several) AS total
      FROM several ORDER BY holders DESC, kind, hash LIMIT $3";
pub(super) const FIRST_BY_EMAIL: &str = "
    SELECT shop, id FROM contacts
     WHERE account = $1 AND email = $2 AND (state IS NULL OR state NOT IN ('gone', 'excluded')) ORDER BY shop, id LIMIT 1";
pub(super) const FIRST_BY_PHONE: &str = "
    SELECT shop, id FROM contacts
     WHERE account = $1 AND phone = $2 AND (state IS NULL OR state NOT IN ('gone', 'excluded')) ORDER BY shop, id LIMIT 1";

pub(super) async fn parted(
    c: &mut Connection,
    account: &AccountName,
    customers: &[CustomerId],
) -> Result<Vec<Parted>, StoreError> {
    all(query(PARTED).bind(account.as_str()).bind(json(customers)?), c, |row| {
        Ok(Parted {
            one: customer_in(row, "one")?,
            other: customer_in(row, "other")?,
            by: get(row, "decided_by")?,
            at: moment(row, "decided_at")?,
        })
    })
    .await
}

pub(super) async fn quarantine(
    c: &mut Connection,
    account: &AccountName,
    max_share: u64,
    limit: u64,
) -> Result<Quarantine, StoreError> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let several = query(SEVERAL).bind(account.as_str()).bind(number(max_share)).bind(number(limit));
    let rows = several.fetch_all(&mut *c).await.map_err(failed)?;
    let mut quarantine = Quarantine::default();
    for row in &rows {
        let (kind, hash): (&str, &str) = (get(row, "kind")?, get(row, "hash")?);
        let first = if kind == "email" { FIRST_BY_EMAIL } else { FIRST_BY_PHONE };
        let first = query(first).bind(account.as_str()).bind(hash).fetch_one(&mut *c).await.map_err(failed)?;
        quarantine.count = count(get(row, "total")?)?;
        quarantine.most_held.push(Quarantined {
            kind: kind.to_owned(),
            hash: keyed(hash, "an identifier")?,
            holders: count(get(row, "holders")?)?,
            contact: contact(&first)?,
        });
    }
    Ok(quarantine)
}
