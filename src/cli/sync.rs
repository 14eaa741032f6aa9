//! `anagrafe sync`: one pass over what is new or due, shop after shop, under the account's lease.

use super::{Context, Exit, Failure, args::SyncArgs, setup, works::Works};
use crate::{
    model::ShopName,
    sync::{Tenure, run::SyncOptions},
};

pub async fn run(context: &Context, args: SyncArgs) -> Result<Exit, Failure> {
    let works = Works::open(context).await?;
    let shops = setup::shops(&works.settings, args.shop.as_ref())?;
    let tenure = works.tenure("sync", args.wait).await?;
    let ended = shop_after_shop(&works, &tenure, &shops, &args).await;
    works.end(tenure, ended).await
}

async fn shop_after_shop(works: &Works, tenure: &Tenure, shops: &[ShopName], args: &SyncArgs) -> Result<Exit, Failure> {
    let mut exit = Exit::Done;
    for (bridge, surveyed) in works.surveyed(shops, tenure, &mut exit).await? {
        if works.signals.caught().is_some() {
            break;
        }
        let options = SyncOptions { limit: args.limit, full: false };
        exit = exit.and(works.sync(&bridge, tenure, options, surveyed).await?);
    }
    Ok(exit)
}
