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
        return Start { after: history.tail_after.min(history.checkpoint), deep: false };
    };
    let due = history.deep_at.is_none_or(|at| now.since(at) >= DEEP_EVERY || at > now);
    if due || whole >= history.tail_after {
        return Start { after: whole, deep: true };
    }
    Start { after: history.tail_after.min(history.checkpoint), deep: false }
}

#[cfg(test)]
mod tests;
