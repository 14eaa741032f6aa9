//! What a passing fault kept from being done is tried again after a growing pause, and told seldom.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, task::AbortHandle};

use super::Seldom;

/// Between two tries, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(30));

/// The pauses between tries of one thing.
#[derive(Debug)]
pub struct Pauses {
    next: Duration,
    told: Seldom,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { next: AGAIN.0, told: Seldom::default() }
    }
}

impl Pauses {
    /// The one that comes now.
    pub fn take(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(AGAIN.1);
        pause
    }

    /// Whether this is to be told now, by a clock that nobody can set.
    pub fn says(&self, text: &str, now: Duration) -> bool {
        self.told.says(text, now)
    }
}

/// A reload that is to be tried again. It comes as another call for one would, so that whatever heeds these heeds it.
#[derive(Debug, Default)]
pub struct Later {
    pauses: Pauses,
    comes: Option<AbortHandle>,
}

impl Later {
    /// It is tried now, because it came or because another call did.
    pub fn is_now(&mut self) {
        if let Some(comes) = self.comes.take() {
            comes.abort();
        }
    }

    /// It could not be done, for such a reason: it comes again. Answers whether that is to be told.
    pub fn again(&mut self, why: &str, now: Duration, reload: &Arc<Notify>) -> bool {
        let (pause, reload) = (self.pauses.take(), Arc::clone(reload));
        let coming = tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            reload.notify_one();
        });
        self.comes = Some(coming.abort_handle());
        self.pauses.says(why, now)
    }

    /// It was taken or refused.
    pub fn is_over(&mut self) {
        self.pauses = Pauses::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_the_longest() {
        let mut pauses = Pauses::default();
        let taken: Vec<u64> = (0..7).map(|_| pauses.take().as_secs()).collect();
        assert_eq!(taken, [2, 4, 8, 16, 30, 30, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_comes_again_once_and_not_where_another_came_first() {
        let (mut later, reload, second) = (Later::default(), Arc::new(Notify::new()), Duration::from_secs(1));
        let came = async || tokio::time::timeout(second * 10, reload.notified()).await.is_ok();
        assert!(later.again("away", second, &reload) && came().await);
        later.is_now();
        assert!(!came().await, "once");
        assert!(!later.again("away", second * 2, &reload), "that was told");
        later.is_now();
        assert!(!came().await, "another call came first");
        later.is_over();
        assert!(later.again("away", second * 3, &reload), "it is another time");
    }
}
