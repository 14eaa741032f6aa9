//! What `status`, `plan` and `holds list` show.

use std::collections::BTreeMap;

use super::{
    Connection, Row,
    dialect::ENGINE,
    failure::failed,
    lease, resync,
    rows::{self, all, count, flag, get, maybe_moment, shop},
    runs,
    statement::{query, query_as, query_scalar},
};
use crate::{
    model::{AccountName, ShopName, hold::Hold, state::ContactState, time::Moment},
    store::{Health, Overview, ShopOverview, StoreError},
};

pub(super) const PAUSE: &str = "SELECT paused_at, paused_why FROM accounts WHERE account = $1";
pub(super) const SHOPS: &str = "
    SELECT shop, surveyed_whole, checkpoint, crossed, ended_at, resynced_at, doubted_at,
           (SELECT retry_at FROM contacts
             WHERE contacts.account = shops.account AND contacts.shop = shops.shop AND retry_at IS NOT NULL
               AND state = 'parked'
             ORDER BY retry_at LIMIT 1) AS next_retry
      FROM shops WHERE account = $1";
pub(super) const STATES: &str = "
    SELECT shop, state, reason, COUNT(*) AS contacts FROM contacts WHERE account = $1 GROUP BY shop, state, reason";
/// Each is found by its key, however many runs there were.
pub(super) const LAST_RUNS: &str = "
    SELECT r.run, r.shop, r.pass, r.partial, r.outcome, r.started_at, r.error, r.report
      FROM (SELECT (SELECT MAX(run) FROM runs WHERE account = $1 AND runs.shop = s.shop AND runs.pass = p.pass) AS last
              FROM shops s
                   CROSS JOIN (SELECT 'survey' AS pass UNION ALL SELECT 'sync' UNION ALL SELECT 'resync') p
             WHERE s.account = $1) f
           JOIN runs r ON r.run = f.last
     ORDER BY r.run DESC";
pub(super) const OPEN_PROPOSALS: &str = "
    SELECT COUNT(CASE WHEN kind = 'link' THEN 1 END), COUNT(CASE WHEN kind = 'merge' THEN 1 END)
      FROM proposals WHERE account = $1 AND state = 'open'";
pub(super) const COUNT_UNSETTLED: &str =
    "SELECT COUNT(*) FROM writes WHERE account = $1 AND (outcome IS NULL OR outcome = 'unknown')";
pub(super) const HOLDS: &str = "
    SELECT hold, shop, kind, bound, reason,
           COALESCE(NULLIF((SELECT COUNT(*) FROM held WHERE held.hold = holds.hold), 0),
                    NULLIF((SELECT COUNT(*) FROM held_merges h JOIN proposals p ON p.account = h.account AND p.proposal = h.proposal
                             WHERE h.hold = holds.hold AND p.state = 'open'), 0), count) AS count,
           sample, run, since, released_at, released_by
      FROM holds WHERE account = $1 AND (released_at IS NULL OR $2 = 1) ORDER BY hold";

pub(super) const JUDGED_BY: &str = "
    SELECT rules, COUNT(*) FROM contacts
     WHERE account = $1 AND shop = $2 AND state NOT IN ('gone', 'excluded') GROUP BY rules";
pub(super) const SCHEMA: &str = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
pub(super) const TOUCH: &str = "UPDATE leases SET epoch = epoch WHERE account = $1 AND epoch < 0";

pub(super) async fn overview(c: &mut Connection, account: &AccountName) -> Result<Overview, StoreError> {
    let name = account.as_str();
    let paused: Option<(Option<i64>, Option<String>)> =
        query_as(PAUSE).bind(name).fetch_optional(&mut *c).await.map_err(failed)?;
    let (links, merges): (i64, i64) = query_as(OPEN_PROPOSALS).bind(name).fetch_one(&mut *c).await.map_err(failed)?;
    let unsettled = query_scalar(COUNT_UNSETTLED).bind(name).fetch_one(&mut *c).await.map_err(failed)?;
    Ok(Overview {
        account: account.clone(),
        paused: paused.and_then(|(at, why)| Some((Moment::from_millis(at?), why?))),
        lease: lease::current(c, account).await?.map(|held| (held.holder, held.expires)),
        shops: shops(c, account).await?,
        open_links: count(links)?,
        open_merges: count(merges)?,
        holds: holds(c, account, false).await?,
        unsettled: count(unsettled)?,
    })
}

/// What the store is. Whether it can be written to is asked in a unit of its own: [`writable`].
pub(super) async fn health(c: &mut Connection, read_only: Option<String>) -> Result<Health, StoreError> {
    let engine = query_scalar(ENGINE).fetch_one(&mut *c).await.map_err(failed)?;
    let schema = query_scalar(SCHEMA).fetch_one(c).await.map_err(failed)?;
    Ok(Health { engine, schema, read_only })
}

/// A write that changes nothing, and fails where nothing can be written.
pub(super) async fn writable(c: &mut Connection, account: &AccountName) -> Result<(), StoreError> {
    query(TOUCH).bind(account.as_str()).execute(c).await.map_err(failed)?;
    Ok(())
}

pub(super) async fn holds(
    c: &mut Connection,
    account: &AccountName,
    released_too: bool,
) -> Result<Vec<Hold>, StoreError> {
    all(query(HOLDS).bind(account.as_str()).bind(i64::from(released_too)), c, rows::hold).await
}

/// By which rules contacts were judged, and how many.
pub(super) async fn judged_by(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let judged = query_as(JUDGED_BY).bind(account.as_str()).bind(shop.as_str());
    let judged: Vec<(String, i64)> = judged.fetch_all(c).await.map_err(failed)?;
    judged.into_iter().map(|(rules, contacts)| Ok((rules, count(contacts)?))).collect()
}

async fn shops(c: &mut Connection, account: &AccountName) -> Result<BTreeMap<ShopName, ShopOverview>, StoreError> {
    let known = all(query(SHOPS).bind(account.as_str()), &mut *c, one_shop).await?;
    let mut shops: BTreeMap<_, _> = known.into_iter().collect();
    for (name, shop) in &mut shops {
        shop.resync = resync::standing(c, account.as_str(), name.as_str()).await?;
    }
    for row in &query(STATES).bind(account.as_str()).fetch_all(&mut *c).await.map_err(failed)? {
        count_state(shops.entry(shop(row)?).or_default(), row)?;
    }
    for run in all(query(LAST_RUNS).bind(account.as_str()), c, |row| runs::report(row, account)).await? {
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
        resynced_at: maybe_moment(row, "resynced_at")?,
        doubted_at: maybe_moment(row, "doubted_at")?,
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
