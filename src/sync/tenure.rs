//! The account's lease while a run lasts: taken, renewed in the background, given back. A write is sent only if what is
//! left of the lease outlives that write's deadline, by this process's own monotonic clock.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::AbortHandle;

use super::{PassError, clock::Clock, host};
use crate::{
    model::time::Moment,
    store::{Acquired, Claim, Holder, Lease, Store, StoreError, Succession},
};

/// Another process has the account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("busy: {} (pid {} on {}) works on this account until {expires} at least; wait for it with --wait", holder.purpose, holder.pid, holder.host)]
pub struct Busy {
    /// Who.
    pub holder: Holder,
    /// Until when.
    pub expires: Moment,
}

/// Why there is no tenure.
#[derive(Debug, thiserror::Error)]
pub enum NoTenure {
    /// Somebody else has it.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The lease, held.
pub struct Tenure {
    store: Arc<dyn Store>,
    held: Arc<Mutex<Held>>,
    renewal: AbortHandle,
}

struct Held {
    lease: Lease,
    /// When the request that granted it was *sent*: trust is counted from there.
    since: Instant,
    lost: bool,
}

impl Tenure {
    /// Takes the lease; waits for it, if asked to, until `stop`.
    ///
    /// # Errors
    /// [`Busy`] if somebody has it and we are not to wait; or the store failed.
    pub async fn take(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        ttl: Duration,
        purpose: &str,
        wait: bool,
    ) -> Result<Self, NoTenure> {
        let me = host::this(purpose);
        let mut succession = None;
        loop {
            let since = Instant::now();
            let claim =
                Claim { holder: me.clone(), ttl, now: clock.now(), succession: succession.take(), witness: None };
            let held = match store.acquire(&claim).await? {
                Acquired::Ours { lease, went_back: _ } => return Ok(Self::hold(store, clock, lease, since)),
                Acquired::Busy(held) => held,
            };
            if host::is_dead(&held.holder) {
                succession = Some(Succession::Dead(held));
                continue;
            }
            if !wait {
                return Err(Busy { holder: held.holder, expires: held.expires }.into());
            }
            tokio::time::sleep(Duration::from_secs(1).min(ttl / 4)).await;
        }
    }

    fn hold(store: Arc<dyn Store>, clock: Arc<dyn Clock>, lease: Lease, since: Instant) -> Self {
        let ttl = lease.ttl;
        let held = Arc::new(Mutex::new(Held { lease, since, lost: false }));
        let renewal = tokio::spawn(renew(Arc::clone(&store), clock, Arc::clone(&held), ttl)).abort_handle();
        Self { store, held, renewal }
    }

    /// The lease as last renewed.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).lease.clone()
    }

    /// Whether a call that may take `span` ends while the lease is certainly ours.
    ///
    /// # Errors
    /// [`PassError::LeaseLost`] if that cannot be said.
    pub fn covers(&self, span: Duration) -> Result<(), PassError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let left = held.lease.ttl.saturating_sub(held.since.elapsed());
        if held.lost || left <= span { Err(PassError::LeaseLost) } else { Ok(()) }
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// If the store failed; the lease then expires by itself.
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
async fn renew(store: Arc<dyn Store>, clock: Arc<dyn Clock>, held: Arc<Mutex<Held>>, ttl: Duration) {
    loop {
        tokio::time::sleep(ttl / 3).await;
        let since = Instant::now();
        let lease = held.lock().unwrap_or_else(PoisonError::into_inner).lease.clone();
        let renewed = store.renew(&lease, clock.now()).await;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        match renewed {
            Ok(lease) => (held.lease, held.since) = (lease, since),
            Err(StoreError::LeaseLost) => {
                held.lost = true;
                return;
            }
            Err(error) => tracing::warn!(%error, "the lease could not be renewed; trying again"),
        }
    }
}
