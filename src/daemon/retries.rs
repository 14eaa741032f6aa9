//! What did not come to its end is gone on with before its next tick. Each pass has its own retry: a sync that fails meanwhile takes nothing from
//! a resync. Pure.

use std::{collections::BTreeMap, time::Duration};

use super::Task;
use crate::model::time::Moment;

/// After a pass of ours that did not come to its end.
const AFTER_A_FAILURE: Duration = Duration::from_mins(10);
/// After one of another process: sooner than it tries again itself, since what keeps it from its work may not keep us, and it may be gone.
const AFTER_ANOTHERS: Duration = Duration::from_mins(5);

/// How a tick was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// By us, to its end.
    Well,
    /// By us, and it did not come to its end.
    Badly,
    /// By another process, before us: whether that came to its end.
    Elsewhere { well: bool },
}

/// The retries that are to come.
#[derive(Debug, Default)]
pub struct Retries(BTreeMap<Task, Retry>);

/// When, by the clock that nobody can set; and since when another process may have spared it us.
#[derive(Debug, Clone, Copy)]
struct Retry {
    at: Duration,
    since: Moment,
}

impl Retries {
    /// A tick was served; it is so late now, by the clock that nobody can set and by the other.
    pub fn ended(&mut self, task: Task, how: Served, uptime: Duration, now: Moment) {
        let wait = match how {
            Served::Well | Served::Elsewhere { well: true } => {
                self.0.remove(&task);
                return;
            }
            Served::Badly => AFTER_A_FAILURE,
            Served::Elsewhere { well: false } => AFTER_ANOTHERS,
        };
        self.0.insert(task, Retry { at: uptime + wait, since: now });
    }

    /// One that is due now, taken, and since when it is.
    pub fn take(&mut self, uptime: Duration) -> Option<(Task, Moment)> {
        let (&task, &Retry { since, .. }) = self.0.iter().find(|(_, retry)| retry.at <= uptime)?;
        self.0.remove(&task);
        Some((task, since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: u64) -> Duration {
        Duration::from_mins(minute)
    }

    fn at(minute: i64) -> Moment {
        Moment::from_millis(minute * 60_000)
    }

    #[test]
    fn what_failed_is_tried_again_after_ten_minutes_and_what_failed_elsewhere_after_five() {
        let mut retries = Retries::default();
        retries.ended(Task::Sync, Served::Badly, minute(0), at(100));
        assert_eq!((retries.take(minute(9)), retries.take(minute(10))), (None, Some((Task::Sync, at(100)))));
        assert_eq!(retries.take(minute(20)), None, "once");
        retries.ended(Task::Resync, Served::Elsewhere { well: false }, minute(20), at(120));
        assert_eq!((retries.take(minute(24)), retries.take(minute(25))), (None, Some((Task::Resync, at(120)))));
    }

    #[test]
    fn a_sync_takes_nothing_from_a_resync_and_what_went_well_is_over() {
        let mut retries = Retries::default();
        retries.ended(Task::Resync, Served::Badly, minute(7), at(7));
        retries.ended(Task::Sync, Served::Badly, minute(15), at(15));
        assert_eq!(retries.take(minute(17)), Some((Task::Resync, at(7))));
        retries.ended(Task::Resync, Served::Badly, minute(18), at(18));
        retries.ended(Task::Sync, Served::Well, minute(20), at(20));
        assert_eq!(retries.take(minute(27)), None, "the sync went well");
        retries.ended(Task::Resync, Served::Elsewhere { well: true }, minute(27), at(27));
        assert_eq!(retries.take(minute(60)), None, "another process went on with it");
    }
}
