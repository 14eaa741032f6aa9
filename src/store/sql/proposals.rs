//! Proposals: kept by their hash, withdrawn when no longer made, never reopened once a person has decided.

use sqlx::query;

use super::{
    Connection,
    failure::failed,
    rows::{all, json, proposal},
};
use crate::{
    model::{
        AccountName, ContactId, CustomerId,
        proposal::{Authority, KeptProposal, Proposal, ProposalState, Proposed},
    },
    store::{LinkChange, PageRecord, StoreError},
};

/// Who changes a proposal where no person does.
pub(super) const US: &str = "anagrafe";

pub(super) const WITHDRAW: &str = "
    UPDATE proposals SET state = 'withdrawn', changed_at = $5, changed_by = $6
     WHERE account = $1 AND shop = $2 AND id IN (SELECT CAST(atom AS BIGINT) FROM json_each($3)) AND state = 'open'
       AND proposal NOT IN (SELECT atom FROM json_each($4))";
/// One that stands is the same to the letter: its id is the hash of it. Only a withdrawn one changes, by its return.
pub(super) const PROPOSE: &str = "
    INSERT INTO proposals (account, proposal, shop, id, kind, customer, absorbed, because, evidence, state, since,
                           changed_at, changed_by)
    SELECT $1, value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4, value ->> 5, value ->> 6,
           value ->> 7, 'open', $3, $3, $4
      FROM json_each($2) WHERE TRUE
    ON CONFLICT (account, proposal) DO UPDATE SET
        state = 'open', changed_at = excluded.changed_at, changed_by = excluded.changed_by
     WHERE proposals.state = 'withdrawn'";
/// An approved link is carried out once the contact is linked to that customer.
pub(super) const CARRIED_OUT: &str = "
    UPDATE proposals SET state = 'done', changed_at = $4, changed_by = $5
      FROM json_each($3) linked
     WHERE account = $1 AND shop = $2 AND proposals.id = CAST(linked.value ->> 0 AS BIGINT)
       AND customer = linked.value ->> 1 AND kind = 'link' AND state = 'approved'";
pub(super) const ALL: &str = "
    SELECT proposal, shop, id, kind, customer, absorbed, because, evidence, state, since, changed_at, changed_by
      FROM proposals WHERE account = $1 ORDER BY since, proposal";
pub(super) const IN_STATE: &str = "
    SELECT proposal, shop, id, kind, customer, absorbed, because, evidence, state, since, changed_at, changed_by
      FROM proposals WHERE account = $1 AND state = $2 ORDER BY since, proposal";

/// Keeps the proposals of a page that was handled.
pub(super) async fn keep(c: &mut Connection, account: &AccountName, page: &PageRecord) -> Result<(), StoreError> {
    let mut looked_at: Vec<ContactId> = Vec::new();
    let mut made: Vec<&Proposal> = Vec::new();
    let mut linked: Vec<(ContactId, &CustomerId)> = Vec::new();
    for contact in &page.contacts {
        if let Some(proposals) = &contact.proposals {
            looked_at.push(contact.entry.id);
            made.extend(proposals);
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
            .bind(json(&made.iter().map(|proposal| &proposal.id).collect::<Vec<_>>())?)
            .bind(at)
            .bind(US)
            .execute(&mut *c)
            .await
            .map_err(failed)?;
    }
    if !made.is_empty() {
        let rows = made.into_iter().map(row).collect::<Result<Vec<_>, _>>()?;
        query(PROPOSE).bind(account).bind(json(&rows)?).bind(at).bind(US).execute(&mut *c).await.map_err(failed)?;
    }
    if !linked.is_empty() {
        let linked = json(&linked)?;
        query(CARRIED_OUT).bind(account).bind(shop).bind(linked).bind(at).bind(US).execute(c).await.map_err(failed)?;
    }
    Ok(())
}

/// Proposals in a state, or all.
pub(super) async fn in_state(
    c: &mut Connection,
    account: &AccountName,
    state: Option<ProposalState>,
) -> Result<Vec<KeptProposal>, StoreError> {
    let rows = match state {
        Some(state) => query(IN_STATE).bind(account.as_str()).bind(state.as_str()).fetch_all(c).await,
        None => query(ALL).bind(account.as_str()).fetch_all(c).await,
    };
    all(&rows.map_err(failed)?, proposal)
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
