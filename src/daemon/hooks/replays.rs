//! Calls that came already: their seals, for a while, and never more than so many.

use std::{
    collections::{BTreeSet, VecDeque},
    time::Duration,
};

/// The seal of a call: its HMAC, of which only a whole one that was verified comes here.
pub(super) type Seal = [u8; 20];

/// How long a call is remembered.
const REMEMBERED: Duration = Duration::from_mins(5);
/// How many are, the latest.
const MOST: usize = 4096;

/// The calls of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Replays {
    order: VecDeque<(Duration, Seal)>,
    seals: BTreeSet<Seal>,
}

impl Replays {
    /// Whether this one came already. `now` is by a clock that nobody can set.
    pub(super) fn know(&mut self, seal: &Seal, now: Duration) -> bool {
        while let Some((at, old)) = self.order.front().copied() {
            if now.saturating_sub(at) < REMEMBERED && self.order.len() <= MOST {
                break;
            }
            self.order.pop_front();
            self.seals.remove(&old);
        }
        self.seals.contains(seal)
    }

    /// This one was taken.
    pub(super) fn remember(&mut self, seal: Seal, now: Duration) {
        if self.seals.insert(seal) {
            self.order.push_back((now, seal));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(number: u32) -> Seal {
        let mut seal = [0; 20];
        for (to, from) in seal.iter_mut().zip(number.to_be_bytes()) {
            *to = from;
        }
        seal
    }

    #[test]
    fn a_call_is_known_for_a_while() {
        let mut replays = Replays::default();
        assert!(!replays.know(&seal(1), Duration::ZERO));
        replays.remember(seal(1), Duration::ZERO);
        assert!(replays.know(&seal(1), REMEMBERED / 2) && !replays.know(&seal(2), Duration::ZERO));
        assert!(!replays.know(&seal(1), REMEMBERED));
        replays.remember(seal(1), REMEMBERED);
        assert!(replays.know(&seal(1), REMEMBERED * 3 / 2));
    }

    #[test]
    fn however_many_come_it_remembers_no_more_than_it_may() {
        let mut replays = Replays::default();
        for number in 0..100_000 {
            assert!(!replays.know(&seal(number), Duration::ZERO));
            replays.remember(seal(number), Duration::ZERO);
            assert!(replays.order.len() <= MOST + 1 && replays.order.len() == replays.seals.len());
        }
        assert!(replays.know(&seal(99_999), Duration::ZERO) && !replays.know(&seal(0), Duration::ZERO));
    }
}
