//! What goes on for long is told when it begins or changes, and then seldom and more seldom. Pure.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long nothing is said of what was told already, at first and at most.
const QUIET: (Duration, Duration) = (Duration::from_mins(1), Duration::from_hours(1));

/// What was told last.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Option<Told>>);

#[derive(Debug)]
struct Told {
    text: String,
    until: Duration,
    quiet: Duration,
}

impl Seldom {
    /// Whether this is to be told now, by a clock that nobody can set.
    pub fn says(&self, text: &str, now: Duration) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let quiet = match told.as_ref().filter(|told| told.text == text) {
            None => QUIET.0,
            Some(told) if now < told.until => return false,
            Some(told) => (told.quiet * 2).min(QUIET.1),
        };
        *told = Some(Told { text: text.to_owned(), until: now + quiet, quiet });
        true
    }

    /// It is over: what comes again is news.
    pub fn over(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_when_it_changes_and_then_at_widening_intervals() {
        let seldom = Seldom::default();
        let minute = |minute: u64| Duration::from_mins(minute);
        let told: Vec<u64> = (0..400).filter(|now| seldom.says("away", minute(*now))).collect();
        assert_eq!(told, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363]);
        assert!(seldom.says("away elsewhere", minute(400)) && !seldom.says("away elsewhere", minute(400)));
        assert!(seldom.says("away", minute(400)), "it changed");
        seldom.over();
        assert!(seldom.says("away", minute(400)), "it is another time");
    }
}
