//! What a sync takes for granted, asked of the systems themselves: the store, each shop, the account. Sends reads only
//! and makes nothing; only [`probe`], on a customer the operator names, writes, and puts back.
//!
//! An assumption that fails ends nothing: what can still be asked is asked, so that a person sees everything at once.
//! What could not be asked because of it is *unknown*.

pub mod account;
mod forms;
pub mod postgres;
pub mod probe;
pub mod shop;
pub mod sqlite;
pub mod state;

use serde::Serialize;

use crate::{
    http::Cause,
    model::finding::{Finding, Standing},
};

/// A finding, and what it was found of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// `configuration`, `store`, `shop main`, `vivocha`, `traces`.
    pub section: String,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
}

/// Everything that was found, section by section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In the order in which a person would go through them.
    pub findings: Vec<Entry>,
    /// Whether nothing is contradicted.
    pub ok: bool,
}

impl Default for Report {
    fn default() -> Self {
        Self { findings: Vec::new(), ok: true }
    }
}

impl Report {
    /// Adds what was found of a section.
    pub fn add(&mut self, section: impl Into<String>, findings: Vec<Finding>) {
        let section = section.into();
        self.ok &= findings.iter().all(|finding| finding.verdict != Standing::Contradicted);
        self.findings.extend(findings.into_iter().map(|finding| Entry { section: section.clone(), finding }));
    }

    /// How many findings have this verdict.
    #[must_use]
    pub fn count(&self, verdict: Standing) -> usize {
        self.findings.iter().filter(|entry| entry.finding.verdict == verdict).count()
    }
}

/// The settings that a failed call may be about.
struct Keys {
    address: String,
    timeout: String,
    whom: &'static str,
}

/// The finding that a failed call makes: its errors say what happened and, behind a colon, what to do.
fn contradicted(subject: impl Into<String>, cause: &Cause, keys: &Keys) -> Finding {
    let (text, advice) = told(cause, keys);
    let advice = if advice.is_empty() { format!("ask {} what that means", keys.whom) } else { advice };
    Finding::new(subject, Standing::Contradicted, text, &advice)
}

/// The same, where a refusal of what was sent has its own remedy.
fn refused(subject: impl Into<String>, cause: &Cause, keys: &Keys, remedy: &str) -> Finding {
    let found = contradicted(subject, cause, keys);
    let of_what_was_sent = match cause {
        Cause::Refused(text) => !text.starts_with("AccessDenied"),
        Cause::Status { status, meaning: _ } => matches!(status, 400 | 413 | 414 | 431 | 500),
        Cause::Connect { .. }
        | Cause::Tls { .. }
        | Cause::Timeout(_)
        | Cause::Broken
        | Cause::TooLarge(_)
        | Cause::Redirect(_)
        | Cause::LookAgain
        | Cause::Protocol(_) => false,
    };
    if of_what_was_sent { Finding { advice: Some(remedy.to_owned()), ..found } } else { found }
}

fn told(cause: &Cause, keys: &Keys) -> (String, String) {
    let Keys { address, timeout, whom } = keys;
    let advice = match cause {
        Cause::Connect { .. } => format!("check {address}, its entry in the DNS, and what stands between (a firewall)"),
        Cause::Tls { .. } => {
            format!("check {address} and the certificate there; a company's own authority is named in http.ca_bundle")
        }
        Cause::Timeout(_) => {
            format!("ask {whom} whether it is slow or down; raise {timeout} if it is always this slow")
        }
        Cause::Broken => format!("check again; if it stays so, ask {whom}"),
        Cause::TooLarge(_) => format!("check {address}: something else than {whom} may be answering there"),
        Cause::Status { status, meaning } => {
            let (what, advice) = meaning.split_once(": ").unwrap_or((meaning, ""));
            return (format!("HTTP {status}: {what}"), advice.to_owned());
        }
        Cause::Redirect(_) | Cause::LookAgain | Cause::Protocol(_) => {
            let text = cause.to_string();
            let (what, advice) = text.split_once(": ").unwrap_or((&text, ""));
            return (what.to_owned(), advice.to_owned());
        }
        Cause::Refused(text) => match text.split_once(": ") {
            // The one refusal that is an operator's to lift; the others name a field first.
            Some(("AccessDenied", grant)) => {
                return ("the app was not granted this method (AccessDenied)".to_owned(), grant.to_owned());
            }
            Some(_) | None => return (text.clone(), String::new()),
        },
    };
    (cause.to_string(), advice)
}

/// Whether the system was not so much as reached.
fn unreached(cause: &Cause) -> bool {
    match cause {
        Cause::Connect { .. } | Cause::Tls { .. } | Cause::Timeout(_) | Cause::Broken => true,
        Cause::TooLarge(_)
        | Cause::Redirect(_)
        | Cause::Status { .. }
        | Cause::Protocol(_)
        | Cause::LookAgain
        | Cause::Refused(_) => false,
    }
}

/// What can only be told once something else is right.
const FIRST: &str = "set right what is contradicted, and check again";

fn status(cause: &Cause) -> Option<u16> {
    match cause {
        Cause::Status { status, meaning: _ } => Some(*status),
        Cause::Connect { .. }
        | Cause::Tls { .. }
        | Cause::Timeout(_)
        | Cause::Broken
        | Cause::TooLarge(_)
        | Cause::Redirect(_)
        | Cause::Protocol(_)
        | Cause::LookAgain
        | Cause::Refused(_) => None,
    }
}
