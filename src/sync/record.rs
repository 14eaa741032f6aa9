//! Record: what a plan and its application come to, as the store keeps it. Touches nothing but the log.

use std::time::Duration;

use super::{apply::Done, survey::index_entry, tally::Ended};
use crate::{
    model::{ContactId, Keyed, link::Role, state::ContactState, time::Moment},
    plan::{
        evidence::Hashes,
        page::{ContactPlan, QUESTIONED},
        safeguards::{self, Retry},
    },
    store::{ContactRecord, Fingerprint, Judged, LinkChange, LinkRecord, Prior},
};

/// What is the same for every contact of a page.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Now.
    pub now: Moment,
    /// The rules, as fingerprints name them.
    pub rules: String,
    /// After how long it is too late for a write in doubt: it is not tried again before.
    pub too_late: Duration,
    /// `[schedule] recheck_linked`
    pub recheck_linked: Duration,
    /// `[schedule] recheck_unmatched`
    pub recheck_unmatched: Duration,
}

/// Who is recorded.
#[derive(Debug, Clone)]
pub struct About<'a> {
    /// Her id.
    pub id: ContactId,
    /// Her hashes now.
    pub hashes: Hashes,
    /// The hash of her content.
    pub content: Keyed,
    /// What was known of her.
    pub prior: Option<&'a Prior>,
}

/// The record of a contact that was planned. `done` is what became of her update, if one was planned.
#[must_use]
pub fn judged(about: About<'_>, plan: &ContactPlan, done: Option<&Done>, terms: &Terms) -> ContactRecord {
    if let Some(Done::Failed { cause, doubt }) = done {
        // The link is good though the update failed: it is kept, so that what it was found on is not lost.
        let mut record = parked(about, cause, terms);
        if *doubt {
            record.retry_at = record.retry_at.map(|at| at.max(terms.now.after(terms.too_late)));
        }
        if let Some(link) = link(plan, None) {
            record.link = LinkChange::Set(link);
        }
        return record;
    }
    let recheck = match plan.state {
        ContactState::Linked => terms.recheck_linked,
        ContactState::Unmatched
        | ContactState::Waiting
        | ContactState::Parked
        | ContactState::Invalid
        | ContactState::Excluded
        | ContactState::Gone => terms.recheck_unmatched,
    };
    // An invalid contact becomes valid only by an edit, which its fingerprint shows.
    let rechecked = plan.state != ContactState::Invalid;
    let seed = u64::try_from(about.id.get()).unwrap_or(0);
    let was_due = about.prior.and_then(|prior| prior.retry_at);
    let questioned = plan.state == ContactState::Waiting && about.prior.is_some_and(|p| p.link.is_some());
    ContactRecord {
        entry: index_entry(about.id, about.hashes),
        state: plan.state,
        reason: plan.reason.clone(),
        fingerprint: Fingerprint { content: about.content, rules: terms.rules.clone() },
        recheck_at: rechecked.then(|| safeguards::recheck(recheck, seed, terms.now)),
        retry_at: None,
        was_due,
        attempts: 0,
        parked_since: None,
        link: match link(plan, done) {
            Some(link) => LinkChange::Set(link),
            None if questioned && plan.reason == "questioned" => LinkChange::Keep,
            None => LinkChange::Drop,
        },
        proposals: Some(plan.proposals.clone()),
    }
}

fn link(plan: &ContactPlan, done: Option<&Done>) -> Option<LinkRecord> {
    let link = plan.link.as_ref()?;
    let baselines = match (link.role, done) {
        (Role::Owner, Some(Done::Updated(baselines) | Done::Nothing(baselines))) => baselines.clone(),
        (Role::Owner, Some(Done::Failed { .. }) | None) | (Role::Secondary, _) => plan.baselines.clone(),
    };
    Some(LinkRecord {
        customer: link.customer.clone(),
        role: link.role,
        grounds: link.grounds,
        row: link.row.clone(),
        baselines,
        known_as: link.known_as.clone(),
    })
}

/// The record of a contact that could not be handled now. Nothing was judged, so nothing of what a link stands on changes: what it
/// was before stays what it is compared with, and what was in question stays so.
#[must_use]
pub fn parked(about: About<'_>, cause: &str, terms: &Terms) -> ContactRecord {
    let before: Option<&Judged> = about.prior.and_then(|prior| prior.judged.as_ref());
    let attempts = before.map_or(0, |judged| judged.attempts).saturating_add(1);
    let since = before.and_then(|judged| judged.parked_since).unwrap_or(terms.now);
    let (mut state, mut reason, retry_at) = match safeguards::retry(attempts, since, terms.now) {
        Retry::After(span) => (ContactState::Parked, cause.to_owned(), Some(terms.now.after(span))),
        Retry::Never => (ContactState::Waiting, format!("parked-too-long: {cause}"), None),
    };
    if before.is_some_and(|judged| judged.reason == QUESTIONED) {
        (state, reason) = (ContactState::Waiting, QUESTIONED.to_owned());
    }
    let was_due = about.prior.and_then(|prior| prior.retry_at);
    let unread = about.hashes == Hashes::default();
    let kept = about.prior.filter(|prior| unread || prior.link.is_some()).map(|prior| prior.entry.clone());
    // Whom other rules judged they still did: what the changed ones ask for is not let through for her having been parked.
    let rules = before.map_or(&terms.rules, |judged| &judged.fingerprint.rules).clone();
    ContactRecord {
        entry: kept.unwrap_or_else(|| index_entry(about.id, about.hashes)),
        state,
        reason,
        fingerprint: Fingerprint { content: about.content, rules },
        recheck_at: None,
        retry_at,
        was_due,
        attempts,
        parked_since: Some(since),
        link: LinkChange::Keep,
        proposals: None,
    }
}

/// The record of a contact that was parked, and could be handled now, or was gone and is back, and whose update is held: she is that no more, and
/// nothing that was asked for is done. None of anybody else: she stays as she is.
#[must_use]
pub fn held(about: &About<'_>) -> Option<ContactRecord> {
    let prior = about.prior?;
    let before =
        prior.judged.as_ref().filter(|judged| matches!(judged.state, ContactState::Parked | ContactState::Gone))?;
    let was_due = prior.retry_at;
    Some(ContactRecord {
        entry: prior.entry.clone(),
        state: if prior.link.is_some() { ContactState::Linked } else { ContactState::Waiting },
        reason: "held".into(),
        fingerprint: before.fingerprint.clone(),
        recheck_at: None,
        retry_at: None,
        was_due,
        attempts: 0,
        parked_since: None,
        link: LinkChange::Keep,
        proposals: None,
    })
}

/// The record of a page in the making.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What is recorded of each contact.
    pub records: Vec<ContactRecord>,
    /// How each contact read ended.
    pub ended: Vec<Ended>,
    /// The cause of each that was parked.
    pub parked: Vec<String>,
}

impl Draft {
    /// A page of which some contacts have ended already.
    pub fn with(ended: Vec<Ended>) -> Self {
        Self { ended, ..Self::default() }
    }

    pub fn park(&mut self, record: ContactRecord, cause: &str) {
        self.ended.push(Ended::In(record.state));
        self.parked.push(cause.to_owned());
        self.records.push(record);
    }

    pub fn take(&mut self, record: ContactRecord, plan: &ContactPlan, done: Option<&Done>) {
        match done {
            Some(Done::Failed { cause, doubt: _ }) => {
                tracing::warn!(contact = %plan.contact, %cause, "the customer could not be updated; parked");
                self.park(record, cause);
                return;
            }
            Some(Done::Updated(_)) => self.ended.push(Ended::Updated),
            Some(Done::Nothing(_)) | None => self.ended.push(Ended::In(record.state)),
        }
        self.records.push(record);
    }
}
