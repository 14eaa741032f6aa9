//! The schedule's five fields, and when they fire next.
//!
//! Refused is what would be misread or would never run: seconds and years, nicknames, both day fields at once (crontab
//! takes either, others take both), and a day that no month has.

use std::time::Duration;

use chrono::{
    DateTime, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds, Year},
};
use serde::Serialize;

use super::{problem::Wrong, settings::Settings, values::quoted};

pub(super) fn cron(text: &str) -> Result<Cron, Wrong> {
    let wrong =
        |what: &str| Wrong::new(format!("{} {what}", quoted(text)), "give five fields as crontab, \"*/5 * * * *\"");
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [_, _, day, _, weekday] = fields.as_slice() else {
        return Err(wrong("is not minute, hour, day, month and weekday"));
    };
    let any = |field: &str| matches!(field, "*" | "?");
    if !any(day) && !any(weekday) {
        let what = format!("{} restricts both the day of the month and the day of the week", quoted(text));
        return Err(Wrong::new(what, "leave one of the two as *"));
    }
    for (name, field) in NAMES.iter().zip(&fields) {
        oversteps(text, *name, field)?;
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|_| wrong("is not a schedule"))?;
    // From a fixed day, so that whether a schedule is accepted does not depend on when it is read.
    let from = NaiveDate::from_ymd_opt(2024, 1, 1).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let fires = from.is_some_and(|from| cron.find_next_occurrence(&from, true).is_ok());
    if fires {
        Ok(cron)
    } else {
        let advice = if any(weekday) {
            "give a day that some month has"
        } else {
            "give days of the week as 0 to 6, or MON to SUN"
        };
        Err(Wrong::new(format!("{} never comes", quoted(text)), advice))
    }
}

/// The fields, and of how many values each is.
const NAMES: [(&str, u32); 5] =
    [("minute", 60), ("hour", 24), ("day of the month", 31), ("month", 12), ("day of the week", 7)];

/// A step that is longer than its field is not what it looks like: `*/90` minutes come once an hour.
fn oversteps(text: &str, (name, values): (&str, u32), field: &str) -> Result<(), Wrong> {
    let steps = field.split(',').filter_map(|part| part.split_once('/')?.1.parse::<u32>().ok());
    match steps.into_iter().find(|step| *step > values) {
        Some(step) => Err(Wrong::new(
            format!("{} has steps of {step}, and the {name} has only {values} values", quoted(text)),
            "each field begins anew: give a step that its field has, and the next longer field one of its own",
        )),
        None => Ok(()),
    }
}

/// When the schedule's sync comes next after a moment.
#[must_use]
pub fn next_sync(settings: &Settings, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    next_tick(&settings.schedule.sync, settings.schedule.timezone, now)
}

/// More than any clock is put forward or back.
const SHIFT: TimeDelta = TimeDelta::hours(3);

/// The first tick of a schedule after a moment.
///
/// Ticks are found by the clock on the wall, and then put into time: where the clocks go forward, what names an hour that is left out comes
/// right after it; where they go back, what names an hour that comes twice comes once, and what comes every hour comes in both.
#[must_use]
pub fn next_tick(cron: &Cron, timezone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    // The parts of a second would go on from the moment to its ticks.
    let wall = after.with_timezone(&timezone).naive_local().with_nanosecond(0)?;
    let mut best: Option<DateTime<Utc>> = None;
    // The cron itself is asked in a zone without summer time, as what stands on the wall.
    for tick in cron.iter_after(wall.checked_sub_signed(SHIFT)?.and_utc()) {
        let tick = tick.naive_utc();
        if best.is_some_and(|best| tick > best.with_timezone(&timezone).naive_local() + SHIFT) {
            break;
        }
        let sooner = in_time(cron, timezone, tick).into_iter().flatten().filter(|at| *at > after).min();
        best = [best, sooner].into_iter().flatten().min();
    }
    best
}

/// When a tick on the wall comes: once, not at all, or twice.
fn in_time(cron: &Cron, timezone: Tz, tick: NaiveDateTime) -> [Option<DateTime<Utc>>; 2] {
    let utc = |at: DateTime<Tz>| Some(at.with_timezone(&Utc));
    match timezone.from_local_datetime(&tick) {
        LocalResult::Single(at) => [utc(at), None],
        LocalResult::Ambiguous(first, _) if names_hours(cron) => [utc(first), None],
        LocalResult::Ambiguous(first, second) => [utc(first), utc(second)],
        // What comes every hour has ticks enough before and after.
        LocalResult::None if !names_hours(cron) => [None, None],
        LocalResult::None => {
            // The first minute on the wall that is there again.
            let mut minutes = (1..=180).map(|minute| tick + TimeDelta::minutes(minute));
            let there = minutes.find_map(|minute| timezone.from_local_datetime(&minute).earliest());
            [there.map(|at| at.with_timezone(&Utc)), None]
        }
    }
}

/// Whether it names hours, singly, as a range or from one on, and does not come all day long (`*`) or every so many hours of it (`*/n`).
fn names_hours(cron: &Cron) -> bool {
    let pattern = cron.pattern.to_string();
    let hours = pattern.split_whitespace().nth(1).unwrap_or("*");
    !hours
        .strip_prefix(['*', '?'])
        .is_some_and(|step| step.is_empty() || (step.starts_with('/') && !step.contains(',')))
}

/// The last tick of a schedule at or before a moment.
#[must_use]
pub fn last_tick(cron: &Cron, timezone: Tz, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    // Searched forwards from further and further back: both directions then agree on what a change of summer time does.
    [1, 24, 24 * 8, 24 * 62, 24 * 400, 24 * 1500].into_iter().find_map(|hours| {
        let mut last = None;
        let mut from = until - TimeDelta::hours(hours);
        while let Some(tick) = next_tick(cron, timezone, from).filter(|tick| *tick <= until) {
            (last, from) = (Some(tick), tick);
        }
        last
    })
}

/// The time between two resyncs of the schedule, from a moment on.
#[must_use]
pub fn resync_period(settings: &Settings, now: DateTime<Utc>) -> Option<Duration> {
    let schedule = &settings.schedule;
    let first = next_tick(&schedule.resync, schedule.timezone, now)?;
    let second = next_tick(&schedule.resync, schedule.timezone, first)?;
    (second - first).to_std().ok()
}

/// One coming run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coming {
    /// When.
    pub at: DateTime<Utc>,
    /// The same in the schedule's time zone, as people there write it.
    pub local: String,
    /// `sync` or `resync`.
    pub pass: &'static str,
}

/// The next `n` runs of each pass of the schedule after a moment, in their order.
#[must_use]
pub fn schedule_preview(settings: &Settings, now: DateTime<Utc>, n: usize) -> Vec<Coming> {
    let schedule = &settings.schedule;
    let mut coming = Vec::with_capacity(2 * n);
    for (pass, cron) in [("sync", &schedule.sync), ("resync", &schedule.resync)] {
        let ticks = std::iter::successors(next_tick(cron, schedule.timezone, now), |at| {
            next_tick(cron, schedule.timezone, *at)
        });
        for at in ticks.take(n) {
            let local = at.with_timezone(&schedule.timezone).format("%a %Y-%m-%d %H:%M %Z").to_string();
            coming.push(Coming { at, local, pass });
        }
    }
    coming.sort_by_key(|run| run.at);
    coming
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests {
    use super::*;

    const ROME: Tz = chrono_tz::Europe::Rome;

    fn utc(text: &str) -> DateTime<Utc> {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
    }

    /// The ticks after a moment, each by a fresh look, as a daemon finds them.
    fn ticks(pattern: &str, zone: Tz, from: &str, until: &str) -> Vec<String> {
        let cron = cron(pattern).unwrap_or_else(|_| unreachable!("it is one"));
        let all = std::iter::successors(next_tick(&cron, zone, utc(from)), |at| next_tick(&cron, zone, *at));
        let all: Vec<DateTime<Utc>> = all.take_while(|at| *at <= utc(until)).collect();
        for (one, next) in all.iter().zip(all.iter().skip(1)) {
            assert_eq!(last_tick(&cron, zone, *next - TimeDelta::seconds(1)), Some(*one), "{pattern}");
            assert_eq!(last_tick(&cron, zone, *next), Some(*next), "{pattern}");
        }
        all.iter().map(|at| at.format("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn where_the_clocks_go_forward_what_is_left_out_comes_right_after() {
        let spring = |pattern| ticks(pattern, ROME, "2026-03-28 00:00", "2026-03-30 12:00");
        assert_eq!(spring("30 2 * * *"), ["28 01:30", "29 01:00", "30 00:30"]);
        assert_eq!(
            spring("0 1,2,3 * * *"),
            ["28 01:00", "28 02:00", "29 00:00", "29 01:00", "29 23:00", "30 00:00", "30 01:00"]
        );
        assert_eq!(spring("30 2-2 * * *"), ["28 01:30", "29 01:00", "30 00:30"]);
        assert_eq!(spring("30 2-3 * * *"), ["28 01:30", "28 02:30", "29 01:00", "29 01:30", "30 00:30", "30 01:30"]);
        assert_eq!(spring("30 2/12 * * *"), ["28 01:30", "28 13:30", "29 01:00", "29 12:30", "30 00:30"]);
        assert_eq!(spring("30 2-20/12 * * *"), spring("30 2/12 * * *"));
        assert_eq!(spring("30 2-2,14 * * *"), spring("30 2/12 * * *"));
        let hourly = ticks("0 * * * *", ROME, "2026-03-28 23:30", "2026-03-29 03:30");
        assert_eq!(hourly, ["29 00:00", "29 01:00", "29 02:00", "29 03:00"]);
        let every_two = ticks("30 */2 * * *", ROME, "2026-03-28 22:00", "2026-03-29 05:00");
        assert_eq!(every_two, ["28 23:30", "29 02:30", "29 04:30"], "it names none, and has others");
    }

    #[test]
    fn where_the_clocks_go_back_what_names_an_hour_comes_once_and_what_comes_every_hour_in_both() {
        let autumn = |pattern| ticks(pattern, ROME, "2026-10-24 00:00", "2026-10-26 12:00");
        assert_eq!(autumn("30 2 * * *"), ["24 00:30", "25 00:30", "26 01:30"]);
        assert_eq!(autumn("30 2-2 * * *"), autumn("30 2 * * *"));
        assert_eq!(autumn("30 2-3 * * *"), ["24 00:30", "24 01:30", "25 00:30", "25 02:30", "26 01:30", "26 02:30"]);
        assert_eq!(autumn("30 2/12 * * *"), ["24 00:30", "24 12:30", "25 00:30", "25 13:30", "26 01:30"]);
        assert_eq!(autumn("30 2-20/12 * * *"), autumn("30 2/12 * * *"));
        let every_two = ticks("30 */2 * * *", ROME, "2026-10-24 22:00", "2026-10-25 04:00");
        assert_eq!(every_two, ["24 22:30", "25 00:30", "25 01:30", "25 03:30"], "it names none: it comes in both");
        let hourly = ticks("0 * * * *", ROME, "2026-10-24 22:30", "2026-10-25 03:30");
        assert_eq!(hourly, ["24 23:00", "25 00:00", "25 01:00", "25 02:00", "25 03:00"]);
        let every_five = ticks("*/5 * * * *", ROME, "2026-10-24 23:00", "2026-10-25 03:00");
        assert_eq!(every_five.len(), 4 * 12, "{every_five:?}");
        let every_half = ticks("0,30 * * * *", ROME, "2026-10-25 00:00", "2026-10-25 02:00");
        assert_eq!(every_half, ["25 00:30", "25 01:00", "25 01:30", "25 02:00"]);
    }

    #[test]
    fn a_tick_is_a_whole_second_however_odd_the_moment_it_is_asked_at() {
        let cron = cron("* * * * *").unwrap_or_else(|_| unreachable!("it is one"));
        let odd = utc("2026-01-01 00:00") + TimeDelta::milliseconds(59_314);
        assert_eq!(next_tick(&cron, ROME, odd), Some(utc("2026-01-01 00:01")));
        assert_eq!(last_tick(&cron, ROME, odd), Some(utc("2026-01-01 00:00")));
    }

    #[test]
    fn every_minute_of_a_year_is_a_tick_of_every_minute_in_every_zone() {
        for zone in [ROME, chrono_tz::Australia::Lord_Howe, chrono_tz::America::New_York, chrono_tz::UTC] {
            let cron = cron("*/7 * * * *").unwrap_or_else(|_| unreachable!("it is one"));
            let (mut at, end) = (utc("2026-01-01 00:00"), utc("2026-12-31 00:00"));
            while at < end {
                let next = next_tick(&cron, zone, at).unwrap();
                assert!(next > at && next - at <= TimeDelta::minutes(37), "{zone} {at} {next}");
                at = next + TimeDelta::hours(5);
            }
        }
    }

    #[test]
    fn a_tick_that_is_years_away_is_found_both_ways() {
        assert_eq!(ticks("0 0 29 2 *", ROME, "2025-01-01 00:00", "2032-12-31 00:00"), ["28 23:00", "28 23:00"]);
        let leap = cron("0 0 29 2 *").unwrap_or_else(|_| unreachable!("it is one"));
        assert_eq!(last_tick(&leap, ROME, utc("2027-06-01 00:00")), Some(utc("2024-02-28 23:00")));
    }
}
