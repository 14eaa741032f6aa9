//! What is known of a page of contacts, and of the customers found for it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Connection,
    dialect::{HOLDERS_BY_EMAIL, HOLDERS_BY_PHONE},
    due::contact_id,
    erasures,
    failure::failed,
    held, merging,
    resync::no_content,
    rows::{
        all, contact, customer, entry, flag, from_json, from_word, from_words, get, grouped, json, judged, keyed, link,
        maybe_moment, unsettled,
    },
    statement::{query, query_as, query_scalar},
};
use crate::{
    model::{
        AccountName, ContactId, ContactKey, CustomerId, Keyed, ShopName,
        link::{Link, Ruling},
        run::RunId,
        state::ContactState,
        time::Moment,
    },
    store::{
        Fingerprint, Found, Holders, IndexEntry, Judged, Known, MAX_HOLDERS, PageQuery, Prior, StoreError, Unsettled,
    },
};

pub(super) const PAUSED: &str = "SELECT COUNT(*) FROM accounts WHERE account = $1 AND paused_at IS NOT NULL";
/// A join in this order, here and below: pairs under `IN` make `SQLite` read the whole shop and sieve.
pub(super) const CONTACTS: &str = "
    SELECT shop, id, email, phone, name, state, reason, content, rules, recheck_at, retry_at, attempts, parked_since,
           judged_at, judged_by, missing
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
           CROSS JOIN contacts
     WHERE account = $1 AND shop = its_shop AND id = its_id";
pub(super) const LINKS: &str = "
    SELECT shop, id, customer, role, grounds, made_by, since, baselines, known_email, known_phone, known_name,
           ended_at
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
           CROSS JOIN links
     WHERE account = $1 AND shop = its_shop AND id = its_id";
pub(super) const LINKS_OF_CUSTOMERS: &str = "
    SELECT shop, id, customer, role, grounds, made_by, since, baselines, known_email, known_phone, known_name,
           ended_at
      FROM links WHERE account = $1 AND customer IN (SELECT atom FROM json_each($2)) ORDER BY shop, id";
pub(super) const RULINGS: &str = "
    SELECT shop, id, customer, ruling
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
           CROSS JOIN rulings
     WHERE account = $1 AND shop = its_shop AND id = its_id
     ORDER BY shop, id, customer";
pub(super) const UNSETTLED: &str = "
    SELECT write, shop, id, customer, fields, settled_at
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
           CROSS JOIN writes
     WHERE account = $1 AND shop = its_shop AND id = its_id AND (outcome IS NULL OR outcome = 'unknown')
     ORDER BY write";

pub(super) const IN_RANGE: &str = "
    SELECT id FROM contacts
     WHERE account = $1 AND shop = $2 AND id > $3 AND id <= $4 AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
     ORDER BY id";

pub(super) async fn known(c: &mut Connection, account: &AccountName, page: &PageQuery) -> Result<Known, StoreError> {
    let PageQuery { shop, ids, identifiers, covers: _ } = page;
    let keys: Vec<_> = ids.iter().map(|id| ContactKey { shop: shop.clone(), id: *id }).collect();
    let mut contacts: BTreeMap<ContactId, Prior> =
        priors(c, account, &keys).await?.into_iter().map(|(key, (prior, _))| (key.id, prior)).collect();
    let strangers = ids.iter().filter(|id| !contacts.contains_key(id)).map(|id| (*id, None, None));
    let strangers: Vec<_> = strangers.collect();
    let unread: Vec<_> = strangers.iter().map(|(id, ..)| ContactKey { shop: shop.clone(), id: *id }).collect();
    let written = if unread.is_empty() { BTreeMap::new() } else { writes(c, account, &pairs(&unread)?).await? };
    for (key, unsettled) in written {
        contacts.insert(key.id, Prior { unsettled, ..never_recorded(key.id) });
    }
    for id in erasures::excluded(c, account, shop, strangers.into_iter()).await? {
        contacts.insert(id, never_read(id)?);
    }
    let paused: i64 = query_scalar(PAUSED).bind(account.as_str()).fetch_one(&mut *c).await.map_err(failed)?;
    Ok(Known {
        contacts,
        holders: holders(c, account, identifiers).await?,
        missing: missing(c, account, page).await?,
        erased: erasures::erased(c, account, identifiers).await?,
        paused: paused > 0,
    })
}

pub(super) async fn found(
    c: &mut Connection,
    account: &AccountName,
    customers: &[CustomerId],
    identifiers: &[Keyed],
) -> Result<Found, StoreError> {
    let links = all(query(LINKS_OF_CUSTOMERS).bind(account.as_str()).bind(json(customers)?), &mut *c, link).await?;
    // Whose link has ended is nobody's name any more.
    let linked: Vec<ContactKey> =
        links.iter().filter(|link| link.ended.is_none()).map(|link| link.contact.clone()).collect();
    let names =
        priors(c, account, &linked).await?.into_iter().map(|(key, (prior, _))| (key, prior.entry.name)).collect();
    let links = grouped(links.into_iter().map(|link| (link.customer.clone(), link)).collect());
    let (in_doubt, parted) = merging::of(c, account, customers).await?;
    Ok(Found { links, names, holders: holders(c, account, identifiers).await?, in_doubt, parted })
}

/// A contact that was erased before it was ever read.
fn never_read(id: ContactId) -> Result<Prior, StoreError> {
    let judged = Judged {
        state: ContactState::Excluded,
        reason: "erased".to_owned(),
        fingerprint: Fingerprint { content: no_content()?, rules: String::new() },
        recheck_at: None,
        attempts: 0,
        parked_since: None,
        // Nobody judged her.
        at: Moment::default(),
    };
    Ok(Prior { judged: Some(judged), ..never_recorded(id) })
}

/// A contact of which nothing is recorded. It may have been written for all the same: nobody surveys who comes later, and a crash may
/// stand between what is declared and what is recorded.
const fn never_recorded(id: ContactId) -> Prior {
    Prior {
        entry: IndexEntry { id, email: None, phone: None, name: Vec::new() },
        judged: None,
        retry_at: None,
        link: None,
        former: Vec::new(),
        held: None,
        missing: false,
        rulings: Vec::new(),
        unsettled: Vec::new(),
    }
}

/// Who is known in the range of a page and was not on it.
async fn missing(c: &mut Connection, account: &AccountName, page: &PageQuery) -> Result<Vec<ContactId>, StoreError> {
    let Some((after, last)) = page.covers else { return Ok(Vec::new()) };
    let there = query_scalar(IN_RANGE).bind(account.as_str()).bind(page.shop.as_str()).bind(after).bind(last);
    let there: Vec<i64> = there.fetch_all(c).await.map_err(failed)?;
    let read: BTreeSet<i64> = page.ids.iter().map(|id| id.get()).collect();
    there.into_iter().filter(|id| !read.contains(id)).map(contact_id).collect()
}

/// What is known of contacts, and the run that last judged each. Of any shops: a story crosses them.
pub(super) async fn priors(
    c: &mut Connection,
    account: &AccountName,
    keys: &[ContactKey],
) -> Result<BTreeMap<ContactKey, (Prior, Option<RunId>)>, StoreError> {
    let asked = pairs(keys)?;
    let mut writes = writes(&mut *c, account, &asked).await?;
    let account = account.as_str();
    let about = |sql: &'static str| query(sql).bind(account).bind(asked.as_str());
    let links = all(about(LINKS), &mut *c, |row| Ok((contact(row)?, link(row)?)));
    let mut links: BTreeMap<ContactKey, Vec<Link>> = grouped(links.await?);
    let mut held = held::of(c, account, &asked).await?;

    let rulings = all(about(RULINGS), &mut *c, |row| {
        Ok((contact(row)?, (customer(row)?, from_word(get(row, "ruling")?, "a ruling")?)))
    });
    let mut rulings: BTreeMap<ContactKey, Vec<(CustomerId, Ruling)>> = grouped(rulings.await?);

    let rows = all(about(CONTACTS), c, |row| {
        let due = (maybe_moment(row, "retry_at")?, flag(row, "missing")?);
        Ok((contact(row)?, entry(row)?, judged(row)?.unzip(), due))
    });
    let mut priors = BTreeMap::new();
    for (key, entry, (judged, by), (retry_at, missing)) in rows.await? {
        let (mut standing, mut former): (Vec<_>, Vec<_>) =
            links.remove(&key).unwrap_or_default().into_iter().partition(|link| link.ended.is_none());
        // Whatever order the rows come in.
        former.sort_by(|a, b| (b.ended, b.since, &a.customer).cmp(&(a.ended, a.since, &b.customer)));
        let prior = Prior {
            entry,
            judged,
            retry_at,
            link: standing.pop(),
            former,
            held: held.remove(&key),
            missing,
            rulings: rulings.remove(&key).unwrap_or_default(),
            unsettled: writes.remove(&key).unwrap_or_default(),
        };
        priors.insert(key, (prior, by));
    }
    Ok(priors)
}

/// Writes declared for contacts whose outcome is not known.
async fn writes(
    c: &mut Connection,
    account: &AccountName,
    asked: &str,
) -> Result<BTreeMap<ContactKey, Vec<Unsettled>>, StoreError> {
    let asked = query(UNSETTLED).bind(account.as_str()).bind(asked);
    Ok(grouped(all(asked, c, |row| Ok((contact(row)?, unsettled(row)?))).await?))
}

/// Contacts as the statements take them, each once.
pub(super) fn pairs(keys: &[ContactKey]) -> Result<String, StoreError> {
    json(&keys.iter().map(|key| (&key.shop, key.id)).collect::<BTreeSet<_>>())
}

async fn holders(c: &mut Connection, account: &AccountName, identifiers: &[Keyed]) -> Result<Holders, StoreError> {
    let asked = json(identifiers)?;
    let limit = i64::try_from(MAX_HOLDERS).unwrap_or(i64::MAX);
    let mut holders = Holders::new();
    // A hash covers the kind of its value: an identifier is found as an e-mail or as a number, never as both.
    for sql in [HOLDERS_BY_EMAIL, HOLDERS_BY_PHONE] {
        let rows: Vec<(String, String)> =
            query_as(sql).bind(account.as_str()).bind(&asked).bind(limit).fetch_all(&mut *c).await.map_err(failed)?;
        for (identifier, held) in rows {
            let held: Vec<(ShopName, ContactId, String)> = from_json(&held, "the holders of an identifier")?;
            if held.is_empty() {
                continue;
            }
            let of = holders.entry(keyed(&identifier, "an identifier's hash")?).or_default();
            for (shop, id, name) in held {
                of.insert(ContactKey { shop, id }, from_words(&name)?);
            }
        }
    }
    Ok(holders)
}
