//! A resync of a shop: how far it has come, whom it did not find, who is gone, and what its end lets be forgotten.

use super::{
    Connection,
    failure::failed,
    held, links, proposals,
    rows::{count, json},
    statement::{query, query_as},
};
use crate::{
    model::{AccountName, ContactId, Keyed, time::Moment},
    store::{PageRecord, Resync, ResyncStep, StoreError},
};

pub(super) const STANDING: &str = "
    SELECT started_at, from_id, after, count, highest, read, arrivals, force, whole
      FROM resyncs WHERE account = $1 AND shop = $2";
pub(super) const BEGIN: &str = "
    INSERT INTO resyncs (account, shop, started_at, from_id, after, count, highest, read, arrivals, force, whole)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (account, shop) DO UPDATE SET
        started_at = excluded.started_at, from_id = excluded.from_id, after = excluded.after, count = excluded.count,
        highest = excluded.highest, read = excluded.read, arrivals = excluded.arrivals, force = excluded.force,
        whole = excluded.whole";
pub(super) const FIND_ALL: &str = "
    UPDATE contacts SET missing = 0 WHERE account = $1 AND shop = $2 AND missing = 1";
pub(super) const PAGE: &str = "
    UPDATE resyncs
       SET after = CASE WHEN $3 > after THEN $3 ELSE after END, read = read + $4, arrivals = arrivals + $5
     WHERE account = $1 AND shop = $2";
pub(super) const WHOLE: &str = "UPDATE resyncs SET whole = 1 WHERE account = $1 AND shop = $2";
pub(super) const MISS: &str = "
    UPDATE contacts SET missing = 1
     WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))
       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))";
pub(super) const FIND: &str = "
    UPDATE contacts SET missing = 0
     WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))";
/// Her identifiers stay until they are forgotten; she holds none of them any more.
pub(super) const GONE: &str = "
    UPDATE contacts
       SET state = 'gone', reason = 'deleted', content = COALESCE(content, $6), rules = COALESCE(rules, ''), missing = 0,
           recheck_at = NULL, retry_at = NULL, attempts = 0, parked_since = NULL, judged_at = $4, judged_by = $5
     WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))
       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))";
/// Whoever could not be looked at leaves a shop in doubt; a rule that still waits for a person, or for somebody who was
/// parked, has not been applied to everybody.
pub(super) const SURE: &str = "
    UPDATE shops
       SET resynced_at = $3,
           doubted_at = CASE WHEN EXISTS (SELECT 1 FROM contacts c
                                           WHERE c.account = $1 AND c.shop = $2
                                             AND (c.missing = 1 OR c.state = 'parked' AND c.reason = 'search-failed'))
                             THEN doubted_at END,
           rules = CASE WHEN EXISTS (SELECT 1 FROM held h WHERE h.account = $1 AND h.shop = $2)
                          OR EXISTS (SELECT 1 FROM contacts c
                                      WHERE c.account = $1 AND c.shop = $2 AND c.state IN ('linked', 'parked')
                                        AND c.rules <> $4) THEN rules
                        ELSE COALESCE($4, rules) END
     WHERE account = $1 AND shop = $2";
pub(super) const OVER: &str = "DELETE FROM resyncs WHERE account = $1 AND shop = $2";
pub(super) const FORGET_LINKS: &str = "DELETE FROM links WHERE account = $1 AND shop = $2 AND ended_at < $3";
pub(super) const FORGET_IDENTIFIERS: &str = "
    UPDATE contacts SET email = NULL, phone = NULL, name = ''
     WHERE account = $1 AND shop = $2 AND state = 'gone' AND judged_at < $3";

/// In the place of a content that was never seen, or is not to be remembered.
pub(super) const NO_CONTENT: &str = "00000000000000000000000000000000";

/// A row of [`STANDING`], in its order.
type ResyncRow = (i64, i64, i64, i64, i64, i64, i64, i64, i64);

/// The resync under way, or interrupted.
pub(super) async fn standing(c: &mut Connection, account: &str, shop: &str) -> Result<Option<Resync>, StoreError> {
    let row: Option<ResyncRow> = query_as(STANDING).bind(account).bind(shop).fetch_optional(c).await.map_err(failed)?;
    let Some((started_at, from, after, all, highest, read, arrivals, force, whole)) = row else { return Ok(None) };
    Ok(Some(Resync {
        started_at: Moment::from_millis(started_at),
        from,
        after,
        count: count(all)?,
        highest,
        read: count(read)?,
        arrivals: count(arrivals)?,
        force: force == 1,
        whole: whole == 1,
    }))
}

/// Moves a resync. Before the page is judged: who is judged is missing no more.
pub(super) async fn step(c: &mut Connection, account: &AccountName, page: &PageRecord) -> Result<(), StoreError> {
    let (account, shop) = (account.as_str(), page.shop.as_str());
    match &page.resync {
        None | Some(ResyncStep::End { .. }) => Ok(()),
        Some(ResyncStep::Begin(resync)) => begin(c, account, shop, resync).await,
        Some(ResyncStep::Whole) => {
            let whole = query(WHOLE).bind(account).bind(shop).execute(c).await.map_err(failed)?;
            under_way(whole.rows_affected())
        }
        Some(ResyncStep::Page { after, read, arrivals, missing }) => {
            let moved = query(PAGE).bind(account).bind(shop).bind(after).bind(figure(*read)).bind(figure(*arrivals));
            under_way(moved.execute(&mut *c).await.map_err(failed)?.rows_affected())?;
            of_ids(c, MISS, account, shop, missing).await
        }
    }
}

async fn begin(c: &mut Connection, account: &str, shop: &str, resync: &Resync) -> Result<(), StoreError> {
    let Resync { started_at, from, after, count, highest, read, arrivals, force, whole } = resync;
    query(BEGIN)
        .bind(account)
        .bind(shop)
        .bind(started_at.millis())
        .bind(from)
        .bind(after)
        .bind(figure(*count))
        .bind(highest)
        .bind(figure(*read))
        .bind(figure(*arrivals))
        .bind(i64::from(*force))
        .bind(i64::from(*whole))
        .execute(&mut *c)
        .await
        .map_err(failed)?;
    query(FIND_ALL).bind(account).bind(shop).execute(c).await.map_err(failed)?;
    Ok(())
}

fn under_way(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Inconsistent("a page of a resync that never began")) } else { Ok(()) }
}

fn figure(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

/// Contacts that were missing and are in the shop all the same.
pub(super) async fn find(c: &mut Connection, account: &AccountName, page: &PageRecord) -> Result<(), StoreError> {
    of_ids(c, FIND, account.as_str(), page.shop.as_str(), &page.found).await
}

async fn of_ids(
    c: &mut Connection,
    sql: &'static str,
    account: &str,
    shop: &str,
    ids: &[ContactId],
) -> Result<(), StoreError> {
    if !ids.is_empty() {
        query(sql).bind(account).bind(shop).bind(json(ids)?).execute(c).await.map_err(failed)?;
    }
    Ok(())
}

/// Contacts that are not in the shop any more.
pub(super) async fn gone(c: &mut Connection, account: &AccountName, page: &PageRecord) -> Result<(), StoreError> {
    let PageRecord { shop, gone, at, run, .. } = page;
    if gone.is_empty() {
        return Ok(());
    }
    query(GONE)
        .bind(account.as_str())
        .bind(shop.as_str())
        .bind(json(gone)?)
        .bind(at.millis())
        .bind(run.0)
        .bind(NO_CONTENT)
        .execute(&mut *c)
        .await
        .map_err(failed)?;
    links::end(c, account, shop, gone, *at).await?;
    held::drop(c, account, shop, gone).await?;
    proposals::withdraw(c, account, shop, gone, *at).await
}

/// The end of a resync, after all else of its record.
pub(super) async fn end(c: &mut Connection, account: &AccountName, page: &PageRecord) -> Result<(), StoreError> {
    let Some(ResyncStep::End { rules, forget_before }) = &page.resync else { return Ok(()) };
    let (account, shop) = (account.as_str(), page.shop.as_str());
    let sure = query(SURE).bind(account).bind(shop).bind(page.at.millis()).bind(rules.as_deref());
    sure.execute(&mut *c).await.map_err(failed)?;
    query(OVER).bind(account).bind(shop).execute(&mut *c).await.map_err(failed)?;
    for forget in [FORGET_LINKS, FORGET_IDENTIFIERS] {
        query(forget).bind(account).bind(shop).bind(forget_before.millis()).execute(&mut *c).await.map_err(failed)?;
    }
    Ok(())
}

/// The hash in the place of a content.
pub(super) fn no_content() -> Result<Keyed, StoreError> {
    Keyed::parse(NO_CONTENT).ok_or(StoreError::Inconsistent("a content"))
}
