//! Safeguards: what stops a run before, or in the middle of, what it would do. Pure: figures in, a verdict out. Carrying a
//! hold out is `crate::sync`'s; releasing one is a person's.

use std::time::Duration;

use crate::model::{rules::SafeguardLimits, time::Moment};

/// A share never counts as less than this many contacts or merges.
const SMALL: u64 = 10;

/// Below this many linked customers the share of updates says nothing.
const FEW_LINKED: u64 = 100;

/// Contacts parked for one cause are never an outage below this.
const FEW_PARKED: u64 = 50;

/// Whether a shop that answers `count` contacts has shrunk so much from the `known` ones that it cannot be trusted.
#[must_use]
pub fn shrunk(known: u64, count: u64, limits: &SafeguardLimits) -> Option<String> {
    let vanished = known.saturating_sub(count);
    let allowed = limits.max_vanished.of(known).max(SMALL);
    if known > 0 && count == 0 {
        return Some(format!("the shop answers no contacts at all, and {known} are known"));
    }
    (vanished > allowed).then(|| {
        format!("the shop answers {count} contacts, and {known} are known: {vanished} fewer, where safeguards.max_vanished allows {allowed}")
    })
}

/// How many updates to customers that were linked before the run a run may send; `None` where the share says nothing.
#[must_use]
pub fn updates_allowed(linked_before: u64, limits: &SafeguardLimits) -> Option<u64> {
    (linked_before > FEW_LINKED).then(|| limits.max_updates.of(linked_before))
}

/// Whether so many contacts of a run are parked for one cause that it is an outage.
#[must_use]
pub fn is_outage(parked_for_cause: u64, read: u64, limits: &SafeguardLimits) -> bool {
    parked_for_cause > limits.max_parked_same_cause.of(read).max(FEW_PARKED)
}

/// What is known of an update that was declared and not recorded, once its customer was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubted {
    /// The customer holds it.
    Applied,
    /// The customer does not hold it, and it is too late for it.
    NotApplied,
    /// The customer does not hold it, and nobody has looked before: until then it may still be applied.
    Begins {
        /// When it is too late for it.
        until: Moment,
    },
    /// The same, after an earlier look.
    Stands {
        /// When it is too late for it.
        until: Moment,
    },
}

/// Whether an update was applied that nobody knows of, `doubted_at` being since when. A run that begins after it was sent looks first
/// after that, and from then on `too_late` counts. What it overwrites meanwhile is found at the last look, and set right.
#[must_use]
pub fn doubted(applied: bool, doubted_at: Option<Moment>, now: Moment, too_late: Duration) -> Doubted {
    match doubted_at {
        _ if applied => Doubted::Applied,
        // Signed by a clock that was ahead: nothing can be counted from it.
        Some(at) if !at.is_ahead(now) => {
            let until = at.after(too_late);
            if until <= now { Doubted::NotApplied } else { Doubted::Stands { until } }
        }
        Some(_) | None => Doubted::Begins { until: now.after(too_late) },
    }
}

/// When a contact that was parked is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// After this long.
    After(Duration),
    /// Not by itself: a person has to look.
    Never,
}

/// 1 m, 5 m, 30 m, 2 h, 6 h, 24 h, then daily for a week, then a person. `attempts` counts the times it was parked in a row, from 1.
#[must_use]
pub fn retry(attempts: u32, parked_since: Moment, now: Moment) -> Retry {
    const MINUTE: u64 = 60;
    const STEPS: [u64; 6] = [MINUTE, 5 * MINUTE, 30 * MINUTE, 120 * MINUTE, 360 * MINUTE, 1440 * MINUTE];
    const DAY: Duration = Duration::from_secs(1440 * MINUTE);
    let step = STEPS.get(attempts.saturating_sub(1) as usize).copied();
    match step {
        Some(seconds) => Retry::After(Duration::from_secs(seconds)),
        // The steps above last a day and a half; the daily ones go on for a week after them.
        None if now.since(parked_since) < DAY * 9 => Retry::After(DAY),
        None => Retry::Never,
    }
}

/// When a contact is looked at again though nothing changed: `period`, spread by up to a tenth either way so that one night's
/// crossing does not come back as one night's rechecks. `seed` is any number that belongs to the contact.
#[must_use]
pub fn recheck(period: Duration, seed: u64, now: Moment) -> Moment {
    let tenth = u64::try_from(period.as_millis() / 10).unwrap_or(u64::MAX).max(1);
    // Fibonacci hashing: neighbouring ids fall far apart.
    let spread = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) % tenth.saturating_mul(2);
    now.after(period).before(Duration::from_millis(tenth)).after(Duration::from_millis(spread))
}

#[cfg(test)]
mod tests;
