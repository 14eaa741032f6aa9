//! What waits for a person and what she decides: holds, proposals, pause. A decision needs no lease: it changes no
//! customer, and the next pass acts on it.

use std::collections::BTreeSet;

use super::{
    Connection,
    due::due_at_once,
    failure::failed,
    held, known, links, merging,
    rows::{self, json},
    statement::query,
};
use crate::{
    model::{
        AccountName, ContactKey, CustomerId,
        hold::{Hold, NewHold},
        link::Ruling,
        merge::{Merge, MergeOutcome},
        proposal::{GOOD_FOR, KeptProposal, ProposalId, ProposalState, Proposed},
        run::RunId,
        state::ContactState,
        time::Moment,
    },
    store::{Decision, Prior, StoreError},
};

pub(super) const STANDING: &str = "
    SELECT hold, shop, kind, bound, reason,
           COALESCE(NULLIF((SELECT COUNT(*) FROM held WHERE held.hold = holds.hold), 0), count) AS count, sample, run,
           since, released_at, released_by
      FROM holds WHERE account = $1 AND shop = $2 AND kind = $3 AND bound = $4 AND released_at IS NULL";
pub(super) const HOLD: &str = "
    INSERT INTO holds (account, shop, kind, bound, reason, count, sample, run, since)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    RETURNING hold, shop, kind, bound, reason, count, sample, run, since, released_at, released_by";
pub(super) const RELEASE: &str = "
    UPDATE holds SET released_at = $3, released_by = $4 WHERE account = $1 AND hold = $2 AND released_at IS NULL";
/// Asked where nothing is done in between: what a pass holds by then stays held.
pub(super) const FALL: &str = "
    UPDATE holds SET released_at = $3, released_by = $4
     WHERE account = $1 AND hold = $2 AND released_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM held WHERE held.hold = holds.hold)";
pub(super) const PAUSE: &str = "
    UPDATE accounts SET paused_at = COALESCE(paused_at, $2), paused_why = $3, paused_by = $4 WHERE account = $1";
pub(super) const RESUME: &str = "
    UPDATE accounts SET paused_at = NULL, paused_why = NULL, paused_by = NULL WHERE account = $1";
/// Contacts that wait for a person's word about a customer.
pub(super) const WAITING: &str = "
    SELECT shop, id FROM proposals WHERE account = $1 AND state = 'open' AND kind = 'link' AND customer = $2";
pub(super) const PROPOSAL: &str = super::proposals::proposals!("WHERE account = $1 AND proposal = $2");
/// A release of held merges approves each that still stands.
pub(super) const APPROVE_HELD: &str = "
    UPDATE proposals SET state = 'approved', changed_at = $3, changed_by = $4
     WHERE account = $1 AND state = 'open'
       AND proposal IN (SELECT h.proposal FROM held_merges h WHERE h.account = $1 AND h.hold = $2)";
pub(super) const DECIDED: &str = "
    UPDATE proposals SET state = $3, changed_at = $4, changed_by = $5 WHERE account = $1 AND proposal = $2";
pub(super) const RULE: &str = "
    INSERT INTO rulings (account, shop, id, customer, ruling, decided_by, decided_at)
    SELECT $1, $2, $3, atom, $5, $6, $7 FROM json_each($4) WHERE TRUE
    ON CONFLICT (account, shop, id, customer) DO UPDATE SET
        ruling = excluded.ruling, decided_by = excluded.decided_by, decided_at = excluded.decided_at";
pub(super) const UNRULE_OTHERS: &str = "
    DELETE FROM rulings WHERE account = $1 AND shop = $2 AND id = $3 AND customer <> $4 AND ruling = 'same'";
pub(super) const APPROVE_PAIR: &str = "
    UPDATE proposals SET state = 'approved', changed_at = $5, changed_by = $6
     WHERE account = $1 AND shop = $2 AND id = $3 AND customer = $4 AND kind = 'link' AND state = 'open'";

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
        Decision::Fall(hold) => {
            let fall = query(FALL).bind(account.as_str()).bind(hold).bind(now.millis()).bind(by);
            fall.execute(c).await.map_err(failed)?;
            Ok(())
        }
        Decision::Approve(id) => word.approve(c, id).await,
        Decision::Reject(id) => word.reject(c, id).await,
        Decision::Detach(contact) => word.detach(c, contact).await,
        Decision::Assign(contact, customer) => word.assign(c, contact, customer).await,
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
            match release.execute(&mut *c).await.map_err(failed)?.rows_affected() {
                0 => Err(StoreError::NoHold(*hold)),
                // What falls by itself was released by nobody.
                _ if by == super::proposals::US => Ok(()),
                _ => {
                    let approve = query(APPROVE_HELD).bind(account.as_str()).bind(hold).bind(now.millis()).bind(by);
                    approve.execute(&mut *c).await.map_err(failed)?;
                    held::release(c, account, *hold, now).await
                }
            }
        }
        Decision::Restored(id) => merging::restored(c, account, id, by, now).await,
    }
}

/// A proposal, whatever became of it.
pub(super) async fn proposal(
    c: &mut Connection,
    account: &AccountName,
    id: &ProposalId,
) -> Result<Option<KeptProposal>, StoreError> {
    let row = query(PROPOSAL).bind(account.as_str()).bind(&id.0).fetch_optional(c).await.map_err(failed)?;
    row.as_ref().map(rows::proposal).transpose()
}

/// A person's word: hers, and when.
struct Word<'a> {
    account: &'a AccountName,
    by: &'a str,
    now: Moment,
}

impl Word<'_> {
    async fn approve(&self, c: &mut Connection, id: &ProposalId) -> Result<(), StoreError> {
        if self.settles(c, id, MergeOutcome::Applied).await? {
            return Ok(());
        }
        let KeptProposal { proposal, made_at, .. } = Self::open(self.known(c, id).await?)?;
        if made_at.after(GOOD_FOR) < self.now {
            return Err(StoreError::Expired { id: id.clone(), made_at });
        }
        self.decided(c, id, ProposalState::Approved).await?;
        match &proposal.proposed {
            Proposed::Link { customer } => {
                self.rule(c, &proposal.contact, std::slice::from_ref(customer), Ruling::Same).await?;
                self.is_due(c, &proposal.contact).await
            }
            // Authority, not an act: a later pass looks again at all it rests on, and only then merges.
            Proposed::Merge { .. } => Ok(()),
        }
    }

    async fn reject(&self, c: &mut Connection, id: &ProposalId) -> Result<(), StoreError> {
        let settled = self.settles(c, id, MergeOutcome::NotApplied).await?;
        let said = match self.known(c, id).await {
            // One by hand is in no list of proposals.
            Err(StoreError::NoProposal(_)) if settled => return Ok(()),
            said => said?,
        };
        let merge = matches!(said.proposal.proposed, Proposed::Merge { .. });
        // A merge that was approved and not carried out yet may still be thought better of. And whose outcome she tells, she decides
        // about, whatever became of the proposal meanwhile.
        let KeptProposal { proposal, .. } =
            if settled || merge && said.state == ProposalState::Approved { said } else { Self::open(said)? };
        self.decided(c, id, ProposalState::Rejected).await?;
        let others = match &proposal.proposed {
            Proposed::Link { customer } => std::slice::from_ref(customer),
            Proposed::Merge { survivor, absorbed } => {
                merging::part(c, self.account, survivor, absorbed.iter(), self.by, self.now).await?;
                absorbed
            }
        };
        self.rule(c, &proposal.contact, others, Ruling::Different).await?;
        self.is_due(c, &proposal.contact).await
    }

    /// The proposal, if it is one.
    async fn known(&self, c: &mut Connection, id: &ProposalId) -> Result<KeptProposal, StoreError> {
        proposal(c, self.account, id).await?.ok_or_else(|| StoreError::NoProposal(id.clone()))
    }

    /// A merge of which nothing that can be read tells what became of it: her word does. True if it was about that.
    async fn settles(&self, c: &mut Connection, id: &ProposalId, outcome: MergeOutcome) -> Result<bool, StoreError> {
        let open = merging::open_of(c, self.account, id).await?;
        let asks = |merge: &Merge| merge.outcome.is_some_and(|(outcome, _)| outcome == MergeOutcome::Person);
        if !open.iter().all(asks) {
            return Err(StoreError::InDoubtYet(id.clone()));
        }
        for merge in &open {
            let settled =
                merging::Settled { outcome, detail: "by-a-person", remains: Some(&merge.survivor), doubt: None };
            merging::settle_one(c, self.account, merge.id, &settled, self.now).await?;
        }
        Ok(!open.is_empty())
    }

    /// The proposal, if it is still open.
    fn open(kept: KeptProposal) -> Result<KeptProposal, StoreError> {
        match kept.state {
            ProposalState::Open => Ok(kept),
            state @ (ProposalState::Approved
            | ProposalState::Rejected
            | ProposalState::Withdrawn
            | ProposalState::Done) => Err(StoreError::NotOpen { id: kept.proposal.id, state }),
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
            .bind(json(&customers.iter().collect::<BTreeSet<_>>())?)
            .bind(ruling.as_str())
            .bind(self.by)
            .bind(self.now.millis())
            .execute(c)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn is_due(&self, c: &mut Connection, contact: &ContactKey) -> Result<(), StoreError> {
        due_at_once(c, self.account, std::slice::from_ref(contact), self.now).await.map(drop)
    }

    async fn detach(&self, c: &mut Connection, contact: &ContactKey) -> Result<(), StoreError> {
        let known = self.prior(c, contact).await?;
        let link = known.and_then(|prior| prior.link).ok_or_else(|| StoreError::NoLink(contact.clone()))?;
        self.rule(c, contact, std::slice::from_ref(&link.customer), Ruling::Different).await?;
        links::end(c, self.account, &contact.shop, &[contact.id], self.now).await?;
        // Whoever waited beside it may be the one.
        let waiting = query(WAITING).bind(self.account.as_str()).bind(link.customer.as_str());
        let waiting = rows::all(waiting, &mut *c, rows::contact).await?;
        due_at_once(c, self.account, &waiting, self.now).await?;
        self.is_due(c, contact).await
    }

    async fn assign(&self, c: &mut Connection, contact: &ContactKey, customer: &CustomerId) -> Result<(), StoreError> {
        let known = self.prior(c, contact).await?;
        let excluded = |prior: &Prior| prior.judged.as_ref().is_some_and(|j| j.state == ContactState::Excluded);
        known.filter(|prior| !excluded(prior)).ok_or_else(|| StoreError::NoContact(contact.clone()))?;
        self.rule(c, contact, std::slice::from_ref(customer), Ruling::Same).await?;
        let pair = |sql: &'static str| {
            let (account, shop) = (self.account.as_str(), contact.shop.as_str());
            query(sql).bind(account).bind(shop).bind(contact.id.get()).bind(customer.as_str())
        };
        pair(UNRULE_OTHERS).execute(&mut *c).await.map_err(failed)?;
        let approve = pair(APPROVE_PAIR).bind(self.now.millis()).bind(self.by);
        approve.execute(&mut *c).await.map_err(failed)?;
        self.is_due(c, contact).await
    }

    async fn prior(&self, c: &mut Connection, contact: &ContactKey) -> Result<Option<Prior>, StoreError> {
        let mut known = known::priors(c, self.account, std::slice::from_ref(contact)).await?;
        Ok(known.remove(contact).map(|(prior, _)| prior))
    }
}
