//! The index of contacts: the survey that fills it, and how far a shop has been read.

use std::collections::BTreeMap;

use super::{
    Connection, erasures,
    failure::failed,
    resync,
    rows::{count, json, words},
    statement::{after_page, query, query_as, query_scalar},
};
use crate::{
    model::{AccountName, ContactId, ShopName, time::Moment},
    store::{IndexEntry, ShopProgress, StoreError, SurveyStep},
};

pub(super) const ADVANCE_SURVEY: &str = "
    INSERT INTO shops (account, shop, surveyed, surveyed_whole) VALUES ($1, $2, $3, $4)
    ON CONFLICT (account, shop) DO UPDATE SET
        surveyed = CASE WHEN excluded.surveyed > shops.surveyed THEN excluded.surveyed ELSE shops.surveyed END,
        surveyed_whole = CASE WHEN excluded.surveyed_whole = 1 THEN 1 ELSE shops.surveyed_whole END";
/// An excluded contact asked to be forgotten: its identifiers do not come back by being read.
pub(super) const INDEX: &str = "
    INSERT INTO contacts (account, shop, id, email, phone, name)
    SELECT $1, $2, CAST(value ->> 0 AS BIGINT), value ->> 1, value ->> 2, value ->> 3 FROM json_each($3) WHERE TRUE
    ON CONFLICT (account, shop, id) DO UPDATE SET email = excluded.email, phone = excluded.phone, name = excluded.name
     WHERE contacts.state IS NULL OR contacts.state <> 'excluded'";
pub(super) const SHOP: &str = "
    SELECT surveyed, surveyed_whole, checkpoint, crossed, deep_at, resynced_at, doubted_at, rules
      FROM shops WHERE account = $1 AND shop = $2";
pub(super) const OBSERVED: &str = "
    SELECT at, highest FROM observations WHERE account = $1 AND shop = $2 ORDER BY at";
pub(super) const COUNT_KNOWN: &str = "
    SELECT COUNT(*) FROM contacts WHERE account = $1 AND shop = $2 AND (state IS NULL OR state NOT IN ('gone', 'excluded'))";
pub(super) const COUNT_LINKED: &str =
    "SELECT COUNT(DISTINCT customer) FROM links WHERE account = $1 AND ended_at IS NULL";
pub(super) const COUNT_JUDGED_OTHERWISE: &str = "
    SELECT (SELECT COUNT(*) FROM contacts WHERE account = $1 AND shop = $2 AND state = 'linked' AND rules <> $3)
         + (SELECT COUNT(*) FROM contacts c JOIN links l ON l.account = c.account AND l.shop = c.shop AND l.id = c.id
             WHERE c.account = $1 AND c.shop = $2 AND c.state = 'parked' AND c.rules <> $3 AND l.ended_at IS NULL)";
pub(super) const TAIL: &str = "
    SELECT id FROM contacts WHERE account = $1 AND shop = $2 AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
     ORDER BY id DESC LIMIT 1 OFFSET $3";
/// A row of [`SHOP`].
type ShopRow = (i64, i64, i64, i64, Option<i64>, Option<i64>, Option<i64>, Option<String>);

pub(in crate::store) async fn survey(
    c: &mut Connection,
    account: &AccountName,
    step: &SurveyStep,
) -> Result<(), StoreError> {
    let SurveyStep { shop, entries, after, whole } = step;
    query(ADVANCE_SURVEY)
        .bind(account.as_str())
        .bind(shop.as_str())
        .bind(after)
        .bind(i64::from(*whole))
        .execute(&mut *c)
        .await
        .map_err(failed)?;
    let identified = entries.iter().map(|entry| (entry.id, entry.email, entry.phone));
    let excluded = erasures::excluded(c, account, shop, identified).await?;
    // Each contact once, as it stands last.
    let entries: BTreeMap<ContactId, &IndexEntry> =
        entries.iter().filter(|entry| !excluded.contains(&entry.id)).map(|entry| (entry.id, entry)).collect();
    let rows: Vec<_> = entries.values().map(|entry| (entry.id, entry.email, entry.phone, words(&entry.name))).collect();
    query(INDEX)
        .bind(account.as_str())
        .bind(shop.as_str())
        .bind(json(&rows)?)
        .execute(&mut *c)
        .await
        .map_err(failed)?;
    after_page(c).await
}

pub(super) async fn progress(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    tail: u64,
    rules: &str,
) -> Result<ShopProgress, StoreError> {
    let (account, shop) = (account.as_str(), shop.as_str());
    let row: Option<ShopRow> = query_as(SHOP).bind(account).bind(shop).fetch_optional(&mut *c).await.map_err(failed)?;
    let (surveyed, surveyed_whole, checkpoint, crossed, deep_at, resynced_at, doubted_at, whole_by) =
        row.unwrap_or_default();
    // Where all was read by these rules there is nobody to count: the count reads whom it is about one by one.
    let otherwise = if whole_by.as_deref() == Some(rules) {
        0
    } else {
        let count = query_scalar(COUNT_JUDGED_OTHERWISE).bind(account).bind(shop).bind(rules);
        count.fetch_one(&mut *c).await.map_err(failed)?
    };
    let observed: Vec<(i64, i64)> =
        query_as(OBSERVED).bind(account).bind(shop).fetch_all(&mut *c).await.map_err(failed)?;
    let known = query_scalar(COUNT_KNOWN).bind(account).bind(shop).fetch_one(&mut *c).await.map_err(failed)?;
    let linked = query_scalar(COUNT_LINKED).bind(account).fetch_one(&mut *c).await.map_err(failed)?;
    let tail = i64::try_from(tail).unwrap_or(i64::MAX);
    let tail_after: Option<i64> =
        query_scalar(TAIL).bind(account).bind(shop).bind(tail).fetch_optional(&mut *c).await.map_err(failed)?;
    Ok(ShopProgress {
        surveyed,
        surveyed_whole: surveyed_whole == 1,
        checkpoint,
        crossed: crossed == 1,
        observed: observed.into_iter().map(|(at, highest)| (Moment::from_millis(at), highest)).collect(),
        deep_at: deep_at.map(Moment::from_millis),
        resync: resync::standing(c, account, shop).await?,
        resynced_at: resynced_at.map(Moment::from_millis),
        doubted_at: doubted_at.map(Moment::from_millis),
        judged_otherwise: count(otherwise)?,
        known: count(known)?,
        linked_customers: count(linked)?,
        tail_after: tail_after.unwrap_or(0),
    })
}
