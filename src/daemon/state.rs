//! What the parts of a daemon share: the agenda, the pulse, whether it is ready, what it does just now. Values behind short locks;
//! nothing is awaited while one is held.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::Notify;

use super::{Task, agenda::Agenda, liveness::Liveness};
use crate::{model::time::Moment, observe::metrics};

/// Whether work can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ready {
    /// Not yet, or not now: why.
    No(String),
    /// The store is open, the configuration is in force.
    Yes,
}

/// What it does just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// It opens the store and looks for both vendors.
    Starting,
    /// It waits for the next tick.
    Idle,
    /// A pass is due, and another process works on the account.
    StandingBy,
    /// A pass is due, and the store does not answer who works on the account.
    AwaitingStore,
    /// It works.
    Running,
    /// It was asked to stop.
    Stopping,
}

impl Activity {
    /// Its words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::StandingBy => "standing by: another process works on this account",
            Self::AwaitingStore => "waiting for the store, which does not answer",
            Self::Running => "running",
            Self::Stopping => "stopping",
        }
    }
}

/// What is shared.
#[derive(Debug)]
pub struct State {
    agenda: Mutex<Agenda>,
    /// Something came onto the agenda.
    came: Notify,
    /// A run ended.
    ended: Notify,
    /// The runner's pulse.
    pub liveness: Liveness,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    ready: Ready,
    activity: Activity,
    next: BTreeMap<Task, DateTime<Utc>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            agenda: Mutex::default(),
            came: Notify::new(),
            ended: Notify::new(),
            liveness: Liveness::default(),
            now: Mutex::new(Now {
                ready: Ready::No("starting".into()),
                activity: Activity::Starting,
                next: BTreeMap::new(),
            }),
        }
    }
}

/// What `/status` says of the daemon itself.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// What it does.
    pub activity: Activity,
    /// The pass that runs.
    pub running: Option<&'static str>,
    /// Why it is not ready, if it is not.
    pub not_ready: Option<String>,
    /// Why it is taken for stuck, if it is.
    pub stuck: Option<&'static str>,
    /// The next tick of each pass.
    pub next: BTreeMap<&'static str, DateTime<Utc>>,
    /// Ticks that were left out since it started.
    pub skipped: BTreeMap<&'static str, u64>,
}

impl State {
    /// The agenda, locked.
    pub fn agenda(&self) -> MutexGuard<'_, Agenda> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tick came.
    pub fn tick(&self, task: Task, at: Moment) {
        if !self.agenda().tick(task, at) {
            metrics::skipped(task.as_str());
            tracing::info!(
                pass = task.as_str(),
                "a tick of the schedule was left out: that pass is still waiting or running"
            );
        }
        self.came.notify_one();
    }

    /// Something became due: a sync is to begin as soon as one can. No tick, and never left out.
    pub fn poke(&self, at: Moment) {
        self.agenda().poke(at);
        self.came.notify_one();
    }

    /// A run ended, however it did.
    pub fn run_ended(&self) {
        self.ended.notify_one();
    }

    /// Waits until a run has ended since this was last asked.
    pub async fn a_run_ended(&self) {
        self.ended.notified().await;
    }

    /// Waits until something may have come onto the agenda.
    pub async fn something_came(&self) {
        self.came.notified().await;
    }

    /// When a task comes next; none where it does not.
    pub fn comes(&self, task: Task, next: Option<DateTime<Utc>>) {
        let mut now = self.now();
        match next {
            Some(at) => {
                metrics::next_run(task.as_str(), at.timestamp());
                now.next.insert(task, at);
            }
            None => {
                now.next.remove(&task);
            }
        }
    }

    /// Whether it is ready.
    #[must_use]
    pub fn ready(&self) -> Ready {
        self.now().ready.clone()
    }

    /// It is ready from now on, or is not.
    pub fn set_ready(&self, ready: Ready) {
        self.now().ready = ready;
    }

    /// What it does.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.now().activity
    }

    /// It does something else now; answers whether that is news.
    pub fn set_activity(&self, activity: Activity) -> bool {
        std::mem::replace(&mut self.now().activity, activity) != activity
    }

    /// All of it, to be shown.
    #[must_use]
    pub fn shown(&self) -> Shown {
        let agenda = self.agenda();
        let (running, skipped) =
            (agenda.running().map(Task::as_str), Task::ALL.map(|task| (task.as_str(), agenda.skipped(task))));
        drop(agenda);
        let now = self.now();
        Shown {
            activity: now.activity,
            running,
            not_ready: match &now.ready {
                Ready::Yes => None,
                Ready::No(why) => Some(why.clone()),
            },
            stuck: self.liveness.stuck(),
            next: now.next.iter().map(|(task, at)| (task.as_str(), *at)).collect(),
            skipped: skipped.into_iter().collect(),
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
