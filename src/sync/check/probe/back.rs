//! Putting a customer back as it was, whatever has happened: a failing call is tried again, a field the account will not
//! take is left out, a write without an answer is waited for. A pause does not keep it from undoing its own; a lost lease
//! does, since another process may work on the account by now.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    SUBJECT, WriteProbe,
    trial::{Back, Trial},
};
use crate::{
    http::{CallError, Verdict},
    model::{
        Customer, CustomerId,
        finding::{Finding, Standing},
    },
    sync::check::status,
};

/// How often a call that fails is made again, and how long apart.
const TRIES: u32 = 5;
const APART: Duration = Duration::from_secs(1);
/// How long a write without an answer is waited for once somebody asked to stop.
const AFTER_A_SIGNAL: Duration = Duration::from_secs(5);
/// How long calls that fail are made again once somebody asked to stop.
const TRYING_AFTER_A_SIGNAL: Duration = Duration::from_secs(10);
/// How often a customer is looked at while such a write is waited for.
const LOOK: Duration = Duration::from_millis(500);

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct PutBack {
    /// Fields that are ours and are not as they were.
    left: BTreeSet<String>,
    /// Fields that somebody else changed meanwhile: left as they are.
    theirs: BTreeSet<String>,
    /// Why it could not be told or done.
    why: Option<String>,
    /// A write without an answer that may still be applied, for so long.
    doubt: Option<Duration>,
}

impl PutBack {
    /// Whether everything of ours is as it was, for certain.
    pub(super) fn exact(&self) -> bool {
        self.left.is_empty() && self.why.is_none() && self.doubt.is_none()
    }

    pub(super) fn finding(&self, id: &CustomerId) -> Finding {
        let list = |fields: &BTreeSet<String>| fields.iter().cloned().collect::<Vec<_>>().join(", ");
        let theirs = if self.theirs.is_empty() {
            String::new()
        } else {
            format!("; changed meanwhile and not by this check, so left as it is: {}", list(&self.theirs))
        };
        if self.exact() {
            let text = format!("put back, and read to be as it was before{theirs}");
            return Finding::new(SUBJECT, Standing::Confirmed, text, "");
        }
        let may_come = self.doubt.map(|left| {
            let left = humantime::format_duration(Duration::from_secs(left.as_secs() + 1));
            format!("a write without an answer may still be applied within {left}")
        });
        if let (Some(may_come), true, None) = (&may_come, self.left.is_empty(), &self.why) {
            let text = format!("customer {id} is as it was now, and {may_come}{theirs}");
            let advice =
                format!("look with `anagrafe customers get {id}` after that; the same check run again puts it back");
            return Finding::new(SUBJECT, Standing::Contradicted, text, &advice);
        }
        let mut parts = Vec::new();
        if !self.left.is_empty() {
            parts.push(format!("not as before: {}", list(&self.left)));
        }
        parts.extend(self.why.clone());
        parts.extend(may_come);
        let text = format!("customer {id} could not be put back: {}{theirs}", parts.join("; "));
        let advice = format!(
            "look with `anagrafe customers get {id}`, and restore it by hand or from Vivocha's own history of it; what the \
             check wrote holds the old text before \"[anagrafe-check\", and the same check run again puts that back"
        );
        Finding::new(SUBJECT, Standing::Contradicted, text, &advice)
    }
}

impl WriteProbe<'_> {
    /// Puts back what is ours. `doubt`: when a write ended that was not answered and has not shown itself.
    pub(super) async fn put_back(&self, trial: &Trial, mut doubt: Option<Instant>) -> PutBack {
        let mut refused: BTreeSet<String> = BTreeSet::new();
        let mut failures = 0;
        let mut hurry = None;
        let mut last: Option<Back> = None;
        loop {
            if self.stop.is_cancelled() && hurry.get_or_insert_with(Instant::now).elapsed() > TRYING_AFTER_A_SIGNAL {
                failures = failures.max(TRIES - 1);
            }
            let now = match self.as_it_stands().await {
                Ok(now) => now,
                Err(why) => {
                    failures += 1;
                    if failures < TRIES {
                        sleep(APART).await;
                        continue;
                    }
                    let left = last.map(|back| back.ours).unwrap_or_default();
                    return PutBack { left, why: Some(why), doubt: self.left_of(doubt), ..PutBack::default() };
                }
            };
            let mut back = trial.back(&now);
            back.send.retain(|field, _| !refused.contains(field));
            if back.ours.is_empty() {
                if self.wait_for(doubt).await {
                    continue;
                }
                return PutBack { theirs: back.theirs, doubt: self.left_of(doubt), ..PutBack::default() };
            }
            // Whatever was in doubt has shown itself.
            doubt = None;
            let stuck = last.as_ref() == Some(&back);
            if back.send.is_empty() || (stuck && failures == 0) || failures >= TRIES {
                let why = stuck.then(|| "the account does not take what stood there".to_owned());
                return PutBack { left: back.ours, theirs: back.theirs, why, doubt: None };
            }
            if self.tenure.covers(self.timeout).is_err() {
                let why = Some("another process may have the account by now, so nothing more is sent".to_owned());
                return PutBack { left: back.ours, theirs: back.theirs, why, doubt: None };
            }
            let (writer, send) = (self.writer(), back.send.clone());
            match self.hand(true).write(&self.customer, &send, writer.update(&self.customer, send.clone())).await {
                Ok(Ok(_)) => failures = 0,
                Err(error) => {
                    let why = Some(format!("it could not be declared first, so nothing was sent: {error}"));
                    return PutBack { left: back.ours, theirs: back.theirs, why, doubt: None };
                }
                Ok(Err(error)) => {
                    let named = named(&error, &back);
                    if named.is_empty() {
                        failures += 1;
                        sleep(APART).await;
                    }
                    refused.extend(named);
                }
            }
            last = Some(back);
        }
    }

    /// The customer, or why it cannot be had.
    async fn as_it_stands(&self) -> Result<Customer, String> {
        match self.reader.get(&self.customer).await {
            Ok(Some(now)) if now.id == self.customer => Ok(now),
            Ok(Some(other)) => Err(format!("it is {} now: somebody merged it meanwhile", other.id)),
            Ok(None) => Err("it is gone: somebody removed it meanwhile".to_owned()),
            Err(error) => Err(error.cause.to_string()),
        }
    }

    /// Waits a little for a write in doubt; false where there is none, or its time is over, or there is no time.
    async fn wait_for(&self, doubt: Option<Instant>) -> bool {
        let Some(left) = self.left_of(doubt) else { return false };
        let since = doubt.map(|at| at.elapsed()).unwrap_or_default();
        if self.stop.is_cancelled() && since > AFTER_A_SIGNAL {
            return false;
        }
        sleep(LOOK.min(left)).await;
        true
    }

    /// How long a write in doubt may still be applied.
    fn left_of(&self, doubt: Option<Instant>) -> Option<Duration> {
        self.late_apply.checked_sub(doubt?.elapsed())
    }
}

/// The fields that a refusal names, of those sent.
fn named(error: &CallError, back: &Back) -> BTreeSet<String> {
    if error.verdict != Verdict::Park || status(&error.cause) != Some(400) {
        return BTreeSet::new();
    }
    let text = error.cause.to_string();
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').collect();
    back.send.keys().filter(|field| words.contains(field.as_str())).cloned().collect()
}
