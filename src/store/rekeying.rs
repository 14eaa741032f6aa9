//! The change of the hash key: what a rotation needs of the store. Nothing of it changes how the account stands until the switch,
//! which is one transaction.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Hindrance, Lease, RekeyedPage, Sealed, StoreError, Switch, Switched};
use crate::model::{ContactId, Keyed, ShopName};

/// From one hash key to the next.
#[async_trait]
pub trait Rekeying: Send + Sync {
    /// What is known by the former key only.
    async fn sealed(&self) -> Result<Sealed, StoreError>;
    /// Identifiers that were met, each by its seal and its hash: whatever the store knows by the seal it knows by the hash from now
    /// on. Says nothing new of anybody, so it needs no lease. Answers how many erased ones were recognised.
    async fn recognise(&self, met: &[(Keyed, Keyed)]) -> Result<u64, StoreError>;

    /// Begins anew: what was put aside before is forgotten. Answers what stands in the way, if that can be told already.
    async fn rekey(&self, lease: &Lease, shops: &[ShopName]) -> Result<Option<Hindrance>, StoreError>;
    /// Known contacts of a shop for whom nothing was put aside, in the order of ids.
    async fn left(&self, shop: &ShopName, after: i64, limit: u64) -> Result<Vec<ContactId>, StoreError>;
    /// Puts a page aside.
    async fn stage(&self, lease: &Lease, page: &RekeyedPage) -> Result<(), StoreError>;
    /// Lets what was put aside take its place, all at once, and keeps the account under the new key from then on, and this store
    /// with it. Done twice it is done once.
    async fn switch(&self, lease: &Lease, switch: &Switch) -> Result<Switched, StoreError>;
}

/// What the key is recognised by under which a store was opened, and the one to which this process is changing it: a unit that waits
/// for the switch to end comes after it.
#[derive(Debug)]
pub(in crate::store) struct KeyCheck(Mutex<Checks>);

#[derive(Debug, Clone, Copy)]
struct Checks {
    now: Keyed,
    coming: Option<Keyed>,
}

impl KeyCheck {
    pub(in crate::store) const fn new(now: Keyed) -> Self {
        Self(Mutex::new(Checks { now, coming: None }))
    }

    pub(in crate::store) fn now(&self) -> Keyed {
        self.checks().now
    }

    /// Whether an account may be kept under this one.
    pub(in crate::store) fn accepts(&self, found: Keyed) -> bool {
        let Checks { now, coming } = *self.checks();
        found == now || Some(found) == coming
    }

    pub(in crate::store) fn comes(&self, next: Keyed) {
        self.checks().coming = Some(next);
    }

    pub(in crate::store) fn came(&self, next: Keyed) {
        *self.checks() = Checks { now: next, coming: None };
    }

    fn checks(&self) -> MutexGuard<'_, Checks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
