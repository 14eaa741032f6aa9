//! Connections of one kind: a few, taken in turn. Not sqlx's pool: that gives up waiting by a clock of its own and may
//! hand on a connection whose transaction nobody ended; here whoever ends badly loses the connection.

use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Connection, Unit, dialect, failure::failed};
use crate::{model::AccountName, store::StoreError};

/// How to connect.
type Options = <Connection as sqlx::Connection>::Options;

/// A connection of its own. Boxed, so that the compiler sees that it may change threads.
pub(in crate::store) fn connect(options: Options) -> BoxFuture<'static, Result<Connection, sqlx::Error>> {
    Box::pin(async move { options.connect().await })
}

/// At most so many connections, made as they are needed.
#[derive(Debug)]
pub(in crate::store) struct Lane {
    options: Options,
    /// How a unit begins on these connections.
    begin: &'static str,
    connections: u32,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

/// A connection in use. Dropped, it is closed; only [`Taken::give_back`] keeps it for the next.
pub(in crate::store) struct Taken<'l> {
    pub(in crate::store) connection: Connection,
    lane: &'l Lane,
    _turn: SemaphorePermit<'l>,
}

impl Lane {
    /// The one that writes: one connection, so that units queue here instead of colliding in the database.
    pub(in crate::store) fn writing(options: Options) -> Self {
        Self::new(options, dialect::BEGIN_WRITING, 1)
    }

    /// Those that read, each unit on one snapshot.
    pub(in crate::store) fn reading(options: Options) -> Self {
        Self::new(options, dialect::BEGIN_READING, 3)
    }

    fn new(options: Options, begin: &'static str, connections: u32) -> Self {
        let turns = Semaphore::new(connections as usize);
        Self { options, begin, connections, turns, idle: Mutex::new(Vec::new()) }
    }

    /// Waits for a turn and takes a connection.
    pub(in crate::store) async fn take(&self) -> Result<Taken<'_>, sqlx::Error> {
        let turn = self.turns.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(self.options.clone()).await?,
        };
        Ok(Taken { connection, lane: self, _turn: turn })
    }

    /// Runs a unit as one transaction.
    pub(in crate::store) async fn run<T: Send + 'static>(
        &self,
        account: &AccountName,
        unit: impl for<'c> FnOnce(&'c mut Connection, &'c AccountName) -> Unit<'c, T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let mut taken = self.take().await.map_err(failed)?;
        let mut transaction = taken.connection.begin_with(self.begin).await.map_err(failed)?;
        match unit(&mut transaction, account).await {
            Ok(value) => {
                transaction.commit().await.map_err(failed)?;
                taken.give_back();
                Ok(value)
            }
            Err(error) => {
                // Where the disk is full SQLite has undone it already, and there is nothing to roll back: sqlx then
                // believes in a transaction that is none, and the connection is of no more use.
                if transaction.rollback().await.is_ok() {
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
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            // What it wrote is committed; it only tidies up.
            drop(connection.close().await);
        }
    }
}

impl Taken<'_> {
    /// Leaves the connection for the next. Only with no transaction open.
    pub(in crate::store) fn give_back(self) {
        self.lane.idle.lock().unwrap_or_else(PoisonError::into_inner).push(self.connection);
    }
}
