//! The change of the hash key: what a rotation needs of the store. Nothing of it changes how the account stands until the switch,
//! which is one transaction.

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
