//! How the daemon's health looks at the store: whether it answers, how things stand, and the figures that are the store's.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    cli::{
        merges::Desk,
        setup::Memory,
        status::{self, Status},
    },
    config::Settings,
    daemon::{Present, health::Look},
    model::{hold::HoldKind, run::Pass, state::ContactState, time::Moment},
    observe::metrics::stands,
    sync::{Clock as _, SystemClock},
};

/// The store of the present crew, if there is one yet.
#[derive(Default)]
pub struct StoreLook {
    now: Present<(Arc<Settings>, Arc<Memory>)>,
}

impl StoreLook {
    /// There is a new one; answers the one before.
    pub fn see(&self, settings: Settings, memory: Arc<Memory>) -> Option<Arc<Memory>> {
        let before = self.now.get();
        self.now.set(Some((Arc::new(settings), memory)));
        before.map(|(_, memory)| memory)
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
        let status = Status::of(&desk).await.map_err(|failure| format!("{:#}", failure.error))?;
        of_shops(&status);
        of_account(&status, desk.now);
        for pass in [Pass::Sync, Pass::Resync] {
            let done = desk.memory.store.last_done(pass).await.map_err(|error| error.to_string())?;
            for (shop, at) in done {
                let labels = [("shop", shop.to_string()), ("pass", pass.as_str().to_owned())];
                stands("anagrafe_staleness_seconds", &labels, desk.now.since(at).as_secs_f64());
            }
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures of a monitor")]
fn of_shops(status: &Status) {
    for (shop, overview) in &status.overview.shops {
        for state in ContactState::ALL {
            let count = overview.states.get(&state).copied().unwrap_or(0);
            let labels = [("shop", shop.to_string()), ("state", state.as_str().to_owned())];
            stands("anagrafe_contacts", &labels, count as f64);
        }
        let parked = overview.states.get(&ContactState::Parked).copied().unwrap_or(0);
        stands("anagrafe_due_contacts", &[("shop", shop.to_string())], parked as f64);
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
