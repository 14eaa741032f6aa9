//! The schedule's five fields, and when they fire next.
//!
//! Refused is what would be misread or would never run: seconds and years, nicknames, both day fields at once (crontab
//! takes either, others take both), and a day that no month has.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
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
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|_| wrong("is not a schedule"))?;
    // From a fixed day, so that whether a schedule is accepted does not depend on when it is read.
    let from = NaiveDate::from_ymd_opt(2024, 1, 1).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let fires = from.is_some_and(|from| cron.find_next_occurrence(&from, true).is_ok());
    if fires {
        Ok(cron)
    } else {
        Err(Wrong::new(format!("{} never comes", quoted(text)), "give a day that some month has"))
    }
}

/// When the schedule's sync comes next after a moment.
#[must_use]
pub fn next_sync(settings: &Settings, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    next_tick(&settings.schedule.sync, settings.schedule.timezone, now)
}

/// The first tick of a schedule after a moment, in its time zone: where the clocks go forward, what falls into the hour that is left out comes
/// right after it; where they go back, what falls into the hour that comes twice comes once.
#[must_use]
pub fn next_tick(cron: &Cron, timezone: Tz, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    cron.iter_after(after.with_timezone(&timezone)).map(|at| at.with_timezone(&Utc)).find(|at| *at > after)
}

/// The last tick of a schedule at or before a moment.
#[must_use]
pub fn last_tick(cron: &Cron, timezone: Tz, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
    // Searched forwards from further and further back: both directions then agree on what a change of summer time does.
    [1, 8, 62, 400, 1500].into_iter().find_map(|days| {
        let from = until - chrono::TimeDelta::days(days);
        let ticks = cron.iter_after(from.with_timezone(&timezone)).map(|at| at.with_timezone(&Utc));
        ticks.take_while(|at| *at <= until).last()
    })
}

/// The time between two resyncs of the schedule, from a moment on.
#[must_use]
pub fn resync_period(settings: &Settings, now: DateTime<Utc>) -> Option<Duration> {
    let schedule = &settings.schedule;
    let mut coming = schedule.resync.iter_after(now.with_timezone(&schedule.timezone));
    let (first, second) = (coming.next()?, coming.next()?);
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

/// The next `n` runs of the schedule after a moment, in their order.
#[must_use]
pub fn schedule_preview(settings: &Settings, now: DateTime<Utc>, n: usize) -> Vec<Coming> {
    let schedule = &settings.schedule;
    let mut coming = Vec::with_capacity(2 * n);
    for (pass, cron) in [("sync", &schedule.sync), ("resync", &schedule.resync)] {
        for at in cron.iter_after(now.with_timezone(&schedule.timezone)).take(n) {
            let local = at.format("%a %Y-%m-%d %H:%M %Z").to_string();
            coming.push(Coming { at: at.with_timezone(&Utc), local, pass });
        }
    }
    coming.sort_by_key(|run| run.at);
    coming.truncate(n);
    coming
}
