//! Recording a page: what became of each contact, and how far the shop has been read, in one transaction.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;

use super::{
    Connection,
    due::{contact_id, due_now},
    erasures,
    failure::failed,
    held, links, proposals, resync,
    rows::{json, millis, words},
    statement::{after_page, query, query_scalar},
    writes,
};
use crate::{
    model::{
        AccountName, ContactId, Keyed,
        state::{ContactState, NOT_IN_THE_SHOP},
    },
    store::{ContactRecord, IndexEntry, PageRecord, StoreError},
};

pub(super) const ADVANCE: &str = "
    INSERT INTO shops (account, shop, checkpoint, crossed, ended_at, deep_at) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (account, shop) DO UPDATE SET
        checkpoint = CASE WHEN excluded.checkpoint > shops.checkpoint THEN excluded.checkpoint ELSE shops.checkpoint END,
        crossed = CASE WHEN excluded.crossed = 1 THEN 1 ELSE shops.crossed END,
        ended_at = COALESCE(excluded.ended_at, shops.ended_at),
        deep_at = COALESCE(excluded.deep_at, shops.deep_at)";
/// The first of each minute stands: to move it would claim that more had been seen by then.
pub(super) const OBSERVE: &str = "
    INSERT INTO observations (account, shop, at, highest)
    SELECT account, shop, $3, checkpoint FROM shops
     WHERE account = $1 AND shop = $2
       AND NOT EXISTS (SELECT 1 FROM observations o WHERE o.account = $1 AND o.shop = $2 AND o.at > $4)";
pub(super) const FORGET_OBSERVATIONS: &str = "
    DELETE FROM observations
     WHERE account = $1 AND shop = $2
       AND (at > $5
            OR at < $3 AND at < (SELECT MAX(o.at) FROM observations o
                                  WHERE o.account = $1 AND o.shop = $2 AND o.at <= $4))";
/// Who was asked for by id in vain stays missing where a resync missed her.
pub(super) const JUDGE: &str = "
    INSERT INTO contacts (account, shop, id, email, phone, name, state, reason, content, rules, recheck_at, retry_at,
                          attempts, parked_since, judged_at, judged_by)
    SELECT $1, $2, CAST(value ->> 0 AS BIGINT), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
           value ->> 6, value ->> 7, CAST(value ->> 8 AS BIGINT), CAST(value ->> 9 AS BIGINT),
           CAST(value ->> 10 AS BIGINT), CAST(value ->> 11 AS BIGINT), $4, $5
      FROM json_each($3) WHERE TRUE
    ON CONFLICT (account, shop, id) DO UPDATE SET
        email = excluded.email, phone = excluded.phone, name = excluded.name, state = excluded.state,
        reason = excluded.reason, content = excluded.content, rules = excluded.rules,
        recheck_at = excluded.recheck_at, retry_at = excluded.retry_at, attempts = excluded.attempts,
        parked_since = excluded.parked_since, judged_at = excluded.judged_at, judged_by = excluded.judged_by,
        missing = CASE WHEN excluded.reason = $6 THEN contacts.missing ELSE 0 END";
/// Who was made due while the page was handled, by a person's word or a call: who is due at another moment than was known. That word was not
/// heard by it. Nor is it one that is recorded a second time, since nobody knows of the first: then she is due as it says.
pub(super) const MEANWHILE: &str = "
    SELECT id
      FROM (SELECT CAST(value ->> 0 AS BIGINT) AS its_id, CAST(value ->> 1 AS BIGINT) AS was_due,
                   CAST(value ->> 2 AS BIGINT) AS now_due
              FROM json_each($3)) asked
           CROSS JOIN contacts
     WHERE account = $1 AND shop = $2 AND id = its_id
       AND retry_at <> COALESCE(was_due, -1) AND retry_at <> COALESCE(now_due, -1)";
/// Observations older than this are forgotten (and those further ahead than a lookback, by a clock that was: they would keep new ones
/// from being made until then)…
const REMEMBERED: Duration = Duration::from_hours(3 * 24);
/// …but never the newest that is older than this: a lookback can always be answered.
const LOOKBACK: Duration = Duration::from_hours(2 * 24);
const MINUTE: Duration = Duration::from_mins(1);

pub(super) async fn record(c: &mut Connection, account: &AccountName, page: &PageRecord) -> Result<(), StoreError> {
    let PageRecord { shop, at, .. } = page;
    // A person who was erased while the page was handled is not brought back by it.
    let judged = page.contacts.iter().map(|contact| (contact.entry.id, contact.entry.email, contact.entry.phone));
    let others = page.held.iter().map(|held| (held.id, None, None));
    let erased = erasures::excluded(c, account, shop, judged.chain(others)).await?;
    // Each contact once, as it was judged last: a statement takes no row twice.
    let contacts: BTreeMap<ContactId, &ContactRecord> = page
        .contacts
        .iter()
        .filter(|contact| !erased.contains(&contact.entry.id))
        .map(|contact| (contact.entry.id, contact))
        .collect();
    let contacts: Vec<&ContactRecord> = contacts.into_values().collect();
    writes::settle(c, account, &page.settled, *at).await?;
    erasures::forget_writes(c, account, shop, &erased).await?;
    erasures::exclude_new(c, account, page, &erased).await?;
    erasures::bury_by(c, account, shop, &page.erased_by).await?;
    advance(c, account, page).await?;
    resync::step(c, account, page).await?;
    judge(c, account, page, &contacts).await?;
    erasures::readmit_lifted(c, account, page).await?;
    resync::find(c, account, page).await?;
    links::change(c, account, shop, &contacts, *at).await?;
    resync::gone(c, account, page).await?;
    proposals::keep(c, account, page, &contacts).await?;
    held::keep(c, account, page, &erased).await?;
    due_now(c, account, &page.due, *at).await?;
    resync::end(c, account, page).await?;
    after_page(c).await
}

async fn advance(c: &mut Connection, account: &AccountName, page: &PageRecord) -> Result<(), StoreError> {
    let PageRecord { shop, at, checkpoint, end, deep, .. } = page;
    let (account, shop) = (account.as_str(), shop.as_str());
    query(ADVANCE)
        .bind(account)
        .bind(shop)
        .bind(checkpoint.unwrap_or(0))
        .bind(i64::from(*end))
        .bind(end.then_some(at.millis()))
        .bind(deep.then_some(at.millis()))
        .execute(&mut *c)
        .await
        .map_err(failed)?;
    if *end {
        query(OBSERVE)
            .bind(account)
            .bind(shop)
            .bind(at.millis())
            .bind(at.before(MINUTE).millis())
            .execute(&mut *c)
            .await
            .map_err(failed)?;
        query(FORGET_OBSERVATIONS)
            .bind(account)
            .bind(shop)
            .bind(at.before(REMEMBERED).millis())
            .bind(at.before(LOOKBACK).millis())
            .bind(at.after(LOOKBACK).millis())
            .execute(c)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// A row of [`JUDGE`], in its order.
#[derive(Serialize)]
struct JudgedRow<'a>(
    ContactId,
    Option<Keyed>,
    Option<Keyed>,
    String,
    ContactState,
    &'a str,
    Keyed,
    &'a str,
    Option<i64>,
    Option<i64>,
    u32,
    Option<i64>,
);

/// Of whoever was erased nothing is due.
async fn made_due_meanwhile(
    c: &mut Connection,
    account: &AccountName,
    page: &PageRecord,
    contacts: &[&ContactRecord],
) -> Result<BTreeSet<ContactId>, StoreError> {
    let stay = contacts.iter().filter(|contact| contact.state != ContactState::Excluded);
    let known: Vec<_> =
        stay.map(|contact| (contact.entry.id, millis(contact.was_due), millis(contact.retry_at))).collect();
    let asked = query_scalar(MEANWHILE).bind(account.as_str()).bind(page.shop.as_str()).bind(json(&known)?);
    let ids: Vec<i64> = asked.fetch_all(c).await.map_err(failed)?;
    ids.into_iter().map(contact_id).collect()
}

async fn judge(
    c: &mut Connection,
    account: &AccountName,
    page: &PageRecord,
    contacts: &[&ContactRecord],
) -> Result<(), StoreError> {
    let meanwhile = made_due_meanwhile(c, account, page, contacts).await?;
    let rows: Vec<_> = contacts
        .iter()
        .map(|contact| {
            let ContactRecord { entry, state, reason, fingerprint, recheck_at, retry_at, .. } = contact;
            let IndexEntry { id, email, phone, name } = entry;
            JudgedRow(
                *id,
                *email,
                *phone,
                words(name),
                *state,
                reason,
                fingerprint.content,
                &fingerprint.rules,
                millis(*recheck_at),
                if meanwhile.contains(id) { Some(page.at.millis()) } else { millis(*retry_at) },
                contact.attempts,
                millis(contact.parked_since),
            )
        })
        .collect();
    query(JUDGE)
        .bind(account.as_str())
        .bind(page.shop.as_str())
        .bind(json(&rows)?)
        .bind(page.at.millis())
        .bind(page.run.0)
        .bind(NOT_IN_THE_SHOP)
        .execute(&mut *c)
        .await
        .map_err(failed)?;
    // Of whoever was parked nothing was judged: what is held of her stays held, and what a person released, released.
    let judged = contacts.iter().filter(|contact| contact.parked_since.is_none());
    let judged: Vec<ContactId> = judged.map(|contact| contact.entry.id).collect();
    held::drop(c, account, &page.shop, &judged).await
}
