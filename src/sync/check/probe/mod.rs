//! The write probe: what an update does, measured on a customer that the operator names, and put back.
//!
//! ```text
//! get ─▶ searches in every form ─▶ nickname ─▶ search lag ─▶ put back ─▶ each blank ─▶ put back ─▶ e-mail, number, ids as they stand ─▶ put back
//! ```
//!
//! The field that changes for a moment is the nickname, and only one that stands in the document (what is absent could not
//! be made absent again). Identifiers are sent only as they stand. The first write is to the field whose loss is borne
//! most easily; nothing bolder follows unless it was put back. Whatever ends the probe, putting back comes after it. What it
//! finds speaks of fields by name and never of what stands in them.
//!
//! Each of its writes is declared as one by hand: it is of no run and for nobody the shop knows, and one that named a contact would be
//! taken for what we wrote for her.

mod back;
mod lag;
mod told;
mod trial;
mod value;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use self::{told::Told, trial::Trial};
use super::{account::keys, contradicted, forms};
use crate::{
    http::{CallError, Verdict},
    model::{
        Customer, CustomerId,
        finding::{Finding, Standing},
    },
    plan::normalise::Region,
    store::{Store, StoreError},
    sync::{PassError, Tenure, by_hand::Hand},
    vivocha::{Reader, Writer},
};

/// A probe, ready to be made.
pub struct WriteProbe<'a> {
    /// Reads.
    pub reader: &'a Reader,
    /// Where each write is declared, and whether any may be.
    pub store: Arc<dyn Store>,
    /// Who asked for it.
    pub by: String,
    /// The account's lease.
    pub tenure: &'a Tenure,
    /// On whom.
    pub customer: CustomerId,
    /// The field of `[fields] ids`.
    pub ids: String,
    /// Where a number without a country belongs.
    pub region: Region,
    /// Random, so that what is written is found once only.
    pub nonce: [u8; 12],
    /// Deadline of a call: no write is sent that the lease does not outlive.
    pub timeout: Duration,
    /// How long after a write ended without an answer it may still be applied.
    pub late_apply: Duration,
    /// How long a changed value is waited for in searches.
    pub lag: Duration,
    /// Asks to stop.
    pub stop: CancellationToken,
}

/// What was found, and what ended it early.
#[derive(Debug)]
pub struct Probed {
    /// Findings, in the order in which they were made; the last says whether everything is as before.
    pub findings: Vec<Finding>,
    /// Paused, stopped, the lease lost, the store failed.
    pub ended: Option<PassError>,
}

/// Why the steps end before the last one. The finding is made already, or follows from the error.
enum End {
    /// A finding says it.
    Told,
    /// Not by what Vivocha did.
    Broken(PassError),
}

impl From<PassError> for End {
    fn from(error: PassError) -> Self {
        Self::Broken(error)
    }
}

/// A write that was answered, or has failed.
struct Answered {
    answer: Result<Customer, CallError>,
    documented: bool,
    /// When it ended, answered or not: what is in doubt may still be applied for so long from here on.
    ended: Instant,
}

/// A write that was made.
struct Sent {
    /// What the answer said, or why there is none.
    answer: Result<Customer, CallError>,
    /// Whether the document came with the answer, and had not to be read.
    documented: bool,
    /// The customer as read by id afterwards.
    now: Customer,
}

const SUBJECT: &str = "customer";

impl WriteProbe<'_> {
    /// Makes it.
    pub async fn run(&self) -> Probed {
        let mut told = Told::default();
        let before = match self.reader.get(&self.customer).await {
            Ok(Some(found)) if found.id == self.customer => found,
            Ok(other) => return Probed { findings: vec![self.nobody(other.as_ref())], ended: None },
            Err(error) => return Probed { findings: vec![contradicted(SUBJECT, &error.cause, &keys())], ended: None },
        };
        told.findings.extend(forms::finds(self.reader, &before, self.region).await);
        let mut trial = Trial::new(before, &self.reader.options().naming.id);
        let mut doubt = None;
        let ended = match self.steps(&mut trial, &mut doubt, &mut told).await {
            Ok(()) | Err(End::Told) => None,
            Err(End::Broken(error)) => {
                told.unfinished(&error);
                Some(error)
            }
        };
        if trial.touched() {
            let back = self.put_back(&trial, doubt).await;
            told.findings.push(back.finding(&self.customer));
        }
        Probed { findings: told.findings, ended }
    }

    async fn steps(&self, trial: &mut Trial, doubt: &mut Option<Instant>, told: &mut Told) -> Result<(), End> {
        let field = self.reader.options().naming.nickname.clone();
        self.recover(trial, doubt, told, &field).await?;
        let Some(standing) = trial.before.document.get(&field).cloned() else {
            told.findings.push(self.no_field(&field));
            return Err(End::Told);
        };
        self.change(trial, doubt, told, &field, &standing).await?;
        let found = told.findings.iter().all(|found| !forms::is_about_finding(found));
        told.findings.push(self.search_lag(trial, &field, found).await);
        self.between(trial, doubt, told).await?;
        for (blank, name) in [(Value::from(""), "an empty text"), (Value::Null, "a null")] {
            let sent = self.write(trial, doubt, &field, blank).await?;
            if !told.blanked(name, &field, &standing, &sent) {
                return Err(End::Told);
            }
            // Each for itself: of two blanks in a row nobody could tell whether the second has been applied yet.
            self.between(trial, doubt, told).await?;
        }
        for (key, field) in self.as_they_stand() {
            self.resend(trial, doubt, told, key, &field).await?;
        }
        Ok(())
    }

    /// A probe that was killed left its text, and in it what stood before.
    async fn recover(
        &self,
        trial: &mut Trial,
        doubt: &mut Option<Instant>,
        told: &mut Told,
        field: &str,
    ) -> Result<(), End> {
        let left = trial.before.document.get(field).cloned();
        let Some((left, original)) = left.and_then(|left| value::original(&left).map(|original| (left, original)))
        else {
            return Ok(());
        };
        self.may_write().await?;
        trial.before.document.insert(field.to_owned(), original);
        trial.note(field, left);
        told.findings.push(Finding::new(
            SUBJECT,
            Standing::Confirmed,
            format!("an earlier check was killed before it had put `{field}` back; it is put back now"),
            "",
        ));
        self.between(trial, doubt, told).await
    }

    /// The first write: to one field, read back by id.
    async fn change(
        &self,
        trial: &mut Trial,
        doubt: &mut Option<Instant>,
        told: &mut Told,
        field: &str,
        standing: &Value,
    ) -> Result<(), End> {
        let nonce = value::nonce(self.nonce);
        let (Some(long), Some(short)) = (value::probe(standing, &nonce), value::brief(standing, &nonce)) else {
            let text = format!("`{field}` holds something that is not a text, so nothing was changed");
            told.findings.push(Finding::new(SUBJECT, Standing::Unknown, text, "name another customer"));
            return Err(End::Told);
        };
        let mut text = long;
        let mut sent = self.write(trial, doubt, field, text.clone().into()).await?;
        if sent.answer.as_ref().is_err_and(|error| super::status(&error.cause) == Some(400)) && text != short {
            // Perhaps for its length alone; whether it is, the next answer tells.
            let refused = sent.answer;
            text = short;
            sent = self.write(trial, doubt, field, text.clone().into()).await?;
            if sent.answer.is_ok() {
                told.too_long(refused);
            }
        }
        if told.updated(trial, field, &text, &sent) { Ok(()) } else { Err(End::Told) }
    }

    /// An update with what stands, of a field that must not be changed.
    async fn resend(
        &self,
        trial: &mut Trial,
        doubt: &mut Option<Instant>,
        told: &mut Told,
        key: &'static str,
        field: &str,
    ) -> Result<(), End> {
        let naming = &self.reader.options().naming;
        let standing = trial::of(&trial.before.document, field).clone();
        let form = told::form(key, &standing, self.region);
        if standing.is_null() || form == told::Form::Blank {
            told.absent(key, field);
            return Ok(());
        }
        if told.cut.is_some_and(|cut| standing.as_str().is_some_and(|text| text.chars().count() > cut)) {
            let text = format!("`{field}` was not sent as it stands: this account would cut it");
            told.findings.push(Finding::new(
                format!("customers.update {key}"),
                Standing::Unknown,
                text,
                told::ASK_LENGTH,
            ));
            return Ok(());
        }
        debug_assert!(field != naming.id, "the configuration refuses the id as a target");
        let sent = self.write(trial, doubt, field, standing.clone()).await?;
        if told.resent(key, field, &standing, form, &sent) { Ok(()) } else { Err(End::Told) }
    }

    fn as_they_stand(&self) -> Vec<(&'static str, String)> {
        let naming = &self.reader.options().naming;
        vec![("email", naming.email.clone()), ("phone", naming.telnum.clone()), ("ids", self.ids.clone())]
    }

    /// One field, under everything that a write obeys; and what is read by id afterwards.
    async fn write(
        &self,
        trial: &mut Trial,
        doubt: &mut Option<Instant>,
        field: &str,
        value: Value,
    ) -> Result<Sent, End> {
        self.may_write().await?;
        trial.note(field, value.clone());
        let sent = Map::from_iter([(field.to_owned(), value)]);
        let Answered { answer, documented, ended } = self.send(trial, field, &sent).await?;
        if answer.as_ref().is_err_and(|error| error.verdict == Verdict::Unknown) {
            *doubt = Some(ended);
        }
        let now = match self.reader.get(&self.customer).await {
            Ok(Some(now)) if now.id == self.customer => now,
            Ok(_) => return Err(End::Told),
            Err(error) => return Err(PassError::from(answer.err().unwrap_or(error)).into()),
        };
        if trial.shows_last(field, &now) {
            *doubt = None;
            trial.note(field, trial::of(&now.document, field).clone());
        } else if answer.is_ok() && trial::of(&now.document, field) == trial::of(&trial.before.document, field) {
            // Success that does not show: nothing was done, or a read by id lags and it shows later.
            *doubt = Some(ended);
        }
        Ok(Sent { answer, documented, now })
    }

    /// Sends it, again and within bounds while it certainly was not applied: only where another look finds in the field what stood
    /// there before or came from us.
    async fn send(&self, trial: &Trial, field: &str, sent: &Map<String, Value>) -> Result<Answered, End> {
        let reads = || self.reader.calls().get("customers.get").copied().unwrap_or_default();
        let mut writer = self.writer();
        let mut tried = 0;
        loop {
            let reads_before = reads();
            let sending = writer.update(&self.customer, sent.clone());
            let answer = self.hand(false).write(&self.customer, sent, sending).await.map_err(PassError::from)?;
            let ended = Instant::now();
            // The writer reads the customer itself where the answer brings none.
            let documented = reads() == reads_before;
            let not_sent = answer.as_ref().is_err_and(|error| error.verdict == Verdict::Retry);
            let answered = Answered { answer, documented, ended };
            if !not_sent {
                return Ok(answered);
            }
            tried += 1;
            let Some(again) = writer.again(tried).await else { return Ok(answered) };
            writer = again;
            self.may_write().await?;
            match self.reader.get(&self.customer).await {
                Ok(Some(now)) if now.id == self.customer && !trial.back(&now).theirs.contains(field) => {}
                Ok(_) | Err(_) => return Ok(answered),
            }
        }
    }

    /// Writes under the lease at the instant of sending. What has to be put back is put back though somebody asked to stop.
    pub(super) fn writer(&self) -> Writer {
        Writer::new(self.reader.clone()).under(self.tenure.permit(None))
    }

    /// Who writes, as it is declared.
    pub(super) fn hand(&self, puts_back: bool) -> Hand<'_> {
        let (store, tenure) = (Arc::clone(&self.store), Some(self.tenure));
        Hand { store, tenure, why: "check --write-probe", by: self.by.clone(), puts_back }
    }

    /// Whether a write may be sent: nobody asked to stop, nothing is paused, the lease stands and outlives the call.
    async fn may_write(&self) -> Result<(), PassError> {
        if self.stop.is_cancelled() {
            return Err(PassError::Stopped);
        }
        match self.store.declare(&self.tenure.lease(), &[]).await {
            Ok(_) => self.tenure.covers(self.timeout),
            Err(StoreError::Paused) => Err(PassError::Paused),
            Err(StoreError::LeaseLost) => Err(PassError::LeaseLost),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts back before the next step, which is not made unless that went well.
    async fn between(&self, trial: &Trial, doubt: &mut Option<Instant>, told: &mut Told) -> Result<(), End> {
        let back = self.put_back(trial, doubt.take()).await;
        if back.exact() {
            return Ok(());
        }
        told.findings.push(Finding::new(
            "customers.update",
            Standing::Unknown,
            "the rest was not tried, because what was changed could not be put back as it was",
            "see below what is not as before, and ask Vivocha why",
        ));
        Err(End::Told)
    }

    fn nobody(&self, other: Option<&Customer>) -> Finding {
        let id = &self.customer;
        match other {
            None => Finding::new(
                SUBJECT,
                Standing::Contradicted,
                format!("customer {id} does not exist"),
                "name one that does: its id stands in Vivocha's console and in `anagrafe customers search`",
            ),
            Some(other) => Finding::new(
                SUBJECT,
                Standing::Contradicted,
                format!("customer {id} is {} now: the two were merged; nothing was sent", other.id),
                "name the other, if that is meant",
            ),
        }
    }

    fn no_field(&self, field: &str) -> Finding {
        let id = &self.customer;
        let text = format!(
            "customer {id} has no `{field}`: what is absent could not be made absent again, so nothing was changed"
        );
        let advice = format!("give it one (anagrafe customers update {id} {field}=test), or name another customer");
        Finding::new(SUBJECT, Standing::Unknown, text, &advice)
    }
}
