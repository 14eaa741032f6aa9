//! Every span there is, in one place: what it is called and what it tells. A trace per run, in it a span per page, per phase that is not a
//! page, per merge, and per request that was sent.
//!
//! ```text
//! sync ─┬─ contacts.count
//!       ├─ doubts ──── customers.get
//!       ├─ due ─────── contacts.get · customers.search · customers.update
//!       ├─ page ────── contacts.find · customers.search · customers.update
//!       ├─ page ────── contacts.find
//!       └─ merging ─┬─ merge ───── contacts.get · customers.get · customers.merge
//!                   └─ survivors ─ contacts.get · customers.update
//! ```
//!
//! Only spans of this file leave the process ([`is_ours`]): not those of libraries, and no line of the log. So what is told is what stands
//! here, attribute by attribute, and none of them takes an address, a text of a vendor's or an id of a customer. Where nobody asks for
//! traces a span costs next to nothing.

use std::time::Duration;

use tracing::{Metadata, Span, field::Empty, info_span};

use crate::model::run::{Counts, MergeCounts, Outcome, Pass, RunReport};

/// What marks the spans of this file.
const TARGET: &str = "anagrafe::traces";

/// Whether this is a span of this file.
#[must_use]
pub fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == TARGET
}

/// A run: the root of its trace, also where it runs between two pages of another, which it then names as a link.
#[must_use]
pub fn run(pass: Pass, account: &str, shop: &str, dry: bool) -> Span {
    let around = Span::current();
    let span = info_span!(
        target: TARGET,
        parent: None,
        "run",
        "otel.name" = pass.as_str(),
        "otel.status_code" = Empty,
        "anagrafe.account" = account,
        "anagrafe.shop" = shop,
        "anagrafe.pass" = pass.as_str(),
        "anagrafe.dry_run" = dry,
        "anagrafe.run" = Empty,
        "anagrafe.outcome" = Empty,
        "anagrafe.read" = Empty,
        "anagrafe.updates" = Empty,
        "anagrafe.gone" = Empty,
        "anagrafe.contacts.unchanged" = Empty,
        "anagrafe.contacts.linked" = Empty,
        "anagrafe.contacts.updated" = Empty,
        "anagrafe.contacts.unmatched" = Empty,
        "anagrafe.contacts.waiting" = Empty,
        "anagrafe.contacts.parked" = Empty,
        "anagrafe.contacts.invalid" = Empty,
        "anagrafe.contacts.excluded" = Empty,
        "anagrafe.contacts.surveyed" = Empty,
        "anagrafe.merges.proposed" = Empty,
        "anagrafe.merges.merged" = Empty,
        "anagrafe.merges.refused" = Empty,
        "anagrafe.merges.unknown" = Empty,
        "anagrafe.merges.held" = Empty,
        "error.type" = Empty,
    );
    span.follows_from(&around);
    span
}

/// A run ended, and `error`, in a word, is what ended it early.
pub fn ran(span: &Span, report: &RunReport, error: Option<&'static str>) {
    if span.is_disabled() {
        return;
    }
    let RunReport { run, outcome, read, counts, gone, merges, updates, .. } = report;
    span.record("anagrafe.run", run.0);
    span.record("anagrafe.outcome", outcome.as_str());
    let Counts { unchanged, linked, updated, unmatched, waiting, parked, invalid, excluded, surveyed } = *counts;
    let MergeCounts { proposed, merged, refused, unknown, held } = *merges;
    for (name, count) in [
        ("anagrafe.read", *read),
        ("anagrafe.updates", *updates),
        ("anagrafe.gone", *gone),
        ("anagrafe.contacts.unchanged", unchanged),
        ("anagrafe.contacts.linked", linked),
        ("anagrafe.contacts.updated", updated),
        ("anagrafe.contacts.unmatched", unmatched),
        ("anagrafe.contacts.waiting", waiting),
        ("anagrafe.contacts.parked", parked),
        ("anagrafe.contacts.invalid", invalid),
        ("anagrafe.contacts.excluded", excluded),
        ("anagrafe.contacts.surveyed", surveyed),
        ("anagrafe.merges.proposed", proposed),
        ("anagrafe.merges.merged", merged),
        ("anagrafe.merges.refused", refused),
        ("anagrafe.merges.unknown", unknown),
        ("anagrafe.merges.held", held),
    ] {
        span.record(name, number(count));
    }
    if let Some(error) = error {
        span.record("error.type", error);
    }
    // Held and stopped are what a person asked for, by a safeguard or a signal.
    if *outcome == Outcome::Failed {
        span.record("otel.status_code", "ERROR");
    }
}

/// A run could not be begun, or its report not be recorded.
pub fn failed(span: &Span, error: &'static str) {
    span.record("error.type", error);
    span.record("otel.status_code", "ERROR");
}

/// A part of a run that is not a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Merges of earlier runs whose outcome was not known.
    Doubts,
    /// Contacts that are due by themselves.
    Due,
    /// Contacts that a person named.
    Named,
    /// Who was not found where she was.
    Vanished,
    /// What is authorised is merged.
    Merging,
    /// Contacts whose customers were merged are looked at again.
    Survivors,
    /// All is read once more, for a new key of the store: after a run, and a trace of its own.
    Rotation,
}

impl Phase {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Doubts => "doubts",
            Self::Due => "due",
            Self::Named => "named",
            Self::Vanished => "vanished",
            Self::Merging => "merging",
            Self::Survivors => "survivors",
            Self::Rotation => "rotation",
        }
    }
}

/// A part of a run that is not a page.
#[must_use]
pub fn phase(phase: Phase) -> Span {
    info_span!(target: TARGET, "phase", "otel.name" = phase.as_str())
}

/// A page of the shop, from the moment it is asked for: the next one is in flight while one is worked on, so pages overlap.
#[must_use]
pub fn page(after: i64) -> Span {
    info_span!(target: TARGET, "page", "anagrafe.after" = after, "anagrafe.last" = Empty, "anagrafe.contacts" = Empty)
}

/// A page arrived: its last id, and how many contacts it holds.
pub fn arrived(page: &Span, last: i64, contacts: usize) {
    page.record("anagrafe.last", last);
    page.record("anagrafe.contacts", number(contacts as u64));
}

/// A proposal that is carried out: everything it rests on is read again, and what of it is authorised still is merged.
#[must_use]
pub fn merge() -> Span {
    info_span!(
        target: TARGET,
        "merge",
        "otel.status_code" = Empty,
        "anagrafe.merged" = Empty,
        "anagrafe.refused" = Empty,
        "anagrafe.unknown" = Empty,
        "anagrafe.failed" = Empty,
        "error.type" = Empty,
    )
}

/// What came of a proposal; `error`, in a word, is what ends the run.
pub fn merged(merge: &Span, (merged, refused, unknown, failed): (u64, u64, u64, u64), error: Option<&'static str>) {
    for (name, count) in [
        ("anagrafe.merged", merged),
        ("anagrafe.refused", refused),
        ("anagrafe.unknown", unknown),
        ("anagrafe.failed", failed),
    ] {
        merge.record(name, number(count));
    }
    if let Some(error) = error {
        self::failed(merge, error);
    }
}

/// What is told of a request. Not where it goes below the host: paths and queries hold ids and searches.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    /// The system, as the operator names it.
    pub system: &'a str,
    /// What is called.
    pub call: &'static str,
    /// The verb.
    pub method: &'a str,
    /// Host and port.
    pub server: (Option<&'a str>, Option<u16>),
    /// How often the same call was sent before.
    pub resent: u32,
    /// How long it waited for its turn.
    pub waited: Duration,
}

/// A request, from its first byte to the whole answer. One that is sent again is another span; one that never was sent is none.
#[must_use]
pub fn call(sent: &Sent<'_>) -> Span {
    let Sent { system, call, method, server: (host, port), resent, waited } = *sent;
    info_span!(
        target: TARGET,
        "call",
        "otel.name" = call,
        "otel.kind" = "client",
        "otel.status_code" = Empty,
        "http.request.method" = method,
        "http.request.resend_count" = (resent > 0).then_some(i64::from(resent)),
        "http.response.status_code" = Empty,
        "server.address" = host,
        "server.port" = port.map(i64::from),
        "anagrafe.system" = system,
        "anagrafe.waited_ms" = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX),
        "anagrafe.verdict" = Empty,
        "error.type" = Empty,
    )
}

/// A request was answered with that status, or not at all, and this is made of it. One that is abandoned has no verdict.
pub fn answered(call: &Span, status: Option<u16>, verdict: &'static str, error: Option<&'static str>) {
    call.record("http.response.status_code", status.map(i64::from));
    call.record("anagrafe.verdict", verdict);
    let Some(error) = error else { return };
    match status.filter(|status| *status >= 400) {
        Some(status) => call.record("error.type", status.to_string()),
        None => call.record("error.type", error),
    };
    call.record("otel.status_code", "ERROR");
}

/// As a number: an unsigned one would be told as a text.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
