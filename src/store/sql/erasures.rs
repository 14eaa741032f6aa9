//! Erasures: what was known of a person goes, and a tombstone for each thing she may be known by keeps her away. A tombstone
//! names a contact (`shop/id`) or is the hash of an identifier.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Connection, Row,
    failure::failed,
    links, rekey,
    resync::NO_CONTENT,
    rows::{all, contact, customer, from_json, get, json, maybe_moment, moment},
    statement::{query, query_scalar},
};
use crate::{
    model::{AccountName, ContactId, ContactKey, CustomerId, Keyed, ShopName, link::Role, time::Moment},
    store::{Erased, Erasure, PageRecord, StoreError},
};

pub(super) const TOMBSTONES: &str = "
    SELECT kind, value
      FROM (SELECT value ->> 0 AS its_kind, value ->> 1 AS its_value FROM json_each($2)) asked CROSS JOIN tombstones
     WHERE account = $1 AND kind = its_kind AND value = its_value";
/// By what they have now, and by what they had when they were linked.
pub(super) const WHO: &str = "
    SELECT shop, id FROM contacts WHERE account = $1 AND email IN (SELECT atom FROM json_each($2))
     UNION
    SELECT shop, id FROM contacts WHERE account = $1 AND phone IN (SELECT atom FROM json_each($3))
     UNION
    SELECT shop, id FROM links WHERE account = $1 AND known_email IN (SELECT atom FROM json_each($2))
     UNION
    SELECT shop, id FROM links WHERE account = $1 AND known_phone IN (SELECT atom FROM json_each($3))";
pub(super) const ERASE: &str = "
    INSERT INTO erasures (account, at, by, removed) VALUES ($1, $2, $3, '{}') RETURNING erasure";
pub(super) const REMOVED: &str = "UPDATE erasures SET removed = $3 WHERE account = $1 AND erasure = $2";
pub(super) const EXCLUDE: &str = "
    UPDATE contacts
       SET state = 'excluded', reason = 'erased', email = NULL, phone = NULL, name = '', content = $5, rules = '',
           recheck_at = NULL, retry_at = NULL, attempts = 0, parked_since = NULL, missing = 0, judged_at = $4,
           judged_by = COALESCE(judged_by, 0)
     WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))";
/// Who is read for the first time, or was erased while she was: she has a state, and nothing else.
pub(super) const EXCLUDE_NEW: &str = "
    INSERT INTO contacts (account, shop, id, name, state, reason, content, rules, judged_at, judged_by)
    SELECT $1, $2, CAST(atom AS BIGINT), '', 'excluded', 'erased', $5, '', $4, $6 FROM json_each($3) WHERE TRUE
    ON CONFLICT DO NOTHING";
pub(super) const REMOVE_LINKS: &str = "
    DELETE FROM links WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))
    RETURNING customer, role, ended_at";
/// What else is kept of contacts, by what it is called.
pub(super) const REMOVE: [(&str, &str); 6] = [
    (
        "befores",
        "DELETE FROM befores
          WHERE merge IN (SELECT m.merge FROM merges m
                           WHERE m.account = $1 AND m.shop = $2 AND m.id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3)))
             OR merge IN (SELECT m.merge FROM merges m JOIN links l ON l.account = m.account
                                AND (l.customer = m.survivor OR l.customer = m.absorbed)
                           WHERE l.account = $1 AND l.shop = $2 AND l.id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3)))",
    ),
    // What is in doubt still pins its customers, and names nobody any more.
    (
        "merges",
        "UPDATE merges SET shop = NULL, id = NULL, evidence = '[]', rests_on = '{}'
          WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))",
    ),
    (
        "proposals",
        "DELETE FROM proposals
          WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))",
    ),
    (
        "rulings",
        "DELETE FROM rulings
          WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))",
    ),
    ("writes", REMOVE_WRITES),
    ("held", super::held::DROP),
];
pub(super) const REMOVE_WRITES: &str = "
    DELETE FROM writes WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))";
pub(super) const BURY: &str = "
    INSERT INTO tombstones (account, kind, value, erasure)
    SELECT $1, value ->> 0, value ->> 1, $3 FROM json_each($2)";
/// Whom an identifier excluded stays excluded by her id, for as long as that erasure stands.
pub(super) const BURY_BY: &str = "
    INSERT INTO tombstones (account, kind, value, erasure)
    SELECT DISTINCT t.account, 'contact', its_contact, t.erasure
      FROM (SELECT value ->> 0 AS its_contact, value ->> 1 AS its_value FROM json_each($2)) asked
           CROSS JOIN tombstones t
     WHERE t.account = $1 AND t.kind IN ('email', 'phone') AND t.value = its_value
    ON CONFLICT DO NOTHING";
pub(super) const ALL: &str = "
    SELECT erasure, at, by, removed, lifted_at, lifted_by FROM erasures WHERE account = $1 ORDER BY erasure";
pub(super) const LIFT: &str = "
    UPDATE erasures SET lifted_at = $3, lifted_by = $4 WHERE account = $1 AND erasure = $2 AND lifted_at IS NULL
    RETURNING erasure, at, by, removed, lifted_at, lifted_by";
pub(super) const UNBURY: &str = "DELETE FROM tombstones WHERE account = $1 AND erasure = $2";
/// Whom no tombstone names is let in again. Whoever has an identifier that one names is excluded anew when she is read.
macro_rules! readmit {
    ($of:literal) => {
        concat!(
            "UPDATE contacts
                SET state = NULL, reason = NULL, content = NULL, rules = NULL, judged_at = NULL, judged_by = NULL,
                    retry_at = $2
              WHERE account = $1 AND state = 'excluded'
                AND NOT EXISTS (SELECT 1 FROM tombstones t
                                 WHERE t.account = $1 AND t.kind = 'contact'
                                   AND t.value = contacts.shop || '/' || contacts.id)",
            $of
        )
    };
}
pub(super) const READMIT: &str = readmit!("");
pub(super) const READMIT_THESE: &str =
    readmit!(" AND shop = $3 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($4))");

/// A thing a person may be known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Tombstone(&'static str, String);

impl Tombstone {
    fn contact(shop: &ShopName, id: ContactId) -> Self {
        Self("contact", format!("{shop}/{id}"))
    }

    fn email(hash: &Keyed) -> Self {
        Self("email", hash.to_string())
    }

    fn phone(hash: &Keyed) -> Self {
        Self("phone", hash.to_string())
    }
}

/// What is kept of an erasure in one column.
#[derive(Serialize, Deserialize)]
struct Kept {
    contacts: Vec<ContactKey>,
    emails: u64,
    phones: u64,
    removed: BTreeMap<String, u64>,
}

/// Of identifiers, those that were erased.
pub(super) async fn erased(
    c: &mut Connection,
    account: &AccountName,
    identifiers: &[Keyed],
) -> Result<BTreeSet<Keyed>, StoreError> {
    let asked = identifiers.iter().flat_map(|hash| [Tombstone::email(hash), Tombstone::phone(hash)]).collect();
    let standing = standing(c, account, &asked).await?;
    let erased =
        |hash: &&Keyed| standing.contains(&Tombstone::email(hash)) || standing.contains(&Tombstone::phone(hash));
    Ok(identifiers.iter().filter(erased).copied().collect())
}

/// Those of a page who were erased stand in the index as excluded.
pub(super) async fn exclude_new(
    c: &mut Connection,
    account: &AccountName,
    page: &PageRecord,
    erased: &BTreeSet<ContactId>,
) -> Result<(), StoreError> {
    if erased.is_empty() {
        return Ok(());
    }
    let exclude = query(EXCLUDE_NEW).bind(account.as_str()).bind(page.shop.as_str()).bind(json(erased)?);
    let exclude = exclude.bind(page.at.millis()).bind(NO_CONTENT).bind(page.run.0);
    exclude.execute(c).await.map_err(failed)?;
    Ok(())
}

/// Of contacts of a shop, each with the identifiers it has, those that were erased.
pub(super) async fn excluded(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    contacts: impl Iterator<Item = (ContactId, Option<Keyed>, Option<Keyed>)> + Send,
) -> Result<BTreeSet<ContactId>, StoreError> {
    let known_by: Vec<(ContactId, Vec<Tombstone>)> = contacts
        .map(|(id, email, phone)| {
            let identifiers = email.iter().map(Tombstone::email).chain(phone.iter().map(Tombstone::phone));
            (id, identifiers.chain([Tombstone::contact(shop, id)]).collect())
        })
        .collect();
    let standing = standing(c, account, &known_by.iter().flat_map(|(_, by)| by.iter().cloned()).collect()).await?;
    let erased = known_by.into_iter().filter(|(_, by)| by.iter().any(|one| standing.contains(one)));
    Ok(erased.map(|(id, _)| id).collect())
}

/// Of tombstones, those that stand.
async fn standing(
    c: &mut Connection,
    account: &AccountName,
    asked: &BTreeSet<Tombstone>,
) -> Result<BTreeSet<Tombstone>, StoreError> {
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let found: BTreeSet<(String, String)> =
        all(query(TOMBSTONES).bind(account.as_str()).bind(json(asked)?), c, |row| {
            Ok((get(row, "kind")?, get(row, "value")?))
        })
        .await?
        .into_iter()
        .collect();
    Ok(asked
        .iter()
        .filter(|Tombstone(kind, value)| found.contains(&((*kind).to_owned(), value.clone())))
        .cloned()
        .collect())
}

pub(super) async fn erase(
    c: &mut Connection,
    account: &AccountName,
    whom: &Erasure,
    by: &str,
    now: Moment,
) -> Result<Erased, StoreError> {
    let emails: BTreeSet<&Keyed> = whom.emails.iter().collect();
    let phones: BTreeSet<&Keyed> = whom.phones.iter().collect();
    let who = query(WHO).bind(account.as_str()).bind(json(&emails)?).bind(json(&phones)?);
    let matching = all(who, &mut *c, contact).await?;
    let contacts: BTreeSet<ContactKey> = whom.contacts.iter().cloned().chain(matching).collect();

    let erase = query_scalar(ERASE).bind(account.as_str()).bind(now.millis()).bind(by);
    let id: i64 = erase.fetch_one(&mut *c).await.map_err(failed)?;
    let removed = remove(c, account, &contacts, now).await?;
    let tombstones: BTreeSet<Tombstone> = contacts
        .iter()
        .map(|key| Tombstone::contact(&key.shop, key.id))
        .chain(emails.iter().map(|hash| Tombstone::email(hash)))
        .chain(phones.iter().map(|hash| Tombstone::phone(hash)))
        .collect();
    query(BURY).bind(account.as_str()).bind(json(&tombstones)?).bind(id).execute(&mut *c).await.map_err(failed)?;

    let (emails, phones) = (emails.len() as u64, phones.len() as u64);
    let kept = Kept { contacts: contacts.into_iter().collect(), emails, phones, removed };
    query(REMOVED).bind(account.as_str()).bind(id).bind(json(&kept)?).execute(c).await.map_err(failed)?;
    let Kept { contacts, emails, phones, removed } = kept;
    Ok(Erased { id, at: now, by: by.to_owned(), contacts, emails, phones, removed, lifted: None })
}

/// Removes all that is kept of contacts but that they are excluded. Answers how much it was.
async fn remove(
    c: &mut Connection,
    account: &AccountName,
    contacts: &BTreeSet<ContactKey>,
    now: Moment,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let mut by_shop: BTreeMap<&ShopName, Vec<ContactId>> = BTreeMap::new();
    for key in contacts {
        by_shop.entry(&key.shop).or_default().push(key.id);
    }
    let names = REMOVE.iter().map(|(name, _)| *name).chain(["links"]);
    let mut removed: BTreeMap<String, u64> = names.map(|name| (name.to_owned(), 0)).collect();
    let mut left: BTreeSet<CustomerId> = BTreeSet::new();
    for (shop, ids) in by_shop {
        let (account, shop, ids) = (account.as_str(), shop.as_str(), json(&ids)?);
        let exclude = query(EXCLUDE).bind(account).bind(shop).bind(&ids).bind(now.millis()).bind(NO_CONTENT);
        exclude.execute(&mut *c).await.map_err(failed)?;
        rekey::forget(c, account, shop, &ids).await?;
        // What customers were before a merge is found by the links, too, and so goes before them.
        for (name, sql) in REMOVE {
            let rows = query(sql).bind(account).bind(shop).bind(&ids).execute(&mut *c).await.map_err(failed)?;
            *removed.entry(name.to_owned()).or_default() += rows.rows_affected();
        }
        let links = query(REMOVE_LINKS).bind(account).bind(shop).bind(&ids).fetch_all(&mut *c).await.map_err(failed)?;
        *removed.entry("links".to_owned()).or_default() += links.len() as u64;
        for row in &links {
            if get::<&str>(row, "role")? == Role::Owner.as_str() && maybe_moment(row, "ended_at")?.is_none() {
                left.insert(customer(row)?);
            }
        }
    }
    links::inherit(c, account, &left, now).await?;
    Ok(removed)
}

/// Whom a page excluded while a person lifted her erasure is let in again.
pub(super) async fn readmit_lifted(
    c: &mut Connection,
    account: &AccountName,
    page: &PageRecord,
) -> Result<(), StoreError> {
    let ids: Vec<ContactId> = page.erased_by.iter().map(|(id, _)| *id).collect();
    if !ids.is_empty() {
        let readmit = query(READMIT_THESE).bind(account.as_str()).bind(page.at.millis());
        readmit.bind(page.shop.as_str()).bind(json(&ids)?).execute(c).await.map_err(failed)?;
    }
    Ok(())
}

/// Buries contacts of a shop that were excluded for an identifier they have.
pub(super) async fn bury_by(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    contacts: &[(ContactId, Vec<Keyed>)],
) -> Result<(), StoreError> {
    let by: Vec<(String, &Keyed)> =
        contacts.iter().flat_map(|(id, by)| by.iter().map(move |one| (format!("{shop}/{id}"), one))).collect();
    if !by.is_empty() {
        let bury = query(BURY_BY).bind(account.as_str()).bind(json(&by)?);
        bury.execute(c).await.map_err(failed)?;
    }
    Ok(())
}

/// Forgets what a pass that was under way declared for contacts that were erased meanwhile.
pub(super) async fn forget_writes(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    ids: &BTreeSet<ContactId>,
) -> Result<(), StoreError> {
    if !ids.is_empty() {
        let forget = query(REMOVE_WRITES).bind(account.as_str()).bind(shop.as_str()).bind(json(ids)?);
        forget.execute(c).await.map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn lift(
    c: &mut Connection,
    account: &AccountName,
    erasure: i64,
    by: &str,
    now: Moment,
) -> Result<Erased, StoreError> {
    let lift = query(LIFT).bind(account.as_str()).bind(erasure).bind(now.millis()).bind(by);
    let row = lift.fetch_optional(&mut *c).await.map_err(failed)?.ok_or(StoreError::NoErasure(erasure))?;
    query(UNBURY).bind(account.as_str()).bind(erasure).execute(&mut *c).await.map_err(failed)?;
    query(READMIT).bind(account.as_str()).bind(now.millis()).execute(c).await.map_err(failed)?;
    read(&row)
}

pub(super) async fn erasures(c: &mut Connection, account: &AccountName) -> Result<Vec<Erased>, StoreError> {
    all(query(ALL).bind(account.as_str()), c, read).await
}

fn read(row: &Row) -> Result<Erased, StoreError> {
    let Kept { contacts, emails, phones, removed } = from_json(get(row, "removed")?, "what an erasure removed")?;
    let lifted = match (maybe_moment(row, "lifted_at")?, get::<Option<String>>(row, "lifted_by")?) {
        (None, None) => None,
        (Some(at), Some(by)) => Some((at, by)),
        (None, Some(_)) | (Some(_), None) => return Err(StoreError::Inconsistent("who lifted an erasure")),
    };
    Ok(Erased {
        id: get(row, "erasure")?,
        at: moment(row, "at")?,
        by: get(row, "by")?,
        contacts,
        emails,
        phones,
        removed,
        lifted,
    })
}
