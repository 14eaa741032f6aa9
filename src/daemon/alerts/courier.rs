//! The courier: takes what is not delivered yet, posts it, and tries again for as long as it takes.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Office, letter, letterbox::DEADLINE, watch::random};
use crate::{
    daemon::Present,
    model::alert::{Alert, KeptAlert},
    observe::metrics,
    store::{AlertSettled, AlertTried},
    sync::{Clock as _, SystemClock},
};

/// How often it looks for what another daemon may have left.
const LOOK: Duration = Duration::from_secs(30);
/// What was taken is nobody else's for so long: longer than a try takes.
const TAKEN: Duration = Duration::from_secs(20);
/// The waits between tries: the first, doubling, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(10));

/// Delivers until it is stopped. `news` wakes it.
pub async fn deliver(present: Arc<Present<Office>>, news: Arc<Notify>, stop: CancellationToken) {
    loop {
        let wait = match present.get() {
            None => {
                // Where no alerts are wanted none wait, whatever the store still has of them.
                metrics::alerts_pending(0);
                LOOK
            }
            Some(office) => round(&office, &stop).await.unwrap_or_else(|error| {
                tracing::warn!(error = %format!("{error:#}"), "alerts could not be delivered; trying again");
                LOOK
            }),
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = news.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Tries each that is to be delivered now; answers when the next one is.
async fn round(office: &Office, stop: &CancellationToken) -> anyhow::Result<Duration> {
    loop {
        let kept = office.store.alerts().await?;
        let pending: Vec<&KeptAlert> = kept.iter().filter(|kept| kept.delivered_at.is_none()).collect();
        metrics::alerts_pending(pending.len());
        let now = SystemClock.now();
        let Some(next) = pending.iter().map(|kept| kept.free_at(now)).min() else { return Ok(LOOK) };
        if stop.is_cancelled() || next > now {
            return Ok(next.since(now).min(LOOK));
        }
        let by = random()?;
        match office.store.take_alert(&by, now, now.after(TAKEN)).await? {
            Some(kept) => one(office, &kept, by, stop).await?,
            // Somebody else was quicker.
            None => return Ok(BACKOFF.0),
        }
    }
}

/// Tries one.
async fn one(office: &Office, kept: &KeptAlert, by: String, stop: &CancellationToken) -> anyhow::Result<()> {
    let Alert { about, state, id, .. } = &kept.alert;
    let body = letter::body(&kept.alert, &office.account)?;
    let posted = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        posted = timeout(DEADLINE + Duration::from_secs(2), office.letterbox.post(body)) => Some(posted),
    };
    let tries = kept.tries.saturating_add(1);
    let state = state.as_str();
    let outcome = match posted {
        Some(Ok(Ok(()))) => {
            metrics::alert("delivered");
            tracing::info!(%about, state, id, tries, "an alert was delivered");
            AlertTried::Delivered(SystemClock.now())
        }
        Some(failed) => {
            metrics::alert("failed");
            let error = match failed {
                Ok(Err(error)) => error.to_string(),
                Ok(Ok(())) | Err(_) => "no answer in time".to_owned(),
            };
            let wait = backoff(tries, getrandom::u32().unwrap_or(0));
            // The first tries, and then ever more seldom.
            if tries.is_power_of_two() {
                tracing::warn!(%about, state, id, tries, error, ?wait, "an alert could not be delivered; trying again");
            }
            AlertTried::Again(SystemClock.now().after(wait))
        }
        // Whether it arrived is not known: whoever comes next delivers it again.
        None => AlertTried::Left,
    };
    let settled = AlertSettled { about: about.clone(), id: id.clone(), by, tried: outcome };
    Ok(office.store.settle_alert(&settled).await?)
}

/// The wait after so many failed tries: doubling, half of it drawn.
fn backoff(tries: u32, drawn: u32) -> Duration {
    let most = BACKOFF.0.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(BACKOFF.1);
    most / 2 + (most / 2).mul_f64(f64::from(drawn) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_longest_and_half_of_it_is_drawn() {
        let second = Duration::from_secs(1);
        assert_eq!((backoff(1, 0), backoff(1, u32::MAX)), (second / 2, second));
        assert_eq!((backoff(4, 0), backoff(4, u32::MAX)), (second * 4, second * 8));
        assert_eq!((backoff(99, 0), backoff(u32::MAX, u32::MAX)), (BACKOFF.1 / 2, BACKOFF.1));
    }
}
