//! Alerts: whoever is on call is told when something begins or ends to need a person, and not for as long as it stays so.
//!
//! ```text
//! watch ──after each run, every minute──▶ the store: how things stand, what was told ──plan::alerts──▶ changes ──▶ the store
//! courier ──takes what is not delivered yet──▶ letter, signed ──POST──▶ the receiver ──2xx──▶ the store
//! ```
//!
//! What was told lives in the store, so that each change is told once, by whichever of several daemons finds it; and what is not
//! delivered yet lives there too, so that a crash forgets none. Delivered is at least once: each change has an id that stays the same over
//! all tries. Of one subject a receiver hears in order, and of a state that was never delivered only what came of it.
//!
//! Not here: that this process died, or cannot reach its store. Nobody can tell that of himself: `/healthz`, `/readyz` and the figures
//! `anagrafe_ready` and `anagrafe_staleness_seconds` are what a monitor asks, and another daemon on the account tells of staleness.

mod courier;
mod letter;
mod letterbox;
mod watch;

use std::{sync::Arc, time::Duration};

pub use courier::deliver;
pub use letterbox::Letterbox;
pub use watch::watch;

use super::{Timetable, Watched};
use crate::{model::AccountName, store::Store};

/// How old the last good run of a pass may be, where that does not follow from the schedule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StaleAfter {
    /// Of syncs.
    pub sync: Option<Duration>,
    /// Of resyncs.
    pub resync: Option<Duration>,
}

/// What alerts need of the present crew.
#[derive(Clone)]
pub struct Office {
    /// Where they are kept.
    pub store: Arc<dyn Store>,
    /// Whose they are.
    pub account: AccountName,
    /// Of whom they may be.
    pub watched: Watched,
    /// When runs are to come.
    pub timetable: Arc<dyn Timetable>,
    /// How long they may stay away.
    pub stale_after: StaleAfter,
    /// Where they are posted.
    pub letterbox: Arc<Letterbox>,
}
