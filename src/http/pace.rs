//! How fast: at most so many requests in *every* window, as the server counts them. Pure: instants come in.
//!
//! The server counts a request when it arrives, which lies between its start and its end here. So a place in the window is
//! freed one period after a request *ended*, and whatever is in flight holds one: then no window the server can draw holds
//! more, however long a request was on its way. A second rule spreads requests evenly after a burst of a quarter of the
//! limit, so that a process started anew, which cannot remember its predecessor's requests, adds at most that burst.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::limits::Rate;

/// When the next request may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// At once.
    Now,
    /// Not before this instant.
    At(Instant),
    /// Not before one in flight has ended.
    WhenOneEnds,
}

/// Windows are closed intervals: two requests exactly one period apart share one, so a place is freed this much later.
const JUST_AFTER: Duration = Duration::from_millis(1);

/// The pace of one host.
#[derive(Debug)]
pub(super) struct Pace {
    calls: usize,
    per: Duration,
    /// Between two requests in the long run.
    interval: Duration,
    /// How far `due` may run ahead of the clock: the burst.
    ahead: Duration,
    /// When the next request would start if all were spread evenly.
    due: Option<Instant>,
    /// When the requests of the last period ended, in order.
    ended: VecDeque<Instant>,
}

impl Pace {
    pub(super) fn new(rate: Rate) -> Self {
        let calls = rate.calls.max(1);
        let interval = rate.per / calls;
        let burst = (calls / 4).max(1);
        Self {
            calls: calls as usize,
            per: rate.per,
            interval,
            ahead: interval * (burst - 1),
            due: None,
            ended: VecDeque::new(),
        }
    }

    /// When the next request may start, with so many in flight.
    pub(super) fn turn(&mut self, now: Instant, in_flight: usize) -> Turn {
        while self.ended.front().is_some_and(|&ended| now >= self.frees(ended)) {
            self.ended.pop_front();
        }
        if self.ended.len() + in_flight >= self.calls {
            return match self.ended.front() {
                Some(&oldest) => Turn::At(self.frees(oldest)),
                None => Turn::WhenOneEnds,
            };
        }
        match self.due.and_then(|due| due.checked_sub(self.ahead)) {
            Some(earliest) if earliest > now => Turn::At(earliest),
            Some(_) | None => Turn::Now,
        }
    }

    /// A request starts now.
    pub(super) fn started(&mut self, now: Instant) {
        self.due = Some(self.due.map_or(now, |due| due.max(now)) + self.interval);
    }

    /// A request ended now, well or badly.
    pub(super) fn ended(&mut self, now: Instant) {
        self.ended.push_back(now);
    }

    fn frees(&self, ended: Instant) -> Instant {
        ended + self.per + JUST_AFTER
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Runs requests that become wanted after these gaps and last so long; gives (start, end) of each, in milliseconds.
    fn play(rate: Rate, wanted: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let zero = Instant::now();
        let at = |ms: u64| zero + Duration::from_millis(ms);
        let mut pace = Pace::new(rate);
        let mut spans: Vec<(u64, u64)> = Vec::new();
        let mut reported = 0_usize;
        let (mut clock, mut wish) = (0_u64, 0_u64);
        for &(gap, lasts) in wanted {
            wish += gap;
            clock = clock.max(wish);
            loop {
                let mut ends: Vec<u64> = spans.iter().map(|s| s.1).collect();
                ends.sort_unstable();
                for &end in ends.iter().skip(reported).take_while(|&&end| end <= clock) {
                    pace.ended(at(end));
                    reported += 1;
                }
                match pace.turn(at(clock), spans.len() - reported) {
                    Turn::Now => break,
                    Turn::At(t) => clock = u64::try_from((t - zero).as_millis()).unwrap_or(u64::MAX).max(clock + 1),
                    Turn::WhenOneEnds => clock = ends.get(reported).copied().unwrap_or(clock + 1),
                }
            }
            pace.started(at(clock));
            spans.push((clock, clock + lasts));
        }
        spans
    }

    proptest! {
        #[test]
        fn f1_never_faster_than_the_limit_in_any_window_wherever_requests_arrive(
            calls in 1_u32..40,
            per in 50_u64..2_000,
            wanted in prop::collection::vec((prop_oneof![3 => Just(0_u64), 1 => 0_u64..700], 0_u64..900), 1..150),
            lag in 0_u64..=100,
        ) {
            let spans = play(Rate { calls, per: Duration::from_millis(per) }, &wanted);
            // Each arrives at another point of its span, so that arrivals crowd as much as they can.
            let mut arrivals: Vec<u64> = spans
                .iter()
                .enumerate()
                .map(|(i, (start, end))| start + (end - start) * ((lag * (i as u64 % 3)) % 101) / 100)
                .collect();
            arrivals.sort_unstable();
            for (i, &first) in arrivals.iter().enumerate() {
                let within = arrivals.iter().skip(i).take_while(|&&t| t <= first + per).count();
                prop_assert!(within <= calls as usize, "{within} within a window that allows {calls}");
            }
        }
    }

    #[test]
    fn a_fresh_process_adds_at_most_a_quarter_of_the_limit_at_once() {
        let spans = play(Rate { calls: 1000, per: Duration::from_mins(5) }, &vec![(0, 0); 600]);
        assert_eq!(spans.iter().filter(|s| s.0 == 0).count(), 250);
        assert_eq!(spans.iter().filter(|s| s.0 <= 30_000).count(), 350, "then 1000 in 300 s, evenly");
    }

    #[test]
    fn the_whole_limit_is_used_in_the_long_run() {
        let spans = play(Rate { calls: 100, per: Duration::from_secs(10) }, &vec![(0, 0); 1_000]);
        let last = spans.last().map_or(0, |s| s.0);
        assert!((90_000..=101_000).contains(&last), "1000 requests at 10/s ended at {last} ms");
    }
}
