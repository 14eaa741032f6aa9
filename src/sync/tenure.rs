//! The account's lease while a run lasts: taken, renewed in the background, given back. A write is sent only if what is
//! left of the lease outlives that write's deadline.
//!
//! No clock that can be set has a say in it. The holder counts from the moment it *asked* for the renewal, on a clock that goes on
//! while the machine sleeps; whoever would succeed it watches for longer than the lease lasts and sees no renewal. (A machine that is
//! stopped from outside, clocks and all, cannot know that time went by: there the store's fence is what is left, at the next unit.)

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::{
    PassError,
    clock::{Clock, uptime},
    host,
    watcher::Watcher,
    witness::WitnessFile,
};
use crate::{
    http::{Leave, Permit},
    model::{run::RunId, time::Moment},
    observe::metrics,
    store::{Acquired, Claim, Held, Lease, Store, StoreError, Witness},
};

/// Another process has the account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("busy: {} (pid {} on {}) works on this account until {} at least; wait for it with --wait", .0.holder.purpose, .0.holder.pid, .0.holder.host, .0.expires)]
pub struct Busy(pub Held);

/// Why there is no tenure.
#[derive(Debug, thiserror::Error)]
pub enum NoTenure {
    /// Somebody else has it.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A signal came while it waited.
    #[error("stopped by a signal while another process worked on this account; nothing was done")]
    Stopped,
}

/// Is told each time somebody else is found to have the lease.
pub type OnBusy = Arc<dyn Fn() + Send + Sync>;

/// What a tenure is asked for with.
#[derive(Clone)]
pub struct Candidacy {
    /// Where the lease is.
    pub store: Arc<dyn Store>,
    /// Tells persons the time.
    pub clock: Arc<dyn Clock>,
    /// How long the lease lasts without being renewed.
    pub ttl: Duration,
    /// The longest call that is to be made under it: it is renewed so often that there is always more left.
    pub longest_call: Duration,
    /// What for: `sync`, `resync`.
    pub purpose: &'static str,
    /// Whether to wait while somebody else has it.
    pub wait: bool,
    /// What this machine knows of the store; none for a throw-away copy.
    pub witness: Option<Arc<WitnessFile>>,
    /// Ends the waiting.
    pub stop: CancellationToken,
    /// Is told what is waited for, if anybody asks.
    pub busy: Option<OnBusy>,
}

/// The lease, held.
pub struct Tenure {
    store: Arc<dyn Store>,
    own: Arc<Mutex<Own>>,
    renewal: AbortHandle,
    witness: Option<Arc<WitnessFile>>,
    went_back: bool,
}

struct Own {
    lease: Lease,
    /// When the request that granted it was *sent*, by [`uptime`]: trust is counted from there.
    since: Duration,
    lost: bool,
}

impl Tenure {
    /// Takes the lease. Succeeds a dead holder on this host at once; one elsewhere, or one that hangs, once its lease was watched
    /// for as long as it lasts without being renewed. Waits for a living one if asked to.
    ///
    /// # Errors
    /// [`Busy`] if somebody has it and we are not to wait; or the store failed.
    pub async fn take(candidacy: Candidacy) -> Result<Self, NoTenure> {
        let holder = host::this(candidacy.purpose);
        let mut watcher = Watcher::default();
        let mut succession = None;
        loop {
            let since = uptime();
            let claim = Claim {
                holder: holder.clone(),
                ttl: candidacy.ttl,
                now: candidacy.clock.now(),
                succession: succession.take(),
                witness: candidacy.witness.as_ref().and_then(|witness| witness.seen()),
            };
            let held = match candidacy.store.acquire(&claim).await? {
                Acquired::Ours { lease, went_back } => return Ok(Self::hold(candidacy, lease, since, went_back)),
                Acquired::Busy(held) => held,
            };
            candidacy.busy.iter().for_each(|busy| busy());
            succession = watcher.look(&held, host::is_dead(&held.holder), uptime());
            if succession.is_some() {
                continue;
            }
            let waits = candidacy.wait || is_dubious(&held, candidacy.clock.now()) && !watcher.saw_life();
            if !waits {
                return Err(Busy(held).into());
            }
            let pause = Duration::from_secs(1).min(held.ttl / 8).max(Duration::from_millis(20));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = candidacy.stop.cancelled() => return Err(NoTenure::Stopped),
            }
        }
    }

    fn hold(candidacy: Candidacy, lease: Lease, since: Duration, went_back: bool) -> Self {
        let Candidacy { store, clock, ttl, longest_call, witness, .. } = candidacy;
        if let Some(witness) = &witness {
            witness.see(Witness { epoch: lease.epoch, ..Witness::default() });
        }
        let own = Arc::new(Mutex::new(Own { lease, since, lost: false }));
        let renewing = Renewing {
            store: Arc::clone(&store),
            clock,
            own: Arc::clone(&own),
            every: every(ttl, longest_call),
            witness: witness.clone(),
        };
        let renewal = tokio::spawn(renewing.on()).abort_handle();
        Self { store, own, renewal, witness, went_back }
    }

    /// The lease as last renewed.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.own.lock().unwrap_or_else(PoisonError::into_inner).lease.clone()
    }

    /// Whether the store was found to have gone back in time when the lease was taken.
    #[must_use]
    pub const fn went_back(&self) -> bool {
        self.went_back
    }

    /// A run began under this tenure.
    pub fn began(&self, run: RunId) {
        if let Some(witness) = &self.witness {
            witness.see(Witness { epoch: self.lease().epoch, run: run.0, beat: 0 });
        }
    }

    /// Whether a call that may take `span` ends while the lease is certainly ours.
    ///
    /// # Errors
    /// [`PassError::LeaseLost`] if that cannot be said.
    pub fn covers(&self, span: Duration) -> Result<(), PassError> {
        if outlives(&self.own, span) { Ok(()) } else { Err(PassError::LeaseLost) }
    }

    /// What writes are sent under: the lease, and that nobody asked to `stop`.
    #[must_use]
    pub fn permit(&self, stop: Option<CancellationToken>) -> Arc<dyn Permit> {
        Arc::new(UnderLease { own: Arc::clone(&self.own), stop, look: None })
    }

    /// The same for a write that rests on what is read just now: an hour in a queue later it would rest on nothing.
    #[must_use]
    pub fn permit_on_a_look(&self, stop: Option<CancellationToken>, good_for: Duration) -> Arc<dyn Permit> {
        Arc::new(UnderLease { own: Arc::clone(&self.own), stop, look: Some(Look { at: uptime(), good_for }) })
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// If the store failed; the lease then lapses by itself.
    pub async fn end(self) -> Result<(), StoreError> {
        self.renewal.abort();
        self.store.release(&self.lease()).await
    }
}

impl Drop for Tenure {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Whether what is left of a lease is certainly longer than a span.
fn outlives(own: &Mutex<Own>, span: Duration) -> bool {
    let own = own.lock().unwrap_or_else(PoisonError::into_inner);
    let left = own.lease.ttl.saturating_sub(uptime().saturating_sub(own.since));
    !own.lost && left > span
}

struct UnderLease {
    own: Arc<Mutex<Own>>,
    stop: Option<CancellationToken>,
    look: Option<Look>,
}

/// When what a write rests on was read, by [`uptime`], and for how long that is good.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Duration,
    good_for: Duration,
}

impl Permit for UnderLease {
    fn begins(&self, span: Duration) -> Leave {
        if self.stop.as_ref().is_some_and(CancellationToken::is_cancelled) || !outlives(&self.own, span) {
            return Leave::Refused;
        }
        let old = self.look.is_some_and(|look| uptime().saturating_sub(look.at) > look.good_for);
        if old { Leave::LookAgain } else { Leave::Granted }
    }

    fn goes_on(&self) -> bool {
        outlives(&self.own, Duration::ZERO)
    }
}

/// Whether what a lease says of the calendar cannot be believed. One that ran out is most likely a dead holder's, and one that lasts
/// longer from now on than any renewal makes it was signed by a clock that is not ours: such a one is watched.
fn is_dubious(held: &Held, now: Moment) -> bool {
    held.expires <= now || held.expires > now.after(held.ttl)
}

/// How often a lease is renewed: two renewals may fail before less is left of it than the longest call may take.
fn every(ttl: Duration, longest_call: Duration) -> Duration {
    (ttl.saturating_sub(longest_call) / 3).max(ttl / 300)
}

struct Renewing {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    own: Arc<Mutex<Own>>,
    every: Duration,
    witness: Option<Arc<WitnessFile>>,
}

impl Renewing {
    async fn on(self) {
        let mut failing = false;
        let mut beat = 0;
        loop {
            let (lease, since) = {
                let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
                (own.lease.clone(), own.since)
            };
            // Counted from when the last one was asked for: one that was long in coming is soon followed by the next.
            let pause = self.every.saturating_sub(uptime().saturating_sub(since));
            tokio::time::sleep(if failing { pause.max(self.every.min(Duration::from_secs(1))) } else { pause }).await;
            let since = uptime();
            let renewed = self.store.renew(&lease, self.clock.now()).await;
            let failed_before = failing;
            failing = renewed.is_err();
            match renewed {
                Ok(lease) => {
                    beat += 1;
                    let further = Witness { epoch: lease.epoch, run: 0, beat };
                    {
                        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
                        (own.lease, own.since) = (lease, since);
                    }
                    if let Some(witness) = &self.witness {
                        witness.see(further);
                    }
                }
                Err(StoreError::LeaseLost | StoreError::WrongKey) => {
                    tracing::error!(
                        "the lease on the account was lost: another process works on it, or its store is another now"
                    );
                    metrics::lease_lost();
                    self.own.lock().unwrap_or_else(PoisonError::into_inner).lost = true;
                    return;
                }
                Err(error) if !failed_before => tracing::warn!(%error, "the lease could not be renewed; trying again"),
                Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Holder;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn two_renewals_may_fail_before_less_is_left_than_a_call_may_take() {
        for (ttl, call) in [(90, 30), (40, 30), (11, 1), (610, 600), (3600, 1)] {
            let (ttl, call) = (SECOND * ttl, SECOND * call);
            let every = every(ttl, call);
            assert!(ttl.saturating_sub(every * 3) >= call, "{ttl:?} {call:?}: {every:?}");
            assert!(every >= SECOND * 3);
        }
        assert!(every(SECOND, SECOND * 9) > Duration::ZERO, "never in a row");
    }

    #[test]
    fn a_lease_is_believed_to_be_held_only_where_the_calendars_agree() {
        let holder = Holder { host: "h".into(), boot: "b".into(), pid: 1, started: 1, purpose: "sync".into() };
        let now = Moment::from_millis(10_000_000);
        let dubious =
            |expires| is_dubious(&Held { holder: holder.clone(), epoch: 1, beat: 0, ttl: SECOND * 90, expires }, now);
        assert!(!dubious(now.after(SECOND)) && !dubious(now.after(SECOND * 90)));
        assert!(dubious(now) && dubious(now.before(SECOND * 3600)), "it ran out");
        assert!(dubious(now.after(SECOND * 3600)), "by a clock that was ahead");
    }

    #[test]
    fn d2_no_write_begins_or_goes_on_without_the_lease() {
        let lease = Lease { epoch: 1, expires: Moment::from_millis(0), ttl: SECOND * 90 };
        let own = Arc::new(Mutex::new(Own { lease, since: uptime(), lost: false }));
        let stop = CancellationToken::new();
        let permit = UnderLease { own: Arc::clone(&own), stop: Some(stop.clone()), look: None };
        assert_eq!([permit.begins(SECOND * 30), permit.begins(SECOND * 91)], [Leave::Granted, Leave::Refused]);
        assert!(permit.goes_on());
        stop.cancel();
        assert_eq!((permit.begins(SECOND), permit.goes_on()), (Leave::Refused, true), "the one in flight ends");
        let permit = UnderLease { own: Arc::clone(&own), stop: None, look: None };
        let set = |change: &dyn Fn(&mut Own)| change(&mut own.lock().unwrap_or_else(PoisonError::into_inner));
        set(&|own| own.lease.ttl = Duration::ZERO);
        assert_eq!(
            (permit.begins(Duration::ZERO), permit.goes_on()),
            (Leave::Refused, false),
            "it was not renewed in time"
        );
        set(&|own| (own.lease.ttl, own.lost) = (SECOND * 90, true));
        assert_eq!((permit.begins(Duration::ZERO), permit.goes_on()), (Leave::Refused, false), "it is another's");
    }

    #[test]
    fn no_write_begins_on_what_was_read_long_ago() {
        let lease = Lease { epoch: 1, expires: Moment::from_millis(0), ttl: SECOND * 90 };
        let own = Arc::new(Mutex::new(Own { lease, since: uptime(), lost: false }));
        let read = |ago: Duration| Some(Look { at: uptime().saturating_sub(ago), good_for: SECOND / 2 });
        let asked = |look| UnderLease { own: Arc::clone(&own), stop: None, look }.begins(SECOND);
        assert_eq!([asked(read(Duration::ZERO)), asked(read(SECOND))], [Leave::Granted, Leave::LookAgain]);
        own.lock().unwrap_or_else(PoisonError::into_inner).lost = true;
        assert_eq!(asked(read(SECOND)), Leave::Refused, "nor after any look");
    }
}
