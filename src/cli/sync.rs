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
    let options = SyncOptions { limit: args.limit, full: false };
    let ended = shop_after_shop(&works, &tenure, &shops, options).await.map(|(exit, _)| exit);
    works.end(tenure, ended).await
}

/// Answers the exit code, and whether all of them came to their end.
pub(super) async fn shop_after_shop(
    works: &Works,
    tenure: &Tenure,
    shops: &[ShopName],
    options: SyncOptions,
) -> Result<(Exit, bool), Failure> {
    let mut exit = Exit::Done;
    let ready = works.surveyed(shops, tenure, &mut exit).await?;
    // A shop without anybody is none that went wrong.
    let mut well = exit == Exit::Done;
    for (bridge, surveyed) in ready {
        if works.signals.caught().is_some() {
            break;
        }
        let (ended, came_to_its_end) = works.sync(&bridge, tenure, options, surveyed).await?;
        (exit, well) = (exit.and(ended), well && came_to_its_end);
    }
    Ok((exit, well))
}
