//! What waits for a person and what she decides: holds, proposals, pause. A decision needs no lease: it changes no
//! customer, and the next pass acts on it.

use sqlx::query;

use super::{
    Connection,
    failure::failed,
    rows::{self, json},
};
use crate::{
    model::{
        AccountName, ContactKey, CustomerId,
        hold::{Hold, NewHold},
        link::Ruling,
        proposal::{KeptProposal, ProposalId, ProposalState, Proposed},
        run::RunId,
        time::Moment,
    },
    store::{Decision, StoreError},
};

pub(super) const STANDING: &str = "
    SELECT hold, shop, kind, bound, reason, count, sample, run, since, released_at, released_by
      FROM holds WHERE account = $1 AND shop = $2 AND kind = $3 AND bound = $4 AND released_at IS NULL";
pub(super) const HOLD: &str = "
    INSERT INTO holds (account, shop, kind, bound, reason, count, sample, run, since)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    RETURNING hold, shop, kind, bound, reason, count, sample, run, since, released_at, released_by";
pub(super) const RELEASE: &str = "
    UPDATE holds SET released_at = $3, released_by = $4 WHERE account = $1 AND hold = $2 AND released_at IS NULL";
pub(super) const PAUSE: &str = "
    UPDATE accounts SET paused_at = COALESCE(paused_at, $2), paused_why = $3, paused_by = $4 WHERE account = $1";
pub(super) const RESUME: &str = "
    UPDATE accounts SET paused_at = NULL, paused_why = NULL, paused_by = NULL WHERE account = $1";
pub(super) const PROPOSAL: &str = "
    SELECT proposal, shop, id, kind, customer, absorbed, because, evidence, state, since, changed_at, changed_by
      FROM proposals WHERE account = $1 AND proposal = $2";
pub(super) const DECIDED: &str = "
    UPDATE proposals SET state = $3, changed_at = $4, changed_by = $5 WHERE account = $1 AND proposal = $2";
pub(super) const RULE: &str = "
    INSERT INTO rulings (account, shop, id, customer, ruling, decided_by, decided_at)
    SELECT $1, $2, $3, atom, $5, $6, $7 FROM json_each($4) WHERE TRUE
    ON CONFLICT (account, shop, id, customer) DO UPDATE SET
        ruling = excluded.ruling, decided_by = excluded.decided_by, decided_at = excluded.decided_at";
pub(super) const DUE_NOW: &str = "
    UPDATE contacts SET retry_at = $4 WHERE account = $1 AND shop = $2 AND id = $3";

pub(super) async fn hold(
    c: &mut Connection,
    account: &AccountName,
    run: RunId,
    hold: &NewHold,
    now: Moment,
) -> Result<Hold, StoreError> {
    let NewHold { shop, kind, reason, count, sample, bound } = hold;
    let standing = query(STANDING)
        .bind(account.as_str())
        .bind(shop.as_str())
        .bind(kind.as_str())
        .bind(bound.to_string())
        .fetch_optional(&mut *c)
        .await
        .map_err(failed)?;
    if let Some(row) = standing {
        return rows::hold(&row);
    }
    let sample: Vec<_> = sample.iter().map(|contact| (&contact.shop, contact.id)).collect();
    let row = query(HOLD)
        .bind(account.as_str())
        .bind(shop.as_str())
        .bind(kind.as_str())
        .bind(bound.to_string())
        .bind(reason)
        .bind(i64::try_from(*count).unwrap_or(i64::MAX))
        .bind(json(&sample)?)
        .bind(run.0)
        .bind(now.millis())
        .fetch_one(c)
        .await
        .map_err(failed)?;
    rows::hold(&row)
}

pub(super) async fn decide(
    c: &mut Connection,
    account: &AccountName,
    decision: &Decision,
    by: &str,
    now: Moment,
) -> Result<(), StoreError> {
    let word = Word { account, by, now };
    match decision {
        Decision::Approve(id) => word.approve(c, id).await,
        Decision::Reject(id) => word.reject(c, id).await,
        Decision::Pause(why) => {
            let pause = query(PAUSE).bind(account.as_str()).bind(now.millis()).bind(why).bind(by);
            pause.execute(c).await.map_err(failed)?;
            Ok(())
        }
        Decision::Resume => {
            query(RESUME).bind(account.as_str()).execute(c).await.map_err(failed)?;
            Ok(())
        }
        Decision::Release(hold) => {
            let release = query(RELEASE).bind(account.as_str()).bind(hold).bind(now.millis()).bind(by);
            match release.execute(c).await.map_err(failed)?.rows_affected() {
                0 => Err(StoreError::NoHold(*hold)),
                _ => Ok(()),
            }
        }
    }
}

/// A person's word: hers, and when.
struct Word<'a> {
    account: &'a AccountName,
    by: &'a str,
    now: Moment,
}

impl Word<'_> {
    async fn approve(&self, c: &mut Connection, id: &ProposalId) -> Result<(), StoreError> {
        let KeptProposal { proposal, .. } = self.open(c, id).await?;
        self.decided(c, id, ProposalState::Approved).await?;
        match &proposal.proposed {
            Proposed::Link { customer } => {
                self.rule(c, &proposal.contact, std::slice::from_ref(customer), Ruling::Same).await?;
                self.due_now(c, &proposal.contact).await
            }
            // Authority, not an act: a later pass looks again at all it rests on, and only then merges.
            Proposed::Merge { .. } => Ok(()),
        }
    }

    async fn reject(&self, c: &mut Connection, id: &ProposalId) -> Result<(), StoreError> {
        let KeptProposal { proposal, .. } = self.open(c, id).await?;
        self.decided(c, id, ProposalState::Rejected).await?;
        let others = match &proposal.proposed {
            Proposed::Link { customer } => std::slice::from_ref(customer),
            Proposed::Merge { survivor: _, absorbed } => absorbed,
        };
        self.rule(c, &proposal.contact, others, Ruling::Different).await?;
        self.due_now(c, &proposal.contact).await
    }

    /// The proposal, if it is one and still open.
    async fn open(&self, c: &mut Connection, id: &ProposalId) -> Result<KeptProposal, StoreError> {
        let row = query(PROPOSAL).bind(self.account.as_str()).bind(&id.0).fetch_optional(c).await.map_err(failed)?;
        let kept = rows::proposal(&row.ok_or_else(|| StoreError::NoProposal(id.clone()))?)?;
        match kept.state {
            ProposalState::Open => Ok(kept),
            state @ (ProposalState::Approved
            | ProposalState::Rejected
            | ProposalState::Withdrawn
            | ProposalState::Done) => Err(StoreError::NotOpen { id: id.clone(), state }),
        }
    }

    async fn decided(&self, c: &mut Connection, id: &ProposalId, state: ProposalState) -> Result<(), StoreError> {
        query(DECIDED)
            .bind(self.account.as_str())
            .bind(&id.0)
            .bind(state.as_str())
            .bind(self.now.millis())
            .bind(self.by)
            .execute(c)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn rule(
        &self,
        c: &mut Connection,
        contact: &ContactKey,
        customers: &[CustomerId],
        ruling: Ruling,
    ) -> Result<(), StoreError> {
        query(RULE)
            .bind(self.account.as_str())
            .bind(contact.shop.as_str())
            .bind(contact.id.get())
            .bind(json(customers)?)
            .bind(ruling.as_str())
            .bind(self.by)
            .bind(self.now.millis())
            .execute(c)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn due_now(&self, c: &mut Connection, contact: &ContactKey) -> Result<(), StoreError> {
        query(DUE_NOW)
            .bind(self.account.as_str())
            .bind(contact.shop.as_str())
            .bind(contact.id.get())
            .bind(self.now.millis())
            .execute(c)
            .await
            .map_err(failed)?;
        Ok(())
    }
}
