//! The watch: asks after each run and every minute how things stand, and keeps what is news of it.

use std::{sync::Arc, time::Duration};

use chrono::DateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{Office, StaleAfter};
use crate::{
    daemon::{Present, State, Task},
    model::{alert::Alert, run::Pass, time::Moment},
    plan::alerts::{Terms, changes, findings},
    store::{AlertChange, Look},
    sync::{Clock as _, SystemClock, clock::uptime},
};

/// How often it asks where nothing runs; oftener only where staleness is to be told sooner.
const PERIOD: Duration = Duration::from_mins(1);
/// The same while there is no crew yet, or no alerts are wanted.
const NOBODY: Duration = Duration::from_secs(2);
/// So many ticks of its schedule a pass may miss before that is told.
const TICKS: (usize, usize) = (3, 2);
/// The run of the last of those ticks gets so long to begin.
const GRACE: Duration = Duration::from_mins(1);

/// Watches until it is stopped. `news` wakes the courier.
pub async fn watch(state: Arc<State>, present: Arc<Present<Office>>, news: Arc<Notify>, stop: CancellationToken) {
    loop {
        let period = present.get().map(|office| period(office.stale_after));
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = state.a_run_ended(), if period.is_some() => {}
            () = tokio::time::sleep(period.unwrap_or(NOBODY)) => {}
        }
        // By now there may be another crew.
        let (Some(_), Some(office)) = (period, present.get()) else { continue };
        match ask(&office).await {
            Ok(0) => {}
            Ok(_) => news.notify_one(),
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "what is to be told as an alert could not be found out; trying again");
            }
        }
    }
}

fn period(stale_after: StaleAfter) -> Duration {
    [stale_after.sync, stale_after.resync].into_iter().flatten().chain([PERIOD]).min().unwrap_or(PERIOD)
}

/// Asks once; answers how many changes there were.
async fn ask(office: &Office) -> anyhow::Result<u64> {
    let Look { standing, told } = office.store.look().await?;
    let told: Vec<Alert> = told.into_iter().map(|kept| kept.alert).collect();
    let latest = |pass, begun| latest(office, pass, begun);
    let now = SystemClock.now();
    let shops = office.watched.since(now, uptime());
    let terms = Terms { shops: &shops, latest: &latest, now };
    let news = changes(&told, &findings(&standing, terms), terms, || random().unwrap_or_default());
    anyhow::ensure!(news.iter().all(|(alert, _)| !alert.id.is_empty()), "this system gives no random numbers");
    if news.is_empty() {
        return Ok(0);
    }
    for (alert, _) in &news {
        tracing::info!(about = %alert.about, state = alert.state.as_str(), id = alert.id, "an alert is to be delivered: {}", alert.summary);
    }
    let news: Vec<AlertChange> = news.into_iter().map(|(alert, was)| AlertChange { alert, was }).collect();
    Ok(office.store.tell(&news).await?)
}

/// By when the next good run must have begun.
fn latest(office: &Office, pass: Pass, begun: Moment) -> Option<Moment> {
    let (task, ticks, limit) = match pass {
        Pass::Survey | Pass::Sync => (Task::Sync, TICKS.0, office.stale_after.sync),
        Pass::Resync => (Task::Resync, TICKS.1, office.stale_after.resync),
    };
    if let Some(limit) = limit {
        return Some(begun.after(limit));
    }
    let mut at = DateTime::from_timestamp_millis(begun.millis())?;
    for _ in 0..ticks {
        at = office.timetable.next(task, at)?;
    }
    Some(Moment::from(at).after(GRACE))
}

/// 128 bits, in hexadecimal digits.
pub(super) fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(hex::encode(bytes))
}
