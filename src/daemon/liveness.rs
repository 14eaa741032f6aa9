//! Whether the runner lives, and not merely the process: it beats whenever it is polled, at least every second, and while a run lasts
//! something has to come of it now and then. Health and the service manager's watchdog are fed by this alone, so that a process
//! that hangs is seen to hang.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::sync::clock::uptime;

/// A runner that was not polled for so long is stuck: it beats every second.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A run from which nothing came for so long is stuck. Longer than any wait that a vendor may ask for and gets.
const LONGEST_SILENCE: Duration = Duration::from_mins(45);

/// The runner's pulse.
#[derive(Debug)]
pub struct Liveness {
    /// When it was polled last, in milliseconds of [`uptime`].
    beat: AtomicU64,
    progress: Mutex<Progress>,
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    /// A count that changes whenever a run comes on; none while nothing runs.
    mark: Option<u64>,
    since: Duration,
}

impl Default for Liveness {
    fn default() -> Self {
        let now = uptime();
        Self { beat: AtomicU64::new(millis(now)), progress: Mutex::new(Progress { mark: None, since: now }) }
    }
}

impl Liveness {
    /// The runner was polled. `mark`: what its run has come to, if one lasts.
    pub fn beat(&self, mark: Option<u64>) {
        self.beat_at(mark, uptime());
    }

    fn beat_at(&self, mark: Option<u64>, now: Duration) {
        self.beat.store(millis(now), Ordering::Relaxed);
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if mark.is_none() || progress.mark != mark {
            *progress = Progress { mark, since: now };
        }
    }

    /// Why it is to be taken for stuck, if it is.
    #[must_use]
    pub fn stuck(&self) -> Option<&'static str> {
        self.stuck_at(uptime())
    }

    fn stuck_at(&self, now: Duration) -> Option<&'static str> {
        let beat = Duration::from_millis(self.beat.load(Ordering::Relaxed));
        if now.saturating_sub(beat) > LONGEST_PAUSE {
            return Some("the runner has not been seen for half a minute");
        }
        let progress = *self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = progress.mark.is_some() && now.saturating_sub(progress.since) > LONGEST_SILENCE;
        silent.then_some("nothing has come of the present run for three quarters of an hour")
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_runner_that_is_not_polled_is_stuck() {
        let life = Liveness::default();
        let now = uptime();
        life.beat_at(None, now);
        // Beats are kept in whole milliseconds.
        assert_eq!(life.stuck_at(now + LONGEST_PAUSE.saturating_sub(Duration::from_millis(1))), None);
        assert!(life.stuck_at(now + LONGEST_PAUSE * 2).is_some());
        life.beat_at(None, now + LONGEST_PAUSE * 2);
        assert_eq!(life.stuck_at(now + LONGEST_PAUSE * 2), None);
    }

    #[test]
    fn a_run_from_which_nothing_comes_is_stuck_and_an_idle_runner_is_not() {
        let life = Liveness::default();
        let now = uptime();
        for minute in 0..100 {
            life.beat_at(None, now + MINUTE * minute);
        }
        assert_eq!(life.stuck_at(now + MINUTE * 99), None, "there is nothing to come of");
        for minute in 100..140 {
            life.beat_at(Some(7), now + MINUTE * minute);
        }
        assert_eq!(life.stuck_at(now + MINUTE * 139), None);
        life.beat_at(Some(8), now + MINUTE * 140);
        for minute in 141..190 {
            life.beat_at(Some(8), now + MINUTE * minute);
        }
        assert!(life.stuck_at(now + MINUTE * 189).is_some());
        life.beat_at(None, now + MINUTE * 190);
        assert_eq!(life.stuck_at(now + MINUTE * 190), None);
    }
}
