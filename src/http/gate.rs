//! The gate before one host: a request passes when there is no pause, a place among those in flight, and its turn in the pace.
//!
//! One waiter at a time stands at the turnstile, first come first served, and everything it checks is checked under one lock
//! in the instant it passes: a pause called while others wait holds for all of them. A [`Pass`] gives back what it holds
//! when it is dropped, however its call ended.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    concurrency::Concurrency,
    limits::Limits,
    pace::{Pace, Turn},
};

/// The gate of one host.
#[derive(Debug)]
pub(super) struct Gate {
    turnstile: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    /// A request ended, or the limit rose.
    freed: Notify,
    longest_wait: Duration,
}

#[derive(Debug)]
struct State {
    pace: Pace,
    concurrency: Concurrency,
    in_flight: usize,
    paused_until: Option<Instant>,
}

/// The host asked for a pause that is longer than we wait: so much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong(pub(super) Duration);

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            turnstile: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                pace: Pace::new(limits.rate),
                concurrency: Concurrency::new(limits.concurrency),
                in_flight: 0,
                paused_until: None,
            }),
            freed: Notify::new(),
            longest_wait: limits.longest_wait,
        }
    }

    /// Waits for its turn.
    pub(super) async fn enter(&self) -> Result<Pass<'_>, TooLong> {
        let _mine = self.turnstile.lock().await;
        loop {
            match self.admit(Instant::now())? {
                Admitted::Yes(pass) => return Ok(pass),
                Admitted::NotBefore(instant) => sleep_until(instant).await,
                Admitted::WhenOneEnds => self.freed.notified().await,
            }
        }
    }

    fn admit(&self, now: Instant) -> Result<Admitted<'_>, TooLong> {
        let mut state = self.state();
        if let Some(until) = state.paused_until.filter(|until| *until > now) {
            let left = until - now;
            return if left > self.longest_wait { Err(TooLong(left)) } else { Ok(Admitted::NotBefore(until)) };
        }
        if state.in_flight >= state.concurrency.allowed() {
            return Ok(Admitted::WhenOneEnds);
        }
        let in_flight = state.in_flight;
        Ok(match state.pace.turn(now, in_flight) {
            Turn::At(instant) => Admitted::NotBefore(instant),
            Turn::WhenOneEnds => Admitted::WhenOneEnds,
            Turn::Now => {
                state.pace.started(now);
                state.in_flight += 1;
                Admitted::Yes(Pass { gate: self, round: state.concurrency.round(), started: now })
            }
        })
    }

    /// How many may be in flight at once now.
    pub(super) fn allowed(&self) -> usize {
        self.state().concurrency.allowed()
    }

    /// Nobody passes for so long; a longer pause already called stands.
    pub(super) fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = self.state();
        state.paused_until = Some(state.paused_until.map_or(until, |earlier| earlier.max(until)));
    }

    /// Nothing panics while it holds this lock, and each statement under it leaves the state whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Admitted<'a> {
    Yes(Pass<'a>),
    NotBefore(Instant),
    WhenOneEnds,
}

/// The right to have one request in flight.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    gate: &'a Gate,
    round: u64,
    started: Instant,
}

impl Pass<'_> {
    /// A good answer came.
    pub(super) fn went_well(&self, call: &'static str) {
        self.gate.state().concurrency.on_success(call, self.started.elapsed(), self.round);
    }

    /// The host is overloaded.
    pub(super) fn overloaded(&self) {
        self.gate.state().concurrency.on_overload(self.round);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.pace.ended(Instant::now());
        drop(state);
        self.gate.freed.notify_one();
    }
}
