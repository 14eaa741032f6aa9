//! What the service manager is told: that we are ready, what we do, that we live. Where there is none, nothing is told.

use std::{sync::Arc, time::Duration};

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::State;

/// Longer than one try of opening everything takes: the store's patience, and a vendor's deadline.
const START: Duration = Duration::from_mins(3);

/// Tells the manager something; that it cannot be told is no reason not to work.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

/// It works from now on.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// It starts still; it is not to be given up.
pub fn starting(why: &str) {
    let more = u32::try_from(START.as_micros()).unwrap_or(u32::MAX);
    tell(&[NotifyState::ExtendTimeoutUsec(more), NotifyState::Status(why)]);
}

/// It does something else now.
pub fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// It reads its configuration anew. [`ready`] ends that.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// It was asked to stop.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Feeds the watchdog, if there is one, for as long as the runner lives.
pub async fn watchdog(state: Arc<State>, stop: CancellationToken) {
    let Some(span) = sd_notify::watchdog_enabled() else { return };
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(span / 3) => {}
        }
        match state.liveness.stuck() {
            None => tell(&[NotifyState::Watchdog]),
            Some(why) => tracing::error!("{why}: the watchdog is not fed any more, and restarts this process"),
        }
    }
}
