//! `anagrafe daemon`: the schedule, health and figures, in the foreground, until a signal. What it does is [`crate::daemon`]'s; here it is
//! put together from the configuration.

mod crew;
mod look;
mod rooms;

use std::sync::Arc;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::Notify,
};
use tokio_util::sync::CancellationToken;

use super::{Context, Exit, Failure, logging, setup, signals::Signals};
use crate::{
    config::{Settings, schedule_preview},
    daemon::{
        Daemon, Ended, Seldom, State, Task,
        health::{self, Health},
    },
    observe::metrics,
    sync::{Clock as _, SystemClock},
};

/// So many coming runs of each pass are told at start.
const TOLD: usize = 3;

pub async fn run(context: &Context) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    logging::begin(context, &settings);
    let signals = Signals::cancelling(&context.stop).map_err(Failure::failed)?;
    let reload = hangups()?;
    let figures = metrics::keep().map_err(Failure::failed)?;
    let listener = health::bind(settings.observe.listen).await.map_err(Failure::failed)?;
    let state = Arc::new(State::default());
    let rooms = rooms::Rooms::of(&settings).await?;
    begin(&settings);
    let look = Arc::new(look::StoreLook::of(settings.shops.keys()));
    let recruiter = crew::FromConfiguration {
        context,
        signals: signals.clone(),
        look: Arc::clone(&look),
        rooms: rooms.clone(),
        listen: settings.observe.listen,
        otlp_endpoint: settings.observe.otlp_endpoint.clone(),
        log_format: settings.observe.log_format,
        away: Seldom::default(),
    };
    let daemon = Daemon { state: Arc::clone(&state), recruiter: &recruiter, stop: context.stop.clone(), reload };
    // Health is answered to the last moment: it is what says that this process is stopping.
    let over = CancellationToken::new();
    let beside = rooms.open(&state, &over);
    let serving = tokio::spawn(health::serve(listener, Health { state, look, figures }, over.clone()));
    let ended = crate::daemon::run(&daemon).await;
    over.cancel();
    serving.abort();
    beside.close().await;
    match ended {
        Ended::Stopped => {
            tracing::info!("stopped");
            Ok(signals.caught().map_or(Exit::Done, Exit::Signal))
        }
        Ended::Refused(error) => Err(error.downcast::<Refusal>().map_or_else(Failure::failed, |refusal| refusal.0)),
    }
}

/// A failure that goes with its exit code through a room that knows none.
#[derive(Debug)]
struct Refusal(Failure);

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0.error)
    }
}

impl std::error::Error for Refusal {}

/// Listens for SIGHUP.
fn hangups() -> Result<Arc<Notify>, Failure> {
    let mut arriving = signal(SignalKind::hangup()).map_err(Failure::failed)?;
    let reload = Arc::new(Notify::new());
    let heard = Arc::clone(&reload);
    tokio::spawn(async move {
        while arriving.recv().await.is_some() {
            tracing::info!("asked by a signal to read the configuration anew: that is done between two runs");
            heard.notify_one();
        }
    });
    Ok(reload)
}

/// Says in the log what begins, and when it does something next.
fn begin(settings: &Settings) {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let now = chrono::DateTime::from_timestamp_millis(SystemClock.now().millis()).unwrap_or_default();
    let coming = schedule_preview(settings, now, TOLD);
    let next = |task: Task| {
        let its = coming.iter().filter(|run| run.pass == task.as_str());
        its.map(|run| run.local.as_str()).collect::<Vec<_>>().join(", ")
    };
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        account = %settings.vivocha.account,
        shops = settings.shops.len(),
        listen = %settings.observe.listen,
        next_syncs = next(Task::Sync),
        next_resyncs = next(Task::Resync),
        "the daemon begins"
    );
}
