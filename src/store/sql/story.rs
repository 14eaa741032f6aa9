//! All that is kept about a contact or a customer: what `explain` shows.

use super::{
    Connection,
    known::{pairs, priors},
    rows::{all, contact, customer, from_word, get, json, link, moment, proposal, write},
    statement::query,
};
use crate::{
    model::{AccountName, ContactKey, CustomerId},
    store::{StoreError, Story, Whose},
};

pub(super) const CONTACTS_OF: &str = "
    SELECT shop, id FROM links WHERE account = $1 AND customer = $2
     UNION
    SELECT shop, id FROM proposals
     WHERE account = $1 AND (customer = $2 OR EXISTS (SELECT 1 FROM json_each(absorbed) WHERE atom = $2))";
/// Here and below `$2` are the contacts, and `$3` is an array of at most one customer.
pub(super) const LINKS: &str = "
    SELECT shop, id, customer, role, grounds, made_by, since, baselines, known_email, known_phone, known_name,
           ended_at
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
           CROSS JOIN links
     WHERE account = $1 AND shop = its_shop AND id = its_id
     UNION
    SELECT shop, id, customer, role, grounds, made_by, since, baselines, known_email, known_phone, known_name,
           ended_at
      FROM links WHERE account = $1 AND customer IN (SELECT atom FROM json_each($3))
     ORDER BY shop, id, since, customer";
pub(super) const PROPOSALS: &str = super::proposals::proposals!(
    "
     WHERE account = $1 AND ((shop, id) IN (SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM json_each($2))
        OR customer IN (SELECT atom FROM json_each($3))
        OR EXISTS (SELECT 1 FROM json_each(absorbed) one WHERE one.atom IN (SELECT atom FROM json_each($3))))
     ORDER BY since, proposal"
);
pub(super) const WRITES: &str = "
    SELECT write, run, shop, id, customer, why, fields, declared_at, outcome, settled_at
      FROM (SELECT value ->> 0 AS its_shop, CAST(value ->> 1 AS BIGINT) AS its_id FROM json_each($2)) asked
           CROSS JOIN writes
     WHERE account = $1 AND shop = its_shop AND id = its_id
     UNION
    SELECT write, run, shop, id, customer, why, fields, declared_at, outcome, settled_at
      FROM writes WHERE account = $1 AND customer IN (SELECT atom FROM json_each($3))
     ORDER BY write DESC";
pub(super) const RULINGS: &str = "
    SELECT shop, id, customer, ruling, decided_by, decided_at FROM rulings
     WHERE account = $1 AND ((shop, id) IN (SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM json_each($2))
        OR customer IN (SELECT atom FROM json_each($3)))
     ORDER BY shop, id, customer";

pub(super) async fn story(c: &mut Connection, account: &AccountName, of: &Whose) -> Result<Story, StoreError> {
    let (keys, one) = match of {
        Whose::Contact(key) => (vec![key.clone()], None),
        Whose::Customer(id) => (contacts_of(c, account, id).await?, Some(id)),
    };
    let mut story = Story::default();
    for (key, (prior, run)) in priors(c, account, &keys).await? {
        if let Some(run) = run {
            story.judged_by.insert(key.clone(), run);
        }
        story.contacts.insert(key, prior);
    }
    let (account, contacts, customers) = (account.as_str(), pairs(&keys)?, json(&Vec::from_iter(one))?);
    let ask = |sql: &'static str| query(sql).bind(account).bind(contacts.as_str()).bind(customers.as_str());
    story.links = all(ask(LINKS), &mut *c, link).await?;
    story.proposals = all(ask(PROPOSALS), &mut *c, proposal).await?;
    story.writes = all(ask(WRITES), &mut *c, write).await?;
    story.rulings = all(ask(RULINGS), c, |row| {
        let ruling = from_word(get(row, "ruling")?, "a ruling")?;
        Ok((contact(row)?, customer(row)?, ruling, get(row, "decided_by")?, moment(row, "decided_at")?))
    })
    .await?;
    Ok(story)
}

/// The contacts that are linked to a customer, or were proposed for her.
pub(super) async fn contacts_of(
    c: &mut Connection,
    account: &AccountName,
    customer: &CustomerId,
) -> Result<Vec<ContactKey>, StoreError> {
    all(query(CONTACTS_OF).bind(account.as_str()).bind(customer.as_str()), c, contact).await
}
