//! What is to be fetched by id, and what makes it so.

use std::collections::BTreeMap;

use super::{
    Connection,
    failure::failed,
    known::pairs,
    rows::{self, all, count},
    statement::{query, query_scalar},
};
use crate::{
    model::{
        AccountName, ContactId, ContactKey, ShopName,
        time::{DISAGREE, Moment},
    },
    store::{Due, DueQuery, StoreError},
};

/// Who was judged in the future is due too: by a clock that was ahead, and so is what it made her due at.
pub(super) const DUE: &str = "
    SELECT id FROM contacts
     WHERE account = $1 AND shop = $2 AND id > $3 AND retry_at <= $5
       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
     UNION ALL
    SELECT id FROM contacts
     WHERE account = $1 AND shop = $2 AND id > $3 AND retry_at > $5 AND judged_at > $6
       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
     ORDER BY id LIMIT $4";
/// A person's word on one contact, or a call, makes her due as of when she was judged; whatever makes many due, or puts them off, makes it later.
pub(super) const AT_ONCE: &str = "
    SELECT id FROM contacts
     WHERE account = $1 AND shop = $2 AND id > $3 AND retry_at <= $5 AND (judged_at IS NULL OR retry_at <= judged_at)
       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
     ORDER BY id LIMIT $4";
pub(super) const MISSING: &str = "
    SELECT id FROM contacts
     WHERE account = $1 AND shop = $2 AND id > $3 AND missing = 1
       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
     ORDER BY id LIMIT $4";
/// Through the index of what is due, up to now and no further.
pub(super) const COUNT_DUE: &str = "
    SELECT COUNT(*) FROM contacts
     WHERE account = $1 AND shop = $2 AND retry_at <= $3 AND (state IS NULL OR state NOT IN ('gone', 'excluded'))";
const SHOPS: &str = "SELECT shop FROM shops WHERE account = $1";
/// By what a pass found itself: just after she was judged, so that it is past by every clock.
pub(super) const DUE_NOW: &str = "
    UPDATE contacts SET retry_at = CASE WHEN judged_at < $3 THEN judged_at + 1 ELSE $3 END
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
     WHERE account = $1 AND shop = its_shop AND id = its_id AND (state IS NULL OR state <> 'excluded')";
/// By a person's word on her or a call, however far ahead the clock of whoever said it is. Each time it is another moment: whoever handles her
/// now sees that she was made due meanwhile, and once more.
pub(super) const DUE_AT_ONCE: &str = "
    UPDATE contacts SET retry_at = CASE WHEN retry_at <= COALESCE(judged_at, $3) THEN retry_at - 1
                                        WHEN judged_at < $3 THEN judged_at ELSE $3 END
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
     WHERE account = $1 AND shop = its_shop AND id = its_id AND (state IS NULL OR state NOT IN ('gone', 'excluded'))";
/// By a person's word on many: whoever was named alone goes before them.
pub(super) const DUE_AMONG_MANY: &str = "
    UPDATE contacts SET retry_at = CASE WHEN retry_at <= judged_at THEN retry_at - 1
                                        WHEN retry_at <= $3 THEN retry_at + 1
                                        WHEN judged_at < $3 THEN judged_at + 1 ELSE $3 END
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
     WHERE account = $1 AND shop = its_shop AND id = its_id AND (state IS NULL OR state NOT IN ('gone', 'excluded'))";

pub(super) async fn due(
    c: &mut Connection,
    account: &AccountName,
    of: &DueQuery,
) -> Result<Vec<ContactId>, StoreError> {
    let DueQuery { shop, why, after, limit } = of;
    let sql = match why {
        Due::Retry(_) => DUE,
        Due::AtOnce(_) => AT_ONCE,
        Due::Missing => MISSING,
    };
    let limit = i64::try_from(*limit).unwrap_or(i64::MAX);
    let asked = query_scalar(sql).bind(account.as_str()).bind(shop.as_str()).bind(after).bind(limit);
    let asked = match why {
        Due::Retry(now) => asked.bind(now.millis()).bind(now.after(DISAGREE).millis()),
        Due::AtOnce(now) => asked.bind(now.millis()),
        Due::Missing => asked,
    };
    let ids: Vec<i64> = asked.fetch_all(c).await.map_err(failed)?;
    ids.into_iter().map(contact_id).collect()
}

pub(super) async fn by_shop(
    c: &mut Connection,
    account: &AccountName,
    now: Moment,
) -> Result<BTreeMap<ShopName, u64>, StoreError> {
    let mut due = BTreeMap::new();
    for shop in all(query(SHOPS).bind(account.as_str()), &mut *c, rows::shop).await? {
        let its = query_scalar(COUNT_DUE).bind(account.as_str()).bind(shop.as_str()).bind(now.millis());
        let its: i64 = its.fetch_one(&mut *c).await.map_err(failed)?;
        due.insert(shop, count(its)?);
    }
    Ok(due)
}

/// The id of a contact, as a column holds it.
pub(super) fn contact_id(id: i64) -> Result<ContactId, StoreError> {
    ContactId::try_from(id).map_err(|_| StoreError::Inconsistent("the id of a contact"))
}

/// Contacts are due at once, by what somebody says who handles none of them; answers how many they are.
pub(super) async fn due_at_once(
    c: &mut Connection,
    account: &AccountName,
    contacts: &[ContactKey],
    now: Moment,
) -> Result<u64, StoreError> {
    let due = query(DUE_AT_ONCE).bind(account.as_str()).bind(pairs(contacts)?).bind(now.millis());
    Ok(due.execute(c).await.map_err(failed)?.rows_affected())
}

/// The same of as many as there may be.
pub(super) async fn due_among_many(
    c: &mut Connection,
    account: &AccountName,
    contacts: &[ContactKey],
    now: Moment,
) -> Result<(), StoreError> {
    let due = query(DUE_AMONG_MANY).bind(account.as_str()).bind(pairs(contacts)?).bind(now.millis());
    due.execute(c).await.map_err(failed)?;
    Ok(())
}

/// Contacts of any shops are due, by what the pass found that handles them.
pub(super) async fn due_now(
    c: &mut Connection,
    account: &AccountName,
    contacts: &[ContactKey],
    now: Moment,
) -> Result<(), StoreError> {
    if contacts.is_empty() {
        return Ok(());
    }
    let due = query(DUE_NOW).bind(account.as_str()).bind(pairs(contacts)?).bind(now.millis());
    due.execute(c).await.map_err(failed)?;
    Ok(())
}
