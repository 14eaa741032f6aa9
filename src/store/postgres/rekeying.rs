//! The change of the hash key, with the patience that every step has.

use async_trait::async_trait;

use super::patient::{PostgresStore, Twice};
use crate::{
    model::{ContactId, Keyed, ShopName},
    store::{Hindrance, Lease, RekeyedPage, Rekeying, Sealed, StoreError, Switch, Switched},
};

#[async_trait]
impl Rekeying for PostgresStore {
    async fn sealed(&self) -> Result<Sealed, StoreError> {
        self.patiently(Twice::Same, || self.units.sealed()).await
    }

    async fn recognise(&self, met: &[(Keyed, Keyed)]) -> Result<u64, StoreError> {
        self.worked(Twice::Same, || self.units.recognise(met)).await
    }

    async fn rekey(&self, lease: &Lease, shops: &[ShopName]) -> Result<Option<Hindrance>, StoreError> {
        self.worked(Twice::Same, || self.units.rekey(lease, shops)).await
    }

    async fn left(&self, shop: &ShopName, after: i64, limit: u64) -> Result<Vec<ContactId>, StoreError> {
        self.worked(Twice::Same, || self.units.left(shop, after, limit)).await
    }

    async fn stage(&self, lease: &Lease, page: &RekeyedPage) -> Result<(), StoreError> {
        self.worked(Twice::Same, || self.units.stage(lease, page)).await
    }

    async fn switch(&self, lease: &Lease, switch: &Switch) -> Result<Switched, StoreError> {
        self.worked(Twice::Same, || self.units.switch(lease, switch)).await
    }
}
