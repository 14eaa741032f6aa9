//! Whether a reading of a whole shop may be concluded from: may it be gone on with, did it see everybody, and what of those
//! it did not see. Pure: figures in, a verdict out.

use std::time::Duration;

use crate::model::{rules::SafeguardLimits, time::Moment};

use super::safeguards;

/// How long a former link and what identified a contact that is gone are kept: a return within this restores them.
pub const KEPT: Duration = Duration::from_hours(90 * 24);

/// Whether a reading that began then may be gone on with: what was read longer than a period ago says too little of today.
#[must_use]
pub fn is_stale(started_at: Moment, period: Duration, now: Moment) -> bool {
    now.since(started_at) > period
}

/// A reading of a whole shop, in figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// How many contacts the shop said it had before.
    pub before: u64,
    /// And after.
    pub after: u64,
    /// How many were read.
    pub read: u64,
    /// Of those, how many may have come in the meantime: above the highest id that was known before, or not known to be there.
    pub arrivals: u64,
}

impl Reading {
    /// Why deletions cannot be concluded from this reading, if they cannot: it read fewer, or more, than the shop said it had,
    /// beyond what came and went meanwhile.
    #[must_use]
    pub fn doubt(&self) -> Option<String> {
        let Self { before, after, read, arrivals } = *self;
        // Whoever came since stands in one of the counts already: nobody makes up for somebody who was not read.
        let low = before.min(after);
        let high = before.max(after).saturating_add(arrivals);
        (read < low || read > high)
            .then(|| format!("the shop counted {before} contacts before and {after} after, and {read} were read"))
    }
}

/// Why a reading cannot be taken for whole that read fewer than the shop counted both before and after it, if it did.
#[must_use]
pub fn fell_short(before: u64, after: u64, read: u64) -> Option<String> {
    (read < before.min(after))
        .then(|| format!("the shop counted {before} contacts before and {after} after, and {read} were read"))
}

/// Whether so many contacts gone at once are too many to believe.
#[must_use]
pub fn too_many_gone(known: u64, gone: u64, limits: &SafeguardLimits) -> Option<String> {
    safeguards::shrunk(known, known.saturating_sub(gone), limits).map(|_| {
        format!(
            "{gone} of {known} known contacts are not in the shop any more, and each was asked for by its id; safeguards.max_vanished ({}) allows fewer",
            limits.max_vanished
        )
    })
}

/// Whether a shop answers other people under ids that are known: of `known` contacts of a page so many are strangers, of whom no
/// identifier and no name is what it was.
#[must_use]
pub fn is_another_shop(known: u64, strangers: u64) -> bool {
    strangers >= FEW && strangers.saturating_mul(2) > known
}

/// Whether a shop answers other ids where known ones were: of the contacts known in the range of a page so many are missing and so many
/// still there, and so many stand there that nobody knew. Deletions alone bring no newcomers, and newcomers delete nobody.
#[must_use]
pub fn is_displaced(missing: u64, there: u64, newcomers: u64) -> bool {
    missing >= FEW && missing > there && newcomers > there
}

/// Whether a page shows nobody but newcomers, and too many to be taken for such without a look at who stood last below it.
#[must_use]
pub const fn is_all_new(missing: u64, there: u64, newcomers: u64) -> bool {
    missing == 0 && there == 0 && newcomers >= FEW
}

/// Fewer than these may be chance.
const FEW: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::rules::Share;

    fn limits() -> SafeguardLimits {
        SafeguardLimits {
            max_merges_per_run: 0,
            max_merges_per_day: 0,
            max_merge_share: Share(100),
            max_approved_per_day: 0,
            max_vanished: Share(2000),
            max_updates: Share(5000),
            max_parked_same_cause: Share(500),
        }
    }

    #[test]
    fn a_reading_within_what_came_and_went_is_complete() {
        let reading = |before, after, read, arrivals| Reading { before, after, read, arrivals }.doubt();
        assert_eq!(reading(100, 100, 100, 0), None);
        assert_eq!(reading(100, 90, 95, 0), None, "ten were deleted while it read");
        assert_eq!(reading(100, 103, 103, 3), None, "three came");
        assert_eq!(reading(100, 101, 103, 3), None, "three came and two went, after they had been read");
        assert!(reading(102, 102, 100, 2).is_some(), "two that came make up for nobody");
        assert_eq!(reading(0, 0, 0, 0), None);
    }

    #[test]
    fn a_reading_that_missed_or_invented_contacts_concludes_nothing() {
        let reading = |before, after, read, arrivals| Reading { before, after, read, arrivals }.doubt();
        assert!(reading(100, 100, 99, 0).is_some());
        assert!(reading(100, 100, 101, 0).is_some());
        assert!(reading(100, 100, 0, 0).is_some());
        assert!(reading(100, 95, 93, 1).is_some());
    }

    #[test]
    fn a_reading_that_fell_short_of_both_counts_is_not_whole() {
        assert!(fell_short(100, 100, 80).is_some() && fell_short(100, 90, 89).is_some());
        assert_eq!(fell_short(100, 90, 90), None, "ten were deleted while it read");
        assert_eq!(fell_short(100, 103, 103), None, "three came");
        assert_eq!(fell_short(0, 0, 0), None);
    }

    #[test]
    fn a_reading_goes_stale_after_its_period() {
        let day = Duration::from_hours(24);
        let began = Moment::from_millis(1_000_000);
        assert!(!is_stale(began, day, began.after(day)));
        assert!(is_stale(began, day, began.after(day + Duration::from_secs(1))));
        assert!(!is_stale(began, day, began.before(day * 2)), "a clock that was set back makes nothing stale");
    }

    #[test]
    fn all_contacts_gone_at_once_are_never_believed_and_a_few_always() {
        assert!(too_many_gone(5, 5, &limits()).is_some());
        assert!(too_many_gone(1, 1, &limits()).is_some());
        assert!(too_many_gone(20, 10, &limits()).is_none());
        assert!(too_many_gone(1000, 200, &limits()).is_none());
        assert!(too_many_gone(1000, 201, &limits()).is_some());
    }

    #[test]
    fn other_ids_in_the_place_of_known_ones_are_another_shops() {
        assert!(is_displaced(40, 0, 40));
        assert!(is_displaced(5, 0, 1));
        assert!(!is_displaced(4, 0, 40), "too few to tell");
        assert!(!is_displaced(600, 0, 0), "deleted, and nobody came");
        assert!(!is_displaced(0, 20, 900), "an import");
        assert!(!is_displaced(40, 60, 900), "most are still there");
        assert!(!is_displaced(60, 40, 40), "as many are known as are not");
    }

    #[test]
    fn another_shop_is_told_by_most_of_a_page_being_strangers() {
        assert!(is_another_shop(9, 5));
        assert!(!is_another_shop(10, 5));
        assert!(!is_another_shop(4, 4), "too few to tell");
        assert!(is_another_shop(1000, 501));
    }
}
