//! One update: a look, what the look still asks for, and what came of it.
//!
//! Each update is preceded by a `get`, on which the same field rules are evaluated again; only fields that were declared
//! and still change are sent; the answer is compared with what was there. Whatever keeps a write from being sent (a throttle, a
//! host that was not reached, a turn that was long in coming) leads back to the look: an agent may have edited meanwhile, and a
//! person may have paused. If a field that was not sent vanished, it is put back and the run stops.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{
    Bridge, PassError, Tenure,
    apply::{Done, Job, UNREACHABLE},
    putback::{lost, restore},
    stopping::unless_stopped,
};
use crate::{
    http::{CallError, Cause, Verdict},
    model::{
        Customer, Hashes,
        link::{Baselines, Field},
        state::ContactState,
    },
    plan::fields::{self, Patch, Wish},
    store::PageQuery,
    vivocha::{UPDATE, Writer},
};

/// How long a look is good for…
const GOOD_FOR: Duration = Duration::from_secs(5);
/// …or so many turns, where the pace allows no faster one.
const TURNS: u32 = 2;
/// How often a write is looked at anew because its turn was long in coming.
const LOOKS: u32 = 10;

/// Under what the updates of a page are made.
pub(super) struct Updating<'a> {
    bridge: &'a Bridge,
    tenure: &'a Tenure,
    writer: &'a Writer,
    good_for: Duration,
    /// Those whose turn was too long in coming look and write one after the other: then nobody of them stands between the two.
    alone: Mutex<()>,
}

/// What came of one try.
enum Tried {
    Done(Done),
    /// It certainly was not applied, and may be after another look.
    NotSent(CallError),
}

impl<'a> Updating<'a> {
    pub fn new(bridge: &'a Bridge, tenure: &'a Tenure, writer: &'a Writer) -> Self {
        let good_for = GOOD_FOR.max(bridge.reader.turn() * TURNS);
        Self { bridge, tenure, writer, good_for, alone: Mutex::new(()) }
    }

    /// Looks and sends, again and within bounds while it certainly was not applied.
    pub async fn update(&self, job: &Job<'_>, canary: bool) -> Result<Done, PassError> {
        let mut writer = self.writer.clone();
        let (mut tried, mut looks, mut alone) = (0, 0, None);
        loop {
            let error = match self.once(&writer, job, canary).await? {
                Tried::Done(done) => return Ok(done),
                Tried::NotSent(error) => error,
            };
            if error.cause == Cause::LookAgain {
                looks += 1;
                if looks >= LOOKS {
                    return outcome_of(error, "update-failed");
                }
                if alone.is_none() {
                    alone = Some(self.alone.lock().await);
                }
                continue;
            }
            tried += 1;
            match writer.again(tried).await {
                Some(again) => writer = again,
                None => return outcome_of(error, "update-failed"),
            }
        }
    }

    /// One try.
    async fn once(&self, writer: &Writer, job: &Job<'_>, canary: bool) -> Result<Tried, PassError> {
        let Self { bridge, tenure, .. } = self;
        if bridge.stop.is_cancelled() {
            return Err(PassError::Stopped);
        }
        // A pause of the host passes here, if there is one.
        let look = async { Ok::<_, PassError>(bridge.reader.get(job.customer).await) };
        let before = match unless_stopped(&bridge.stop, look).await? {
            Ok(Some(before)) if before.id == *job.customer => before,
            Ok(Some(_)) => return Ok(Tried::Done(failed("customer-absorbed", false))),
            Ok(None) => return Ok(Tried::Done(failed("customer-gone", false))),
            Err(error) => return outcome_of(error, "customer-unreadable").map(Tried::Done),
        };
        // Under the lease at the instant of sending, however long a write waits for its turn, and on this look.
        let writer = writer.under(tenure.permit_on_a_look(Some(bridge.stop.clone()), self.good_for));
        let baselines = settled_by(bridge, job, &before);
        let patch = again(bridge, job, &baselines, &before);
        if patch.is_empty() {
            let settled = patch.settled(&baselines, &before, &bridge.reading());
            return Ok(Tried::Done(Done::Nothing(settled)));
        }
        if bridge.stop.is_cancelled() {
            return Err(PassError::Stopped);
        }
        if erased_since(bridge, job).await? {
            return Ok(Tried::Done(Done::Nothing(job.plan.baselines.clone())));
        }
        tenure.covers(bridge.rules.write_timeout)?;
        let after = match writer.update(job.customer, patch.body()).await {
            Ok(after) => after,
            Err(error) if error.verdict == Verdict::Stop && bridge.stop.is_cancelled() => {
                return Err(PassError::Stopped);
            }
            Err(error) if error.verdict == Verdict::Stop => {
                tenure.covers(bridge.rules.write_timeout)?;
                return outcome_of(error, "update-failed").map(Tried::Done);
            }
            Err(error) if error.verdict == Verdict::Retry && error.call == UPDATE => return Ok(Tried::NotSent(error)),
            Err(error) => return outcome_of(error, "update-failed").map(Tried::Done),
        };
        let sent = Sent { job, baselines: &baselines, before: &before, patch: &patch };
        look_at(bridge, tenure, sent, after, canary).await.map(Tried::Done)
    }
}

/// What persons said since the page was known: that nothing is to be written, or that she is to be forgotten. Asked before each write.
async fn erased_since(bridge: &Bridge, job: &Job<'_>) -> Result<bool, PassError> {
    let Hashes { email, phone, name: _ } = Hashes::of(job.identity, &bridge.key);
    let query = PageQuery {
        shop: bridge.shop_name().clone(),
        ids: vec![job.contact.id],
        identifiers: [email, phone].into_iter().flatten().collect(),
        covers: None,
    };
    let known = bridge.store.known(&query).await?;
    if known.paused {
        return Err(PassError::Paused);
    }
    let judged = known.contacts.get(&job.contact.id).and_then(|prior| prior.judged.as_ref());
    Ok(!known.erased.is_empty() || judged.is_some_and(|judged| judged.state == ContactState::Excluded))
}

/// What was last settled, as of a fresh reading: a write of an earlier run may have been applied only since the page was planned, and
/// what it left there is ours.
fn settled_by(bridge: &Bridge, job: &Job<'_>, fresh: &Customer) -> Baselines {
    let mut baselines = job.plan.baselines.clone();
    baselines.extend(job.doubted.iter().flat_map(|doubted| fields::adopted(fresh, doubted, &bridge.reading())));
    baselines
}

/// The same rules on a fresh reading; what was not declared is not sent.
fn again(bridge: &Bridge, job: &Job<'_>, baselines: &Baselines, fresh: &Customer) -> Patch {
    let wish = Wish {
        shop: bridge.shop_name(),
        contact: job.contact,
        identity: job.identity,
        baselines,
        guard: &job.plan.guard,
    };
    let declared: Vec<Field> = job.plan.writes();
    fields::patch(&wish, fresh, &bridge.reading()).only(&declared)
}

/// An update that was sent.
#[derive(Clone, Copy)]
struct Sent<'a> {
    job: &'a Job<'a>,
    baselines: &'a Baselines,
    /// The customer just before.
    before: &'a Customer,
    patch: &'a Patch,
}

/// Compares what came back with what was there and what was sent.
async fn look_at(
    bridge: &Bridge,
    tenure: &Tenure,
    Sent { job, baselines, before, patch }: Sent<'_>,
    mut after: Customer,
    canary: bool,
) -> Result<Done, PassError> {
    let sent = patch.body();
    let suspicious = after.id != before.id || !lost(before, &after, &sent).is_empty() || !took(&after, before, &sent);
    if canary || suspicious {
        after = match bridge.reader.get(job.customer).await {
            Ok(Some(read)) if read.id == *job.customer => read,
            // Merged into another while the update was under way, which that one may or may not show.
            Ok(Some(_)) => return Ok(failed("customer-absorbed", true)),
            Ok(None) => return Ok(failed("customer-gone", true)),
            // It was answered: whatever keeps it from being read, it may have been applied.
            Err(error) if error.verdict == Verdict::Stop => {
                return Err(PassError::NotReadBack { customer: job.customer.clone(), error });
            }
            Err(error) => return outcome_of(error, "update-not-read-back").map(in_doubt),
        };
    }
    let lost = lost(before, &after, &sent);
    if !lost.is_empty() {
        let restored = restore(bridge, tenure, job, before, patch, after).await;
        return Err(PassError::Overrides { customer: job.customer.clone(), fields: lost.join(", "), restored });
    }
    if took(&after, before, &sent) {
        return Ok(Done::Updated(patch.settled(baselines, &after, &bridge.reading())));
    }
    if canary {
        return Err(PassError::Canary { customer: job.customer.clone() });
    }
    Ok(failed("update-not-applied", false))
}

/// Whether an update did something: a field shows what was sent, or (servers trim) something else than before. A field alone may
/// stay as it was: a server that trims a new value may arrive at the old one.
fn took(after: &Customer, before: &Customer, sent: &Map<String, Value>) -> bool {
    sent.iter().any(|(field, value)| {
        let now = after.document.get(field);
        now == Some(value) || now.unwrap_or(&Value::Null) != before.document.get(field).unwrap_or(&Value::Null)
    })
}

fn failed(cause: &str, doubt: bool) -> Done {
    Done::Failed { cause: cause.into(), doubt }
}

fn in_doubt(done: Done) -> Done {
    match done {
        Done::Failed { cause, doubt: _ } => Done::Failed { cause, doubt: true },
        Done::Updated(_) | Done::Nothing(_) => done,
    }
}

fn outcome_of(error: CallError, cause: &str) -> Result<Done, PassError> {
    match error.verdict {
        Verdict::Stop => Err(error.into()),
        Verdict::Retry => Ok(failed(UNREACHABLE, false)),
        Verdict::Park => Ok(failed(cause, false)),
        Verdict::Unknown => Ok(failed(cause, true)),
    }
}
