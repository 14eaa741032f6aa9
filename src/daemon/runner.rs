//! The runner: the one place where passes are executed. It waits for a tick, for the lease, does the work, and goes on; it is asked to stop,
//! or to read its configuration anew, and does so at the next moment at which nothing is lost by it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Activity, AtTick, Crew, NoCrew, Ready, Recruiter, State, Task, Timetable,
    agenda::{Waits, is_missed},
    manager,
    pauses::{Later, Pauses},
    retries::{Retries, Served},
    ticker::Ticker,
};
use crate::{
    model::{ShopName, time::Moment},
    observe::metrics,
    store::StoreError,
    sync::{
        Clock as _, SystemClock, Tenure,
        clock::uptime,
        tenure::{NoTenure, OnBusy},
    },
};

/// How often the runner beats while it waits for something.
const BEAT: Duration = Duration::from_secs(1);
/// How long it waits before it asks for the lease again, where it could not be asked for.
const AGAIN: Duration = Duration::from_secs(2);
/// Somebody else's lease is looked at every second: one that was seen so long ago tells nothing of now.
const SEEN: Duration = Duration::from_secs(5);

/// What a daemon is made of.
pub struct Daemon<'a> {
    /// What is shared with health and the ticker.
    pub state: Arc<State>,
    /// Who puts a crew together.
    pub recruiter: &'a dyn Recruiter,
    /// Asks it to stop.
    pub stop: CancellationToken,
    /// Asks it to read its configuration anew.
    pub reload: Arc<Notify>,
}

/// How a daemon ended.
#[derive(Debug)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// There is nothing it could begin with.
    Refused(anyhow::Error),
}

/// Runs until it is asked to stop, or finds at its start that it cannot work.
pub async fn run(daemon: &Daemon<'_>) -> Ended {
    let crew = match daemon.first_crew().await {
        Ok(Some(crew)) => crew,
        Ok(None) => return Ended::Stopped,
        Err(error) => return Ended::Refused(error),
    };
    let (timetable, heard) = watch::channel(crew.timetable());
    let ticker = match Ticker::new(Arc::clone(&daemon.state), heard).await {
        Ok(ticker) => ticker,
        Err(error) => return Ended::Refused(error.into()),
    };
    let ticking = tokio::spawn(ticker.on(daemon.stop.clone()));
    let feeding = tokio::spawn(manager::watchdog(Arc::clone(&daemon.state), daemon.stop.clone()));
    daemon.state.set_ready(Ready::Yes);
    daemon.says(Activity::Idle);
    manager::ready();
    daemon.make_up(&*crew).await;
    daemon.work(crew, &timetable).await;
    daemon.says(Activity::Stopping);
    daemon.state.set_ready(Ready::No("it was asked to stop".into()));
    manager::stopping();
    let _ = tokio::join!(ticking, feeding);
    Ended::Stopped
}

impl Daemon<'_> {
    /// Opens everything, however long that takes; nothing if it is asked to stop meanwhile.
    async fn first_crew(&self) -> Result<Option<Box<dyn Crew>>, anyhow::Error> {
        let mut pauses = Pauses::default();
        while !self.stop.is_cancelled() {
            let error = match self.alive(None, self.recruiter.crew()).await {
                Ok(crew) => return Ok(Some(crew)),
                // Somebody who asked it to stop is the reason for whatever failed.
                Err(_) if self.stop.is_cancelled() => return Ok(None),
                Err(NoCrew::Refused(error)) => return Err(error),
                Err(NoCrew::NotNow(error)) => error,
            };
            let why = format!("{error:#}");
            if pauses.says(&why, uptime()) {
                tracing::warn!(error = %why, "not ready yet; trying again");
            }
            manager::starting(&why);
            self.state.set_ready(Ready::No(why));
            self.pause(pauses.take()).await;
        }
        Ok(None)
    }

    /// One run that was missed while nobody was there is owed.
    async fn make_up(&self, crew: &dyn Crew) {
        let timetable = crew.timetable();
        if !timetable.catches_up() {
            return;
        }
        let now = now();
        for task in Task::ALL {
            let last_tick: Option<Moment> = timetable.last(task, now).map(Into::into);
            let asked = async { Ok((crew.last_done(task).await?, crew.is_interrupted(task).await?)) };
            let asked: anyhow::Result<_> = self.alive(None, asked).await;
            match asked {
                Ok((done, interrupted)) if is_missed(task, done, interrupted, last_tick, now.into()) => {
                    tracing::info!(pass = task.as_str(), "a run that was missed is made up for");
                    self.state.agenda().make_up(task, last_tick, now.into());
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(pass = task.as_str(), error = %format!("{error:#}"), "it could not be told whether a run was missed");
                }
            }
        }
    }

    async fn work(&self, mut crew: Box<dyn Crew>, timetable: &watch::Sender<Arc<dyn Timetable>>) {
        let (mut retries, mut later) = (Retries::default(), Later::default());
        loop {
            self.state.liveness.beat(None);
            if let Some((task, since)) = retries.take(uptime()) {
                tracing::info!(pass = task.as_str(), "a pass that did not come to its end is gone on with");
                self.state.agenda().owe(task, since);
            }
            let next = self.state.agenda().next();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.reload.notified() => crew = self.reloaded(crew, timetable, &mut later).await,
                () = std::future::ready(()), if next.is_some() => {
                    if let Some(task) = next && let Some(how) = self.serve(&*crew, task).await {
                        retries.ended(task, how, uptime(), now().into());
                    }
                }
                () = self.state.something_came() => {}
                () = tokio::time::sleep(BEAT) => {}
            }
        }
    }

    /// Serves what a pass waits for; answers how, or none if it was not served.
    async fn serve(&self, crew: &dyn Crew, task: Task) -> Option<Served> {
        let tenure = match self.candidate(crew).await {
            Ok(tenure) => tenure,
            Err(NoTenure::Stopped) => return None,
            Err(error) => {
                tracing::warn!(pass = task.as_str(), %error, "the account's lease could not be asked for; trying again");
                // Another process changed the key of the store: under the old one nothing is answered ever again.
                if matches!(error, NoTenure::Store(StoreError::WrongKey)) {
                    self.anew();
                } else {
                    self.says(Activity::AwaitingStore);
                }
                self.pause(AGAIN).await;
                return None;
            }
        };
        // Asked now: more may have come while the lease was waited for.
        let waits = self.state.agenda().waits(task);
        let how = match waits {
            Some(waits) => Some(self.attend(crew, task, waits, &tenure).await),
            None => None,
        };
        metrics::lease(None);
        if let Err(error) = self.alive(None, tenure.end()).await {
            tracing::warn!(%error, "the lease could not be given back; it lapses by itself");
        }
        self.says(if self.stop.is_cancelled() { Activity::Stopping } else { Activity::Idle });
        how
    }

    /// Does what is waited for where nobody has. What somebody tried while this one waited for the lease is not tried again at once, however
    /// it ended.
    async fn attend(&self, crew: &dyn Crew, task: Task, waits: Waits, tenure: &Tenure) -> Served {
        let done = self.alive(None, crew.last_done(task)).await.ok().flatten();
        let missed = waits.missed.is_some();
        // Asked under the lease: what stands now is nobody's who is at it.
        let interrupted = missed && self.alive(None, crew.is_interrupted(task)).await.unwrap_or(false);
        let met = waits.are_met(done, now().into()) && !interrupted;
        // One that was missed is made up for by any that came to its end, though it began before this daemon found out.
        let untried = if met && missed { Vec::new() } else { self.alive(None, crew.untried(task, waits.since)).await };
        if untried.is_empty() {
            tracing::debug!(pass = task.as_str(), "another process has tried it since the tick");
            self.state.agenda().served(task, waits.since);
            return Served::Elsewhere { well: met };
        }
        if self.execute(crew, task, &untried, waits.since, tenure).await { Served::Well } else { Served::Badly }
    }

    /// Waits for the lease, unless it is asked for something else.
    async fn candidate(&self, crew: &dyn Crew) -> Result<Tenure, NoTenure> {
        let until = self.stop.child_token();
        let began = uptime();
        // When another process was seen to have it, in milliseconds since then and one; 0 if none was.
        let seen = Arc::new(AtomicU64::new(0));
        let busy: OnBusy = {
            let seen = Arc::clone(&seen);
            Arc::new(move || seen.store(1 + millis(uptime().saturating_sub(began)), Ordering::Relaxed))
        };
        let mut taking = std::pin::pin!(crew.tenure(&until, busy));
        loop {
            tokio::select! {
                biased;
                taken = &mut taking => return taken,
                () = self.reload.notified(), if !until.is_cancelled() => {
                    until.cancel();
                    // For the loop that reads it anew.
                    self.reload.notify_one();
                }
                () = tokio::time::sleep(BEAT) => {
                    self.state.liveness.beat(None);
                    let waited = uptime().saturating_sub(began);
                    if waited > BEAT {
                        self.says(waits_for(seen.load(Ordering::Relaxed).checked_sub(1), millis(waited)));
                    }
                }
            }
        }
    }

    async fn execute(&self, crew: &dyn Crew, task: Task, shops: &[ShopName], since: Moment, tenure: &Tenure) -> bool {
        self.state.agenda().begin(task, since);
        self.says(Activity::Running);
        metrics::running(task.as_str(), true);
        metrics::lease(Some(tenure.lease().epoch));
        let between = AtTick(&self.state);
        let ran = self.alive(Some(crew), crew.run(task, shops, tenure, &between)).await;
        metrics::running(task.as_str(), false);
        self.state.agenda().end();
        self.state.run_ended();
        let well = ran.unwrap_or_else(|error| {
            metrics::pass_failed(task.as_str());
            tracing::error!(pass = task.as_str(), error = %format!("{error:#}"), "the run failed; the next one goes on where it stopped");
            false
        });
        if self.alive(None, crew.is_stale(well)).await {
            self.anew();
        }
        well
    }

    fn anew(&self) {
        tracing::info!("the store is kept under another key now: the configuration is read anew");
        self.reload.notify_one();
    }

    /// Others under the configuration as it is now; the same ones where that will not do, or until it does.
    async fn reloaded(
        &self,
        crew: Box<dyn Crew>,
        timetable: &watch::Sender<Arc<dyn Timetable>>,
        later: &mut Later,
    ) -> Box<dyn Crew> {
        manager::reloading();
        later.is_now();
        let crew = match self.alive(None, self.recruiter.crew()).await {
            Ok(new) => {
                later.is_over();
                tracing::info!("the configuration was read anew and is in force");
                metrics::reloaded("taken");
                timetable.send_replace(new.timetable());
                new
            }
            // Somebody who asked it to stop is the reason for whatever failed.
            Err(_) if self.stop.is_cancelled() => crew,
            Err(NoCrew::NotNow(error)) => {
                metrics::reloaded("postponed");
                let why = format!("{error:#}");
                if later.again(&why, uptime(), &self.reload) {
                    tracing::warn!(error = %why, "the new configuration cannot be taken up yet; the old one is in force until then; trying again");
                }
                crew
            }
            Err(NoCrew::Refused(error)) => {
                later.is_over();
                tracing::error!(error = %format!("{error:#}"), "the new configuration is refused; the old one stays in force");
                metrics::reloaded("refused");
                crew
            }
        };
        manager::ready();
        crew
    }

    /// Waits for work and beats meanwhile.
    async fn alive<T>(&self, crew: Option<&dyn Crew>, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            self.state.liveness.beat(crew.map(Crew::mark));
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = tokio::time::sleep(BEAT) => {}
            }
        }
    }

    async fn pause(&self, span: Duration) {
        let pause = async {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(span) => {}
            }
        };
        self.alive(None, pause).await;
    }

    fn says(&self, activity: Activity) {
        if self.state.set_activity(activity) {
            manager::status(activity.as_str());
        }
    }
}

/// What is waited for by whoever has no lease yet, and when somebody else was last seen to have it, in milliseconds since he began to wait.
fn waits_for(seen: Option<u64>, waited: u64) -> Activity {
    match seen {
        Some(seen) if waited.saturating_sub(seen) <= millis(SEEN) => Activity::StandingBy,
        // The store answers neither with the lease nor with who has it.
        Some(_) | None => Activity::AwaitingStore,
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(SystemClock.now().millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_works_only_where_it_was_seen_to_just_now() {
        assert_eq!(waits_for(None, 1_500), Activity::AwaitingStore, "the store has not answered yet");
        assert_eq!(waits_for(Some(1_000), 1_500), Activity::StandingBy);
        assert_eq!(waits_for(Some(1_000), 6_000), Activity::StandingBy);
        assert_eq!(waits_for(Some(1_000), 6_001), Activity::AwaitingStore, "it answers no more");
    }
}
