//! Runs and their reports.

use std::collections::BTreeMap;

use super::{
    Connection, Row,
    failure::failed,
    merging::FORGET_BEFORES,
    rows::{self, all, from_json, from_word, get, json, maybe_moment, moment, shop},
    statement::{query, query_scalar},
};
use crate::{
    model::{
        AccountName, ShopName,
        run::{Calls, Counts, MergeCounts, Outcome, Pass, RunId, RunReport},
        time::Moment,
    },
    store::{BEFORE_KEPT, Lease, NewRun, RunQuery, StoreError},
};

/// What is said of a run whose process died.
pub(super) const INTERRUPTED: &str = "interrupted: the process ended before the run did";

pub(super) const SAME_SHOP: &str = "SELECT shop FROM shops WHERE account = $1 AND source = $2 AND shop <> $3";
pub(super) const SHOP_SEEN: &str = "
    INSERT INTO shops (account, shop, source) VALUES ($1, $2, $3)
    ON CONFLICT (account, shop) DO UPDATE SET source = excluded.source";
pub(super) const CLOSE_OLDER: &str = "
    UPDATE runs SET outcome = 'failed', error = $3 WHERE account = $1 AND epoch < $2 AND outcome = 'running'";
pub(super) const BEGIN: &str = "
    INSERT INTO runs (account, shop, pass, epoch, outcome, started_at, partial) VALUES ($1, $2, $3, $4, 'running', $5, $6)
    RETURNING run";
pub(super) const FINISH: &str = "UPDATE runs SET outcome = $3, report = $4 WHERE account = $1 AND run = $2";
pub(super) const LAST: &str = "
    SELECT run, shop, pass, partial, outcome, started_at, error, report FROM runs WHERE account = $1 ORDER BY run DESC LIMIT $2";
/// Of the whole. The last is that of the highest number, whatever the clock said that it began by. Found from the end of an index: runs are as many as the store is old.
pub(super) const LAST_DONE: &str = "
    SELECT s.shop,
           (SELECT r.started_at FROM runs r
             WHERE r.account = s.account AND r.shop = s.shop AND r.pass = $2
               AND r.outcome IN ('done', 'parked', 'held') AND r.partial = 0
             ORDER BY r.run DESC LIMIT 1) AS started_at
      FROM shops s WHERE s.account = $1";
/// The latest of each shop, of the whole, that ended by itself, found from the end of the index; and its survey, while that is all a pass comes to. A run
/// whose process died has no report.
pub(super) const LAST_TRIED: &str = "
    SELECT s.shop,
           (SELECT r.started_at FROM runs r
             WHERE r.account = s.account AND r.shop = s.shop AND r.pass = $2
               AND r.outcome NOT IN ('running', 'stopped') AND r.report IS NOT NULL AND r.partial = 0
             ORDER BY r.run DESC LIMIT 1) AS tried,
           (SELECT r.started_at FROM runs r
             WHERE r.account = s.account AND r.shop = s.shop AND r.pass = 'survey' AND s.surveyed_whole = 0
               AND r.outcome NOT IN ('running', 'stopped') AND r.report IS NOT NULL
             ORDER BY r.run DESC LIMIT 1) AS surveyed
      FROM shops s WHERE s.account = $1";
pub(super) const ONE: &str = "
    SELECT run, shop, pass, partial, outcome, started_at, error, report FROM runs WHERE account = $1 AND run = $2";

pub(super) async fn begin(
    c: &mut Connection,
    account: &AccountName,
    lease: &Lease,
    run: &NewRun,
) -> Result<RunId, StoreError> {
    let NewRun { shop, source, pass, partial, at } = run;
    let (account, source) = (account.as_str(), source.to_string());
    let same = query(SAME_SHOP).bind(account).bind(&source).bind(shop.as_str());
    if let Some(row) = same.fetch_optional(&mut *c).await.map_err(failed)? {
        return Err(StoreError::SameShop { shop: shop.clone(), known: rows::shop(&row)? });
    }
    query(SHOP_SEEN).bind(account).bind(shop.as_str()).bind(&source).execute(&mut *c).await.map_err(failed)?;
    query(CLOSE_OLDER).bind(account).bind(lease.epoch).bind(INTERRUPTED).execute(&mut *c).await.map_err(failed)?;
    // Also where nothing is merged any more: what customers were before is not kept for longer than that.
    let old = at.before(BEFORE_KEPT).millis();
    query(FORGET_BEFORES).bind(account).bind(old).execute(&mut *c).await.map_err(failed)?;
    query_scalar(BEGIN)
        .bind(account)
        .bind(shop.as_str())
        .bind(pass.as_str())
        .bind(lease.epoch)
        .bind(at.millis())
        .bind(i64::from(*partial))
        .fetch_one(c)
        .await
        .map(RunId)
        .map_err(failed)
}

pub(super) async fn finish(c: &mut Connection, account: &AccountName, report: &RunReport) -> Result<(), StoreError> {
    let finish =
        query(FINISH).bind(account.as_str()).bind(report.run.0).bind(report.outcome.as_str()).bind(json(report)?);
    match finish.execute(c).await.map_err(failed)?.rows_affected() {
        0 => Err(StoreError::Inconsistent("a report of a run that never began")),
        _ => Ok(()),
    }
}

pub(super) async fn runs(
    c: &mut Connection,
    account: &AccountName,
    which: RunQuery,
) -> Result<Vec<RunReport>, StoreError> {
    let asked = match which {
        RunQuery::Last(number) => query(LAST).bind(account.as_str()).bind(i64::from(number)),
        RunQuery::One(run) => query(ONE).bind(account.as_str()).bind(run.0),
    };
    all(asked, c, |row| report(row, account)).await
}

pub(super) async fn last_done(
    c: &mut Connection,
    account: &AccountName,
    pass: Pass,
) -> Result<BTreeMap<ShopName, Moment>, StoreError> {
    let done = all(query(LAST_DONE).bind(account.as_str()).bind(pass.as_str()), c, |row| {
        Ok((shop(row)?, maybe_moment(row, "started_at")?))
    });
    Ok(done.await?.into_iter().filter_map(|(shop, done)| Some((shop, done?))).collect())
}

pub(super) async fn last_tried(
    c: &mut Connection,
    account: &AccountName,
    pass: Pass,
) -> Result<BTreeMap<ShopName, Moment>, StoreError> {
    let tried = all(query(LAST_TRIED).bind(account.as_str()).bind(pass.as_str()), c, |row| {
        Ok((shop(row)?, maybe_moment(row, "tried")?.max(maybe_moment(row, "surveyed")?)))
    });
    Ok(tried.await?.into_iter().filter_map(|(shop, tried)| Some((shop, tried?))).collect())
}

/// The report of a run; one that made none has the zero of everything.
pub(super) fn report(row: &Row, account: &AccountName) -> Result<RunReport, StoreError> {
    if let Some(text) = get::<Option<&str>>(row, "report")? {
        return from_json(text, "the report of a run");
    }
    let outcome: Outcome = from_word(get(row, "outcome")?, "the outcome of a run")?;
    Ok(RunReport {
        run: RunId(get(row, "run")?),
        account: account.clone(),
        shop: shop(row)?,
        pass: from_word(get(row, "pass")?, "the pass of a run")?,
        partial: get::<i64>(row, "partial")? != 0,
        outcome,
        started_at: moment(row, "started_at")?,
        duration_ms: 0,
        read: 0,
        counts: Counts::default(),
        gone: 0,
        merges: MergeCounts::default(),
        calls: Calls::default(),
        holds: Vec::new(),
        updates: 0,
        error: get(row, "error")?,
        survey: None,
    })
}
