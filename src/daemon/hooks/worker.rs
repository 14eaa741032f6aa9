//! What is done about customers that were named, after their calls were answered: each is looked at, and a sync comes soon. Many calls
//! make one sync.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::Ears;
use crate::{
    daemon::{Present, State},
    model::CustomerId,
    sync::{Clock as _, SystemClock, named::Heard},
};

/// Calls that are handled together.
const TOGETHER: usize = 16;
/// How long that may take: longer than a vendor's passing fault.
const PATIENCE: Duration = Duration::from_secs(20);
/// The least time between two syncs that are asked for here, and the least time of each where many follow each other: a sync costs
/// calls that the schedule's own may need.
const SPACED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));
/// So much of that may be owed.
const OWED: Duration = Duration::from_secs(6);
/// When a customer is looked at again that is not linked by then: a search may lag behind, and whoever chats may say later who she is.
const AGAIN: [Duration; 2] = [Duration::from_secs(30), Duration::from_mins(3)];
/// So many wait for that; of more the oldest are left to their rechecks.
const WAITING: usize = 1024;

/// Customers that are to be looked at again, by how often they were.
#[derive(Debug, Default)]
struct Later([VecDeque<(Instant, CustomerId)>; AGAIN.len()]);

impl Later {
    /// `looked`: how often they were looked at before this time.
    fn put_off(&mut self, customers: Vec<CustomerId>, looked: usize, now: Instant) {
        let (Some(queue), Some(wait)) = (self.0.get_mut(looked), AGAIN.get(looked)) else { return };
        queue.extend(customers.into_iter().map(|customer| (now + *wait, customer)));
        queue.drain(..queue.len().saturating_sub(WAITING));
    }

    /// When the next is due.
    fn next(&self) -> Option<Instant> {
        self.0.iter().filter_map(|queue| queue.front().map(|(at, _)| *at)).min()
    }

    /// Takes what is due of one queue: how often they were looked at, and whom.
    fn take(&mut self, now: Instant) -> Option<(usize, Vec<CustomerId>)> {
        let is_due = |queue: &VecDeque<(Instant, CustomerId)>| queue.front().is_some_and(|(at, _)| *at <= now);
        let (index, queue) = self.0.iter_mut().enumerate().find(|(_, queue)| is_due(queue))?;
        let mut due = Vec::new();
        while due.len() < TOGETHER && is_due(queue) {
            due.extend(queue.pop_front().map(|(_, customer)| customer));
        }
        Some((index + 1, due))
    }
}

/// When syncs may be asked for.
#[derive(Debug, Clone, Copy)]
struct Pace {
    not_before: Instant,
    /// When all that were asked for would have been, in their least time.
    paid: Instant,
}

impl Pace {
    /// One is asked for now.
    fn spend(&mut self, now: Instant) {
        self.paid = self.paid.max(now) + SPACED.1;
        self.not_before = (now + SPACED.0).max(self.paid.checked_sub(OWED).unwrap_or(now));
    }
}

/// Works until it is stopped.
pub(super) async fn work(
    mut named: Receiver<Vec<CustomerId>>,
    state: Arc<State>,
    present: Arc<Present<Ears>>,
    stop: CancellationToken,
) {
    let (mut later, mut wanted) = (Later::default(), false);
    let mut pace = Pace { not_before: Instant::now(), paid: Instant::now() };
    loop {
        let mut calls = Vec::new();
        let wake = later.next().into_iter().chain(wanted.then_some(pace.not_before)).min();
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            received = named.recv_many(&mut calls, TOGETHER) => if received == 0 { return },
            () = sleep_until(wake.unwrap_or(pace.not_before)), if wake.is_some() => {}
        }
        let now: BTreeSet<CustomerId> = calls.into_iter().flatten().collect();
        let due = if now.is_empty() { later.take(Instant::now()) } else { Some((0, now.into_iter().collect())) };
        if let (Some((looked, customers)), Some(ears)) = (due, present.get()) {
            let heard = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                heard = look(&ears, customers, looked) => heard,
            };
            wanted |= heard.due > 0;
            later.put_off(heard.again, looked, Instant::now());
        }
        if wanted && pace.not_before <= Instant::now() {
            wanted = false;
            pace.spend(Instant::now());
            state.poke(SystemClock.now());
        }
    }
}

/// Looks at customers; what fails passingly is to be tried again.
async fn look(ears: &Ears, customers: Vec<CustomerId>, looked: usize) -> Heard {
    let heard = timeout(PATIENCE, ears.named.heed(&customers, looked > 0, SystemClock.now())).await;
    match heard {
        Ok(Ok(heard)) => {
            tracing::debug!(
                customers = customers.len(),
                due = heard.due,
                again = heard.again.len(),
                "customers that were named were looked at"
            );
            heard
        }
        Ok(Err(error)) => {
            tracing::warn!(customers = customers.len(), %error, "customers that were named could not be looked at; trying again");
            Heard { due: 0, again: customers }
        }
        Err(_elapsed) => {
            tracing::warn!(
                customers = customers.len(),
                "customers that were named could not be looked at in time; trying again"
            );
            Heard { due: 0, again: customers }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn customers(range: std::ops::Range<usize>) -> Vec<CustomerId> {
        range.filter_map(|number| format!("c{number}").parse().ok()).collect()
    }

    #[test]
    fn a_customer_is_looked_at_twice_more_and_then_left_to_its_recheck() {
        let (mut later, start) = (Later::default(), Instant::now());
        later.put_off(customers(0..2), 0, start);
        assert_eq!((later.next(), later.take(start)), (Some(start + AGAIN[0]), None));
        let first = start + AGAIN[0];
        assert_eq!(later.take(first), Some((1, customers(0..2))));
        later.put_off(customers(0..1), 1, first);
        assert_eq!(later.take(first + AGAIN[1]), Some((2, customers(0..1))));
        later.put_off(customers(0..1), 2, first);
        assert_eq!(later.next(), None);
    }

    #[test]
    fn a_few_syncs_follow_each_other_soon_and_many_do_not() {
        let start = Instant::now();
        let mut pace = Pace { not_before: start, paid: start };
        let mut asked = Vec::new();
        for _ in 0..20 {
            let now = pace.not_before;
            asked.push((now - start).as_secs());
            pace.spend(now);
        }
        assert_eq!(asked, [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32]);
        let rested = pace.not_before + Duration::from_mins(1);
        pace.spend(rested);
        assert_eq!(pace.not_before, rested + SPACED.0);
    }

    #[test]
    fn of_too_many_the_oldest_are_left() {
        let (mut later, start) = (Later::default(), Instant::now());
        later.put_off(customers(0..2000), 0, start);
        let first = later.take(start + AGAIN[0]);
        assert_eq!(first, Some((1, customers(2000 - WAITING..2000 - WAITING + TOGETHER))));
    }
}
