//! What ends a run. Failing one contact is an outcome and ends nothing.

use crate::{
    http::CallError,
    model::{CustomerId, hold::Hold, time::Moment},
    store::{StoreError, seal::Unsealable},
};

/// What ends a run before its end.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// A call failed in a way that no other call would mend.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A safeguard stopped it.
    #[error("hold {}: {}", .0.id, .0.what.reason)]
    Held(Box<Hold>),
    /// One cause keeps too many contacts from being handled.
    #[error(
        "{count} contacts of this run could not be handled for one reason, so it is an outage and not their fault: {cause}; nothing of this page was recorded; run again once it is over"
    )]
    Outage {
        /// How many.
        count: u64,
        /// Why.
        cause: String,
    },
    /// A signal.
    #[error("stopped by a signal; what was done is recorded, and the next run goes on from there")]
    Stopped,
    /// Writing is paused.
    #[error("writing is paused: `anagrafe resume` lets it go on")]
    Paused,
    /// The store went back in time.
    #[error(
        "the store went back in time (found {since}): it was restored from a copy, or failed over, and what was done since is not in it. Nothing is written before a resync has looked at everything again: run `anagrafe resync`"
    )]
    Doubted {
        /// When that was found.
        since: Moment,
    },
    /// A reading of the whole shop did not read it whole.
    #[error(
        "this reading of the shop is not complete: {doubt}. Nothing is concluded from it about anybody who was not read, and the next run reads again; if it happens again, look at what the key may read, and ask Open2b"
    )]
    Incomplete {
        /// The figures.
        doubt: String,
    },
    /// A resync of a store in doubt could not look at everybody.
    #[error(
        "not everybody could be looked at again, because a contact could not be read or its customers not searched for: the store stays in doubt, and nothing is written. Run `anagrafe resync` once more; the log says what failed"
    )]
    StillDoubted,
    /// A person asked for contacts by their ids, and there is none of them.
    #[error("none of these contacts exists: nothing was done; look for them with `anagrafe contacts find`")]
    NoSuchContacts,
    /// Another process has the account's lease now.
    #[error("this process could not prove its lease on the account any more, so it stopped writing; run again")]
    LeaseLost,
    /// An update took fields away that were not ours.
    #[error(
        "Vivocha dropped fields that were not sent when customer {customer} was updated ({fields}); {restored}. No further update was sent, and writing is paused. Ask Vivocha how a partial update is made for this account, set vivocha.endpoints.update accordingly, then `anagrafe resume`"
    )]
    Overrides {
        /// Whose.
        customer: CustomerId,
        /// Which: names of fields only.
        fields: String,
        /// What became of them.
        restored: &'static str,
    },
    /// The first update was not there when it was read back.
    #[error(
        "the first update of this run answered as if it were done, but customer {customer}, read back, does not show it. No further update was sent. Run `anagrafe check`, and look at vivocha.endpoints.update"
    )]
    Canary {
        /// Whose.
        customer: CustomerId,
    },
    /// An update was answered, and the customer could not be read back: whether it was applied is not known.
    #[error("customer {customer} was updated, and could not be read back: {error}")]
    NotReadBack {
        /// Whose.
        customer: CustomerId,
        /// Why not.
        #[source]
        error: CallError,
    },
    /// What a customer was before a merge could not be sealed: nothing was sent.
    #[error("what a customer was before a merge could not be kept, so nothing was merged: {0}")]
    Seal(#[source] Unsealable),
    /// The figures of the report do not add up: a defect of Anagrafe.
    #[error("{read} contacts were read and {counted} accounted for: this is a defect of Anagrafe; please report it")]
    Unbalanced {
        /// Read.
        read: u64,
        /// Counted.
        counted: u64,
    },
}

impl PassError {
    /// In a word, for traces.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Call(error) => error.cause.as_str(),
            Self::Store(_) => "store",
            Self::Held(_) => "held",
            Self::Outage { .. } => "outage",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Doubted { .. } => "doubted",
            Self::Incomplete { .. } => "incomplete",
            Self::StillDoubted => "still-doubted",
            Self::NoSuchContacts => "no-such-contacts",
            Self::LeaseLost => "lease-lost",
            Self::Overrides { .. } => "overrides",
            Self::Canary { .. } => "canary",
            Self::NotReadBack { .. } => "not-read-back",
            Self::Seal(_) => "seal",
            Self::Unbalanced { .. } => "unbalanced",
        }
    }
}
