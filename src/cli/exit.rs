//! Exit codes, and the failures that carry them. Scripts read these; they are settled.

use std::fmt;

use crate::{
    config::Problems,
    http::CallError,
    model::run::{Outcome, RunReport},
    store::StoreError,
    sync::{PassError, tenure::NoTenure},
};

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; contacts that wait or are invalid do not change that.
    Done,
    /// Failed.
    Failed,
    /// The command line or the configuration is wrong.
    Usage,
    /// Done, and some contacts are parked.
    Parked,
    /// A safeguard stopped it.
    Held,
    /// Another process works on the account.
    Busy,
    /// A signal stopped it: its number.
    Signal(u8),
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Parked => 3,
            Self::Held => 4,
            Self::Busy => 5,
            Self::Signal(number) => 128 + number,
        }
    }

    /// The graver of two: 1 outranks 4 outranks 3; a signal and a wrong configuration outrank them all.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |exit: Self| match exit {
            Self::Done => 0,
            Self::Parked => 1,
            Self::Busy => 2,
            Self::Held => 3,
            Self::Failed => 4,
            Self::Usage => 5,
            Self::Signal(_) => 6,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// Why a command failed, and with which code.
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// What happened and what to do.
    pub error: anyhow::Error,
}

impl Failure {
    /// A mistake on the command line or in what it names.
    pub fn usage(text: impl fmt::Display) -> Self {
        Self { exit: Exit::Usage, error: anyhow::anyhow!("{text}") }
    }

    /// Anything else.
    pub fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Failed, error: error.into() }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:#}", self.exit, self.error)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self { exit: Exit::Usage, error: problems.into() }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::failed(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::WrongKey
            | StoreError::Sealed(_)
            | StoreError::NoProposal(_)
            | StoreError::NotOpen { .. }
            | StoreError::Expired { .. }
            | StoreError::InDoubtYet(_)
            | StoreError::NoHold(_)
            | StoreError::NoLink(_)
            | StoreError::NoContact(_)
            | StoreError::NoErasure(_)
            | StoreError::SameShop { .. } => Exit::Usage,
            StoreError::LeaseLost
            | StoreError::Paused
            | StoreError::Erased(_)
            | StoreError::TooNew { .. }
            | StoreError::TooOld { .. }
            | StoreError::Inconsistent(_)
            | StoreError::Open { .. }
            | StoreError::Full
            | StoreError::InDoubt(_)
            | StoreError::Unreachable(_)
            | StoreError::ReadOnly(_)
            | StoreError::Database(_) => Exit::Failed,
        };
        Self { exit, error: error.into() }
    }
}

impl From<NoTenure> for Failure {
    fn from(error: NoTenure) -> Self {
        match error {
            NoTenure::Busy(busy) => Self { exit: Exit::Busy, error: busy.into() },
            NoTenure::Store(error) => error.into(),
            NoTenure::Stopped => Self::failed(error),
        }
    }
}

impl From<PassError> for Failure {
    fn from(error: PassError) -> Self {
        let error = match error {
            PassError::Store(error) => return error.into(),
            error => error,
        };
        let exit = match &error {
            PassError::Held(_) | PassError::Paused | PassError::Doubted { .. } => Exit::Held,
            PassError::NoSuchContacts => Exit::Usage,
            PassError::Call(_)
            | PassError::Store(_)
            | PassError::Outage { .. }
            | PassError::Stopped
            | PassError::LeaseLost
            | PassError::Incomplete { .. }
            | PassError::StillDoubted
            | PassError::Overrides { .. }
            | PassError::Canary { .. }
            | PassError::NotReadBack { .. }
            | PassError::Seal(_)
            | PassError::Unbalanced { .. } => Exit::Failed,
        };
        Self { exit, error: error.into() }
    }
}

/// The code of a run. `signal` is the one that asked it to stop; `standing`: the hold that stopped it stood before.
#[must_use]
pub fn of_run(report: &RunReport, signal: Option<u8>, standing: bool) -> Exit {
    match report.outcome {
        Outcome::Done => Exit::Done,
        Outcome::Parked => Exit::Parked,
        Outcome::Held if standing => Exit::Done,
        Outcome::Held => Exit::Held,
        Outcome::Stopped => signal.map_or(Exit::Failed, Exit::Signal),
        Outcome::Running | Outcome::Failed => Exit::Failed,
    }
}

/// An error with its causes, each said once: many errors already say what caused them.
#[must_use]
pub fn chain(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
