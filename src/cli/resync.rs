//! `anagrafe resync`: everything, or these contacts, shop after shop, under the account's lease. A sync that comes due by the
//! schedule runs between its pages.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{Context, Exit, Failure, args::ResyncArgs, rotating, setup, works::Works};
use crate::{
    config::next_sync,
    model::{ContactId, ShopName, run::Pass},
    observe::metrics,
    sync::{
        Bridge, Clock as _, Interlude, PassError, SystemClock, Tenure,
        run::{ResyncOptions, SyncOptions, resync},
    },
};

pub async fn run(context: &Context, args: ResyncArgs) -> Result<Exit, Failure> {
    let works = Works::open(context).await?;
    let shops = setup::shops(&works.settings, args.shop.as_ref())?;
    let options = options(&args, shops.len())?;
    let tenure = works.tenure("resync", args.wait).await?;
    let ticks = Ticks::of(&works);
    let ended = shop_after_shop(&works, &tenure, &shops, &options, &|| ticks.have_passed()).await;
    let whole = options.contacts.is_empty() && options.from.is_none() && shops.len() == works.settings.shops.len();
    let ended = match ended {
        Ok((exit, well)) => rotating::change(&works, &tenure, whole, well).await.map(|changed| exit.and(changed)),
        Err(failure) => Err(failure),
    };
    works.end(tenure, ended).await
}

/// Answers the exit code, and whether all of them came to their end. `sync_is_due` is asked between pages.
pub(super) async fn shop_after_shop(
    works: &Works,
    tenure: &Tenure,
    shops: &[ShopName],
    options: &ResyncOptions,
    sync_is_due: &dyn Fn() -> bool,
) -> Result<(Exit, bool), Failure> {
    let mut exit = Exit::Done;
    let ready = works.surveyed(shops, tenure, &mut exit).await?;
    // A shop without anybody is none that went wrong.
    let mut well = exit == Exit::Done;
    let bridges: Vec<Bridge> = ready.iter().map(|(bridge, _)| bridge.clone()).collect();
    let between = Between { works, tenure, shops: &bridges, sync_is_due };
    for (bridge, surveyed) in ready {
        if works.signals.caught().is_some() {
            break;
        }
        let run = async { resync(&bridge, tenure, options, surveyed, &between).await };
        let (ended, came_to_its_end) = works.told(run).await?;
        (exit, well) = (exit.and(ended), well && came_to_its_end);
    }
    Ok((exit, well))
}

fn options(args: &ResyncArgs, shops: usize) -> Result<ResyncOptions, Failure> {
    let id = |number: i64| ContactId::try_from(number).map_err(Failure::usage);
    let mut contacts = args.contact.iter().map(|number| id(*number)).collect::<Result<Vec<_>, _>>()?;
    contacts.sort_unstable();
    contacts.dedup();
    if shops > 1 && (!contacts.is_empty() || args.from.is_some()) {
        return Err(Failure::usage("an id is one shop's: say which with --shop"));
    }
    Ok(ResyncOptions { contacts, from: args.from.map(id).transpose()?, force: args.force })
}

/// The ticks of the schedule's sync, while no daemon watches them.
struct Ticks<'a> {
    works: &'a Works,
    next: Mutex<Option<DateTime<Utc>>>,
}

impl<'a> Ticks<'a> {
    fn of(works: &'a Works) -> Self {
        Self { works, next: Mutex::new(next_sync(&works.settings, now())) }
    }

    /// Whether one has passed since the last; many that were missed are one.
    fn have_passed(&self) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = next.is_some_and(|next| next <= now());
        if due {
            *next = next_sync(&self.works.settings, now());
        }
        due
    }
}

/// What comes due while a resync reads: a sync of every shop.
struct Between<'a> {
    works: &'a Works,
    tenure: &'a Tenure,
    shops: &'a [Bridge],
    sync_is_due: &'a dyn Fn() -> bool,
}

#[async_trait(?Send)]
impl Interlude for Between<'_> {
    async fn rest(&self) -> Result<bool, PassError> {
        if !(self.sync_is_due)() {
            return Ok(false);
        }
        for bridge in self.shops {
            // How it ended stands in its own report; what would end the resync too, the resync meets itself.
            if let Err(failure) = self.works.sync(bridge, self.tenure, SyncOptions::default(), None).await {
                metrics::pass_failed(Pass::Sync.as_str());
                tracing::warn!(shop = %bridge.shop_name(), error = %failure.error, "the sync between two pages of a resync failed");
            }
        }
        Ok(true)
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(SystemClock.now().millis()).unwrap_or_default()
}
