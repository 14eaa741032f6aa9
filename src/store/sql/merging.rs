//! Merges, declared and settled. A declaration asks everything that could forbid it within its own transaction; a settlement carries over
//! all that was known of the customer that is gone.

use std::collections::BTreeSet;

use super::{
    Connection, decisions,
    due::due_now,
    erasures,
    failure::failed,
    known::PAUSED,
    links, merges,
    proposals::US,
    rows::{all, contact, customer, customer_in, json},
    statement::{query, query_scalar},
};
use crate::{
    model::{
        AccountName, ContactKey, CustomerId,
        hold::{Hold, HoldKind, NewHold},
        merge::{AuthorisedBy, Doubt, Merge, MergeId, MergeOutcome},
        proposal::{Authority, ProposalId, ProposalState, Proposed},
        run::RunId,
        time::Moment,
    },
    store::{BEFORE_KEPT, Declared, Lease, MergeStep, NewMerge, NotDeclared, StoreError},
};

/// Merges of one of them whose outcome is open, and updates of one of them that nobody knows the outcome of.
pub(super) const IN_DOUBT: &str = "
    SELECT survivor AS customer FROM merges
     WHERE account = $1 AND survivor IN (SELECT atom FROM json_each($2))
       AND (outcome IS NULL OR outcome = 'unknown' OR outcome = 'person')
     UNION
    SELECT absorbed FROM merges
     WHERE account = $1 AND absorbed IN (SELECT atom FROM json_each($2))
       AND (outcome IS NULL OR outcome = 'unknown' OR outcome = 'person')";
pub(super) const UPDATE_IN_DOUBT: &str = "
    SELECT COUNT(*) FROM writes
     WHERE account = $1 AND customer IN (SELECT atom FROM json_each($2)) AND (outcome IS NULL OR outcome = 'unknown')";
pub(super) const GONE: &str = "
    SELECT COUNT(*) FROM merges WHERE account = $1 AND gone IN (SELECT atom FROM json_each($2))";
pub(super) const PARTED: &str = "
    SELECT one, other FROM parted
     WHERE account = $1 AND one IN (SELECT atom FROM json_each($2)) AND other IN (SELECT atom FROM json_each($2))";
pub(super) const SHOP_IN_DOUBT: &str = "
    SELECT COUNT(*) FROM shops WHERE account = $1 AND (shop = $2 OR $2 = '') AND doubted_at IS NOT NULL";
pub(super) const DECLARE: &str = "
    INSERT INTO merges (account, proposal, run, epoch, shop, id, survivor, absorbed, authorised_by, evidence, rests_on, declared_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING merge";
pub(super) const KEEP_BEFORE: &str = "
    INSERT INTO befores (merge, customer, account, under, sealed, at)
    SELECT $2, value ->> 0, $1, value ->> 1, value ->> 2, $4 FROM json_each($3)";
pub(super) const FORGET_BEFORES: &str = "DELETE FROM befores WHERE account = $1 AND at <= $2";
/// What is certain stays.
pub(super) const SETTLE: &str = "
    UPDATE merges SET outcome = $3, settled_at = $4, detail = $5, remains = $6, gone = $7, doubt_boot = $8, doubt_uptime = $9
     WHERE account = $1 AND merge = $2 AND (outcome IS NULL OR outcome = 'unknown' OR outcome = 'person')
    RETURNING merge";
pub(super) const ONE: &str = "
    SELECT merge, proposal, run, epoch, shop, id, survivor, absorbed, authorised_by, evidence, declared_at, outcome, settled_at,
           detail, remains, doubt_boot, doubt_uptime
      FROM merges WHERE account = $1 AND merge = $2";
/// One that was refused, or sent in vain twice, since a person approved it is not simply sent again: her approval is used up.
pub(super) const USED_UP: &str = "
    UPDATE proposals SET state = 'open', changed_at = $3, changed_by = $4
     WHERE account = $1 AND proposal = $2 AND state = 'approved'
       AND (EXISTS (SELECT 1 FROM merges m WHERE m.account = $1 AND m.proposal = $2 AND m.outcome = 'refused'
                                                AND m.declared_at >= proposals.changed_at)
         OR (SELECT COUNT(*) FROM merges m WHERE m.account = $1 AND m.proposal = $2 AND m.outcome = 'not-applied'
                                                AND m.declared_at >= proposals.changed_at) >= 2)";
pub(super) const DONE: &str = "
    UPDATE proposals SET state = $3, changed_at = $4, changed_by = $5
     WHERE account = $1 AND proposal = $2 AND kind = 'merge' AND state IN ('open', 'approved')
    RETURNING shop, id";
pub(super) const GONE_OF: &str = "
    SELECT gone AS customer FROM merges WHERE account = $1 AND proposal = $2 AND gone IS NOT NULL";
pub(super) const CARRY_RULINGS: &str = "
    INSERT INTO rulings (account, shop, id, customer, ruling, decided_by, decided_at)
    SELECT account, shop, id, $3, ruling, decided_by, decided_at FROM rulings WHERE account = $1 AND customer = $2
    ON CONFLICT (account, shop, id, customer) DO NOTHING";
pub(super) const PARTED_FROM: &str = "
    SELECT CASE WHEN one = $2 THEN other ELSE one END AS customer FROM parted WHERE account = $1 AND (one = $2 OR other = $2)";
pub(super) const PART: &str = "
    INSERT INTO parted (account, one, other, decided_by, decided_at)
    SELECT $1, value ->> 0, value ->> 1, $3, $4 FROM json_each($2) WHERE TRUE
    ON CONFLICT (account, one, other) DO NOTHING";
pub(super) const SUPERSEDE: &str = "
    UPDATE holds SET released_at = $3, released_by = $4
     WHERE account = $1 AND shop = $2 AND kind = 'merges' AND released_at IS NULL AND hold <> $5";
pub(super) const HOLD_EACH: &str = "
    INSERT INTO held_merges (account, proposal, hold) SELECT $1, atom, $3 FROM json_each($2) WHERE TRUE
    ON CONFLICT (account, proposal, hold) DO NOTHING";

pub(super) async fn declare(
    c: &mut Connection,
    account: &AccountName,
    lease: &Lease,
    merge: &NewMerge,
) -> Result<Declared, StoreError> {
    if let Some(why) = forbidden(c, account, merge).await? {
        return Ok(Declared::Refused(why));
    }
    let contact = merge.contact.as_ref().map(|(key, _)| key);
    let by = match &merge.authorised_by {
        AuthorisedBy::Rules => None,
        AuthorisedBy::Person(name) => Some(name),
    };
    let name = account.as_str();
    let id: i64 = query_scalar(DECLARE)
        .bind(name)
        .bind(&merge.proposal.0)
        .bind(merge.run.map(|run| run.0))
        .bind(lease.epoch)
        .bind(contact.map(|key| key.shop.as_str()))
        .bind(contact.map(|key| key.id.get()))
        .bind(merge.survivor.as_str())
        .bind(merge.absorbed.as_str())
        .bind(by)
        .bind(json(&merge.evidence)?)
        .bind(json(&merge.rests_on)?)
        .bind(merge.at.millis())
        .fetch_one(&mut *c)
        .await
        .map_err(failed)?;
    let rows: Vec<_> = merge.before.iter().map(|sealed| (&sealed.customer, sealed.under, &sealed.text)).collect();
    let keep = query(KEEP_BEFORE).bind(name).bind(id).bind(json(&rows)?).bind(merge.at.millis());
    keep.execute(&mut *c).await.map_err(failed)?;
    let old = merge.at.before(BEFORE_KEPT).millis();
    query(FORGET_BEFORES).bind(name).bind(old).execute(c).await.map_err(failed)?;
    Ok(Declared::Made(MergeId(id)))
}

/// Why it must not be sent, if it must not.
async fn forbidden(
    c: &mut Connection,
    account: &AccountName,
    merge: &NewMerge,
) -> Result<Option<NotDeclared>, StoreError> {
    let paused: i64 = query_scalar(PAUSED).bind(account.as_str()).fetch_one(&mut *c).await.map_err(failed)?;
    if paused > 0 {
        return Err(StoreError::Paused);
    }
    let pair = json(&[&merge.survivor, &merge.absorbed])?;
    if let Some((key, hashes)) = &merge.contact {
        let known_by = [(key.id, hashes.email, hashes.phone)].into_iter();
        if !erasures::excluded(c, account, &key.shop, known_by).await?.is_empty() {
            return Err(StoreError::Erased(vec![key.clone()]));
        }
    }
    // One that is about no contact rests on what the store knows of all of them.
    let shop = merge.contact.as_ref().map_or("", |(key, _)| key.shop.as_str());
    let doubted = query_scalar::<i64>(SHOP_IN_DOUBT).bind(account.as_str()).bind(shop);
    if doubted.fetch_one(&mut *c).await.map_err(failed)? > 0 {
        return Ok(Some(NotDeclared::NotAuthorised));
    }
    let about = |sql: &'static str| query(sql).bind(account.as_str()).bind(pair.as_str());
    let number = |sql: &'static str| query_scalar::<i64>(sql).bind(account.as_str()).bind(pair.as_str());
    if !about(IN_DOUBT).fetch_all(&mut *c).await.map_err(failed)?.is_empty()
        || number(UPDATE_IN_DOUBT).fetch_one(&mut *c).await.map_err(failed)? > 0
    {
        return Ok(Some(NotDeclared::InDoubt));
    }
    if number(GONE).fetch_one(&mut *c).await.map_err(failed)? > 0 {
        return Ok(Some(NotDeclared::MergedAlready));
    }
    if !about(PARTED).fetch_all(&mut *c).await.map_err(failed)?.is_empty() {
        return Ok(Some(NotDeclared::DifferentPeople));
    }
    if !authorised(c, account, merge).await? {
        return Ok(Some(NotDeclared::NotAuthorised));
    }
    let (automatic, approved) = merges::today(c, account, merge.at).await?;
    let today = if merge.authorised_by.is_automatic() { automatic } else { approved };
    Ok((today >= merge.most_a_day).then_some(NotDeclared::OverTheDay))
}

/// Whether the proposal has, now, the authority under which it is to be carried out.
async fn authorised(c: &mut Connection, account: &AccountName, merge: &NewMerge) -> Result<bool, StoreError> {
    let Some(kept) = decisions::proposal(c, account, &merge.proposal).await? else {
        // By hand: the authority is the person's who sends it.
        return Ok(merge.run.is_none() && !merge.authorised_by.is_automatic());
    };
    Ok(match (&merge.authorised_by, kept.state) {
        (AuthorisedBy::Rules, ProposalState::Open) => {
            kept.proposal.authority == Authority::Automatic && kept.held_by.is_none()
        }
        (AuthorisedBy::Person(_), ProposalState::Approved) => true,
        (
            AuthorisedBy::Rules | AuthorisedBy::Person(_),
            ProposalState::Open
            | ProposalState::Approved
            | ProposalState::Rejected
            | ProposalState::Withdrawn
            | ProposalState::Done,
        ) => false,
    })
}

pub(super) async fn settle(
    c: &mut Connection,
    account: &AccountName,
    step: &MergeStep,
    now: Moment,
) -> Result<(), StoreError> {
    match step {
        MergeStep::Settled { id, outcome, detail, remains, doubt } => {
            let settled = Settled { outcome: *outcome, detail, remains: remains.as_ref(), doubt: doubt.as_ref() };
            settle_one(c, account, *id, &settled, now).await
        }
        MergeStep::Dropped { proposal } => end(c, account, proposal, ProposalState::Withdrawn, now).await,
    }
}

/// How a merge ended.
pub(super) struct Settled<'a> {
    pub outcome: MergeOutcome,
    pub detail: &'a str,
    pub remains: Option<&'a CustomerId>,
    pub doubt: Option<&'a Doubt>,
}

/// Settles a merge, once: of one that is settled for certain nothing changes.
pub(super) async fn settle_one(
    c: &mut Connection,
    account: &AccountName,
    id: MergeId,
    settled: &Settled<'_>,
    now: Moment,
) -> Result<(), StoreError> {
    let name = account.as_str();
    let row = query(ONE).bind(name).bind(id.0).fetch_optional(&mut *c).await.map_err(failed)?;
    let merge = merges::merge(&row.ok_or(StoreError::Inconsistent("a merge that was never declared"))?)?;
    let remains = settled.remains.filter(|_| settled.outcome == MergeOutcome::Applied);
    let gone = remains.map(|remains| if *remains == merge.survivor { &merge.absorbed } else { &merge.survivor });
    let uptime = settled.doubt.map(|doubt| i64::try_from(doubt.uptime.as_millis()).unwrap_or(i64::MAX));
    let settle = query(SETTLE)
        .bind(name)
        .bind(id.0)
        .bind(settled.outcome.as_str())
        .bind(now.millis())
        .bind(settled.detail)
        .bind(remains.map(CustomerId::as_str))
        .bind(gone.map(CustomerId::as_str))
        .bind(settled.doubt.map(|doubt| doubt.boot.as_str()))
        .bind(uptime);
    if settle.fetch_optional(&mut *c).await.map_err(failed)?.is_none() {
        return Ok(());
    }
    if let Some((remains, gone)) = remains.zip(gone) {
        carry_over(c, account, gone, remains, now).await?;
        done_if_whole(c, account, &merge.proposal, now).await?;
    }
    if matches!(settled.outcome, MergeOutcome::Refused | MergeOutcome::NotApplied) {
        let used_up = query(USED_UP).bind(name).bind(&merge.proposal.0).bind(now.millis()).bind(US);
        used_up.execute(&mut *c).await.map_err(failed)?;
    }
    let Merge { contact, .. } = merge;
    due_now(c, account, contact.as_slice(), now).await
}

/// All that is known of a customer that is gone is known of the one that remains: links, words, and who is due to be looked at.
async fn carry_over(
    c: &mut Connection,
    account: &AccountName,
    gone: &CustomerId,
    remains: &CustomerId,
    now: Moment,
) -> Result<(), StoreError> {
    let name = account.as_str();
    let concerned = super::story::contacts_of(c, account, gone).await?;
    links::carry_over(c, account, gone, remains).await?;
    let carry = query(CARRY_RULINGS).bind(name).bind(gone.as_str()).bind(remains.as_str());
    carry.execute(&mut *c).await.map_err(failed)?;
    let parted = all(query(PARTED_FROM).bind(name).bind(gone.as_str()), &mut *c, customer).await?;
    part(c, account, remains, parted.iter(), US, now).await?;
    let beside = super::story::contacts_of(c, account, remains).await?;
    let due: BTreeSet<ContactKey> = concerned.into_iter().chain(beside).collect();
    due_now(c, account, &due.into_iter().collect::<Vec<_>>(), now).await
}

/// Two people, by a person's word: a customer and each of the others.
pub(super) async fn part(
    c: &mut Connection,
    account: &AccountName,
    one: &CustomerId,
    others: impl Iterator<Item = &CustomerId>,
    by: &str,
    now: Moment,
) -> Result<(), StoreError> {
    let ordered = |other| if one < other { (one, other) } else { (other, one) };
    let pairs: BTreeSet<(&CustomerId, &CustomerId)> = others.filter(|other| *other != one).map(ordered).collect();
    if !pairs.is_empty() {
        let part = query(PART).bind(account.as_str()).bind(json(&pairs)?).bind(by).bind(now.millis());
        part.execute(c).await.map_err(failed)?;
    }
    Ok(())
}

/// A proposal is done once one of its customers is left.
async fn done_if_whole(
    c: &mut Connection,
    account: &AccountName,
    id: &ProposalId,
    now: Moment,
) -> Result<(), StoreError> {
    let Some(kept) = decisions::proposal(c, account, id).await? else { return Ok(()) };
    let Proposed::Merge { survivor, absorbed } = &kept.proposal.proposed else { return Ok(()) };
    let gone: BTreeSet<CustomerId> =
        all(query(GONE_OF).bind(account.as_str()).bind(&id.0), &mut *c, customer).await?.into_iter().collect();
    let left = absorbed.iter().chain([survivor]).filter(|customer| !gone.contains(customer)).count();
    if left <= 1 { end(c, account, id, ProposalState::Done, now).await } else { Ok(()) }
}

/// A proposal of a merge ends, and its contact is due.
async fn end(
    c: &mut Connection,
    account: &AccountName,
    id: &ProposalId,
    state: ProposalState,
    now: Moment,
) -> Result<(), StoreError> {
    let end = query(DONE).bind(account.as_str()).bind(&id.0).bind(state.as_str()).bind(now.millis()).bind(US);
    let contacts = all(end, &mut *c, contact).await?;
    due_now(c, account, &contacts, now).await
}

/// Puts up a hold of these proposals; the one of others that stood falls.
pub(super) async fn hold(
    c: &mut Connection,
    account: &AccountName,
    run: RunId,
    hold: &NewHold,
    proposals: &[ProposalId],
    now: Moment,
) -> Result<Hold, StoreError> {
    debug_assert_eq!(hold.kind, HoldKind::Merges);
    let standing = decisions::hold(c, account, run, hold, now).await?;
    let supersede = query(SUPERSEDE).bind(account.as_str()).bind(hold.shop.as_str()).bind(now.millis()).bind(US);
    supersede.bind(standing.id).execute(&mut *c).await.map_err(failed)?;
    let each = query(HOLD_EACH).bind(account.as_str()).bind(json(proposals)?).bind(standing.id);
    each.execute(c).await.map_err(failed)?;
    Ok(standing)
}

/// Of customers, those that a merge is in doubt for, and the pairs that are two people.
pub(super) async fn of(
    c: &mut Connection,
    account: &AccountName,
    customers: &[CustomerId],
) -> Result<(BTreeSet<CustomerId>, BTreeSet<(CustomerId, CustomerId)>), StoreError> {
    let asked = json(customers)?;
    let about = |sql: &'static str| query(sql).bind(account.as_str()).bind(asked.as_str());
    let in_doubt = all(about(IN_DOUBT), &mut *c, customer).await?;
    let parted = all(about(PARTED), c, |row| Ok((customer_in(row, "one")?, customer_in(row, "other")?))).await?;
    Ok((in_doubt.into_iter().collect(), parted.into_iter().collect()))
}

/// The merges of a proposal whose outcome is open.
pub(super) async fn open_of(
    c: &mut Connection,
    account: &AccountName,
    id: &ProposalId,
) -> Result<Vec<Merge>, StoreError> {
    Ok(all(query(merges::OF).bind(account.as_str()).bind(&id.0), c, merges::merge)
        .await?
        .into_iter()
        .filter(Merge::is_open)
        .collect())
}

/// What the customers of a merge held was written back.
pub(super) const RESTORED: &str = "
    UPDATE merges SET restored_at = $3, restored_by = $4 WHERE account = $1 AND proposal = $2 AND outcome = 'applied'
    RETURNING remains, gone";

pub(super) async fn restored(
    c: &mut Connection,
    account: &AccountName,
    id: &ProposalId,
    by: &str,
    now: Moment,
) -> Result<(), StoreError> {
    let rows = query(RESTORED).bind(account.as_str()).bind(&id.0).bind(now.millis()).bind(by);
    let rows = rows.fetch_all(&mut *c).await.map_err(failed)?;
    for row in &rows {
        let (remains, gone) = (customer_in(row, "remains")?, customer_in(row, "gone")?);
        part(c, account, &remains, [&gone].into_iter(), by, now).await?;
    }
    if rows.is_empty() { Err(StoreError::NoProposal(id.clone())) } else { Ok(()) }
}
