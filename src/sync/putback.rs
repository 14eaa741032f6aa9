//! Putting back: where an update made fields vanish that were not sent, they are sent as they stood. A write like any other: declared
//! before its first byte is sent, and settled.

use serde_json::{Map, Value};

use super::{
    Bridge, Tenure,
    apply::{Job, declaration},
};
use crate::{
    http::Verdict,
    model::Customer,
    plan::fields::Patch,
    store::{PageRecord, WriteId, WriteOutcome},
    vivocha::Writer,
};

/// Why such a write is made, as it is declared.
const WHY: &str = "put-back";

/// Fields that stood before, were not sent, and are gone.
pub(super) fn lost(before: &Customer, after: &Customer, sent: &Map<String, Value>) -> Vec<String> {
    let stands = |document: &Map<String, Value>, field: &str| document.get(field).is_some_and(|value| !value.is_null());
    before
        .document
        .keys()
        .filter(|field| !sent.contains_key(*field))
        .filter(|field| stands(&before.document, field) && !stands(&after.document, field))
        .cloned()
        .collect()
}

/// Puts back what was lost, with everything that stands: such a server wants the whole document. `now` is how it was read last. Answers
/// what became of it, in words. Where it cannot be declared (somebody paused all writing, or the person was erased, in just that
/// moment) nothing is sent.
pub(super) async fn restore(
    bridge: &Bridge,
    tenure: &Tenure,
    job: &Job<'_>,
    before: &Customer,
    patch: &Patch,
    now: Customer,
) -> &'static str {
    const UNDECLARED: &str = "they were not put back, because that could not be declared first: restore them by hand, from Vivocha's own history of the customer";
    let Some(writer) = &bridge.writer else { return FAILED };
    if now.id != before.id {
        // Somebody else's fields are no part of hers.
        return FAILED;
    }
    // Of ours only what the patch wrote: declared values are taken for ours by whoever has to find out what became of them, and the
    // rest of the document is not.
    let declared = bridge.store.declare(&tenure.lease(), &[declaration(bridge, job, patch, WHY)]).await;
    let Ok(&[write]) = declared.as_deref() else { return UNDECLARED };
    // What has to be put back is put back though somebody asked to stop.
    let (outcome, told) = put(bridge, writer.under(tenure.permit(None)), before, &patch.body(), now).await;
    settle(bridge, tenure, job, write, outcome).await;
    told
}

const FAILED: &str = "they could not be put back: restore them by hand, from Vivocha's own history of the customer";
const THERE: &str = "they were put back, and read to be there";

/// Sends until it was applied, within the bounds of any write; each time on what stands by then.
async fn put(
    bridge: &Bridge,
    mut writer: Writer,
    before: &Customer,
    sent: &Map<String, Value>,
    mut now: Customer,
) -> (WriteOutcome, &'static str) {
    let mut tried = 0;
    loop {
        let put = writer.update(&before.id, whole(before, sent, &now, &bridge.rules.naming.id)).await;
        let outcome = match &put {
            Ok(_) => WriteOutcome::Applied,
            Err(error) if error.verdict == Verdict::Unknown => WriteOutcome::Unknown,
            Err(_) => WriteOutcome::NotApplied,
        };
        let not_sent = put.as_ref().is_err_and(|error| error.verdict == Verdict::Retry);
        if put.is_err() && !not_sent {
            return (outcome, FAILED);
        }
        if not_sent {
            tried += 1;
            match writer.again(tried).await {
                Some(again) => writer = again,
                None => return (outcome, FAILED),
            }
        }
        now = match bridge.reader.get(&before.id).await {
            Ok(Some(now)) if lost(before, &now, sent).is_empty() => return (outcome, THERE),
            Ok(Some(now)) if not_sent && now.id == before.id => now,
            Ok(_) | Err(_) => return (outcome, FAILED),
        };
    }
}

/// A document as it was, with what was sent, and with what stands by now where anything does.
fn whole(before: &Customer, sent: &Map<String, Value>, now: &Customer, id: &str) -> Map<String, Value> {
    let standing = now.document.iter().filter(|(_, value)| !value.is_null());
    let mut whole = before.document.clone();
    whole.extend(sent.clone());
    whole.extend(standing.map(|(field, value)| (field.clone(), value.clone())));
    whole.remove(id);
    whole
}

/// Records the outcome. Where that fails it is one more write whose outcome is not known: the next run finds it out.
async fn settle(bridge: &Bridge, tenure: &Tenure, job: &Job<'_>, write: WriteId, outcome: WriteOutcome) {
    let empty = PageRecord::empty(job.run, bridge.shop_name().clone(), bridge.clock.now());
    let record = PageRecord { settled: vec![(write, outcome)], ..empty };
    if let Err(error) = bridge.store.record(&tenure.lease(), &record).await {
        tracing::warn!(%error, "what became of a customer that was put back could not be recorded");
    }
}
