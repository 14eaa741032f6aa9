//! Apply: the only place that writes customers, page by page: what is planned is declared, then updated one by one (in
//! `super::update`). A run's first write is a canary: alone, read back by id, before any other is in flight.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};

use super::{Bridge, PassError, Tenure, update::Updating};
use crate::{
    http::Cause,
    model::{
        Contact, ContactId, ContactKey, CustomerId, Hashes,
        link::{Baselines, Field},
        run::RunId,
    },
    plan::{evidence::Declared, fields, normalise::Identity, page::ContactPlan},
    store::{Declaration, DeclaredField, StoreError, WriteId, WriteOutcome},
};

/// A contact and what is planned for it.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// As the shop wrote it.
    pub contact: &'a Contact,
    /// Normalised.
    pub identity: &'a Identity,
    /// What is planned.
    pub plan: &'a ContactPlan,
    /// To whom.
    pub customer: &'a CustomerId,
    /// What earlier runs declared for it, and nobody knows whether it was applied, or still will be.
    pub doubted: &'a [Declared],
    /// Within which run.
    pub run: RunId,
}

/// What became of an update.
#[derive(Debug, Clone)]
pub enum Done {
    /// It was sent and came back so.
    Updated(Baselines),
    /// On a second look there was nothing to send.
    Nothing(Baselines),
    /// It failed; the contact is tried again. `doubt`: it may have been applied.
    Failed {
        /// Why, a code.
        cause: String,
        /// Whether it may have been applied.
        doubt: bool,
    },
}

/// What became of the updates of a page. Those that were never tried are missing.
#[derive(Debug, Default)]
pub struct Applied {
    /// By contact.
    pub done: BTreeMap<ContactId, Done>,
    /// Outcomes of what was declared.
    pub settled: Vec<(WriteId, WriteOutcome)>,
    /// Erased while their page was handled: nothing was sent for them.
    pub erased: BTreeSet<ContactId>,
    /// What ends the run, after these are recorded.
    pub stopped: Option<PassError>,
    /// Whether the canary has sung.
    pub canary: bool,
    /// Updates of this page that failed for want of an answer, not for what they are.
    pub troubled: u64,
}

/// So many updates without an answer are an outage: before any has gone well, and after.
const OUTAGE_BEFORE_THE_CANARY: u64 = 3;
const OUTAGE: u64 = 50;
/// Why an update failed that could not be sent or was answered with nothing but "later".
pub(super) const UNREACHABLE: &str = "vivocha-unreachable";

/// Applies the updates of a page. What was done is always answered, also where the run has to stop: it is to be recorded.
///
/// # Errors
/// Only where nothing was sent: writing is paused, or the store failed.
pub async fn apply(bridge: &Bridge, tenure: &Tenure, jobs: &[Job<'_>], canary: bool) -> Result<Applied, PassError> {
    let mut applied = Applied { canary, ..Applied::default() };
    // A dry run takes the plan as it stands for done.
    let Some(writer) = bridge.writer.as_ref().filter(|_| !jobs.is_empty()) else {
        let as_planned = |job: &Job<'_>| (job.contact.id, Done::Updated(job.plan.baselines.clone()));
        applied.done.extend(jobs.iter().map(as_planned));
        return Ok(applied);
    };
    let mut declarations: Vec<Declaration> =
        jobs.iter().map(|job| declaration(bridge, job, &job.plan.patch, &job.plan.reason)).collect();
    let updating = &Updating::new(bridge, tenure, writer);
    let ids = declare(bridge, tenure, &mut declarations, &mut applied).await?;
    let mut declared = jobs.iter().filter(|job| !erased(&applied, job)).zip(ids).collect::<Vec<_>>().into_iter();
    while !applied.canary
        && let Some((job, write)) = declared.next()
    {
        let result = updating.update(job, true).await;
        applied.canary = matches!(result, Ok(Done::Updated(_)));
        if take(&mut applied, job, write, result) {
            applied.settled.extend(declared.map(|(_, write)| (write, WriteOutcome::Stale)));
            return Ok(applied);
        }
    }
    let updates = declared.map(|(job, write)| async move {
        let result = updating.update(job, false).await;
        (job, write, result)
    });
    let mut updates = stream::iter(updates).buffer_unordered(bridge.rules.concurrency);
    // After a reason to stop, what is in flight still ends and is taken; `update` begins nothing new then.
    let mut stopping = false;
    while let Some((job, write, result)) = updates.next().await {
        stopping |= take(&mut applied, job, write, result);
        bridge.watch.applying(applied.settled.len() as u64, jobs.len() as u64);
        if stopping {
            bridge.stop.cancel();
        }
    }
    Ok(applied)
}

/// Declares what is to be sent, without those who were erased meanwhile.
async fn declare(
    bridge: &Bridge,
    tenure: &Tenure,
    declarations: &mut Vec<Declaration>,
    applied: &mut Applied,
) -> Result<Vec<WriteId>, PassError> {
    loop {
        match bridge.store.declare(&tenure.lease(), declarations).await {
            Err(StoreError::Erased(who)) if !who.is_empty() => {
                applied.erased.extend(who.iter().map(|key| key.id));
                declarations.retain(|declaration| !who.contains(&declaration.contact));
            }
            declared => return Ok(declared?),
        }
    }
}

fn erased(applied: &Applied, job: &Job<'_>) -> bool {
    applied.erased.contains(&job.contact.id)
}

/// Notes a result; true where the run has to stop.
fn take(applied: &mut Applied, job: &Job<'_>, write: WriteId, result: Result<Done, PassError>) -> bool {
    let outcome = match &result {
        Ok(Done::Updated(_)) => WriteOutcome::Applied,
        Ok(Done::Nothing(_)) => WriteOutcome::Stale,
        Ok(Done::Failed { doubt: true, .. })
        | Err(PassError::Overrides { .. } | PassError::Canary { .. } | PassError::NotReadBack { .. }) => {
            WriteOutcome::Unknown
        }
        // Who is pointed elsewhere may have been served before.
        Err(PassError::Call(error)) if matches!(error.cause, Cause::Redirect(_)) => WriteOutcome::Unknown,
        // Not sent, or refused for good.
        Ok(Done::Failed { doubt: false, .. }) | Err(_) => WriteOutcome::NotApplied,
    };
    applied.settled.push((write, outcome));
    match result {
        Ok(done) => {
            let outage = outage(applied, &done);
            applied.done.insert(job.contact.id, done);
            let stops = outage.is_some();
            applied.stopped = applied.stopped.take().or(outage);
            stops
        }
        Err(error) => {
            let worse = |old: &PassError| matches!(old, PassError::Stopped);
            if applied.stopped.as_ref().is_none_or(worse) {
                applied.stopped = Some(error);
            }
            true
        }
    }
}

/// Whether one more failure makes it an outage: what fails for want of an answer would fail for everybody.
fn outage(applied: &mut Applied, done: &Done) -> Option<PassError> {
    let Done::Failed { cause, doubt } = done else { return None };
    if !doubt && cause != UNREACHABLE {
        return None;
    }
    applied.troubled += 1;
    let bound = if applied.canary { OUTAGE } else { OUTAGE_BEFORE_THE_CANARY };
    (applied.troubled >= bound).then(|| PassError::Outage { count: applied.troubled, cause: cause.clone() })
}

/// What is declared of a patch before it is sent, and why.
pub(super) fn declaration(bridge: &Bridge, job: &Job<'_>, patch: &fields::Patch, why: &str) -> Declaration {
    let field = |(field, plan): (Field, &fields::FieldPlan)| {
        (field, DeclaredField { source: plan.source, sent: plan.sent, before: plan.before })
    };
    Declaration {
        run: job.run,
        contact: ContactKey { shop: bridge.shop_name().clone(), id: job.contact.id },
        hashes: Hashes::of(job.identity, &bridge.key),
        customer: job.customer.clone(),
        why: why.to_owned(),
        fields: patch.sent().map(field).collect(),
        at: bridge.clock.now(),
    }
}
