//! Connections of one kind: a few, taken in turn. Not sqlx's pool: that gives up waiting by a clock of its own and may
//! hand on a connection whose transaction nobody ended; here whoever ends badly loses the connection.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

#[cfg(not(feature = "sandbox"))]
use super::Database;
use super::{
    Connection, Unit, dialect,
    failure::{failed, in_doubt},
    statement::query,
};
#[cfg(feature = "sandbox")]
pub(in crate::store) use crate::store::mortal::commit;
use crate::{model::AccountName, store::StoreError};

/// How to connect.
type Options = <Connection as sqlx::Connection>::Options;

/// A connection of its own. Boxed, so that the compiler sees that it may change threads.
pub(in crate::store) fn connect(options: Options) -> BoxFuture<'static, Result<Connection, sqlx::Error>> {
    Box::pin(bounded(dialect::LONGEST_STEP, async move { options.connect().await }))
}

/// At most so many connections, made as they are needed.
#[derive(Debug)]
pub(in crate::store) struct Lane {
    options: Options,
    /// How a unit begins on these connections.
    begin: &'static str,
    /// What a unit does before anything else.
    enter: Option<&'static str>,
    writes: bool,
    connections: u32,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// A connection in use. Dropped, it is closed; only [`Taken::give_back`] keeps it for the next.
pub(in crate::store) struct Taken<'l> {
    pub(in crate::store) connection: Connection,
    /// Whether it lay idle before, and may have died there.
    lay_idle: bool,
    lane: &'l Lane,
    _turn: SemaphorePermit<'l>,
}

impl Lane {
    /// The one that writes: one connection, so that units queue here instead of colliding in the database.
    pub(in crate::store) fn writing(options: Options) -> Self {
        Self { enter: dialect::ENTER, writes: true, ..Self::new(options, dialect::BEGIN_WRITING, 1) }
    }

    /// Those that read, each unit on one snapshot.
    pub(in crate::store) fn reading(options: Options) -> Self {
        Self::new(options, dialect::BEGIN_READING, dialect::READERS)
    }

    fn new(options: Options, begin: &'static str, connections: u32) -> Self {
        let turns = Semaphore::new(connections as usize);
        Self { options, begin, enter: None, writes: false, connections, turns, idle: Mutex::new(Vec::new()) }
    }

    /// Waits for a turn and takes a connection.
    pub(in crate::store) async fn take(&self) -> Result<Taken<'_>, sqlx::Error> {
        let turn = self.turns.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.idle().pop();
        let lay_idle = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(self.options.clone()).await?,
        };
        Ok(Taken { connection, lay_idle, lane: self, _turn: turn })
    }

    /// Runs a unit as one transaction. A connection that died while it lay idle is replaced, once, before the unit
    /// begins; in its midst nothing is done twice.
    pub(in crate::store) async fn run<T: Send + 'static>(
        &self,
        account: &AccountName,
        longest: Option<Duration>,
        unit: impl for<'c> FnOnce(&'c mut Connection, &'c AccountName) -> Unit<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut unit = Some(unit);
        loop {
            let taken = self.take().await.map_err(failed)?;
            let lay_idle = taken.lay_idle;
            match self.attempt(taken, account, longest, &mut unit).await {
                Err(StoreError::Unreachable(_)) if lay_idle && unit.is_some() => {
                    // Those beside it died of the same.
                    self.idle().clear();
                }
                ended => return ended,
            }
        }
    }

    /// One attempt; the unit is taken once its transaction has begun.
    async fn attempt<T: Send + 'static>(
        &self,
        mut taken: Taken<'_>,
        account: &AccountName,
        longest: Option<Duration>,
        unit: &mut Option<impl for<'c> FnOnce(&'c mut Connection, &'c AccountName) -> Unit<'c, T> + Send + 'static>,
    ) -> Result<T, StoreError> {
        let begin = taken.connection.begin_with(self.begin);
        let mut transaction = bounded(dialect::LONGEST_STEP, begin).await.map_err(failed)?;
        if let Some(enter) = self.enter {
            let enter = query(enter).bind(account.as_str()).execute(&mut *transaction);
            bounded(dialect::LONGEST_STEP, enter).await.map_err(failed)?;
        }
        let unit = unit.take().ok_or(StoreError::Database(sqlx::Error::WorkerCrashed))?(&mut transaction, account);
        let ended = match longest {
            Some(span) => timeout(span, unit).await.unwrap_or_else(|_| Err(failed(timed_out()))),
            None => unit.await,
        };
        match ended {
            Ok(value) => {
                if self.writes {
                    bounded(dialect::LONGEST_STEP, commit(transaction)).await.map_err(in_doubt)?;
                } else {
                    bounded(dialect::LONGEST_STEP, transaction.commit()).await.map_err(failed)?;
                }
                taken.give_back();
                Ok(value)
            }
            Err(error) => {
                // Where the disk is full SQLite has undone it already, and there is nothing to roll back: sqlx then
                // believes in a transaction that is none, and the connection is of no more use.
                // And one that does not answer is not asked again.
                let answers = !matches!(error, StoreError::Unreachable(_));
                if answers && bounded(dialect::LONGEST_STEP, transaction.rollback()).await.is_ok() {
                    taken.give_back();
                }
                Err(error)
            }
        }
    }

    /// Waits for those in use, and closes all.
    pub(in crate::store) async fn close(&self) {
        let Ok(_turns) = self.turns.acquire_many(self.connections).await else { return };
        self.turns.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // What it wrote is committed; it only tidies up.
            drop(bounded(dialect::LONGEST_STEP, connection.close()).await);
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken<'_> {
    /// Leaves the connection for the next. Only with no transaction open.
    pub(in crate::store) fn give_back(self) {
        self.lane.idle().push(self.connection);
    }
}

/// Commits what was written: the one place, for what is opened as for every unit. (With the sandbox, a test can have us die here.)
#[cfg(not(feature = "sandbox"))]
pub(in crate::store) async fn commit(written: sqlx::Transaction<'_, Database>) -> Result<(), sqlx::Error> {
    written.commit().await
}

/// Waits no longer than a span, where there is one. Whatever was left in the middle must not be used again: the caller
/// drops the connection, and the database undoes what was not committed.
async fn bounded<T>(
    span: Option<Duration>,
    step: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    match span {
        Some(span) => timeout(span, step).await.unwrap_or_else(|_| Err(timed_out())),
        None => step.await,
    }
}

fn timed_out() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}
