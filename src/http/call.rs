//! The values of a call: what is sent, what came back, and what a failure means.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

/// Whether a call may be repeated freely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Safety {
    /// It changes nothing: repeated after any passing failure.
    Read,
    /// It changes something: repeated only where it was certainly not applied (the connection was never made, or 429).
    Write,
    /// As a write, and never repeated here: it rests on what was read just before it, and that is to be read again.
    Once,
}

impl Safety {
    /// Whether it may change something.
    #[must_use]
    pub const fn changes(self) -> bool {
        match self {
            Self::Read => false,
            Self::Write | Self::Once => true,
        }
    }
}

/// What a [`Permit`] says to a call whose turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// It may be sent.
    Granted,
    /// It may not, nor later.
    Refused,
    /// Not on what was read for it: that is too long ago.
    LookAgain,
}

/// What else has to allow a call. What held when it was made may hold no more when its turn comes: turns may be long in coming, and
/// a process may be stopped at any moment and for any time.
pub trait Permit: Send + Sync {
    /// Whether a try that may take this long may begin. Asked in the instant before its first byte.
    fn begins(&self, span: Duration) -> Leave;
    /// Whether one that has begun may go on. Asked whenever anything is done for it.
    fn goes_on(&self) -> bool;
}

/// One call, before it is sent.
#[derive(Clone)]
pub struct Call {
    /// Its name in reports, metrics and errors, as the command line writes it: `contacts.find`, `customers.update`.
    pub name: &'static str,
    /// Read or write.
    pub safety: Safety,
    /// The verb.
    pub method: Method,
    /// The address. Personal (it holds searches): never logged.
    pub url: Url,
    /// Headers besides those of every call.
    pub headers: HeaderMap,
    /// The body, already serialised.
    pub body: Option<Bytes>,
    /// How long one try may take, connecting included.
    pub timeout: Duration,
    /// What else has to allow it, if anything.
    pub permit: Option<Arc<dyn Permit>>,
    /// Whether its caller has paid for it as one more try ([`super::Client::pay`]).
    pub paid: bool,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What came back, decompressed, at most as long as the cap.
#[derive(Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body. Personal.
    pub body: Bytes,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// What a vendor's client makes of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is what was asked for.
    Good,
    /// A throttle or a passing fault: try again, not before `Retry-After`; what it is, for when tries run out.
    Again(Cause),
    /// Trying again would not help.
    Fail(Verdict, Cause),
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// A passing fault that outlasted its retries; the same call may go well later.
    Retry,
    /// This record cannot be handled now; others can.
    Park,
    /// Nothing will go well until a person changes something, or the answers cannot be trusted: end the run.
    Stop,
    /// A write that may have been applied.
    Unknown,
}

/// Why a call failed. Never holds a personal detail: not the address, not the body.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Cause {
    /// The host's name could not be resolved, or nobody listens there.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// Host and port.
        host: String,
        /// In the operating system's words.
        reason: String,
    },
    /// TLS could not be agreed on.
    #[error("TLS with {host} failed: {reason}")]
    Tls {
        /// Host and port.
        host: String,
        /// In the library's words.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// The connection broke before the answer was whole.
    #[error("the connection broke before the answer was complete")]
    Broken,
    /// The answer is longer than the cap.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// A redirect, which is never followed.
    #[error("answered with a redirect ({0}), which is never followed: check the address in the configuration")]
    Redirect(u16),
    /// An HTTP status, with what the vendor's client could make of it.
    #[error("HTTP {status}: {meaning}")]
    Status {
        /// The status.
        status: u16,
        /// What it means and what to do, in our words.
        meaning: String,
    },
    /// An answer that breaks the vendor's protocol.
    #[error("{0}")]
    Protocol(String),
    /// Its turn was so long in coming that what it rests on is to be read again.
    #[error("not sent: what it rests on had been read too long before its turn came")]
    LookAgain,
    /// The vendor refused the request, in its own error type.
    #[error("refused: {0}")]
    Refused(String),
}

impl Cause {
    /// In a word, for traces.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Tls { .. } => "tls",
            Self::Timeout(_) => "timeout",
            Self::Broken => "broken",
            Self::TooLarge(_) => "too-large",
            Self::Redirect(_) => "redirect",
            Self::Status { .. } => "status",
            Self::Protocol(_) => "protocol",
            Self::LookAgain => "look-again",
            Self::Refused(_) => "refused",
        }
    }
}

/// A call that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{system}: {call}: {cause}")]
pub struct CallError {
    /// Which system failed, as the operator names it: `shop main`, `vivocha`.
    pub system: Arc<str>,
    /// [`Call::name`].
    pub call: &'static str,
    /// What to do.
    pub verdict: Verdict,
    /// Why.
    #[source]
    pub cause: Cause,
}
