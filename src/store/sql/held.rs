//! Updates that a hold holds, each with the hash of what it would do: what a release is bound to.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    Connection, Row, decisions,
    due::due_among_many,
    failure::failed,
    known::pairs,
    rows::{self, all, contact, get, json, keyed, maybe_moment},
    statement::query,
};
use crate::{
    model::{
        AccountName, ContactId, ContactKey, Keyed, ShopName,
        hold::{HoldKind, NewHold},
        time::Moment,
    },
    store::{Fingerprint, HeldContact, HeldUpdate, PageRecord, StoreError},
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
/// Whoever was due by then and is held has been looked at; not so who was made due meanwhile.
pub(super) const HEARD: &str = "
    UPDATE contacts SET retry_at = NULL
      FROM (SELECT CAST(value ->> 0 AS BIGINT) AS its_id, CAST(value ->> 1 AS BIGINT) AS its_due
              FROM json_each($3)) asked
     WHERE account = $1 AND shop = $2 AND id = its_id AND retry_at = its_due";
/// Of these holds, those that stand no more.
pub(super) const RELEASED: &str = "
    SELECT hold, shop, kind, bound, reason, count, sample, run, since, released_at, released_by
      FROM holds
     WHERE account = $1 AND released_at IS NOT NULL AND hold IN (SELECT CAST(atom AS BIGINT) FROM json_each($2))";
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
    Ok(all(query(OF).bind(account).bind(asked), c, |row| Ok((contact(row)?, update(row)?)))
        .await?
        .into_iter()
        .collect())
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

impl<'a> HeldRow<'a> {
    fn of(held: &'a HeldContact) -> Self {
        let HeldContact { id, hold, fingerprint, what, was_due: _ } = held;
        Self(*id, *hold, fingerprint.content, &fingerprint.rules, *what)
    }
}

/// So many contacts a hold names.
const SAMPLE: usize = 20;

/// Keeps what is held of a page, without those who were erased.
pub(super) async fn keep(
    c: &mut Connection,
    account: &AccountName,
    page: &PageRecord,
    erased: &BTreeSet<ContactId>,
) -> Result<(), StoreError> {
    let shop = &page.shop;
    // Each contact once, as it was held last.
    let held = page.held.iter().filter(|held| !erased.contains(&held.id));
    let mut held: BTreeMap<ContactId, &HeldContact> = held.map(|held| (held.id, held)).collect();
    if held.is_empty() {
        return Ok(());
    }
    let moved = hold_anew(c, account, page, &held).await?;
    held.extend(moved.iter().map(|held| (held.id, held)));
    let rows = json(&held.values().map(|held| HeldRow::of(held)).collect::<Vec<_>>())?;
    query(KEEP).bind(account.as_str()).bind(shop.as_str()).bind(rows).execute(&mut *c).await.map_err(failed)?;
    let due: Vec<(ContactId, i64)> = held
        .values()
        .filter_map(|held| Some((held.id, held.was_due.filter(|due| *due <= page.at)?.millis())))
        .collect();
    if !due.is_empty() {
        query(HEARD).bind(account.as_str()).bind(shop.as_str()).bind(json(&due)?).execute(c).await.map_err(failed)?;
    }
    Ok(())
}

/// A hold that was released while the page was handled lets go what it held then, and nothing that nobody saw: that is held anew, by
/// a hold of the same kind that stands.
async fn hold_anew(
    c: &mut Connection,
    account: &AccountName,
    page: &PageRecord,
    held: &BTreeMap<ContactId, &HeldContact>,
) -> Result<Vec<HeldContact>, StoreError> {
    let holds: BTreeSet<i64> = held.values().map(|held| held.hold).collect();
    let asked = query(RELEASED).bind(account.as_str()).bind(json(&holds)?);
    let released = asked.fetch_all(&mut *c).await.map_err(failed)?;
    if released.is_empty() {
        return Ok(Vec::new());
    }
    let key = |id: &ContactId| ContactKey { shop: page.shop.clone(), id: *id };
    let keys: Vec<ContactKey> = held.keys().map(key).collect();
    let before = of(c, account.as_str(), &pairs(&keys)?).await?;
    let seen = |held: &HeldContact| {
        before.get(&key(&held.id)).is_some_and(|before| before.hold == held.hold && before.what == held.what)
    };
    let mut moved = Vec::new();
    for row in &released {
        let old = rows::hold(row)?;
        let unseen: Vec<&HeldContact> =
            held.values().copied().filter(|held| held.hold == old.id && !seen(held)).collect();
        if unseen.is_empty() {
            continue;
        }
        let sample = unseen.iter().take(SAMPLE).map(|held| key(&held.id)).collect();
        let new = NewHold { count: unseen.len() as u64, sample, ..old.what };
        let anew = decisions::hold(c, account, page.run, &new, page.at).await?.id;
        moved.extend(unseen.into_iter().map(|held| HeldContact { hold: anew, ..held.clone() }));
    }
    Ok(moved)
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
    all(query(LIST).bind(account.as_str()).bind(hold).bind(limit), c, contact).await
}

/// A hold was released: whom it holds is due at once.
pub(super) async fn release(
    c: &mut Connection,
    account: &AccountName,
    hold: i64,
    now: Moment,
) -> Result<(), StoreError> {
    let contacts = list(c, account, hold, u64::MAX).await?;
    due_among_many(c, account, &contacts, now).await
}
