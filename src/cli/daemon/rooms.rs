//! What goes on beside the runner: alerts, and listening to Vivocha's calls. Put together here from the configuration, and told of each
//! new one.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::TcpListener, sync::Notify, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::crew::Ticks;
use crate::{
    cli::{Exit, Failure, setup, works::Works},
    config::{self, Settings},
    daemon::{
        Present, State, Watched,
        alerts::{self, Letterbox, Office, StaleAfter},
        hooks::{self, Ears, Token},
    },
    http::{ReqwestTransport, TransportOptions},
    sync::named::Named,
};

/// How long what goes on beside the runner gets to end.
const ENDS: Duration = Duration::from_secs(2);

/// The longest answer of a receiver that anybody reads.
const ANSWER: usize = 64 << 10;

/// Alerts and hooks, as they are in force.
#[derive(Clone)]
pub struct Rooms {
    office: Arc<Present<Office>>,
    ears: Arc<Present<Ears>>,
    /// Until it is opened.
    port: Arc<Mutex<Option<TcpListener>>>,
    /// Where calls are answered, if they are: that is not changed by a reload.
    listen: Option<SocketAddr>,
}

impl Rooms {
    /// Takes the port, where calls are to be answered.
    ///
    /// # Errors
    /// If it cannot be had.
    pub async fn of(settings: &Settings) -> Result<Self, Failure> {
        let listen = settings.hooks.secret.is_some().then_some(settings.hooks.listen);
        let port = match listen {
            Some(address) => Some(hooks::bind(address).await.map_err(Failure::failed)?),
            None => None,
        };
        Ok(Self { office: Arc::default(), ears: Arc::default(), port: Arc::new(Mutex::new(port)), listen })
    }

    /// There is a new crew.
    ///
    /// # Errors
    /// If the receiver of alerts cannot be reached by this configuration.
    pub fn see(&self, works: &Works, watched: &Watched) -> Result<(), Failure> {
        let (office, ears) = (office(works, watched)?, ears(works)?);
        let hooks = &works.settings.hooks;
        let listens = hooks.secret.is_some().then_some(hooks.listen);
        if listens != self.listen {
            tracing::warn!(listens = ?self.listen, "hooks.listen or hooks.secret is another now: calls are answered so after the next start");
        }
        self.office.set(office);
        self.ears.set(ears);
        Ok(())
    }

    /// Begins.
    pub fn open(&self, state: &Arc<State>, stop: &CancellationToken) -> Beside {
        let news = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(alerts::watch(Arc::clone(state), Arc::clone(&self.office), Arc::clone(&news), stop.clone()));
        tasks.spawn(alerts::deliver(Arc::clone(&self.office), news, stop.clone()));
        if let Some(port) = self.port.lock().unwrap_or_else(PoisonError::into_inner).take() {
            tasks.spawn(hooks::serve(port, Arc::clone(state), Arc::clone(&self.ears), stop.clone()));
        }
        Beside(tasks)
    }
}

/// What goes on.
pub struct Beside(JoinSet<()>);

impl Beside {
    /// Waits until all of it has ended, or cuts it.
    pub async fn close(mut self) {
        let all = async { while self.0.join_next().await.is_some() {} };
        if timeout(ENDS, all).await.is_err() {
            self.0.shutdown().await;
        }
    }
}

fn office(works: &Works, watched: &Watched) -> Result<Option<Office>, Failure> {
    let Settings { alerts, http, schedule, vivocha, .. } = &works.settings;
    let Some(config::Alerts { url, secret, stale_sync, stale_resync }) = alerts else { return Ok(None) };
    let options = TransportOptions {
        ca_bundle: http.ca_bundle.clone(),
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(10),
        max_answer_bytes: ANSWER,
    };
    let transport = ReqwestTransport::new(options).map_err(|e| Failure { exit: Exit::Usage, error: e.into() })?;
    Ok(Some(Office {
        store: Arc::clone(&works.memory.store),
        account: vivocha.account.clone(),
        watched: watched.clone(),
        timetable: Arc::new(Ticks(schedule.clone())),
        stale_after: StaleAfter { sync: *stale_sync, resync: *stale_resync },
        letterbox: Arc::new(Letterbox::new(Arc::new(transport), url.clone(), secret)),
    }))
}

fn ears(works: &Works) -> Result<Option<Ears>, Failure> {
    let Settings { hooks, fields, shops, vivocha, .. } = &works.settings;
    let Some(secret) = &hooks.secret else { return Ok(None) };
    let regions = shops.keys().map(|shop| Ok((shop.clone(), setup::rules(&works.settings, shop)?.region)));
    Ok(Some(Ears {
        account: vivocha.account.clone(),
        token: Arc::new(Token::new(secret)),
        places: hooks.customer.as_slice().into(),
        max_body: hooks.max_body,
        named: Arc::new(Named {
            reader: works.reader(),
            store: Arc::clone(&works.memory.store),
            key: Arc::clone(&works.memory.key),
            naming: vivocha.fields.clone(),
            fields: fields.clone(),
            regions: regions.collect::<Result<_, Failure>>()?,
        }),
    }))
}
