//! Alerts: what they are decided on, what was told, what is still to be told.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{
    Connection, Row, TheStore,
    failure::failed,
    merges, questions,
    rows::{all, from_json, from_word, get, json, maybe_moment, moment, shop},
    runs,
    statement::{query, query_as},
};
use crate::{
    model::{
        AccountName, ShopName,
        alert::{About, Alert, AlertState, KeptAlert, LastRun, OpenDoubt, Passes, Standing, Subject},
        merge::MergeOutcome,
        run::Pass,
        time::Moment,
    },
    store::{AlertChange, AlertSettled, AlertTried, Alerts, Look, OpenMerge, StoreError},
};

pub(super) const DOUBTED: &str = "SELECT shop, doubted_at FROM shops WHERE account = $1 AND doubted_at IS NOT NULL";
/// Each of these is found by its key, however many runs there were. What a person asked for a part of says neither that the whole fails nor that it
/// goes well.
pub(super) const PASSES: &str = "
    SELECT r.run, f.shop, f.pass, r.partial, r.outcome, r.started_at, r.error, r.report, f.last_done, f.first_done,
           (SELECT b.started_at FROM runs b WHERE b.run = f.first) AS first_begun
      FROM (SELECT s.shop, p.pass,
                   (SELECT run FROM runs
                     WHERE account = $1 AND runs.shop = s.shop AND runs.pass = p.pass
                       AND partial = 0
                     ORDER BY run DESC LIMIT 1) AS last,
                   (SELECT MIN(run) FROM runs WHERE account = $1 AND runs.shop = s.shop AND runs.pass = p.pass) AS first,
                   (SELECT started_at FROM runs
                     WHERE account = $1 AND runs.pass = p.pass AND runs.shop = s.shop
                       AND outcome IN ('done', 'parked', 'held') AND partial = 0
                     ORDER BY run DESC LIMIT 1) AS last_done,
                   (SELECT started_at FROM runs
                     WHERE account = $1 AND runs.pass = p.pass AND runs.shop = s.shop
                       AND outcome IN ('done', 'parked', 'held') AND partial = 0
                     ORDER BY run LIMIT 1) AS first_done
              FROM shops s
                   CROSS JOIN (SELECT 'survey' AS pass UNION ALL SELECT 'sync' UNION ALL SELECT 'resync') p
             WHERE s.account = $1) f
           JOIN runs r ON r.run = f.last";

/// The columns that [`kept`] reads.
macro_rules! columns {
    () => {
        "shop, subject, kind, state, revision, id, causes, since, at, summary, remedy, tries, next_at, delivered_at, taken_until"
    };
}

pub(super) const ALERTS: &str =
    concat!("SELECT ", columns!(), " FROM alerts WHERE account = $1 ORDER BY shop, subject, kind");
pub(super) const FIRST: &str = "
    INSERT INTO alerts (account, shop, subject, kind, state, revision, id, causes, since, at, summary, remedy, next_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $10)
    ON CONFLICT (account, shop, subject, kind) DO NOTHING";
/// Whoever delivers the state before has it until he has done: the receiver hears of them in their order.
pub(super) const CHANGE: &str = "
    UPDATE alerts SET state = $5, revision = $6, id = $7, causes = $8, since = $9, at = $10, summary = $11, remedy = $12,
           tries = 0, next_at = $10, delivered_at = NULL
     WHERE account = $1 AND shop = $2 AND subject = $3 AND kind = $4 AND revision = $13";
/// What is to wait for longer than anything waits was written by a clock that was ahead.
pub(super) const TAKE: &str = concat!(
    "
    UPDATE alerts SET taken_by = $2, taken_until = $4
     WHERE account = $1
       AND id = (SELECT a.id FROM alerts a
                  WHERE a.account = $1 AND a.delivered_at IS NULL AND (a.next_at <= $3 OR a.next_at > $5)
                    AND (a.taken_until IS NULL OR a.taken_until <= $3 OR a.taken_until > $5)
                  ORDER BY a.at, a.id LIMIT 1)
    RETURNING ",
    columns!()
);
pub(super) const SETTLE: &str = "
    UPDATE alerts SET delivered_at = CASE WHEN id = $6 THEN $7 ELSE delivered_at END,
           tries = CASE WHEN id = $6 THEN tries + $8 ELSE tries END,
           next_at = CASE WHEN id = $6 THEN COALESCE($9, next_at) ELSE next_at END,
           taken_by = NULL, taken_until = NULL
     WHERE account = $1 AND shop = $2 AND subject = $3 AND kind = $4 AND taken_by = $5";

#[async_trait]
impl Alerts for TheStore {
    async fn look(&self) -> Result<Look, StoreError> {
        self.read(|c, account| {
            Box::pin(async move {
                let standing = standing(&mut *c, account).await?;
                Ok(Look { standing, told: alerts(c, account).await? })
            })
        })
        .await
    }

    async fn alerts(&self) -> Result<Vec<KeptAlert>, StoreError> {
        self.read(|c, account| Box::pin(alerts(c, account))).await
    }

    async fn tell(&self, changes: &[AlertChange]) -> Result<u64, StoreError> {
        let changes = changes.to_vec();
        self.write(move |c, account| Box::pin(async move { tell(c, account, &changes).await })).await
    }

    async fn take_alert(&self, by: &str, now: Moment, until: Moment) -> Result<Option<KeptAlert>, StoreError> {
        let by = by.to_owned();
        self.write(move |c, account| Box::pin(async move { take(c, account, &by, now, until).await })).await
    }

    async fn settle_alert(&self, settled: &AlertSettled) -> Result<(), StoreError> {
        let settled = settled.clone();
        self.write(move |c, account| Box::pin(async move { settle(c, account, &settled).await })).await
    }
}

async fn standing(c: &mut Connection, account: &AccountName) -> Result<Standing, StoreError> {
    let name = account.as_str();
    let paused: Option<(Option<i64>, Option<String>)> =
        query_as(questions::PAUSE).bind(name).fetch_optional(&mut *c).await.map_err(failed)?;
    let doubted = all(query(DOUBTED).bind(name), &mut *c, |row| Ok((shop(row)?, moment(row, "doubted_at")?))).await?;
    let doubted = doubted.into_iter().collect();
    let passes = all(query(PASSES).bind(name), &mut *c, |row| passes(row, account)).await?;
    let passes: BTreeMap<(ShopName, Pass), Passes> = passes.into_iter().collect();
    Ok(Standing {
        paused: paused.and_then(|(at, _)| at).map(Moment::from_millis),
        holds: questions::holds(&mut *c, account, false).await?,
        doubted,
        passes,
        doubts: merges::open(c, account).await?.into_iter().map(doubt).collect(),
    })
}

fn passes(row: &Row, account: &AccountName) -> Result<((ShopName, Pass), Passes), StoreError> {
    let report = runs::report(row, account)?;
    let last = LastRun { run: report.run, outcome: report.outcome, started_at: report.started_at, error: report.error };
    let (last_done, first_done) = (maybe_moment(row, "last_done")?, maybe_moment(row, "first_done")?);
    let pass = from_word(get(row, "pass")?, "the pass of a run")?;
    Ok(((shop(row)?, pass), Passes { last, last_done, first_done, first_begun: moment(row, "first_begun")? }))
}

fn doubt(open: OpenMerge) -> OpenDoubt {
    let OpenMerge { merge, .. } = open;
    OpenDoubt {
        merge: merge.id,
        proposal: merge.proposal,
        since: merge.declared_at,
        needs_a_person: merge.outcome.is_some_and(|(outcome, _)| outcome == MergeOutcome::Person),
    }
}

async fn alerts(c: &mut Connection, account: &AccountName) -> Result<Vec<KeptAlert>, StoreError> {
    all(query(ALERTS).bind(account.as_str()), c, kept).await
}

async fn tell(c: &mut Connection, account: &AccountName, changes: &[AlertChange]) -> Result<u64, StoreError> {
    let mut kept = 0;
    for AlertChange { alert, was } in changes {
        let Alert { about, state, revision, id, causes, since, at, summary, todo } = alert;
        let tell = query(if was.is_some() { CHANGE } else { FIRST })
            .bind(account.as_str())
            .bind(about.shop.as_ref().map_or("", ShopName::as_str))
            .bind(about.subject.word())
            .bind(about.subject.kind())
            .bind(state.as_str())
            .bind(revision)
            .bind(id)
            .bind(json(causes)?)
            .bind(since.millis())
            .bind(at.millis())
            .bind(summary)
            .bind(json(todo)?);
        let tell = if let Some(was) = was { tell.bind(was) } else { tell };
        kept += tell.execute(&mut *c).await.map_err(failed)?.rows_affected();
    }
    Ok(kept)
}

async fn take(
    c: &mut Connection,
    account: &AccountName,
    by: &str,
    now: Moment,
    until: Moment,
) -> Result<Option<KeptAlert>, StoreError> {
    let take = query(TAKE)
        .bind(account.as_str())
        .bind(by)
        .bind(now.millis())
        .bind(until.millis())
        .bind(now.after(KeptAlert::LONGEST_WAIT).millis());
    take.fetch_optional(c).await.map_err(failed)?.as_ref().map(kept).transpose()
}

async fn settle(c: &mut Connection, account: &AccountName, settled: &AlertSettled) -> Result<(), StoreError> {
    let AlertSettled { about, id, by, tried } = settled;
    let (delivered, tries, next) = match tried {
        AlertTried::Delivered(at) => (Some(at.millis()), 1_i64, None),
        AlertTried::Again(at) => (None, 1, Some(at.millis())),
        AlertTried::Left => (None, 0, None),
    };
    let settle = query(SETTLE)
        .bind(account.as_str())
        .bind(about.shop.as_ref().map_or("", ShopName::as_str))
        .bind(about.subject.word())
        .bind(about.subject.kind())
        .bind(by)
        .bind(id)
        .bind(delivered)
        .bind(tries)
        .bind(next);
    settle.execute(c).await.map_err(failed)?;
    Ok(())
}

fn kept(row: &Row) -> Result<KeptAlert, StoreError> {
    let its_shop = if get::<&str>(row, "shop")?.is_empty() { None } else { Some(shop(row)?) };
    let subject = Subject::parse(get(row, "subject")?, get(row, "kind")?);
    let tries = u32::try_from(get::<i64>(row, "tries")?);
    Ok(KeptAlert {
        alert: Alert {
            about: About {
                shop: its_shop,
                subject: subject.ok_or(StoreError::Inconsistent("what an alert is about"))?,
            },
            state: AlertState::parse(get(row, "state")?).ok_or(StoreError::Inconsistent("the state of an alert"))?,
            revision: get(row, "revision")?,
            id: get(row, "id")?,
            causes: from_json(get(row, "causes")?, "the causes of an alert")?,
            since: moment(row, "since")?,
            at: moment(row, "at")?,
            summary: get(row, "summary")?,
            todo: from_json(get(row, "remedy")?, "what an alert says to do")?,
        },
        tries: tries.map_err(|_| StoreError::Inconsistent("the tries of an alert"))?,
        next_at: moment(row, "next_at")?,
        delivered_at: maybe_moment(row, "delivered_at")?,
        taken_until: maybe_moment(row, "taken_until")?,
    })
}
