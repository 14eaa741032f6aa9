//! Under which hash key an account is kept, and the change of it: rows under the key to come are put aside, and take their place in one
//! unit, whole or not at all. What no row was put aside for stands in the way; only tombstones are sealed where they are.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    Connection,
    account::KEY_CHECK,
    due::contact_id,
    failure::failed,
    resync::NO_CONTENT,
    rows::{count, from_json, json, keyed, words},
    statement::{query, query_as, query_scalar},
};
use crate::{
    model::{
        AccountName, ContactId, CustomerId, HashKey, Keyed, ShopName,
        link::{Baselines, Field},
    },
    store::{
        DeclaredField, Hindrance, RekeyedContact, RekeyedLink, RekeyedPage, RekeyedShop, Sealed, StoreError, Switch,
        Switched, rekeying::KeyCheck,
    },
};

pub(super) const FORGET: [&str; 3] = [
    "DELETE FROM rekeyed_contacts WHERE account = $1",
    "DELETE FROM rekeyed_links WHERE account = $1",
    "DELETE FROM rekeyed_tombstones WHERE account = $1",
];
pub(super) const FORGET_THESE: [&str; 2] = [
    "DELETE FROM rekeyed_contacts
      WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))",
    "DELETE FROM rekeyed_links
      WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))",
];
pub(super) const CONTACTS: &str = "
    INSERT INTO rekeyed_contacts (account, shop, id, email, phone, name, content)
    SELECT $1, $2, CAST(value ->> 0 AS BIGINT), value ->> 1, value ->> 2, value ->> 3, value ->> 4
      FROM json_each($3) WHERE TRUE
    ON CONFLICT (account, shop, id) DO UPDATE SET
        email = excluded.email, phone = excluded.phone, name = excluded.name, content = excluded.content";
pub(super) const LINKS: &str = "
    INSERT INTO rekeyed_links (account, shop, id, customer, baselines, known_email, known_phone, known_name)
    SELECT $1, $2, CAST(value ->> 0 AS BIGINT), value ->> 1, CAST(value -> 2 AS TEXT), value ->> 3, value ->> 4,
           value ->> 5
      FROM json_each($3) WHERE TRUE
    ON CONFLICT (account, shop, id, customer) DO UPDATE SET
        baselines = excluded.baselines, known_email = excluded.known_email, known_phone = excluded.known_phone,
        known_name = excluded.known_name";
pub(super) const MET: &str = "
    INSERT INTO rekeyed_tombstones (account, value, rekeyed)
    SELECT DISTINCT $1, its_value, its_rekeyed
      FROM (SELECT value ->> 0 AS its_value, value ->> 1 AS its_rekeyed FROM json_each($2)) met
     WHERE EXISTS (SELECT 1 FROM tombstones t
                    WHERE t.account = $1 AND t.kind IN ('email', 'phone') AND t.value = its_value)
    ON CONFLICT (account, value) DO NOTHING";
/// Everybody, erased or gone: whoever is let in again has to be under the new key too.
pub(super) const LEFT: &str = "
    SELECT id FROM contacts
     WHERE account = $1 AND shop = $2 AND id > $3
       AND NOT EXISTS (SELECT 1 FROM rekeyed_contacts r
                        WHERE r.account = $1 AND r.shop = $2 AND r.id = contacts.id)
     ORDER BY id LIMIT $4";
pub(super) const COUNT_LEFT: [&str; 2] = [
    "SELECT COUNT(*) FROM contacts c
      WHERE account = $1 AND (state IS NULL OR state <> 'excluded')
        AND NOT EXISTS (SELECT 1 FROM rekeyed_contacts r
                         WHERE r.account = $1 AND r.shop = c.shop AND r.id = c.id)",
    "SELECT COUNT(*) FROM links l
      WHERE account = $1
        AND NOT EXISTS (SELECT 1 FROM rekeyed_links r
                         WHERE r.account = $1 AND r.shop = l.shop AND r.id = l.id AND r.customer = l.customer)",
];
pub(super) const UNLISTED: &str = "
    SELECT shop FROM shops WHERE account = $1 AND shop NOT IN (SELECT atom FROM json_each($2)) ORDER BY shop LIMIT 1";
pub(super) const UNSETTLED: &str = "
    SELECT (SELECT COUNT(*) FROM writes WHERE account = $1 AND (outcome IS NULL OR outcome = 'unknown'))
         + (SELECT COUNT(*) FROM merges WHERE account = $1 AND (outcome IS NULL OR outcome IN ('unknown', 'person')))";
pub(super) const SEALED: &str = "SELECT COUNT(*) FROM tombstones WHERE account = $1 AND sealed = 1";
pub(super) const FORMER: &str = "SELECT former_check FROM accounts WHERE account = $1";

pub(super) const SWITCH_CONTACTS: &str = "
    UPDATE contacts
       SET email = r.email, phone = r.phone, name = r.name,
           content = CASE WHEN contacts.content IS NULL THEN NULL ELSE COALESCE(r.content, $5) END,
           rules = CASE WHEN contacts.rules = $3 THEN $4 ELSE contacts.rules END
      FROM rekeyed_contacts r
     WHERE contacts.account = $1 AND contacts.shop = $2 AND r.account = $1 AND r.shop = $2 AND r.id = contacts.id
       AND (contacts.state IS NULL OR contacts.state <> 'excluded')";
/// Of who was erased nothing is kept; what stands there is of nothing, and was under the old key.
pub(super) const SWITCH_EXCLUDED: &str = "
    UPDATE contacts SET content = $2 WHERE account = $1 AND state = 'excluded'";
pub(super) const SWITCH_LINKS: &str = "
    UPDATE links
       SET baselines = r.baselines, known_email = r.known_email, known_phone = r.known_phone, known_name = r.known_name
      FROM rekeyed_links r
     WHERE links.account = $1 AND r.account = $1 AND r.shop = links.shop AND r.id = links.id
       AND r.customer = links.customer";
pub(super) const SWITCH_SHOP: &str = "
    UPDATE shops
       SET source = CASE WHEN source IS NULL THEN NULL ELSE $3 END, rules = CASE WHEN rules = $4 THEN $5 ELSE rules END
     WHERE account = $1 AND shop = $2";
/// A proposal, and an update that is held, is bound to hashes: whoever has one is looked at again, and asked about anew.
pub(super) const ASK_ANEW: &str = "
    UPDATE contacts SET retry_at = judged_at + 1
     WHERE account = $1 AND state IS NOT NULL AND state NOT IN ('gone', 'excluded')
       AND (EXISTS (SELECT 1 FROM proposals p
                     WHERE p.account = $1 AND p.shop = contacts.shop AND p.id = contacts.id
                       AND p.state IN ('open', 'approved'))
            OR EXISTS (SELECT 1 FROM held h WHERE h.account = $1 AND h.shop = contacts.shop AND h.id = contacts.id))";
/// What was approved was approved by its hash.
pub(super) const WITHDRAW: &str = "
    UPDATE proposals SET state = 'withdrawn', changed_at = $2, changed_by = $3
     WHERE account = $1 AND kind = 'merge' AND state = 'approved'";
pub(super) const DROP_HELD: &str = "DELETE FROM held WHERE account = $1";
pub(super) const TOMBSTONES: &str = "
    SELECT t.kind, t.value, t.erasure, r.rekeyed
      FROM tombstones t LEFT JOIN rekeyed_tombstones r ON r.account = t.account AND r.value = t.value
     WHERE t.account = $1 AND t.kind IN ('email', 'phone')";
pub(super) const SWITCH_TOMBSTONES: &str = "
    UPDATE tombstones SET value = its_rekeyed, sealed = its_sealed
      FROM (SELECT value ->> 0 AS its_kind, value ->> 1 AS its_value, CAST(value ->> 2 AS BIGINT) AS its_erasure,
                   value ->> 3 AS its_rekeyed, CAST(value ->> 4 AS BIGINT) AS its_sealed
              FROM json_each($2)) now
     WHERE account = $1 AND kind = its_kind AND value = its_value AND erasure = its_erasure";
pub(super) const WRITES: &str = "
    SELECT write, fields FROM writes WHERE account = $1 AND write > $2 ORDER BY write LIMIT $3";
pub(super) const SWITCH_WRITES: &str = "
    UPDATE writes SET fields = its_fields
      FROM (SELECT CAST(value ->> 0 AS BIGINT) AS its_write, CAST(value -> 1 AS TEXT) AS its_fields
              FROM json_each($2)) now
     WHERE write = its_write AND account = $1";
pub(super) const SWITCH_KEY: &str = "UPDATE accounts SET key_check = $2, former_check = $3 WHERE account = $1";

pub(super) const UNSEAL: &str = "
    UPDATE tombstones SET value = its_value, sealed = 0
      FROM (SELECT value ->> 0 AS its_seal, value ->> 1 AS its_value FROM json_each($2)) met
     WHERE account = $1 AND kind IN ('email', 'phone') AND value = its_seal AND sealed = 1";
pub(super) const UNSEAL_CONTACTS: [&str; 2] = [
    "UPDATE contacts SET email = its_value
       FROM (SELECT value ->> 0 AS its_seal, value ->> 1 AS its_value FROM json_each($2)) met
      WHERE account = $1 AND email = its_seal",
    "UPDATE contacts SET phone = its_value
       FROM (SELECT value ->> 0 AS its_seal, value ->> 1 AS its_value FROM json_each($2)) met
      WHERE account = $1 AND phone = its_seal",
];

/// Rows that travel together.
const BATCH: usize = 1000;

/// What the key is recognised by that the account is kept under.
async fn under(c: &mut Connection, account: &AccountName) -> Result<Option<Keyed>, StoreError> {
    let known: Option<String> =
        query_scalar(KEY_CHECK).bind(account.as_str()).fetch_optional(c).await.map_err(failed)?;
    known.map(|known| keyed(&known, "the key's check value")).transpose()
}

/// Fails unless the account is kept under this key still: whoever opened it under another one must not add to it.
pub(super) async fn still_under(c: &mut Connection, account: &AccountName, key: &KeyCheck) -> Result<(), StoreError> {
    match under(c, account).await? {
        Some(found) if !key.accepts(found) => Err(StoreError::WrongKey),
        Some(_) | None => Ok(()),
    }
}

/// Forgets what an earlier attempt put aside. Or answers what stands in the way from the beginning.
pub(super) async fn begin(
    c: &mut Connection,
    account: &AccountName,
    shops: &[ShopName],
) -> Result<Option<Hindrance>, StoreError> {
    for forget in FORGET {
        query(forget).bind(account.as_str()).execute(&mut *c).await.map_err(failed)?;
    }
    hindrance(c, account, shops).await
}

/// Forgets what was put aside of contacts that are being erased.
pub(super) async fn forget(c: &mut Connection, account: &str, shop: &str, ids: &str) -> Result<(), StoreError> {
    for forget in FORGET_THESE {
        query(forget).bind(account).bind(shop).bind(ids).execute(&mut *c).await.map_err(failed)?;
    }
    Ok(())
}

async fn hindrance(
    c: &mut Connection,
    account: &AccountName,
    shops: &[ShopName],
) -> Result<Option<Hindrance>, StoreError> {
    let unlisted = query_scalar(UNLISTED).bind(account.as_str()).bind(json(shops)?);
    let unlisted: Option<String> = unlisted.fetch_optional(&mut *c).await.map_err(failed)?;
    if let Some(shop) = unlisted {
        let shop = ShopName::try_from(shop).map_err(|_| StoreError::Inconsistent("the name of a shop"))?;
        return Ok(Some(Hindrance::Unlisted(shop)));
    }
    let unsettled = number(c, account, UNSETTLED).await?;
    if unsettled > 0 {
        return Ok(Some(Hindrance::Unsettled(unsettled)));
    }
    let sealed = number(c, account, SEALED).await?;
    Ok((sealed > 0).then_some(Hindrance::Sealed(sealed)))
}

async fn number(c: &mut Connection, account: &AccountName, sql: &'static str) -> Result<u64, StoreError> {
    count(query_scalar(sql).bind(account.as_str()).fetch_one(c).await.map_err(failed)?)
}

/// Known contacts of a shop for whom nothing was put aside.
pub(super) async fn left(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    after: i64,
    limit: u64,
) -> Result<Vec<ContactId>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let left = query_scalar(LEFT).bind(account.as_str()).bind(shop.as_str()).bind(after).bind(limit);
    let left: Vec<i64> = left.fetch_all(c).await.map_err(failed)?;
    left.into_iter().map(contact_id).collect()
}

/// A row of [`CONTACTS`], in its order.
#[derive(Serialize)]
struct ContactRow(ContactId, Option<Keyed>, Option<Keyed>, String, Option<Keyed>);

/// A row of [`LINKS`], in its order.
#[derive(Serialize)]
struct LinkRow<'a>(ContactId, &'a CustomerId, &'a Baselines, Option<Keyed>, Option<Keyed>, String);

/// Puts a page aside.
pub(super) async fn stage(c: &mut Connection, account: &AccountName, page: &RekeyedPage) -> Result<(), StoreError> {
    let RekeyedPage { shop, contacts, met } = page;
    let (account, shop) = (account.as_str(), shop.as_str());
    let contacts: BTreeMap<ContactId, &RekeyedContact> =
        contacts.iter().map(|contact| (contact.entry.id, contact)).collect();
    let rows = contacts.values().map(|RekeyedContact { entry, content, links: _ }| {
        ContactRow(entry.id, entry.email, entry.phone, words(&entry.name), *content)
    });
    let rows = json(&rows.collect::<Vec<_>>())?;
    query(CONTACTS).bind(account).bind(shop).bind(rows).execute(&mut *c).await.map_err(failed)?;
    let links = contacts.values().flat_map(|contact| contact.links.iter().map(|link| (contact.entry.id, link)));
    let rows = links.map(|(id, RekeyedLink { customer, baselines, known_as })| {
        LinkRow(id, customer, baselines, known_as.email, known_as.phone, words(&known_as.name))
    });
    let rows = json(&rows.collect::<Vec<_>>())?;
    query(LINKS).bind(account).bind(shop).bind(rows).execute(&mut *c).await.map_err(failed)?;
    query(MET).bind(account).bind(json(met)?).execute(c).await.map_err(failed)?;
    Ok(())
}

/// Changes the key. All rows or none: within the unit of the caller.
pub(super) async fn switch(
    c: &mut Connection,
    account: &AccountName,
    now: &Keyed,
    switch: &Switch,
) -> Result<Switched, StoreError> {
    let Switch { next, shops, at } = switch;
    // One whose answer was lost is asked for again.
    match under(c, account).await? {
        Some(found) if found == next.check_value() => {
            return Ok(Switched::Done { sealed: number(c, account, SEALED).await? });
        }
        Some(found) if found == *now => {}
        Some(_) | None => return Err(StoreError::WrongKey),
    }
    let listed: Vec<ShopName> = shops.iter().map(|shop| shop.shop.clone()).collect();
    if let Some(hindrance) = hindrance(c, account, &listed).await? {
        return Ok(Switched::Waits(hindrance));
    }
    let mut left = 0;
    for sql in COUNT_LEFT {
        left += number(c, account, sql).await?;
    }
    if left > 0 {
        return Ok(Switched::Waits(Hindrance::Left(left)));
    }

    for shop in shops {
        switch_shop(c, account.as_str(), shop).await?;
    }
    let name = account.as_str();
    query(SWITCH_EXCLUDED).bind(name).bind(NO_CONTENT).execute(&mut *c).await.map_err(failed)?;
    query(SWITCH_LINKS).bind(name).execute(&mut *c).await.map_err(failed)?;
    query(ASK_ANEW).bind(name).execute(&mut *c).await.map_err(failed)?;
    let withdraw = query(WITHDRAW).bind(name).bind(at.millis()).bind(super::proposals::US);
    withdraw.execute(&mut *c).await.map_err(failed)?;
    query(DROP_HELD).bind(name).execute(&mut *c).await.map_err(failed)?;
    let sealed = switch_tombstones(c, name, next).await?;
    switch_writes(c, name).await?;
    let key = query(SWITCH_KEY).bind(name).bind(next.check_value().to_string()).bind(now.to_string());
    key.execute(&mut *c).await.map_err(failed)?;
    for forget in FORGET {
        query(forget).bind(name).execute(&mut *c).await.map_err(failed)?;
    }
    Ok(Switched::Done { sealed })
}

async fn switch_shop(c: &mut Connection, account: &str, shop: &RekeyedShop) -> Result<(), StoreError> {
    let RekeyedShop { shop, source, rules: (now, then) } = shop;
    let contacts = query(SWITCH_CONTACTS).bind(account).bind(shop.as_str()).bind(now).bind(then).bind(NO_CONTENT);
    contacts.execute(&mut *c).await.map_err(failed)?;
    let shop = query(SWITCH_SHOP).bind(account).bind(shop.as_str()).bind(source.to_string()).bind(now).bind(then);
    shop.execute(c).await.map_err(failed)?;
    Ok(())
}

/// Answers how many are sealed.
async fn switch_tombstones(c: &mut Connection, account: &str, next: &HashKey) -> Result<u64, StoreError> {
    let rows: Vec<(String, String, i64, Option<String>)> =
        query_as(TOMBSTONES).bind(account).fetch_all(&mut *c).await.map_err(failed)?;
    let mut switched = Vec::with_capacity(rows.len());
    for (kind, value, erasure, rekeyed) in rows {
        let (becomes, sealed) = match rekeyed {
            Some(rekeyed) => (rekeyed, 0),
            None => (next.sealed(&keyed(&value, "a tombstone")?).to_string(), 1),
        };
        switched.push((kind, value, erasure, becomes, sealed));
    }
    for batch in switched.chunks(BATCH) {
        query(SWITCH_TOMBSTONES).bind(account).bind(json(batch)?).execute(&mut *c).await.map_err(failed)?;
    }
    Ok(switched.iter().filter(|(.., sealed)| *sealed == 1).count() as u64)
}

/// What was sent is of no more use once its outcome is known, and whoever has the old key could test an address against it.
async fn switch_writes(c: &mut Connection, account: &str) -> Result<(), StoreError> {
    let none = keyed(NO_CONTENT, "a content")?;
    let nothing = DeclaredField { source: none, sent: none, before: none };
    let mut after = 0;
    loop {
        let rows = query_as(WRITES).bind(account).bind(after).bind(i64::try_from(BATCH).unwrap_or(i64::MAX));
        let rows: Vec<(i64, String)> = rows.fetch_all(&mut *c).await.map_err(failed)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        after = *last;
        let mut switched = Vec::with_capacity(rows.len());
        for (write, fields) in &rows {
            let fields: BTreeMap<Field, DeclaredField> = from_json(fields, "the fields of a write")?;
            switched.push((write, fields.into_keys().map(|field| (field, nothing)).collect::<BTreeMap<_, _>>()));
        }
        query(SWITCH_WRITES).bind(account).bind(json(&switched)?).execute(&mut *c).await.map_err(failed)?;
    }
}

/// What is known by the former key only.
pub(super) async fn sealed(c: &mut Connection, account: &AccountName) -> Result<Sealed, StoreError> {
    let former: Option<Option<String>> =
        query_scalar(FORMER).bind(account.as_str()).fetch_optional(&mut *c).await.map_err(failed)?;
    let former = former.flatten().map(|text| keyed(&text, "the former key's check value")).transpose()?;
    Ok(Sealed { count: number(c, account, SEALED).await?, former })
}

/// Values that were met again, each by its seal: whatever is known by that is known by the value's hash from now on.
pub(super) async fn recognise(
    c: &mut Connection,
    account: &AccountName,
    met: &[(Keyed, Keyed)],
) -> Result<u64, StoreError> {
    let (account, met) = (account.as_str(), json(met)?);
    for sql in UNSEAL_CONTACTS {
        query(sql).bind(account).bind(&met).execute(&mut *c).await.map_err(failed)?;
    }
    Ok(query(UNSEAL).bind(account).bind(&met).execute(c).await.map_err(failed)?.rows_affected())
}
