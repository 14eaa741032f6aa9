//! Links: set, ended, inherited. A link that ends is a former one from then on; who stands beside an owner that left is due.

use std::collections::BTreeSet;

use serde::Serialize;
use sqlx::error::ErrorKind;

use super::{
    Connection,
    due::due_now,
    failure::failed,
    known::LINKS_OF_CUSTOMERS,
    rows::{all, contact, customer, get, json, link, words},
    statement::query,
};
use crate::{
    model::{
        AccountName, ContactId, CustomerId, Hashes, Keyed, ShopName,
        link::{self, Baselines, Grounds, Link, Role},
        time::Moment,
    },
    store::{ContactRecord, LinkChange, LinkRecord, StoreError},
};

/// A row is a contact and the customer whose link stays, empty for none.
pub(super) const END: &str = "
    UPDATE links SET ended_at = $4
      FROM (SELECT CAST(value ->> 0 AS BIGINT) AS its_id, value ->> 1 AS kept FROM json_each($3)) now
     WHERE account = $1 AND shop = $2 AND id = its_id AND customer <> kept AND ended_at IS NULL
    RETURNING customer, role";
/// Before a page's links are set whoever owns one of their customers steps back, in any shop: a customer may pass from one
/// contact to another, and a page that was interrupted is no hindrance.
pub(super) const STEP_BACK: &str = "
    UPDATE links SET role = 'secondary'
     WHERE account = $1 AND role = 'owner' AND ended_at IS NULL
       AND customer IN (SELECT value ->> 1 FROM json_each($2) WHERE value ->> 2 = 'owner')";
/// A link that was a former one stands again as it was, since when it was.
pub(super) const LINK: &str = "
    INSERT INTO links (account, shop, id, customer, role, grounds, made_by, baselines, since, known_email, known_phone,
                       known_name)
    SELECT $1, $2, CAST(value ->> 0 AS BIGINT), value ->> 1, value ->> 2, value ->> 3, value ->> 4,
           CAST(value -> 5 AS TEXT), $4, value ->> 6, value ->> 7, value ->> 8
      FROM json_each($3) WHERE TRUE
    ON CONFLICT (account, shop, id, customer) DO UPDATE SET
        role = excluded.role, grounds = excluded.grounds, made_by = excluded.made_by, baselines = excluded.baselines,
        known_email = excluded.known_email, known_phone = excluded.known_phone, known_name = excluded.known_name,
        ended_at = NULL";
pub(super) const HEIRS: &str = "
    SELECT shop, id FROM links
     WHERE account = $1 AND customer IN (SELECT atom FROM json_each($2)) AND role = 'secondary' AND ended_at IS NULL";

pub(super) const FORGET: &str = "DELETE FROM links WHERE account = $1 AND customer = $2";
pub(super) const PUT: &str = "
    INSERT INTO links (account, shop, id, customer, role, grounds, made_by, since, baselines, known_email, known_phone,
                       known_name, ended_at)
    SELECT $1, value ->> 0, CAST(value ->> 1 AS BIGINT), $2, value ->> 2, value ->> 3, value ->> 4,
           CAST(value ->> 5 AS BIGINT), CAST(value -> 6 AS TEXT), value ->> 7, value ->> 8, value ->> 9,
           CAST(value ->> 10 AS BIGINT)
      FROM json_each($3) WHERE TRUE
    ON CONFLICT (account, shop, id, customer) DO UPDATE SET
        role = excluded.role, grounds = excluded.grounds, made_by = excluded.made_by, since = excluded.since,
        baselines = excluded.baselines, known_email = excluded.known_email, known_phone = excluded.known_phone,
        known_name = excluded.known_name, ended_at = excluded.ended_at";

/// A row of [`LINK`], in its order.
#[derive(Serialize)]
struct LinkRow<'a>(
    ContactId,
    &'a CustomerId,
    Role,
    Grounds,
    &'a str,
    &'a Baselines,
    Option<Keyed>,
    Option<Keyed>,
    String,
);

/// Records what became of the links of a page.
pub(super) async fn change(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    contacts: &[&ContactRecord],
    at: Moment,
) -> Result<(), StoreError> {
    let mut stays: Vec<(ContactId, &str)> = Vec::new();
    let mut set: Vec<LinkRow<'_>> = Vec::new();
    for contact in contacts {
        match &contact.link {
            LinkChange::Keep => {}
            LinkChange::Drop => stays.push((contact.entry.id, "")),
            LinkChange::Set(LinkRecord { customer, role, grounds, row, baselines, known_as }) => {
                let Hashes { email, phone, name } = known_as;
                let id = contact.entry.id;
                stays.push((id, customer.as_str()));
                set.push(LinkRow(id, customer, *role, *grounds, row, baselines, *email, *phone, words(name)));
            }
        }
    }
    let left = end_but(c, account, shop, &stays, at).await?;
    if !set.is_empty() {
        let set = json(&set)?;
        query(STEP_BACK).bind(account.as_str()).bind(&set).execute(&mut *c).await.map_err(failed)?;
        let link = query(LINK).bind(account.as_str()).bind(shop.as_str()).bind(&set).bind(at.millis());
        link.execute(&mut *c).await.map_err(|error| {
            if duplicate(&error) { StoreError::Inconsistent("a second owner for one customer") } else { failed(error) }
        })?;
    }
    inherit(c, account, &left, at).await
}

/// Ends the links of contacts; their heirs are due.
pub(super) async fn end(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    ids: &[ContactId],
    at: Moment,
) -> Result<(), StoreError> {
    let stays: Vec<(ContactId, &str)> = ids.iter().map(|id| (*id, "")).collect();
    let left = end_but(c, account, shop, &stays, at).await?;
    inherit(c, account, &left, at).await
}

/// Ends each contact's link but the one to the customer beside it. Answers the customers whose owner left.
async fn end_but(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    stays: &[(ContactId, &str)],
    at: Moment,
) -> Result<BTreeSet<CustomerId>, StoreError> {
    if stays.is_empty() {
        return Ok(BTreeSet::new());
    }
    let end = query(END).bind(account.as_str()).bind(shop.as_str()).bind(json(stays)?).bind(at.millis());
    let ended = all(end, c, |row| Ok((customer(row)?, get::<&str>(row, "role")? == Role::Owner.as_str()))).await?;
    Ok(ended.into_iter().filter_map(|(customer, owned)| owned.then_some(customer)).collect())
}

/// Whoever stands beside an owner that left is looked at again: one of them is the next.
pub(super) async fn inherit(
    c: &mut Connection,
    account: &AccountName,
    left: &BTreeSet<CustomerId>,
    at: Moment,
) -> Result<(), StoreError> {
    if left.is_empty() {
        return Ok(());
    }
    let heirs = all(query(HEIRS).bind(account.as_str()).bind(json(left)?), &mut *c, contact).await?;
    due_now(c, account, &heirs, at).await
}

/// A link as [`PUT`] takes it.
#[derive(Serialize)]
struct Row<'a>(
    &'a ShopName,
    ContactId,
    Role,
    Grounds,
    &'a str,
    i64,
    &'a Baselines,
    Option<Keyed>,
    Option<Keyed>,
    String,
    Option<i64>,
);

/// The links of a customer that is gone are those of the one that remains.
pub(super) async fn carry_over(
    c: &mut Connection,
    account: &AccountName,
    gone: &CustomerId,
    remains: &CustomerId,
) -> Result<(), StoreError> {
    let of = async |c: &mut Connection, customer: &CustomerId| {
        let rows = query(LINKS_OF_CUSTOMERS).bind(account.as_str()).bind(json(&[customer])?);
        all(rows, c, link).await
    };
    let carried = link::carried_over(of(c, gone).await?, &of(c, remains).await?, remains);
    query(FORGET).bind(account.as_str()).bind(gone.as_str()).execute(&mut *c).await.map_err(failed)?;
    let rows: Vec<Row<'_>> = carried
        .iter()
        .map(|link| {
            let Link { contact, customer: _, role, grounds, row, since, baselines, known_as, ended } = link;
            let Hashes { email, phone, name } = known_as;
            let ended = ended.map(Moment::millis);
            let (shop, since) = (&contact.shop, since.millis());
            Row(shop, contact.id, *role, *grounds, row, since, baselines, *email, *phone, words(name), ended)
        })
        .collect();
    let put = query(PUT).bind(account.as_str()).bind(remains.as_str()).bind(json(&rows)?);
    put.execute(c).await.map_err(failed)?;
    Ok(())
}

/// Whether a unique index refused a row.
fn duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.kind() == ErrorKind::UniqueViolation)
}
