//! Where a sync begins, so that an id that becomes visible late is read again until it cannot matter.
//!
//! Ids may become visible out of order: a number handed out early can be committed late. A reader that remembers only
//! the highest id loses it for ever. So a sync begins at the highest id that had been seen one lookback ago, by our own time of
//! observation, bounded by pages; and now and then it reads the whole lookback.

use std::time::Duration;

use crate::model::time::Moment;

/// What the store knows of a shop's reading.
#[derive(Debug, Clone, Copy)]
pub struct History<'a> {
    /// The checkpoint.
    pub checkpoint: i64,
    /// (observed at, highest id), oldest first.
    pub observed: &'a [(Moment, i64)],
    /// The id after which the last `lookback_pages` pages begin.
    pub tail_after: i64,
    /// When the whole lookback was last read.
    pub deep_at: Option<Moment>,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// The `after` of the first page.
    pub after: i64,
    /// Whether this covers the whole lookback.
    pub deep: bool,
}

/// How often the whole lookback is read.
pub const DEEP_EVERY: Duration = Duration::from_hours(1);

/// Where a sync of a shop that has been crossed begins.
#[must_use]
pub fn start(history: &History<'_>, lookback: Duration, now: Moment) -> Start {
    let horizon = now.before(lookback);
    let seen_then = history.observed.iter().rev().find(|(at, _)| *at <= horizon).map(|(_, highest)| *highest);
    // Without a day of history the pages alone bound the way back: what is deeper, resync finds.
    let Some(whole) = seen_then.map(|highest| highest.min(history.checkpoint)) else {
        return shallow(history);
    };
    let due = history.deep_at.is_none_or(|at| now.since(at) >= DEEP_EVERY || at > now);
    if due || whole >= history.tail_after {
        return Start { after: whole, deep: true };
    }
    shallow(history)
}

/// Where it begins if the whole lookback would cost too much: at its last pages.
#[must_use]
pub fn shallow(history: &History<'_>) -> Start {
    Start { after: history.tail_after.min(history.checkpoint), deep: false }
}

/// How long after a higher id this one became visible: since a higher one was first observed. None for one that came in its turn.
#[must_use]
pub fn lateness(observed: &[(Moment, i64)], id: i64, now: Moment) -> Option<Duration> {
    observed.iter().find(|(_, highest)| *highest > id).map(|(at, _)| now.since(*at))
}

/// Whether a reading of so many pages is within bounds: as many as every sync may read, or, since the whole lookback is read once an
/// hour, a quarter of the calls that the shop bears in an hour.
#[must_use]
pub const fn is_affordable(pages: u64, lookback_pages: u64, calls_per_hour: u64) -> bool {
    // One page more than the lookback: what came since the last sync.
    pages <= lookback_pages.saturating_add(1) || pages <= calls_per_hour / 4
}

#[cfg(test)]
mod tests;
