//! When a sync begins where.

use super::*;

const DAY: Duration = Duration::from_hours(24);
const HOUR: i64 = 3_600_000;

fn at(hours: i64) -> Moment {
    Moment::from_millis(1_000 * HOUR + hours * HOUR)
}

#[test]
fn without_a_day_of_history_the_last_pages_are_read() {
    let observed = [(at(-5), 900)];
    let history = History { checkpoint: 1000, observed: &observed, tail_after: 700, deep_at: None };
    assert_eq!(start(&history, DAY, at(0)), Start { after: 700, deep: false });
}

#[test]
fn a_short_lookback_is_read_whole_every_time() {
    let observed = [(at(-30), 800), (at(-25), 850), (at(-5), 900)];
    let history = History { checkpoint: 1000, observed: &observed, tail_after: 700, deep_at: Some(at(0)) };
    assert_eq!(start(&history, DAY, at(0)), Start { after: 850, deep: true });
}

#[test]
fn a_long_lookback_is_read_by_its_last_pages_and_hourly_whole() {
    let observed = [(at(-25), 100), (at(-5), 900)];
    let just_read = History { checkpoint: 1000, observed: &observed, tail_after: 700, deep_at: Some(at(0)) };
    assert_eq!(start(&just_read, DAY, at(0)), Start { after: 700, deep: false });
    let an_hour_ago = History { deep_at: Some(at(-1)), ..just_read };
    assert_eq!(start(&an_hour_ago, DAY, at(0)), Start { after: 100, deep: true });
    let never = History { deep_at: None, ..just_read };
    assert_eq!(start(&never, DAY, at(0)), Start { after: 100, deep: true });
}

#[test]
fn a_clock_that_went_back_reads_more_rather_than_less() {
    let observed = [(at(-25), 100)];
    let history = History { checkpoint: 1000, observed: &observed, tail_after: 700, deep_at: Some(at(3)) };
    assert_eq!(start(&history, DAY, at(0)), Start { after: 100, deep: true });
}

#[test]
fn the_start_never_lies_above_the_checkpoint() {
    let observed = [(at(-25), 5000)];
    let history = History { checkpoint: 1000, observed: &observed, tail_after: 2000, deep_at: None };
    assert_eq!(start(&history, DAY, at(0)).after, 1000);
}

#[test]
fn the_whole_lookback_is_read_within_a_quarter_of_what_the_shop_bears() {
    let per_hour = 12_000;
    assert!(is_affordable(6, 5, 0), "what every sync reads anyway");
    assert!(is_affordable(3_000, 5, per_hour));
    assert!(!is_affordable(3_001, 5, per_hour));
    assert!(!is_affordable(7, 5, 24));
}

#[test]
fn a_contact_is_late_since_a_higher_id_was_seen() {
    let observed = [(at(-25), 100), (at(-5), 900)];
    let late = |id| lateness(&observed, id, at(0)).map(|span| span.as_secs() / 3600);
    assert_eq!([late(50), late(100), late(500), late(900), late(1000)], [Some(25), Some(5), Some(5), None, None]);
    assert_eq!(lateness(&[], 5, at(0)), None);
}
