//! Under which key a store was opened, and the trait of its change. Every unit that writes asks first whether that is still the
//! key of the account: whoever slept while another process changed it would add hashes that nobody finds.

use async_trait::async_trait;

use super::{Connection, TheStore, dialect, failure::failed, lease, rekey, statement::query};
use crate::{
    model::{ContactId, Keyed, ShopName},
    store::{Hindrance, Lease, RekeyedPage, Rekeying, Sealed, StoreError, Switch, Switched},
};

#[async_trait]
impl Rekeying for TheStore {
    async fn sealed(&self) -> Result<Sealed, StoreError> {
        self.read(|c, account| Box::pin(rekey::sealed(c, account))).await
    }

    async fn recognise(&self, met: &[(Keyed, Keyed)]) -> Result<u64, StoreError> {
        let met = met.to_vec();
        self.write(move |c, account| Box::pin(async move { rekey::recognise(c, account, &met).await })).await
    }

    async fn rekey(&self, lease: &Lease, shops: &[ShopName]) -> Result<Option<Hindrance>, StoreError> {
        let (lease, shops) = (lease.clone(), shops.to_vec());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                rekey::begin(c, account, &shops).await
            })
        })
        .await
    }

    async fn left(&self, shop: &ShopName, after: i64, limit: u64) -> Result<Vec<ContactId>, StoreError> {
        let shop = shop.clone();
        self.read(move |c, account| Box::pin(async move { rekey::left(c, account, &shop, after, limit).await })).await
    }

    async fn stage(&self, lease: &Lease, page: &RekeyedPage) -> Result<(), StoreError> {
        let (lease, page) = (lease.clone(), page.clone());
        self.write(move |c, account| {
            Box::pin(async move {
                lease::fence(c, account, &lease).await?;
                rekey::stage(c, account, &page).await
            })
        })
        .await
    }

    async fn switch(&self, lease: &Lease, switch: &Switch) -> Result<Switched, StoreError> {
        let (lease, its, now) = (lease.clone(), switch.clone(), self.key_check.now());
        self.key_check.comes(switch.next.check_value());
        let switched = self
            .write_at_length(move |c, account| {
                Box::pin(async move {
                    unhurried(c).await?;
                    lease::fence(c, account, &lease).await?;
                    rekey::switch(c, account, &now, &its).await
                })
            })
            .await?;
        if let Switched::Done { .. } = switched {
            self.key_check.came(switch.next.check_value());
        }
        Ok(switched)
    }
}

/// All rows of an account take longer than a page of them.
async fn unhurried(c: &mut Connection) -> Result<(), StoreError> {
    if let Some(unhurried) = dialect::UNHURRIED {
        query(unhurried).execute(c).await.map_err(failed)?;
    }
    Ok(())
}
