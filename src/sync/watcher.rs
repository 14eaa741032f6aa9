//! Watching somebody else's lease: whether its holder may be succeeded, from what was seen and for how long. Pure.

use std::time::Duration;

use crate::store::{Held, Succession};

/// What was seen of a lease so far.
#[derive(Debug, Default)]
pub struct Watcher {
    seen: Option<(Held, Duration)>,
    life: bool,
}

impl Watcher {
    /// Looks once more. `at` is the watcher's own time, which nobody can set.
    pub fn look(&mut self, held: &Held, is_dead: bool, at: Duration) -> Option<Succession> {
        if is_dead {
            return Some(Succession::Dead(held.clone()));
        }
        match &self.seen {
            Some((before, since)) if same(before, held) => {
                // A little longer: its holder's clock may run slower than ours.
                (at.saturating_sub(*since) > held.ttl + held.ttl / 100).then(|| Succession::Silent(held.clone()))
            }
            Some(_) => {
                self.life = true;
                self.seen = Some((held.clone(), at));
                None
            }
            None => {
                self.seen = Some((held.clone(), at));
                None
            }
        }
    }

    /// Whether the lease was renewed, or passed on, since the first look.
    #[must_use]
    pub const fn saw_life(&self) -> bool {
        self.life
    }
}

/// Neither renewed nor passed on. What it says of the calendar counts for nothing.
fn same(before: &Held, now: &Held) -> bool {
    (before.epoch, before.beat, &before.holder) == (now.epoch, now.beat, &now.holder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::time::Moment, store::Holder};

    const TTL: Duration = Duration::from_secs(90);

    fn held(epoch: i64, beat: i64) -> Held {
        let holder = Holder { host: "elsewhere".into(), boot: "b".into(), pid: 7, started: 1, purpose: "sync".into() };
        Held { holder, epoch, beat, ttl: TTL, expires: Moment::from_millis(0) }
    }

    #[test]
    fn a_lease_that_is_not_renewed_for_longer_than_it_lasts_may_be_succeeded() {
        let mut watcher = Watcher::default();
        assert_eq!(watcher.look(&held(1, 0), false, Duration::from_secs(1000)), None);
        assert_eq!(watcher.look(&held(1, 0), false, Duration::from_secs(1090)), None);
        let succession = watcher.look(&held(1, 0), false, Duration::from_secs(1091));
        assert_eq!(succession, Some(Succession::Silent(held(1, 0))));
        assert!(!watcher.saw_life());
    }

    #[test]
    fn each_renewal_begins_the_watch_anew() {
        let mut watcher = Watcher::default();
        for step in 0_i32..10 {
            let at = TTL * step.unsigned_abs();
            assert_eq!(watcher.look(&held(1, i64::from(step)), false, at), None);
        }
        assert!(watcher.saw_life());
        assert_eq!(watcher.look(&held(2, 9), false, TTL * 12), None, "it was passed on");
    }

    #[test]
    fn what_a_holder_says_of_the_calendar_is_not_believed() {
        let mut watcher = Watcher::default();
        let long_over = Held { expires: Moment::from_millis(i64::MIN), ..held(1, 0) };
        assert_eq!(watcher.look(&long_over, false, Duration::ZERO), None);
        assert_eq!(watcher.look(&long_over, false, Duration::from_secs(89)), None);
    }

    #[test]
    fn a_dead_one_is_succeeded_at_once() {
        assert_eq!(Watcher::default().look(&held(1, 0), true, Duration::ZERO), Some(Succession::Dead(held(1, 0))));
    }
}
