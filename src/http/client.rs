//! The client of one host: admits, sends, weighs, tries again. It does not know what is said: a judge tells good answers
//! from bad, and the same failure may be retried for a read and be in doubt for a write.

use std::{
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::Duration,
};

use http::{Method, StatusCode};
use tokio::time::{Instant, sleep, timeout};

use super::{
    call::{Answer, Call, CallError, Cause, Judgement, Leave, Safety, Verdict},
    gate::{Gate, Pass, TooLong},
    limits::{Ambient, Limits},
    retry::{Budget, Jitter, backoff, retry_after},
    transport::{Transport, TransportError},
};
use crate::observe::{
    metrics,
    traces::{self, Sent},
};

/// How often whoever waits for its turn asks whether it still may be sent.
const ASK_LEAVE: Duration = Duration::from_secs(1);

/// One host's client. Clones share everything: limits, pauses, budget and counts.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    system: Arc<str>,
    transport: Arc<dyn Transport>,
    limits: Limits,
    gate: Gate,
    wall: super::limits::WallClock,
    memory: Mutex<Memory>,
}

struct Memory {
    budget: Budget,
    jitter: Jitter,
    calls: BTreeMap<&'static str, u64>,
}

/// What is to happen after one try.
enum Next {
    Done(Answer),
    Fail(Verdict, Cause),
    /// Once more, if tries and budget allow; else it fails so, with [`Verdict::Retry`].
    Again(Cause),
}

impl Next {
    /// In a word, for figures.
    const fn verdict(&self) -> &'static str {
        match self {
            Self::Done(_) => "ok",
            Self::Again(_) | Self::Fail(Verdict::Retry, _) => "retry",
            Self::Fail(Verdict::Park, _) => "park",
            Self::Fail(Verdict::Stop, _) => "stop",
            Self::Fail(Verdict::Unknown, _) => "unknown",
        }
    }

    const fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Done(_) => None,
            Self::Fail(_, cause) | Self::Again(cause) => Some(cause),
        }
    }
}

impl Client {
    /// A client for the host that `system` names in errors: `shop main`, `vivocha`.
    #[must_use]
    pub fn new(system: &str, transport: Arc<dyn Transport>, limits: Limits) -> Self {
        Self::with(system, transport, limits, Ambient::real())
    }

    /// The same in a world of the caller's.
    #[must_use]
    pub fn with(system: &str, transport: Arc<dyn Transport>, limits: Limits, ambient: Ambient) -> Self {
        let memory = Memory { budget: Budget::new(), jitter: Jitter::new(ambient.seed), calls: BTreeMap::new() };
        Self {
            inner: Arc::new(Inner {
                system: system.into(),
                transport,
                gate: Gate::new(&limits),
                limits,
                wall: ambient.wall,
                memory: Mutex::new(memory),
            }),
        }
    }

    /// Makes a call: waits for its turn, sends it, and again where that is safe and may help.
    ///
    /// Reads are tried again after a failure to connect, a timeout, a broken connection, and where the judge says so. Writes
    /// only where they certainly were not applied: never left, or refused with 429; otherwise they are in doubt. One that is
    /// to be sent [`Safety::Once`] then fails with [`Verdict::Retry`]. Dropping the future abandons the call and frees what it
    /// held.
    ///
    /// # Errors
    /// With a verdict: what to do about it.
    pub async fn call(
        &self,
        call: Call,
        judge: &(dyn Fn(&Answer) -> Judgement + Send + Sync),
    ) -> Result<Answer, CallError> {
        if !call.paid {
            self.memory().budget.earn();
        }
        let mut tried = 0_u32;
        loop {
            let next = self.one_try(&call, tried + 1, judge).await;
            tried += 1;
            let cause = match next {
                Next::Done(answer) => return Ok(answer),
                Next::Fail(verdict, cause) => return Err(self.failed(call.name, verdict, cause)),
                Next::Again(cause) => cause,
            };
            if call.safety == Safety::Once || !self.pay(tried).await {
                return Err(self.failed(call.name, Verdict::Retry, cause));
            }
            tracing::debug!(system = &*self.inner.system, call = call.name, tried, %cause, "the call is tried again");
        }
    }

    /// Pays for one more try of a call that was tried so often, from the budget that bounds all retries, and waits as is fit
    /// between the two; false where no more are to be made. Whoever calls anew on its own account then says so
    /// ([`Call::paid`]).
    pub async fn pay(&self, tried: u32) -> bool {
        if tried >= self.inner.limits.tries || !self.memory().budget.spend() {
            return false;
        }
        // A pause of the whole host passes meanwhile; the drawn part keeps calls that failed together apart.
        sleep(self.draw(backoff(self.inner.limits.backoff, tried))).await;
        true
    }

    /// How long a turn takes at the pace of this host.
    #[must_use]
    pub fn turn(&self) -> Duration {
        let rate = self.inner.limits.rate;
        rate.per / rate.calls.max(1)
    }

    /// A failure found after the judge was content, under this system's name.
    #[must_use]
    pub fn failed(&self, call: &'static str, verdict: Verdict, cause: Cause) -> CallError {
        CallError { system: Arc::clone(&self.inner.system), call, verdict, cause }
    }

    /// Requests so far, by call name; each retry is a request.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.memory().calls.clone()
    }

    async fn one_try(&self, call: &Call, number: u32, judge: &(dyn Fn(&Answer) -> Judgement + Send + Sync)) -> Next {
        let (mut entering, asked) = (std::pin::pin!(self.inner.gate.enter()), Instant::now());
        let pass = loop {
            let entered = timeout(ASK_LEAVE, entering.as_mut()).await;
            // Nobody waits out a long pause for what is not permitted any more.
            if let Some(kept) = Self::kept_back(call) {
                return kept;
            }
            match entered {
                Ok(Ok(pass)) => break pass,
                Ok(Err(TooLong(left))) => return Next::Fail(Verdict::Retry, paused(left)),
                Err(_elapsed) => {}
            }
        };
        let left = {
            let mut memory = self.memory();
            *memory.calls.entry(call.name).or_default() += 1;
            memory.budget.left()
        };
        let (system, begun) = (&*self.inner.system, Instant::now());
        metrics::admitted(system, begun - asked, self.inner.gate.allowed(), left);
        let span = traces::call(&Sent {
            system,
            call: call.name,
            method: call.method.as_str(),
            server: (call.url.host_str(), call.url.port_or_known_default()),
            resent: number - 1,
            waited: begun - asked,
        });
        let mut status = None;
        let next = match timeout(call.timeout, self.send(call)).await {
            Ok(Ok(answer)) => {
                status = Some(answer.status.as_u16());
                self.weigh(call, answer, number, &pass, judge)
            }
            Ok(Err(error)) => {
                if matches!(error.cause, Cause::Timeout(_)) {
                    pass.overloaded();
                }
                weigh_failure(call.safety, error)
            }
            Err(_elapsed) => {
                pass.overloaded();
                weigh_failure(call.safety, TransportError::sent(Cause::Timeout(call.timeout)))
            }
        };
        metrics::call(system, call.name, next.verdict(), begun.elapsed());
        traces::answered(&span, status, next.verdict(), next.cause().map(Cause::as_str));
        next
    }

    /// What becomes of a call that may not be sent now.
    fn kept_back(call: &Call) -> Option<Next> {
        match call.permit.as_ref()?.begins(call.timeout) {
            Leave::Granted => None,
            Leave::LookAgain => Some(Next::Fail(Verdict::Retry, Cause::LookAgain)),
            Leave::Refused => {
                let cause = "not sent: it was not permitted any more when its turn came";
                Some(Next::Fail(Verdict::Stop, Cause::Protocol(cause.into())))
            }
        }
    }

    /// Sends for as long as that is permitted. What is abandoned may have been sent.
    async fn send(&self, call: &Call) -> Result<Answer, TransportError> {
        let mut sending = std::pin::pin!(self.inner.transport.send(call));
        poll_fn(|context| match &call.permit {
            Some(permit) if !permit.goes_on() => Poll::Ready(Err(TransportError::sent(Cause::Broken))),
            Some(_) | None => sending.as_mut().poll(context),
        })
        .await
    }

    /// Decides what a whole answer means; a pause it asks for is called before the pass is given back, so that nobody slips by.
    fn weigh(
        &self,
        call: &Call,
        answer: Answer,
        number: u32,
        pass: &Pass<'_>,
        judge: &(dyn Fn(&Answer) -> Judgement + Send + Sync),
    ) -> Next {
        // A HEAD asks where something is: for the judge its redirect is an answer. Nobody follows that one either.
        if answer.status.is_redirection() && call.method != Method::HEAD {
            return Next::Fail(Verdict::Stop, Cause::Redirect(answer.status.as_u16()));
        }
        let judgement = judge(&answer);
        let throttled = answer.status == StatusCode::TOO_MANY_REQUESTS;
        let overloaded = throttled || answer.status == StatusCode::SERVICE_UNAVAILABLE;
        if overloaded {
            pass.overloaded();
        }
        let again = matches!(judgement, Judgement::Again(_));
        let asked = if again || overloaded { retry_after(&answer.headers, (self.inner.wall)()) } else { None };
        if let Some(wait) = asked {
            self.inner.gate.pause(wait);
        } else if throttled {
            let most = backoff(self.inner.limits.throttle_backoff, number);
            self.inner.gate.pause(most / 2 + self.draw(most / 2));
        }
        match judgement {
            Judgement::Good => {
                pass.went_well(call.name);
                Next::Done(answer)
            }
            Judgement::Fail(verdict, cause) => Next::Fail(verdict, cause),
            Judgement::Again(cause) => match asked {
                _ if call.safety.changes() && !throttled => Next::Fail(Verdict::Unknown, cause),
                Some(wait) if wait > self.inner.limits.longest_wait => Next::Fail(Verdict::Retry, paused(wait)),
                Some(_) | None => Next::Again(cause),
            },
        }
    }

    fn draw(&self, most: Duration) -> Duration {
        self.memory().jitter.up_to(most)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.inner.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("system", &self.inner.system).finish_non_exhaustive()
    }
}

/// Decides what a try without an answer means.
fn weigh_failure(safety: Safety, error: TransportError) -> Next {
    let TransportError { cause, sent } = error;
    if sent && safety.changes() {
        return Next::Fail(Verdict::Unknown, cause);
    }
    match cause {
        Cause::Connect { .. } | Cause::Timeout(_) | Cause::Broken => Next::Again(cause),
        // A certificate does not become right, nor an answer shorter, by asking again.
        Cause::Tls { .. }
        | Cause::TooLarge(_)
        | Cause::Redirect(_)
        | Cause::Status { .. }
        | Cause::Protocol(_)
        | Cause::LookAgain
        | Cause::Refused(_) => Next::Fail(Verdict::Stop, cause),
    }
}

/// In whole minutes, so that calls that fail for it together fail with equal causes.
fn paused(left: Duration) -> Cause {
    let minutes = left.as_secs().div_ceil(60);
    let left = humantime::format_duration(Duration::from_secs(minutes * 60));
    Cause::Protocol(format!("asked not to be called for another {left}, longer than a run waits: run again after that"))
}
