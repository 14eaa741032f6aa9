//! Declared merges, read: what a run decides on, what a person asks about. Writing them: [`super::merging`].

use std::{collections::BTreeMap, time::Duration};

use super::{
    Connection, Row,
    failure::failed,
    rows::{all, contact, count, customer_in, from_json, get, json, keyed, maybe_moment, moment},
    statement::{query, query_as, query_scalar},
};
use crate::{
    model::{
        AccountName, CustomerId, ShopName,
        merge::{AuthorisedBy, Doubt, Merge, MergeId, MergeOutcome, Tried},
        proposal::ProposalId,
        run::RunId,
        time::Moment,
    },
    store::{BEFORE_KEPT, Before, MergeQuery, MergeState, OpenMerge, SealedCustomer, StoreError},
};

/// The columns that [`merge`] reads.
macro_rules! merges {
    ($rest:literal) => {
        concat!(
            "SELECT merge, proposal, run, epoch, shop, id, survivor, absorbed, authorised_by, evidence, declared_at, outcome,",
            " settled_at, detail, remains, doubt_boot, doubt_uptime FROM merges ",
            $rest
        )
    };
}

pub(super) const OPEN: &str =
    merges!("WHERE account = $1 AND (outcome IS NULL OR outcome = 'unknown' OR outcome = 'person') ORDER BY merge");
pub(super) const OF: &str = merges!("WHERE account = $1 AND proposal = $2 ORDER BY merge");
pub(super) const LAST: &str = merges!("WHERE account = $1 ORDER BY merge DESC LIMIT $2");
pub(super) const NAMING: &str = merges!(
    "WHERE account = $1 AND (survivor IN (SELECT atom FROM json_each($2)) OR absorbed IN (SELECT atom FROM json_each($2))) ORDER BY merge"
);
/// Doubtful ones included; those that were never sent are not.
pub(super) const TODAY: &str = "
    SELECT COUNT(CASE WHEN authorised_by IS NULL THEN 1 END), COUNT(authorised_by) FROM merges
     WHERE account = $1 AND declared_at > $2 AND COALESCE(outcome, '') <> 'stale'";
pub(super) const LOOKED_AT: &str = "
    SELECT COUNT(*) FROM holds WHERE account = $1 AND shop = $2 AND kind = 'merges' AND released_by <> $3";
pub(super) const TRIED: &str = "
    SELECT m.proposal, m.outcome, m.gone, m.rests_on
      FROM proposals p JOIN merges m ON m.account = p.account AND m.proposal = p.proposal
     WHERE p.account = $1 AND p.kind = 'merge' AND p.state IN ('open', 'approved')
       AND m.outcome IN ('refused', 'not-applied', 'applied')
     ORDER BY m.merge";
pub(super) const RESTORED: &str = "
    SELECT DISTINCT shop, id FROM merges WHERE account = $1 AND restored_at IS NOT NULL AND id IS NOT NULL";
pub(super) const BEFORES: &str = "
    SELECT b.merge, b.customer, b.under, b.sealed, b.at
      FROM merges m JOIN befores b ON b.merge = m.merge
     WHERE m.account = $1 AND m.proposal = $2 AND b.at > $3 ORDER BY b.merge, b.customer";
pub(super) const BEFORE: &str = "
    SELECT merge, customer, under, sealed, at FROM befores WHERE merge = $1 ORDER BY customer";

/// A day, over which budgets count.
const DAY: Duration = Duration::from_hours(24);

pub(super) async fn state(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    now: Moment,
) -> Result<MergeState, StoreError> {
    let name = account.as_str();
    let (automatic, approved) = today(c, account, now).await?;
    let looked_at = query_scalar(LOOKED_AT).bind(name).bind(shop.as_str()).bind(super::proposals::US);
    let looked_at: i64 = looked_at.fetch_one(&mut *c).await.map_err(failed)?;
    let restored = all(query(RESTORED).bind(name), &mut *c, contact).await?.into_iter().collect();
    let rows = query(TRIED).bind(name).fetch_all(&mut *c).await.map_err(failed)?;
    let mut tried = BTreeMap::new();
    for row in &rows {
        try_of(row, &mut tried)?;
    }
    Ok(MergeState {
        automatic_today: automatic,
        approved_today: approved,
        open: open(c, account).await?,
        looked_at: looked_at > 0,
        restored,
        tried,
    })
}

/// Automatic ones and approved ones of the last 24 hours.
pub(super) async fn today(c: &mut Connection, account: &AccountName, now: Moment) -> Result<(u64, u64), StoreError> {
    let today = query_as(TODAY).bind(account.as_str()).bind(now.before(DAY).millis());
    let (automatic, approved): (i64, i64) = today.fetch_one(c).await.map_err(failed)?;
    Ok((count(automatic)?, count(approved)?))
}

fn try_of(row: &Row, tried: &mut BTreeMap<ProposalId, Tried>) -> Result<(), StoreError> {
    let tried = tried.entry(ProposalId(get(row, "proposal")?)).or_default();
    match outcome(get(row, "outcome")?)? {
        MergeOutcome::Refused => tried.refused += 1,
        MergeOutcome::NotApplied => tried.not_applied += 1,
        MergeOutcome::Applied => {
            tried.gone.push(customer_in(row, "gone")?);
            tried.rests_on = from_json(get(row, "rests_on")?, "what a merge rests on")?;
        }
        MergeOutcome::Stale | MergeOutcome::Unknown | MergeOutcome::Person => {}
    }
    Ok(())
}

pub(super) async fn open(c: &mut Connection, account: &AccountName) -> Result<Vec<OpenMerge>, StoreError> {
    let rows = query(OPEN).bind(account.as_str()).fetch_all(&mut *c).await.map_err(failed)?;
    let mut open = Vec::with_capacity(rows.len());
    for row in &rows {
        let merge = merge(row)?;
        let before = all(query(BEFORE).bind(merge.id.0), &mut *c, |row| Ok(before_of(row)?.sealed)).await?;
        open.push(OpenMerge { epoch: get(row, "epoch")?, doubt: doubt(row)?, merge, before });
    }
    Ok(open)
}

pub(super) async fn merges(
    c: &mut Connection,
    account: &AccountName,
    which: &MergeQuery,
) -> Result<Vec<Merge>, StoreError> {
    let account = account.as_str();
    let asked = match which {
        MergeQuery::Of(proposal) => query(OF).bind(account).bind(&proposal.0),
        MergeQuery::Naming(customers) => query(NAMING).bind(account).bind(json(customers)?),
        MergeQuery::Last(number) => query(LAST).bind(account).bind(i64::from(*number)),
    };
    all(asked, c, merge).await
}

pub(super) async fn before(
    c: &mut Connection,
    account: &AccountName,
    of: &ProposalId,
    now: Moment,
) -> Result<Vec<Before>, StoreError> {
    let kept = query(BEFORES).bind(account.as_str()).bind(&of.0).bind(now.before(BEFORE_KEPT).millis());
    all(kept, c, before_of).await
}

fn before_of(row: &Row) -> Result<Before, StoreError> {
    Ok(Before {
        merge: MergeId(get(row, "merge")?),
        at: moment(row, "at")?,
        sealed: SealedCustomer {
            customer: customer_in(row, "customer")?,
            under: keyed(get(row, "under")?, "the key of what was sealed")?,
            text: get(row, "sealed")?,
        },
    })
}

/// A row of the columns above.
pub(super) fn merge(row: &Row) -> Result<Merge, StoreError> {
    let outcome = match (get::<Option<&str>>(row, "outcome")?, maybe_moment(row, "settled_at")?) {
        (None, None) => None,
        (Some(word), Some(at)) => Some((outcome(word)?, at)),
        (None, Some(_)) | (Some(_), None) => return Err(StoreError::Inconsistent("the outcome of a merge")),
    };
    let of_a_contact = get::<Option<i64>>(row, "id")?.is_some();
    let remains: Option<CustomerId> =
        get::<Option<String>>(row, "remains")?.map(CustomerId::try_from).transpose().map_err(|_| BAD_CUSTOMER)?;
    Ok(Merge {
        id: MergeId(get(row, "merge")?),
        proposal: ProposalId(get(row, "proposal")?),
        run: get::<Option<i64>>(row, "run")?.map(RunId),
        contact: of_a_contact.then(|| contact(row)).transpose()?,
        survivor: customer_in(row, "survivor")?,
        absorbed: customer_in(row, "absorbed")?,
        authorised_by: get::<Option<String>>(row, "authorised_by")?.map_or(AuthorisedBy::Rules, AuthorisedBy::Person),
        evidence: from_json(get(row, "evidence")?, "the evidence of a merge")?,
        declared_at: moment(row, "declared_at")?,
        outcome,
        detail: get(row, "detail")?,
        remains,
    })
}

const BAD_CUSTOMER: StoreError = StoreError::Inconsistent("the id of a customer");

fn outcome(word: &str) -> Result<MergeOutcome, StoreError> {
    MergeOutcome::parse(word).ok_or(StoreError::Inconsistent("the outcome of a merge"))
}

fn doubt(row: &Row) -> Result<Option<Doubt>, StoreError> {
    let (boot, uptime) = (get::<Option<String>>(row, "doubt_boot")?, get::<Option<i64>>(row, "doubt_uptime")?);
    Ok(boot
        .zip(uptime)
        .map(|(boot, uptime)| Doubt { boot, uptime: Duration::from_millis(u64::try_from(uptime).unwrap_or(0)) }))
}
