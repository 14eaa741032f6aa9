//! How the daemon's health looks at the store: whether it answers, how things stand, and the figures that are the store's.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    cli::{
        merges::Desk,
        setup::Memory,
        status::{self, Status},
    },
    config::Settings,
    daemon::{Present, Watched, health::Look},
    model::{ShopName, alert::Standing, hold::HoldKind, run::Pass, state::ContactState, time::Moment},
    observe::metrics::stands,
    plan::alerts::{counts_from, is_crossing},
    store::ShopOverview,
    sync::{Clock as _, SystemClock, clock::uptime},
};

/// The store of the present crew, if there is one yet.
pub struct StoreLook {
    now: Present<(Arc<Settings>, Arc<Memory>)>,
    known: Mutex<Known>,
}

/// What is known while the store does not answer.
struct Known {
    watched: Watched,
    /// From when staleness counts, as the store told it last.
    from: BTreeMap<(ShopName, Pass), Moment>,
    /// Since when that is ahead of the clock, which was put back, by the time that a computer is up: from then on it counts.
    ahead: BTreeMap<(ShopName, Pass), Duration>,
}

impl Known {
    /// From when staleness counts by now.
    fn from(&mut self, key: (ShopName, Pass), watched: Moment, now: Moment) -> Moment {
        match self.from.get(&key) {
            Some(from) if from.is_ahead(now) => {
                let up = uptime();
                now.before(up.saturating_sub(*self.ahead.entry(key).or_insert(up)))
            }
            from => {
                self.ahead.remove(&key);
                from.copied().unwrap_or(watched)
            }
        }
    }
}

impl StoreLook {
    /// There is no store yet; these shops are configured.
    pub fn of<'a>(shops: impl IntoIterator<Item = &'a ShopName>) -> Self {
        let watched = Watched::default().next(shops, uptime());
        Self {
            now: Present::default(),
            known: Mutex::new(Known { watched, from: BTreeMap::new(), ahead: BTreeMap::new() }),
        }
    }

    /// The shops of a new configuration, once it is in force.
    pub fn would_watch(&self, shops: &[ShopName]) -> Watched {
        self.known().watched.next(shops, uptime())
    }

    /// There is a new one; answers the one before.
    pub fn see(&self, settings: Settings, memory: Arc<Memory>, watched: Watched) -> Option<Arc<Memory>> {
        let before = self.now.get();
        self.known().watched = watched;
        self.now.set(Some((Arc::new(settings), memory)));
        before.map(|(_, memory)| memory)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be known of how things stand once nobody answers.
    fn learn(&self, standing: &Standing) {
        let mut known = self.known();
        let each = known.watched.shops().into_iter().flat_map(|shop| PASSES.map(|pass| (shop.clone(), pass)));
        known.from = each.filter_map(|key| Some((key.clone(), counts_from(standing, &key.0, key.1)?))).collect();
    }

    fn desk(&self) -> Result<Desk, String> {
        let (settings, memory) = self.now.get().ok_or("the store is not open yet")?;
        Ok(Desk { settings: (*settings).clone(), memory, now: SystemClock.now() })
    }
}

#[async_trait]
impl Look for StoreLook {
    async fn answers(&self) -> Result<(), String> {
        let desk = self.desk()?;
        desk.memory.store.last_done(Pass::Sync).await.map(drop).map_err(|error| error.to_string())
    }

    async fn status(&self) -> Result<Value, String> {
        let desk = self.desk()?;
        let mut status = Status::of(&desk).await.map_err(|failure| format!("{:#}", failure.error))?;
        // What somebody typed for her colleagues is not for whoever reaches a port.
        if let Some((_, why)) = &mut status.overview.paused {
            why.clear();
        }
        serde_json::to_value(status).map_err(|error| error.to_string())
    }

    async fn figures(&self) -> Result<(), String> {
        let desk = self.desk()?;
        // First what costs little and grows by itself: the rest may come too late.
        let standing = desk.memory.store.look().await.map_err(|error| error.to_string())?.standing;
        self.learn(&standing);
        let shops = self.shops();
        for shop in &shops {
            let crossing = f64::from(u8::from(is_crossing(&standing, shop)));
            stands("anagrafe_first_crossing", &[("shop", shop.to_string())], crossing);
        }
        let due = desk.memory.store.due_by_shop(desk.now).await.map_err(|error| error.to_string())?;
        let status = Status::of(&desk).await.map_err(|failure| format!("{:#}", failure.error))?;
        of_shops(&shops, &status, &due);
        of_account(&status, desk.now);
        Ok(())
    }

    fn clocks(&self) {
        let now = SystemClock.now();
        let mut known = self.known();
        for (shop, watched) in known.watched.since(now, uptime()) {
            for pass in PASSES {
                let from = known.from((shop.clone(), pass), watched, now);
                let labels = [("shop", shop.to_string()), ("pass", pass.as_str().to_owned())];
                stands("anagrafe_staleness_seconds", &labels, now.since(from).as_secs_f64());
            }
        }
    }

    fn shops(&self) -> BTreeSet<ShopName> {
        self.known().watched.shops()
    }
}

/// The passes of the schedule.
const PASSES: [Pass; 2] = [Pass::Sync, Pass::Resync];

#[expect(clippy::cast_precision_loss, reason = "figures of a monitor")]
fn of_shops(shops: &BTreeSet<ShopName>, status: &Status, due: &BTreeMap<ShopName, u64>) {
    let nothing = ShopOverview::default();
    for shop in shops {
        let overview = status.overview.shops.get(shop).unwrap_or(&nothing);
        for state in ContactState::ALL {
            let count = overview.states.get(&state).copied().unwrap_or(0);
            let labels = [("shop", shop.to_string()), ("state", state.as_str().to_owned())];
            stands("anagrafe_contacts", &labels, count as f64);
        }
        let due = due.get(shop).copied().unwrap_or(0);
        stands("anagrafe_due_contacts", &[("shop", shop.to_string())], due as f64);
        for kind in HoldKind::ALL {
            let holds = status.overview.holds.iter().filter(|hold| hold.what.shop == *shop && hold.what.kind == kind);
            let labels = [("shop", shop.to_string()), ("kind", kind.as_str().to_owned())];
            stands("anagrafe_holds", &labels, holds.count() as f64);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures of a monitor")]
fn of_account(status: &Status, now: Moment) {
    let status::Status { overview, merges } = status;
    stands("anagrafe_paused", &[], f64::from(u8::from(overview.paused.is_some())));
    stands("anagrafe_doubts", &[], merges.doubts() as f64);
    let age = merges.oldest_doubt().map_or(0.0, |since| now.since(since).as_secs_f64());
    stands("anagrafe_oldest_doubt_seconds", &[], age);
    for (kind, count) in [("link", overview.open_links), ("merge", overview.open_merges)] {
        stands("anagrafe_open_proposals", &[("kind", kind.to_owned())], count as f64);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests {
    use super::*;

    #[test]
    fn where_the_clock_was_put_back_staleness_counts_from_when_that_was_found() {
        let at = Moment::from_millis;
        let shop: ShopName = "main".parse().unwrap();
        let key = || (shop.clone(), Pass::Sync);
        let mut known = Known { watched: Watched::default(), from: BTreeMap::new(), ahead: BTreeMap::new() };
        let hour = 3_600_000;
        assert_eq!(known.from(key(), at(5), at(100 * hour)), at(5), "nothing is known of it");
        known.from.insert(key(), at(99 * hour));
        assert_eq!(known.from(key(), at(5), at(100 * hour)), at(99 * hour));
        // By a clock that was an hour ahead.
        known.from.insert(key(), at(101 * hour));
        let stale = |known: &mut Known| at(100 * hour).since(known.from(key(), at(5), at(100 * hour)));
        assert!(stale(&mut known) < Duration::from_secs(1));
        *known.ahead.get_mut(&key()).unwrap() = uptime().saturating_sub(Duration::from_secs(7));
        assert!((7..9).contains(&stale(&mut known).as_secs()), "and goes on from there");
        known.from.insert(key(), at(99 * hour));
        assert_eq!(known.from(key(), at(5), at(100 * hour)), at(99 * hour));
        assert!(known.ahead.is_empty());
    }
}
