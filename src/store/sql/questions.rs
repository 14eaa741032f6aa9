//! What `status` and `holds list` show.

use std::collections::BTreeMap;

use sqlx::{query, query_as, query_scalar};

use super::{
    Connection, Row,
    failure::failed,
    lease,
    rows::{self, all, count, flag, get, maybe_moment, shop},
    runs,
};
use crate::{
    model::{AccountName, ShopName, hold::Hold, state::ContactState, time::Moment},
    store::{Overview, ShopOverview, StoreError},
};

pub(super) const PAUSE: &str = "SELECT paused_at, paused_why FROM accounts WHERE account = $1";
pub(super) const SHOPS: &str = "
    SELECT shop, surveyed_whole, checkpoint, crossed, ended_at,
           (SELECT retry_at FROM contacts
             WHERE contacts.account = shops.account AND contacts.shop = shops.shop AND retry_at IS NOT NULL
               AND state = 'parked'
             ORDER BY retry_at LIMIT 1) AS next_retry
      FROM shops WHERE account = $1";
pub(super) const STATES: &str = "
    SELECT shop, state, reason, COUNT(*) AS contacts FROM contacts WHERE account = $1 GROUP BY shop, state, reason";
pub(super) const LAST_RUNS: &str = "
    SELECT run, shop, pass, outcome, started_at, error, report FROM runs
     WHERE run IN (SELECT MAX(run) FROM runs WHERE account = $1 GROUP BY shop, pass) ORDER BY run DESC";
pub(super) const OPEN_PROPOSALS: &str = "
    SELECT COUNT(CASE WHEN kind = 'link' THEN 1 END), COUNT(CASE WHEN kind = 'merge' THEN 1 END)
      FROM proposals WHERE account = $1 AND state = 'open'";
pub(super) const COUNT_UNSETTLED: &str =
    "SELECT COUNT(*) FROM writes WHERE account = $1 AND (outcome IS NULL OR outcome = 'unknown')";
pub(super) const HOLDS: &str = "
    SELECT hold, shop, kind, bound, reason, count, sample, run, since, released_at, released_by
      FROM holds WHERE account = $1 AND (released_at IS NULL OR $2 = 1) ORDER BY hold";

pub(super) async fn overview(c: &mut Connection, account: &AccountName) -> Result<Overview, StoreError> {
    let name = account.as_str();
    let paused: Option<(Option<i64>, Option<String>)> =
        query_as(PAUSE).bind(name).fetch_optional(&mut *c).await.map_err(failed)?;
    let (links, merges): (i64, i64) = query_as(OPEN_PROPOSALS).bind(name).fetch_one(&mut *c).await.map_err(failed)?;
    let unsettled = query_scalar(COUNT_UNSETTLED).bind(name).fetch_one(&mut *c).await.map_err(failed)?;
    Ok(Overview {
        account: account.clone(),
        paused: paused.and_then(|(at, why)| Some((Moment::from_millis(at?), why?))),
        lease: lease::current(c, account).await?,
        shops: shops(c, account).await?,
        open_links: count(links)?,
        open_merges: count(merges)?,
        holds: holds(c, account, false).await?,
        unsettled: count(unsettled)?,
    })
}

pub(super) async fn holds(
    c: &mut Connection,
    account: &AccountName,
    released_too: bool,
) -> Result<Vec<Hold>, StoreError> {
    let rows = query(HOLDS).bind(account.as_str()).bind(i64::from(released_too)).fetch_all(c).await.map_err(failed)?;
    all(&rows, rows::hold)
}

async fn shops(c: &mut Connection, account: &AccountName) -> Result<BTreeMap<ShopName, ShopOverview>, StoreError> {
    let rows = query(SHOPS).bind(account.as_str()).fetch_all(&mut *c).await.map_err(failed)?;
    let mut shops = all(&rows, one_shop)?.into_iter().collect::<BTreeMap<_, _>>();
    let rows = query(STATES).bind(account.as_str()).fetch_all(&mut *c).await.map_err(failed)?;
    for row in &rows {
        count_state(shops.entry(shop(row)?).or_default(), row)?;
    }
    let rows = query(LAST_RUNS).bind(account.as_str()).fetch_all(c).await.map_err(failed)?;
    for run in all(&rows, |row| runs::report(row, account))? {
        shops.entry(run.shop.clone()).or_default().last_runs.push(run);
    }
    Ok(shops)
}

fn one_shop(row: &Row) -> Result<(ShopName, ShopOverview), StoreError> {
    let overview = ShopOverview {
        surveyed: flag(row, "surveyed_whole")?,
        crossed: flag(row, "crossed")?,
        checkpoint: get(row, "checkpoint")?,
        observed_at: maybe_moment(row, "ended_at")?,
        next_retry: maybe_moment(row, "next_retry")?,
        ..ShopOverview::default()
    };
    Ok((shop(row)?, overview))
}

fn count_state(shop: &mut ShopOverview, row: &Row) -> Result<(), StoreError> {
    let contacts = count(get(row, "contacts")?)?;
    let (Some(state), Some(reason)) = (get::<Option<&str>>(row, "state")?, get::<Option<&str>>(row, "reason")?) else {
        shop.surveyed_only += contacts;
        return Ok(());
    };
    let parsed = ContactState::parse(state).ok_or(StoreError::Inconsistent("the state of a contact"))?;
    *shop.states.entry(parsed).or_default() += contacts;
    shop.reasons.insert(format!("{state}/{reason}"), contacts);
    Ok(())
}
