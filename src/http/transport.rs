//! What carries one try of a call: a trait, so that the engine above it runs without sockets in tests and simulations.
//!
//! It neither retries nor judges, and the total deadline of a try is the engine's.

use async_trait::async_trait;

use super::call::{Answer, Call, Cause};

/// Carries one try.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends the call and brings back the whole answer, whatever its status.
    ///
    /// Dropping the future abandons the try.
    ///
    /// # Errors
    /// Where no whole answer came back.
    async fn send(&self, call: &Call) -> Result<Answer, TransportError>;
}

/// A try without a whole answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cause}")]
pub struct TransportError {
    /// Why.
    #[source]
    pub cause: Cause,
    /// `false` only where the request certainly never left: no name, no connection, no TLS.
    pub sent: bool,
}

impl TransportError {
    /// The request never left.
    #[must_use]
    pub fn unsent(cause: Cause) -> Self {
        Self { cause, sent: false }
    }

    /// The request may have arrived.
    #[must_use]
    pub fn sent(cause: Cause) -> Self {
        Self { cause, sent: true }
    }
}
