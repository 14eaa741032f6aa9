//! Updates that a hold holds, each with the hash of what it would do: what a release is bound to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Connection, Row,
    due::due_now,
    failure::failed,
    rows::{all, contact, get, json, keyed, maybe_moment},
    statement::query,
};
use crate::{
    model::{AccountName, ContactId, ContactKey, Keyed, ShopName, hold::HoldKind, time::Moment},
    store::{Fingerprint, HeldContact, HeldUpdate, StoreError},
};

pub(super) const OF: &str = "
    SELECT h.shop, h.id, h.hold, h.content, h.rules, h.what, o.kind, o.released_at
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
           CROSS JOIN held h
           CROSS JOIN holds o
     WHERE h.account = $1 AND h.shop = its_shop AND h.id = its_id AND o.hold = h.hold";
pub(super) const KEEP: &str = "
    INSERT INTO held (account, shop, id, hold, content, rules, what)
    SELECT $1, $2, CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), value ->> 2, value ->> 3, value ->> 4
      FROM json_each($3) WHERE TRUE
    ON CONFLICT (account, shop, id) DO UPDATE SET
        hold = excluded.hold, content = excluded.content, rules = excluded.rules, what = excluded.what";
pub(super) const DROP: &str = "
    DELETE FROM held WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))";
pub(super) const LIST: &str = "
    SELECT shop, id FROM held WHERE account = $1 AND hold = $2
     UNION
    SELECT p.shop, p.id FROM held_merges h JOIN proposals p ON p.account = h.account AND p.proposal = h.proposal
     WHERE h.account = $1 AND h.hold = $2 AND p.state = 'open'
     ORDER BY shop, id LIMIT $3";

/// Of contacts, as [`super::known::pairs`] writes them: who has an update that is held.
pub(super) async fn of(
    c: &mut Connection,
    account: &str,
    asked: &str,
) -> Result<BTreeMap<ContactKey, HeldUpdate>, StoreError> {
    let rows = query(OF).bind(account).bind(asked).fetch_all(c).await.map_err(failed)?;
    Ok(all(&rows, |row| Ok((contact(row)?, update(row)?)))?.into_iter().collect())
}

fn update(row: &Row) -> Result<HeldUpdate, StoreError> {
    Ok(HeldUpdate {
        hold: get(row, "hold")?,
        kind: HoldKind::parse(get(row, "kind")?).ok_or(StoreError::Inconsistent("the kind of a hold"))?,
        fingerprint: Fingerprint { content: keyed(get(row, "content")?, "a fingerprint")?, rules: get(row, "rules")? },
        what: keyed(get(row, "what")?, "an update that is held")?,
        released: maybe_moment(row, "released_at")?.is_some(),
    })
}

/// A row of [`KEEP`], in its order.
#[derive(Serialize)]
struct HeldRow<'a>(ContactId, i64, Keyed, &'a str, Keyed);

/// Keeps what is held of a page.
pub(super) async fn keep<'h>(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    held: impl Iterator<Item = &'h HeldContact>,
) -> Result<(), StoreError> {
    // Each contact once, as it was held last.
    let rows: BTreeMap<ContactId, HeldRow<'_>> = held
        .map(|HeldContact { id, hold, fingerprint, what }| {
            (*id, HeldRow(*id, *hold, fingerprint.content, &fingerprint.rules, *what))
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let rows = json(&rows.into_values().collect::<Vec<_>>())?;
    query(KEEP).bind(account.as_str()).bind(shop.as_str()).bind(rows).execute(c).await.map_err(failed)?;
    Ok(())
}

/// Contacts of which nothing is held any more: they were judged, or are gone.
pub(super) async fn drop(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    ids: &[ContactId],
) -> Result<(), StoreError> {
    if !ids.is_empty() {
        query(DROP).bind(account.as_str()).bind(shop.as_str()).bind(json(ids)?).execute(c).await.map_err(failed)?;
    }
    Ok(())
}

/// Whose updates, or merges, a hold holds.
pub(super) async fn list(
    c: &mut Connection,
    account: &AccountName,
    hold: i64,
    limit: u64,
) -> Result<Vec<ContactKey>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = query(LIST).bind(account.as_str()).bind(hold).bind(limit).fetch_all(c).await.map_err(failed)?;
    all(&rows, contact)
}

/// A hold was released: whom it holds is due at once.
pub(super) async fn release(
    c: &mut Connection,
    account: &AccountName,
    hold: i64,
    now: Moment,
) -> Result<(), StoreError> {
    let contacts = list(c, account, hold, u64::MAX).await?;
    due_now(c, account, &contacts, now).await
}
