//! How often again: `Retry-After`, full jitter, and the budget that keeps retries at a fifth of the traffic. Pure.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

/// Retries that are allowed before the traffic could have earned any: a short run may be unlucky too.
const FLOOR: u32 = 10;
/// The most that is saved up: a long quiet day must not pay for a storm.
const SAVED: u32 = 100;
/// First tries that earn one retry: one in five requests is then a retry.
const EARN: u32 = 4;

/// Longer waits are taken for this: an instant so far ahead can still be reckoned with.
const LONGEST: Duration = Duration::from_hours(100_000);

/// The retries one client may still make.
///
/// Of `n` first tries at most `max(FLOOR, n / 4)` are retried: a fifth of all requests, once more than a handful were made.
#[derive(Debug)]
pub(super) struct Budget {
    /// First tries until the floor counts as earned.
    unearned: u32,
    /// In quarters of a retry.
    quarters: u32,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { unearned: FLOOR * EARN, quarters: FLOOR * EARN }
    }

    /// A first try is made.
    pub(super) fn earn(&mut self) {
        if self.unearned > 0 {
            self.unearned -= 1;
        } else {
            self.quarters = (self.quarters + 1).min(SAVED * EARN);
        }
    }

    /// How many may still be retried.
    pub(super) const fn left(&self) -> u32 {
        self.quarters / EARN
    }

    /// Whether one may be retried; if so it is spent.
    pub(super) fn spend(&mut self) -> bool {
        let left = self.quarters.checked_sub(EARN);
        self.quarters = left.unwrap_or(self.quarters);
        left.is_some()
    }
}

/// Small and seeded, so that a simulation repeats: `SplitMix64`.
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Anything from zero to `most`, evenly.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX - 1);
        Duration::from_nanos(z % (nanos + 1))
    }
}

/// The longest wait after the given number of failed tries: it doubles with each.
pub(super) fn backoff(first: Duration, failed_tries: u32) -> Duration {
    first.saturating_mul(1 << failed_tries.saturating_sub(1).min(6))
}

/// The wait that `Retry-After` asks for, in either form.
///
/// A date is measured from the server's own `Date` where there is one, so that clocks that disagree do no harm; never from
/// ours if that would be sooner.
pub(super) fn retry_after(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)).min(LONGEST));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let theirs = headers.get(header::DATE).and_then(|v| httpdate::parse_http_date(v.to_str().ok()?).ok());
    let from = theirs.unwrap_or(wall);
    Some(until.duration_since(from).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn f1_retries_are_at_most_a_fifth_of_the_traffic(wishes in prop::collection::vec(any::<bool>(), 0..3_000)) {
            let mut budget = Budget::new();
            let (mut firsts, mut retries) = (0_u32, 0_u32);
            for retry in wishes {
                if retry {
                    retries += u32::from(budget.spend());
                } else {
                    budget.earn();
                    firsts += 1;
                }
                prop_assert!(retries <= FLOOR.max((firsts + retries) / 5), "{retries} retries of {firsts}");
            }
        }
    }

    #[test]
    fn the_first_calls_may_be_retried_and_a_quiet_day_does_not_pay_for_a_storm() {
        let mut budget = Budget::new();
        assert_eq!((0..50).filter(|_| budget.spend()).count(), 10);
        (0..100_000).for_each(|_| budget.earn());
        assert_eq!((0..1_000).filter(|_| budget.spend()).count(), 100);
    }

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(k, v)| (k.clone(), v.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let wall = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:00 GMT").unwrap();
        let asked = |text: &str| retry_after(&headers(&[(header::RETRY_AFTER, text)]), wall);
        assert_eq!(asked("120"), Some(Duration::from_mins(2)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(37)));
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO), "past already");
        assert_eq!(asked("soon"), None);
        assert_eq!(asked("-5"), None);
        assert!(asked("99999999999999999999999").unwrap() > Duration::from_hours(24));
    }

    #[test]
    fn a_date_is_measured_by_the_servers_own_clock() {
        let pairs =
            [(header::RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT"), (header::DATE, "Sun, 06 Nov 1994 08:49:07 GMT")];
        let ours_is_fast = httpdate::parse_http_date("Sun, 06 Nov 1994 09:30:00 GMT").unwrap();
        assert_eq!(retry_after(&headers(&pairs), ours_is_fast), Some(Duration::from_secs(30)));
    }

    #[test]
    fn jitter_covers_its_range_and_repeats_by_seed() {
        let draw = |seed| {
            let mut jitter = Jitter::new(seed);
            (0..1_000).map(|_| jitter.up_to(Duration::from_secs(1))).collect::<Vec<_>>()
        };
        let seen = draw(7);
        assert_eq!(seen, draw(7));
        assert!(seen.iter().all(|d| *d <= Duration::from_secs(1)));
        assert!(seen.iter().any(|d| *d < Duration::from_millis(50)));
        assert!(seen.iter().any(|d| *d > Duration::from_millis(950)));
        assert_eq!(Jitter::new(1).up_to(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn the_longest_wait_doubles_with_each_failure() {
        let second = Duration::from_secs(1);
        assert_eq!([1, 2, 3].map(|n| backoff(second, n).as_secs()), [1, 2, 4]);
        assert_eq!(backoff(second, 1_000), second * 64);
    }
}
