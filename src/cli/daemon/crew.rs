//! Those who do the daemon's work, put together from the configuration: the same passes as by hand, under another voice.

use std::{cell::Cell, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Refusal, look::StoreLook, rooms::Rooms};
use crate::{
    cli::{
        Context, Exit, Failure, logging, resync, rotating,
        setup::{self, Purpose},
        signals::Signals,
        sync,
        voice::Voice,
        works::Works,
    },
    config::{LogFormat, Schedule, Settings, last_tick, next_tick},
    daemon::{Between, Crew, NoCrew, Recruiter, Seldom, Task, Timetable, agenda::is_served},
    http::{CallError, Verdict},
    model::{ShopName, run::Pass, time::Moment},
    store::StoreError,
    sync::{
        Clock as _, SystemClock, Tenure,
        clock::uptime,
        run::{ResyncOptions, SyncOptions},
        tenure::{NoTenure, OnBusy},
    },
};

/// Puts crews together.
pub struct FromConfiguration<'a> {
    pub context: &'a Context,
    pub signals: Signals,
    /// Is told of each new store.
    pub look: Arc<StoreLook>,
    /// Alerts and hooks are told of each crew.
    pub rooms: Rooms,
    /// Where health listens: that is not changed by a reload.
    pub listen: SocketAddr,
    /// Where traces go: neither is that.
    pub otlp_endpoint: Option<Url>,
    /// How the log is written: nor is that.
    pub log_format: LogFormat,
    /// What is told of a store that is away.
    pub away: Seldom,
}

#[async_trait(?Send)]
impl Recruiter for FromConfiguration<'_> {
    async fn crew(&self) -> Result<Box<dyn Crew>, NoCrew> {
        let refused = |failure: Failure| NoCrew::Refused(Refusal(failure).into());
        let settings = setup::settings(self.context.globals.config.as_ref()).map_err(refused)?;
        if settings.observe.listen != self.listen {
            tracing::warn!(listen = %self.listen, "observe.listen is another address now: health listens there after the next start");
        }
        if settings.observe.otlp_endpoint != self.otlp_endpoint {
            tracing::warn!("observe.otlp_endpoint is another address now: traces go there after the next start");
        }
        let works = self
            .works(&settings)
            .await
            .map_err(|failure| if is_final(&failure) { refused(failure) } else { NoCrew::NotNow(failure.error) })?;
        let shops: Vec<ShopName> = works.settings.shops.keys().cloned().collect();
        let watched = self.look.would_watch(&shops);
        if let Err(failure) = self.rooms.see(&works, &watched) {
            self.context.closed(&works.memory.store).await;
            return Err(refused(failure));
        }
        logging::change(self.context, &settings);
        if settings.observe.log_format != self.log_format {
            tracing::warn!("observe.log_format is another now: the log is written so after the next start");
        }
        if let Some(old) = self.look.see(settings, Arc::clone(&works.memory), watched) {
            self.context.closed(&old.store).await;
        }
        Ok(Box::new(Ours { works, shops, rotated: Cell::new(false) }))
    }
}

impl FromConfiguration<'_> {
    /// Opens everything. Where that fails nothing stays open: it is tried again for as long as it takes, each time with another store.
    async fn works(&self, settings: &Settings) -> Result<Works, Failure> {
        let notice = |text: &str| {
            if self.away.says(text, uptime()) {
                tracing::warn!("{text}");
            }
        };
        let memory = setup::memory_told(self.context, settings, Purpose::Work, &notice).await?;
        self.away.over();
        let store = Arc::clone(&memory.store);
        let works = Works::under(memory, settings.clone(), self.signals.clone(), Voice::Daemon).await;
        if works.is_err() {
            self.context.closed(&store).await;
        }
        works
    }
}

/// Whether waiting changes nothing: what is configured is wrong, or a vendor said so.
fn is_final(failure: &Failure) -> bool {
    let call = failure.error.downcast_ref::<CallError>();
    failure.exit == Exit::Usage || call.is_some_and(|error| error.verdict == Verdict::Stop)
}

struct Ours {
    works: Works,
    shops: Vec<ShopName>,
    /// Whether it may have changed the key of the store.
    rotated: Cell<bool>,
}

#[async_trait(?Send)]
impl Crew for Ours {
    fn timetable(&self) -> Arc<dyn Timetable> {
        Arc::new(Ticks(self.works.settings.schedule.clone()))
    }

    async fn tenure(&self, stop: &CancellationToken, busy: OnBusy) -> Result<Tenure, NoTenure> {
        self.works.candidate("daemon", true, stop, Some(busy)).await
    }

    async fn last_done(&self, task: Task) -> anyhow::Result<Option<Moment>> {
        let done = self.works.memory.store.last_done(pass(task)).await?;
        let ours = self.shops.iter().map(|shop| done.get(shop).copied());
        Ok(match task {
            Task::Sync => ours.min().flatten(),
            Task::Resync => ours.flatten().min(),
        })
    }

    async fn is_interrupted(&self, task: Task) -> anyhow::Result<bool> {
        if task == Task::Sync {
            return Ok(false);
        }
        let known = self.works.memory.store.overview().await?.shops;
        Ok(self.shops.iter().any(|shop| known.get(shop).is_some_and(|shop| shop.resync.is_some())))
    }

    async fn untried(&self, task: Task, tick: Moment) -> Vec<ShopName> {
        let Ok(tried) = self.works.memory.store.last_tried(pass(task)).await else { return self.shops.clone() };
        let now = SystemClock.now();
        let is_tried = |shop: &ShopName| tried.get(shop).is_some_and(|begun| is_served(*begun, tick, now));
        let untried: Vec<ShopName> = self.shops.iter().filter(|shop| !is_tried(shop)).cloned().collect();
        // Between the pages of a resync all its shops are synced, and a key is changed by a resync of all of them only.
        if task == Task::Resync && !untried.is_empty() { self.shops.clone() } else { untried }
    }

    async fn run(
        &self,
        task: Task,
        shops: &[ShopName],
        tenure: &Tenure,
        between: &dyn Between,
    ) -> anyhow::Result<bool> {
        let ended = match task {
            Task::Sync => sync::shop_after_shop(&self.works, tenure, shops, SyncOptions::default()).await,
            Task::Resync => self.resync(shops, tenure, between).await,
        };
        ended.map(|(_, well)| well).map_err(|failure| failure.error)
    }

    async fn is_stale(&self, well: bool) -> bool {
        // Nothing is recognised: but a unit that writes asks first under which key the account is.
        let elsewhere = async || matches!(self.works.memory.store.recognise(&[]).await, Err(StoreError::WrongKey));
        self.rotated.get() || (!well && elsewhere().await)
    }

    fn mark(&self) -> u64 {
        self.works.calls()
    }
}

impl Ours {
    async fn resync(
        &self,
        shops: &[ShopName],
        tenure: &Tenure,
        between: &dyn Between,
    ) -> Result<(Exit, bool), Failure> {
        let options = ResyncOptions::default();
        let is_due = || between.sync_is_due();
        let (exit, well) = resync::shop_after_shop(&self.works, tenure, shops, &options, &is_due).await?;
        self.rotated.set(self.works.next_key().is_some());
        let changed = rotating::change(&self.works, tenure, shops.len() == self.shops.len(), well).await?;
        Ok((exit.and(changed), well))
    }
}

const fn pass(task: Task) -> Pass {
    match task {
        Task::Sync => Pass::Sync,
        Task::Resync => Pass::Resync,
    }
}

/// The schedule of a configuration.
pub(super) struct Ticks(pub Schedule);

impl Ticks {
    const fn of(&self, task: Task) -> &croner::Cron {
        match task {
            Task::Sync => &self.0.sync,
            Task::Resync => &self.0.resync,
        }
    }
}

impl Timetable for Ticks {
    fn next(&self, task: Task, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        next_tick(self.of(task), self.0.timezone, after)
    }

    fn last(&self, task: Task, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        last_tick(self.of(task), self.0.timezone, until)
    }

    fn catches_up(&self) -> bool {
        self.0.catch_up
    }
}
