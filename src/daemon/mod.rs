//! Running by itself: the schedule's ticks, one runner, signals, the service manager, health. Decides nothing about people and knows
//! no vendor: what is run is a [`Crew`]'s affair, which the command line puts together.
//!
//! ```text
//! ticker ──tick──▶ agenda ◀──next── runner ──under the account's lease──▶ crew: sync, resync
//! (tokio-cron-scheduler)              │ beats
//!                                     ▼
//!                                  liveness ──▶ /healthz, the service manager's watchdog
//! ```
//!
//! Beside it: [`hooks`], which is told of chats and makes a sync come sooner; [`alerts`], which tells whoever is on call.
//!
//! Level-triggered: a tick only says that a pass is due. Whoever has the lease next does it, and finds in the store in which shops another
//! process has tried it already. So two daemons on one account do the work of one, and neither has to know of the other.

pub mod agenda;
pub mod alerts;
pub mod health;
pub mod hooks;
pub mod liveness;
mod manager;
mod pauses;
mod port;
mod present;
mod retries;
mod runner;
mod seldom;
mod state;
mod ticker;
mod watched;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

pub use present::Present;
pub use runner::{Daemon, Ended, run};
pub use seldom::Seldom;
pub use state::{Activity, Ready, State};
pub use watched::Watched;

use crate::{
    model::{ShopName, time::Moment},
    sync::{
        Tenure,
        tenure::{NoTenure, OnBusy},
    },
};

/// What the schedule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Task {
    /// What is new or due.
    Sync,
    /// Everything.
    Resync,
}

impl Task {
    /// Both, in the order in which they go.
    pub const ALL: [Self; 2] = [Self::Sync, Self::Resync];

    /// Its word, as in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Resync => "resync",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// When tasks come. Of the configuration, which this room knows no more of.
pub trait Timetable: Send + Sync {
    /// The first tick of a task after a moment.
    fn next(&self, task: Task, after: DateTime<Utc>) -> Option<DateTime<Utc>>;
    /// The last tick of a task at or before a moment.
    fn last(&self, task: Task, until: DateTime<Utc>) -> Option<DateTime<Utc>>;
    /// Whether a run that was missed is made up for at start.
    fn catches_up(&self) -> bool;
}

/// Those who do the work, under one configuration, until they are relieved by others under the next.
#[async_trait(?Send)]
pub trait Crew {
    /// When what is to be done.
    fn timetable(&self) -> Arc<dyn Timetable>;
    /// Waits for the account's lease. `busy` is told each time another process is found to have it.
    async fn tenure(&self, stop: &CancellationToken, busy: OnBusy) -> Result<Tenure, NoTenure>;
    /// When the last run of a task that came to its end began, of the shop where that is longest ago: for a sync of all shops, and none where one
    /// has had none; for a resync of those that have had one.
    async fn last_done(&self, task: Task) -> anyhow::Result<Option<Moment>>;
    /// Whether a task stands interrupted: a resync that read a part of a shop, and has not come to its end.
    async fn is_interrupted(&self, task: Task) -> anyhow::Result<bool>;
    /// The shops to do a task in: where nobody has tried it since a tick, however that ended. All where that cannot be told, and for a resync all
    /// or none.
    async fn untried(&self, task: Task, tick: Moment) -> Vec<ShopName>;
    /// Does it in these shops; answers whether every run came to its end. How each ended stands in its report; an error is what kept one from having any.
    async fn run(&self, task: Task, shops: &[ShopName], tenure: &Tenure, between: &dyn Between)
    -> anyhow::Result<bool>;
    /// Whether it is to be relieved: the store is kept under another key now. Asked after a run, of which `well` says whether it came to its end.
    async fn is_stale(&self, well: bool) -> bool;
    /// A count that changes whenever a run comes on.
    fn mark(&self) -> u64;
}

/// What a crew asks between the pages of a resync.
pub trait Between {
    /// Whether a sync came due. It is taken by being asked for.
    fn sync_is_due(&self) -> bool;
}

/// Why there is no crew.
#[derive(Debug)]
pub enum NoCrew {
    /// It will not do until a person changes something.
    Refused(anyhow::Error),
    /// It may do in a while: a store or a vendor that is away.
    NotNow(anyhow::Error),
}

/// Puts a crew together from the configuration as it is now.
#[async_trait(?Send)]
pub trait Recruiter {
    /// Reads the configuration and the secrets, opens the store, finds both vendors.
    async fn crew(&self) -> Result<Box<dyn Crew>, NoCrew>;
}

/// A sync that comes due while a resync reads.
struct AtTick<'a>(&'a State);

impl Between for AtTick<'_> {
    fn sync_is_due(&self) -> bool {
        self.0.agenda().take_between()
    }
}
