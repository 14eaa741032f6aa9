//! Proposals: kept by their hash, withdrawn when no longer made, never reopened once a person has decided.

use std::collections::BTreeMap;

use super::{
    Connection,
    failure::failed,
    rows::{all, json, proposal},
    statement::query,
};
use crate::{
    model::{
        AccountName, ContactId, CustomerId, ShopName,
        proposal::{Authority, KeptProposal, Proposal, ProposalState, Proposed},
        time::Moment,
    },
    store::{ContactRecord, LinkChange, PageRecord, StoreError},
};

/// Who changes a proposal where no person does.
pub(super) const US: &str = "anagrafe";

/// A merge that changes loses its approval, unless a part of it is done: what is left of that is looked at where it is carried out.
pub(super) const WITHDRAW: &str = "
    UPDATE proposals SET state = 'withdrawn', changed_at = $5, changed_by = $6
     WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3))
       AND (state = 'open' OR state = 'approved' AND kind = 'merge'
            AND NOT EXISTS (SELECT 1 FROM merges m
                             WHERE m.account = $1 AND m.proposal = proposals.proposal
                               AND (m.outcome IS NULL OR m.outcome IN ('applied', 'unknown', 'person'))))
       AND proposal NOT IN (SELECT atom FROM json_each($4))";
/// One that stands is the same to the letter, its id being the hash of it, but for who may authorise it: that follows the rules.
pub(super) const PROPOSE: &str = "
    INSERT INTO proposals (account, proposal, shop, id, kind, customer, absorbed, because, evidence, state, since,
                           changed_at, changed_by, made_at)
    SELECT $1, value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 7, 'open', $3, $3, $4, $3
      FROM json_each($2) WHERE TRUE
    ON CONFLICT (account, proposal) DO UPDATE SET
        made_at = excluded.made_at, because = excluded.because,
        changed_at = CASE WHEN proposals.state = 'withdrawn' THEN excluded.changed_at ELSE proposals.changed_at END,
        changed_by = CASE WHEN proposals.state = 'withdrawn' THEN excluded.changed_by ELSE proposals.changed_by END,
        state = CASE WHEN proposals.state = 'withdrawn' THEN 'open' ELSE proposals.state END";
/// An approved link is carried out once the contact is linked to that customer.
pub(super) const CARRIED_OUT: &str = "
    UPDATE proposals SET state = 'done', changed_at = $4, changed_by = $5
      FROM json_each($3) linked
     WHERE account = $1 AND shop = $2 AND proposals.id = CAST(linked.value ->> 0 AS BIGINT)
       AND customer = linked.value ->> 1 AND kind = 'link' AND state = 'approved'";
/// The columns of a proposal as it is kept.
macro_rules! proposals {
    ($rest:literal) => {
        concat!(
            "SELECT proposal, shop, id, kind, customer, absorbed, because, evidence, state, since, changed_at, changed_by, made_at,",
            " (SELECT MAX(h.hold) FROM held_merges h JOIN holds o ON o.hold = h.hold",
            "   WHERE h.account = proposals.account AND h.proposal = proposals.proposal AND o.released_at IS NULL) AS held_by",
            " FROM proposals ",
            $rest
        )
    };
}
pub(super) use proposals;

pub(super) const ALL: &str = proposals!("WHERE account = $1 ORDER BY since, proposal");
pub(super) const IN_STATE: &str = proposals!("WHERE account = $1 AND state = $2 ORDER BY since, proposal");
/// Merges of a shop that need no person, or have one's word; and every other one of the account that names a customer of theirs.
pub(super) const TO_AUTHORISE: &str = proposals!(
    "WHERE account = $1 AND kind = 'merge' AND state IN ('open', 'approved') AND proposal IN (
         WITH going AS MATERIALIZED (
                  SELECT proposal, customer, absorbed FROM proposals
                   WHERE account = $1 AND shop = $2 AND kind = 'merge'
                     AND (state = 'approved' OR state = 'open' AND because IS NULL)),
              named AS MATERIALIZED (
                  SELECT customer FROM going UNION SELECT gone.atom FROM going, json_each(going.absorbed) gone)
         SELECT rival.proposal FROM proposals rival
          WHERE rival.account = $1 AND rival.kind = 'merge' AND rival.state IN ('open', 'approved')
            AND rival.customer IN (SELECT customer FROM named)
          UNION
         SELECT rival.proposal FROM proposals rival, json_each(rival.absorbed) gone
          WHERE rival.account = $1 AND rival.kind = 'merge' AND rival.state IN ('open', 'approved')
            AND gone.atom IN (SELECT customer FROM named))
      ORDER BY since, proposal"
);

/// Keeps the proposals of a page that was handled.
pub(super) async fn keep(
    c: &mut Connection,
    account: &AccountName,
    page: &PageRecord,
    contacts: &[&ContactRecord],
) -> Result<(), StoreError> {
    let mut looked_at: Vec<ContactId> = Vec::new();
    let mut made: BTreeMap<&str, &Proposal> = BTreeMap::new();
    let mut linked: Vec<(ContactId, &CustomerId)> = Vec::new();
    for contact in contacts {
        if let Some(proposals) = &contact.proposals {
            looked_at.push(contact.entry.id);
            made.extend(proposals.iter().map(|proposal| (proposal.id.0.as_str(), proposal)));
        }
        match &contact.link {
            LinkChange::Set(link) => linked.push((contact.entry.id, &link.customer)),
            LinkChange::Keep | LinkChange::Drop => {}
        }
    }
    let (account, shop, at) = (account.as_str(), page.shop.as_str(), page.at.millis());
    if !looked_at.is_empty() {
        query(WITHDRAW)
            .bind(account)
            .bind(shop)
            .bind(json(&looked_at)?)
            .bind(json(&made.keys().collect::<Vec<_>>())?)
            .bind(at)
            .bind(US)
            .execute(&mut *c)
            .await
            .map_err(failed)?;
    }
    if !made.is_empty() {
        let rows = made.into_values().map(row).collect::<Result<Vec<_>, _>>()?;
        query(PROPOSE).bind(account).bind(json(&rows)?).bind(at).bind(US).execute(&mut *c).await.map_err(failed)?;
    }
    if !linked.is_empty() {
        let linked = json(&linked)?;
        query(CARRIED_OUT).bind(account).bind(shop).bind(linked).bind(at).bind(US).execute(c).await.map_err(failed)?;
    }
    Ok(())
}

/// Withdraws all that is open of contacts.
pub(super) async fn withdraw(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
    ids: &[ContactId],
    at: Moment,
) -> Result<(), StoreError> {
    let withdraw = query(WITHDRAW).bind(account.as_str()).bind(shop.as_str()).bind(json(ids)?).bind("[]");
    withdraw.bind(at.millis()).bind(US).execute(c).await.map_err(failed)?;
    Ok(())
}

/// Proposals in a state, or all.
pub(super) async fn in_state(
    c: &mut Connection,
    account: &AccountName,
    state: Option<ProposalState>,
) -> Result<Vec<KeptProposal>, StoreError> {
    let asked = match state {
        Some(state) => query(IN_STATE).bind(account.as_str()).bind(state.as_str()),
        None => query(ALL).bind(account.as_str()),
    };
    all(asked, c, proposal).await
}

/// What the merging of a shop is decided on.
pub(super) async fn to_authorise(
    c: &mut Connection,
    account: &AccountName,
    shop: &ShopName,
) -> Result<Vec<KeptProposal>, StoreError> {
    all(query(TO_AUTHORISE).bind(account.as_str()).bind(shop.as_str()), c, proposal).await
}

/// A row of [`PROPOSE`], in its order; lists are texts of their own.
fn row(made: &Proposal) -> Result<impl serde::Serialize, StoreError> {
    let Proposal { id, contact, proposed, authority, evidence } = made;
    let none = Vec::new();
    let (kind, customer, absorbed) = match proposed {
        Proposed::Link { customer } => ("link", customer, &none),
        Proposed::Merge { survivor, absorbed } => ("merge", survivor, absorbed),
    };
    let because = match authority {
        Authority::Automatic => None,
        Authority::Ask(reasons) => Some(json(reasons)?),
    };
    Ok((&id.0, &contact.shop, contact.id, kind, customer, json(absorbed)?, because, json(evidence)?))
}
