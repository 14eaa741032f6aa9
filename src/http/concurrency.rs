//! How many at once: additive increase, multiplicative decrease, between 1 and a ceiling. Pure: no clock, no locks.
//!
//! It halves on an overload (429, 503, a timeout) and when answers become slow against what is usual for calls of their name,
//! and climbs by about one for each round of answers. Requests that were already in flight when it last halved say nothing
//! new, so each request carries the *round* it was sent in and a round halves it once.

use std::{collections::BTreeMap, time::Duration};

/// Answers faster than this are never slow, however fast they usually are.
const NEVER_SLOW: f64 = 0.1;
/// How many times slower than usual answers must be, smoothed, to be taken for load.
const SLOW: f64 = 2.0;
/// One answer counts as at most this many times slower: a single late one is no trend.
const SLOWEST: f64 = 4.0;

/// The adaptive limit of one host.
#[derive(Debug)]
pub(super) struct Concurrency {
    ceiling: f64,
    limit: f64,
    round: u64,
    /// Seconds, smoothed slowly, by call name.
    usual: BTreeMap<&'static str, f64>,
    /// Times slower than usual, smoothed quickly, over all names.
    slowness: f64,
}

impl Concurrency {
    /// Starts at half the ceiling: a host's mood is not known yet.
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = f64::from(u32::try_from(ceiling.max(1)).unwrap_or(u32::MAX));
        Self { ceiling, limit: (ceiling / 2.0).max(1.0), round: 0, usual: BTreeMap::new(), slowness: 1.0 }
    }

    /// How many may be in flight now, at least 1.
    pub(super) fn allowed(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and the ceiling, which was a usize"
        )]
        let allowed = self.limit as usize;
        allowed
    }

    /// What a request sent now carries.
    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// A good answer came to a request sent in `round`.
    pub(super) fn on_success(&mut self, call: &'static str, latency: Duration, round: u64) {
        let seconds = latency.as_secs_f64();
        let usual = self.usual.entry(call).or_insert(seconds);
        let times = if seconds <= NEVER_SLOW { 1.0 } else { (seconds / usual.max(f64::EPSILON)).min(SLOWEST) };
        *usual += 0.05 * (seconds.min(*usual * SLOWEST) - *usual);
        self.slowness += 0.3 * (times - self.slowness);
        if self.slowness > SLOW {
            self.on_overload(round);
        } else {
            self.limit = (self.limit + 1.0 / self.limit).min(self.ceiling);
        }
    }

    /// A throttle, a timeout, or rising latency met a request sent in `round`.
    pub(super) fn on_overload(&mut self, round: u64) {
        if round == self.round {
            self.limit = (self.limit / 2.0).max(1.0);
            self.round += 1;
            self.slowness = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warm(ceiling: usize, latency: u64) -> Concurrency {
        let mut c = Concurrency::new(ceiling);
        for _ in 0..200 {
            c.on_success("get", Duration::from_millis(latency), c.round());
        }
        c
    }

    #[test]
    fn it_climbs_to_the_ceiling_and_no_further() {
        assert_eq!(Concurrency::new(8).allowed(), 4);
        assert_eq!(warm(8, 20).allowed(), 8);
    }

    #[test]
    fn an_overload_halves_it_down_to_one_never_to_none() {
        let mut c = warm(8, 20);
        let seen: Vec<usize> = (0..5)
            .map(|_| {
                c.on_overload(c.round());
                c.allowed()
            })
            .collect();
        assert_eq!(seen, [4, 2, 1, 1, 1]);
    }

    #[test]
    fn many_overloads_of_one_round_halve_it_once() {
        let mut c = warm(8, 20);
        let round = c.round();
        (0..8).for_each(|_| c.on_overload(round));
        assert_eq!(c.allowed(), 4);
    }

    #[test]
    fn climbing_back_takes_a_round_of_answers_for_each_step() {
        let mut c = warm(8, 20);
        c.on_overload(c.round());
        for _ in 0..4 {
            c.on_success("get", Duration::from_millis(20), c.round());
        }
        assert_eq!(c.allowed(), 4, "four answers are not quite a whole step");
        c.on_success("get", Duration::from_millis(20), c.round());
        assert_eq!(c.allowed(), 5);
    }

    #[test]
    fn rising_latency_halves_it() {
        let mut c = warm(8, 200);
        for _ in 0..3 {
            c.on_success("get", Duration::from_millis(900), c.round());
        }
        assert!(c.allowed() <= 5, "{}", c.allowed());
    }

    #[test]
    fn one_late_answer_or_a_slower_kind_of_call_is_no_trend() {
        let mut c = warm(8, 200);
        c.on_success("get", Duration::from_secs(20), c.round());
        assert_eq!(c.allowed(), 8);
        for _ in 0..50 {
            c.on_success("search", Duration::from_millis(1_500), c.round());
        }
        assert_eq!(c.allowed(), 8, "searches are always slow");
    }

    #[test]
    fn a_new_usual_is_got_used_to() {
        let mut c = warm(8, 200);
        for _ in 0..300 {
            c.on_success("get", Duration::from_millis(600), c.round());
        }
        assert_eq!(c.allowed(), 8);
    }
}
