//! A store to throw away, filled with the rows of another database that has the same tables: they come in as they are, at
//! the schema they have there, and are then brought to the one this binary knows.

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, query, query_as, sqlite::SqliteSynchronous};
use tokio::sync::Mutex;

use super::{
    SqliteStore,
    failure::failed,
    migrations::MIGRATIONS,
    open::{ScratchDir, plain, unopened},
    sql::{lane::connect, schema},
};
use crate::{
    model::{AccountName, Keyed},
    store::StoreError,
};

/// The tables that are kept by account, with their columns in order.
const TABLES: &str = "
    SELECT t.name, json_group_array(c.name)
      FROM sqlite_schema t JOIN pragma_table_info(t.name) c
     WHERE t.type = 'table'
     GROUP BY t.name HAVING SUM(c.name = 'account') = 1 ORDER BY t.name";

/// A store that is being filled.
pub(in crate::store) struct Filling {
    scratch: ScratchDir,
    connection: Mutex<SqliteConnection>,
}

impl Filling {
    /// An empty one, at a version of the schema.
    pub(in crate::store) async fn begin(version: i64) -> Result<Self, StoreError> {
        let scratch = ScratchDir::new()?;
        let path = scratch.file();
        // Whatever refers to a row comes before it as well as after it; where it came from all of it held.
        let options = plain(&path).create_if_missing(true).foreign_keys(false).synchronous(SqliteSynchronous::Off);
        let mut connection = connect(options).await.map_err(|error| unopened(&path, error))?;
        let migrated = schema::migrate_within(&mut connection, &MIGRATIONS, Some(version)).await;
        migrated.map_err(schema::unmigrated)?;
        query("BEGIN").execute(&mut connection).await.map_err(failed)?;
        Ok(Self { scratch, connection: Mutex::new(connection) })
    }

    /// The tables to fill, with their columns.
    pub(in crate::store) async fn tables(&self) -> Result<Vec<(String, Vec<String>)>, StoreError> {
        let mut connection = self.connection.lock().await;
        let tables: Vec<(String, String)> = query_as(TABLES).fetch_all(&mut *connection).await.map_err(failed)?;
        let named = tables.into_iter().map(|(name, columns)| {
            let columns = serde_json::from_str(&columns).map_err(|_| StoreError::Inconsistent("its own schema"))?;
            Ok((name, columns))
        });
        named.collect()
    }

    /// Puts rows in: an array of arrays, in the order of the columns.
    pub(in crate::store) async fn pour(&self, table: &str, columns: &[String], rows: &str) -> Result<(), StoreError> {
        let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let values = (0..columns.len()).map(|at| format!("value ->> {at}")).collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO \"{table}\" ({names}) SELECT {values} FROM json_each($1)");
        let mut connection = self.connection.lock().await;
        query(AssertSqlSafe(sql)).bind(rows).execute(&mut *connection).await.map_err(failed)?;
        Ok(())
    }

    /// The store, filled; nobody has its lease.
    pub(in crate::store) async fn end(self, account: AccountName, key_check: Keyed) -> Result<SqliteStore, StoreError> {
        let mut connection = self.connection.into_inner();
        query("COMMIT").execute(&mut connection).await.map_err(failed)?;
        connection.close().await.map_err(failed)?;
        SqliteStore::of_scratch(self.scratch, account, key_check).await
    }
}
