//! Where each safeguard begins to hold, to the one.

use super::*;
use crate::model::rules::Share;

fn limits() -> SafeguardLimits {
    SafeguardLimits {
        max_merges_per_run: 200,
        max_merges_per_day: 500,
        max_merge_share: Share(100),
        max_approved_per_day: 5000,
        max_vanished: Share(2000),
        max_updates: Share(5000),
        max_parked_same_cause: Share(500),
    }
}

#[test]
fn a_shop_may_lose_ten_contacts_or_its_share_and_not_one_more() {
    for (known, count, holds) in [
        (0, 0, false),
        (1, 0, true),
        (10, 1, false),
        (10, 0, true),
        (30, 20, false),
        (30, 19, true),
        (100, 80, false),
        (100, 79, true),
        (100, 130, false),
    ] {
        assert_eq!(shrunk(known, count, &limits()).is_some(), holds, "{known} known, {count} answered");
    }
}

#[test]
fn updates_are_bounded_only_once_more_than_a_hundred_customers_are_linked() {
    assert_eq!(updates_allowed(100, &limits()), None);
    assert_eq!(updates_allowed(101, &limits()), Some(50));
    assert_eq!(updates_allowed(4000, &limits()), Some(2000));
}

#[test]
fn an_outage_is_a_share_of_the_run_and_never_fewer_than_fifty() {
    assert!(!is_outage(50, 100, &limits()));
    assert!(is_outage(51, 100, &limits()));
    assert!(!is_outage(500, 10_000, &limits()));
    assert!(is_outage(501, 10_000, &limits()));
}

#[test]
fn a_parked_contact_is_tried_more_and_more_rarely_and_then_waits_for_a_person() {
    let since = Moment::from_millis(0);
    let minutes: Vec<u64> = (1..=7)
        .map(|attempt| match retry(attempt, since, since) {
            Retry::After(span) => span.as_secs() / 60,
            Retry::Never => 0,
        })
        .collect();
    assert_eq!(minutes, [1, 5, 30, 120, 360, 1440, 1440]);
    let nine_days = since.after(Duration::from_hours(9 * 24));
    assert_eq!(retry(15, since, nine_days), Retry::Never);
    assert_eq!(retry(3, since, nine_days), Retry::After(Duration::from_mins(30)));
}

#[test]
fn rechecks_are_spread_by_a_tenth_either_way() {
    let week = Duration::from_hours(7 * 24);
    let now = Moment::from_millis(1_000_000);
    let spread: std::collections::BTreeSet<i64> = (1..=500).map(|id| recheck(week, id, now).millis()).collect();
    assert!(spread.len() > 490, "neighbours fall apart");
    let (first, last) = (spread.first().copied().unwrap_or(0), spread.last().copied().unwrap_or(0));
    assert!(first >= now.after(week.mul_f64(0.9)).millis() && last <= now.after(week.mul_f64(1.1)).millis());
    assert!(last - first > i64::try_from(week.as_millis() / 10).unwrap_or(0));
}

#[test]
fn an_update_nobody_knows_of_is_in_doubt_until_it_is_too_late_for_it() {
    let (now, late) = (Moment::from_millis(1_000_000), Duration::from_secs(150));
    let until = |since: Moment| since.after(late);
    for since in [None, Some(now), Some(now.before(late)), Some(now.after(Duration::from_hours(9)))] {
        assert_eq!(doubted(true, since, now, late), Doubted::Applied, "whenever it is seen: {since:?}");
    }
    assert_eq!(doubted(false, None, now, late), Doubted::Begins { until: until(now) });
    assert_eq!(doubted(false, Some(now), now, late), Doubted::Stands { until: until(now) });
    let just = now.before(late);
    let before = just.after(Duration::from_millis(1));
    assert_eq!(doubted(false, Some(before), now, late), Doubted::Stands { until: until(before) });
    assert_eq!(doubted(false, Some(just), now, late), Doubted::NotApplied);
    let ahead = Some(now.after(Duration::from_hours(1)));
    assert_eq!(doubted(false, ahead, now, late), Doubted::Begins { until: until(now) }, "a clock that was ahead");
}
