//! The account's lease while a run lasts: taken, renewed in the background, given back. A write is sent only if what is
//! left of the lease outlives that write's deadline.
//!
//! No clock that can be set has a say in it. The holder counts from the moment it *asked* for the renewal, on a clock that goes on
//! while the machine sleeps; whoever would succeed it watches for longer than the lease lasts and sees no renewal.

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
    model::run::RunId,
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

/// What a tenure is asked for with.
#[derive(Clone)]
pub struct Candidacy {
    /// Where the lease is.
    pub store: Arc<dyn Store>,
    /// Tells persons the time.
    pub clock: Arc<dyn Clock>,
    /// How long the lease lasts without being renewed.
    pub ttl: Duration,
    /// What for: `sync`, `resync`.
    pub purpose: &'static str,
    /// Whether to wait while somebody else has it.
    pub wait: bool,
    /// What this machine knows of the store; none for a throw-away copy.
    pub witness: Option<Arc<WitnessFile>>,
    /// Ends the waiting.
    pub stop: CancellationToken,
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
            succession = watcher.look(&held, host::is_dead(&held.holder), uptime());
            if succession.is_some() {
                continue;
            }
            // A lease that ran out by the calendar is most likely a dead holder's: it is watched, and not believed.
            let ran_out = held.expires <= candidacy.clock.now() && !watcher.saw_life();
            if !candidacy.wait && !ran_out {
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
        let Candidacy { store, clock, ttl, witness, .. } = candidacy;
        if let Some(witness) = &witness {
            witness.see(Witness { epoch: lease.epoch, run: 0 });
        }
        let own = Arc::new(Mutex::new(Own { lease, since, lost: false }));
        let renewal = tokio::spawn(renew(Arc::clone(&store), clock, Arc::clone(&own), ttl)).abort_handle();
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
            witness.see(Witness { epoch: self.lease().epoch, run: run.0 });
        }
    }

    /// Whether a call that may take `span` ends while the lease is certainly ours.
    ///
    /// # Errors
    /// [`PassError::LeaseLost`] if that cannot be said.
    pub fn covers(&self, span: Duration) -> Result<(), PassError> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let left = own.lease.ttl.saturating_sub(uptime().saturating_sub(own.since));
        if own.lost || left <= span { Err(PassError::LeaseLost) } else { Ok(()) }
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

/// Renews at a third of the lease: two renewals may fail before it is lost.
async fn renew(store: Arc<dyn Store>, clock: Arc<dyn Clock>, own: Arc<Mutex<Own>>, ttl: Duration) {
    loop {
        tokio::time::sleep(ttl / 3).await;
        let since = uptime();
        let lease = own.lock().unwrap_or_else(PoisonError::into_inner).lease.clone();
        let renewed = store.renew(&lease, clock.now()).await;
        let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
        match renewed {
            Ok(lease) => (own.lease, own.since) = (lease, since),
            Err(StoreError::LeaseLost) => {
                own.lost = true;
                return;
            }
            Err(error) => tracing::warn!(%error, "the lease could not be renewed; trying again"),
        }
    }
}
