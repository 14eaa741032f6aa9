//! The alarm clock: `tokio-cron-scheduler` rings, once for each tick, and each tick is found anew by the timetable.
//!
//! That scheduler reckons a cron expression at the offset its time zone had when the job was made, so that after a change of summer time
//! it rings an hour off; and it starts a job whatever became of the last one. So each of its jobs rings once, at a moment that was found in the
//! time zone itself, does nothing but ring, and is made anew after each ring. Where the calendar is set, alarms are set anew, and one that was
//! jumped over rings at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{State, Task, Timetable};
use crate::sync::{Clock as _, SystemClock, clock::uptime};

/// How often the calendar is compared with the clock that nobody can set.
const LOOK: Duration = Duration::from_secs(1);
/// The calendar was set back, if it lost more than this since the last look.
const SET_BACK: i64 = 5_000;
/// An alarm that has not rung so long after its time was jumped over.
const JUMPED_OVER: chrono::TimeDelta = chrono::TimeDelta::seconds(2);

/// An alarm that is set.
struct Alarm {
    at: DateTime<Utc>,
    job: Uuid,
    /// Told apart from one that was set before it.
    number: u64,
}

/// Rings for each tick of the timetable, until it is stopped.
pub struct Ticker {
    state: Arc<State>,
    scheduler: JobScheduler,
    timetable: watch::Receiver<Arc<dyn Timetable>>,
    alarms: BTreeMap<Task, Alarm>,
    ring: mpsc::Sender<(Task, u64)>,
    heard: mpsc::Receiver<(Task, u64)>,
    number: u64,
}

impl Ticker {
    /// Sets up a scheduler of its own.
    ///
    /// # Errors
    /// If that fails.
    pub async fn new(
        state: Arc<State>,
        timetable: watch::Receiver<Arc<dyn Timetable>>,
    ) -> Result<Self, JobSchedulerError> {
        let mut scheduler = JobScheduler::new().await?;
        scheduler.init().await?;
        scheduler.start().await?;
        let (ring, heard) = mpsc::channel(16);
        Ok(Self { state, scheduler, timetable, alarms: BTreeMap::new(), ring, heard, number: 0 })
    }

    /// Rings until it is stopped.
    pub async fn on(mut self, stop: CancellationToken) {
        self.set_all(now()).await;
        let mut before = ahead();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                changed = self.timetable.changed() => match changed {
                    Ok(()) => {
                        self.ring_due();
                        self.set_all(now()).await;
                    }
                    Err(_gone) => break,
                },
                Some((task, number)) = self.heard.recv() => {
                    let at = self.alarms.get(&task).filter(|alarm| alarm.number == number).map(|alarm| alarm.at);
                    if let Some(at) = at {
                        // What rang is the scheduler's own to remove: it still writes down that it has.
                        self.alarms.remove(&task);
                        self.rang(task, at).await;
                    }
                }
                () = tokio::time::sleep(LOOK) => {
                    let set_back = ahead() < before - SET_BACK;
                    before = ahead();
                    if set_back {
                        tracing::warn!("the clock was set back: the schedule is found anew");
                        self.set_all(now()).await;
                    }
                    self.look().await;
                }
            }
        }
        let _ = self.scheduler.shutdown().await;
    }

    /// Rings where an alarm was jumped over.
    async fn look(&mut self) {
        let late = now() - JUMPED_OVER;
        let over: Vec<(Task, DateTime<Utc>)> =
            self.alarms.iter().filter(|(_, alarm)| alarm.at <= late).map(|(task, alarm)| (*task, alarm.at)).collect();
        for (task, at) in over {
            self.rang(task, at).await;
        }
    }

    /// Rings what is due and was not heard yet, up to a second late: another schedule takes nothing from what was due under the old one.
    fn ring_due(&self) {
        let now = now();
        for (task, alarm) in self.alarms.iter().filter(|(_, alarm)| alarm.at <= now) {
            self.state.tick(*task, alarm.at.into());
        }
    }

    async fn rang(&mut self, task: Task, at: DateTime<Utc>) {
        self.state.tick(task, at.into());
        // Seconds are all that the scheduler knows: it may ring a little early.
        self.set(task, at.max(now())).await;
    }

    async fn set_all(&mut self, after: DateTime<Utc>) {
        for task in Task::ALL {
            self.set(task, after).await;
        }
    }

    /// Sets the alarm for the first tick after a moment.
    async fn set(&mut self, task: Task, after: DateTime<Utc>) {
        if let Some(old) = self.alarms.remove(&task) {
            let _ = self.scheduler.remove(&old.job).await;
        }
        let next = self.timetable.borrow().next(task, after);
        self.state.comes(task, next);
        let Some(at) = next else {
            tracing::error!(pass = task.as_str(), "the schedule never comes again: look at schedule.{}", task.as_str());
            return;
        };
        self.number += 1;
        let number = self.number;
        // What could not be set rings by being jumped over.
        let job = self.alarm(task, at, number).await.unwrap_or_else(|error| {
            tracing::error!(pass = task.as_str(), %error, "the scheduler took no alarm; the clock is watched instead");
            Uuid::nil()
        });
        self.alarms.insert(task, Alarm { at, job, number });
    }

    async fn alarm(&self, task: Task, at: DateTime<Utc>, number: u64) -> Result<Uuid, JobSchedulerError> {
        let ring = self.ring.clone();
        let wait = (at - now()).to_std().unwrap_or_default();
        // Up to the next whole second: it cuts off what is beyond, and would ring before the time.
        let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        let job = Job::new_one_shot(wait, move |_, _| {
            // Full only where 16 rings wait for whoever is to hear them; the look finds this one.
            let _ = ring.try_send((task, number));
        })?;
        self.scheduler.add(job).await
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(SystemClock.now().millis()).unwrap_or_default()
}

/// How far the calendar is ahead of the clock that nobody can set, in milliseconds.
fn ahead() -> i64 {
    SystemClock.now().millis() - i64::try_from(uptime().as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// A sync that was due half a second ago, the first time it is asked for; nothing but what is far away after that.
    #[derive(Default)]
    struct DueAtFirst(AtomicBool);

    impl Timetable for DueAtFirst {
        fn next(&self, task: Task, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
            let due = task == Task::Sync && !self.0.swap(true, Ordering::Relaxed);
            Some(if due { now() - chrono::TimeDelta::milliseconds(500) } else { after + chrono::TimeDelta::days(1) })
        }

        fn last(&self, _: Task, _: DateTime<Utc>) -> Option<DateTime<Utc>> {
            None
        }

        fn catches_up(&self) -> bool {
            false
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn another_schedule_takes_nothing_from_what_was_due_under_the_old_one() {
        let state = Arc::new(State::default());
        let schedule: Arc<dyn Timetable> = Arc::new(DueAtFirst::default());
        let (changed, timetable) = watch::channel(Arc::clone(&schedule));
        let ticker = Ticker::new(Arc::clone(&state), timetable).await.unwrap();
        // Looked at before anything that rings, and after the first alarms are set.
        changed.send_replace(schedule);
        let stop = CancellationToken::new();
        let ticking = tokio::spawn(ticker.on(stop.clone()));
        for _ in 0..100 {
            if state.agenda().next().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(state.agenda().next(), Some(Task::Sync));
        stop.cancel();
        ticking.await.unwrap();
    }
}
