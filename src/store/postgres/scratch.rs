//! A copy of an account to throw away, for a dry run: the rows as one snapshot shows them, in an embedded store. Nothing is
//! written to the database, not even what a copy within it would be.

use futures::TryStreamExt as _;
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, query_scalar};

use super::{
    dialect::BEGIN_READING,
    failure::failed,
    open::{Server, known_version},
    patient::{Patience, Twice},
    sql::{Lane, account::admitted, schema},
};
use crate::{
    model::{AccountName, Keyed},
    store::{
        StoreError,
        sqlite::{Filling, SqliteStore},
    },
};

/// A large account takes its time.
const PATIENTLY: &str = "SET LOCAL statement_timeout = '10min'";
/// Rows that travel together.
const BATCH: usize = 1000;

/// Copies an account into a store of this process's own. An account that is not there yet is empty.
///
/// # Errors
/// As opening the store.
pub async fn scratch(
    url: &SecretString,
    account: AccountName,
    key_check: Keyed,
    patience: &Patience,
    notice: &(dyn Fn(&str) + Sync),
) -> Result<SqliteStore, StoreError> {
    let server = Server::parse(url)?;
    patience.with(Twice::Same, &server, notice, || copy(&server, &account, &key_check)).await
}

async fn copy(server: &Server, account: &AccountName, key_check: &Keyed) -> Result<SqliteStore, StoreError> {
    let readers = Lane::reading(server.options.clone());
    let mut taken = readers.take().await.map_err(|error| server.unopened(error, None))?;
    let mut unit = taken.connection.begin_with(BEGIN_READING).await.map_err(|error| server.unopened(error, None))?;
    let (found, _) = server.look(&mut unit).await?;
    schema::not_newer(found, known_version())?;
    if found == 0 || !admitted(&mut unit, account, key_check).await? {
        return SqliteStore::scratch(account.clone(), *key_check, None).await;
    }
    sqlx::raw_sql(PATIENTLY).execute(&mut *unit).await.map_err(failed)?;
    let filling = Filling::begin(found).await?;
    for (table, columns) in filling.tables().await? {
        pour(&mut unit, &filling, account, &table, &columns).await?;
    }
    filling.end(account.clone(), *key_check).await
}

/// All rows of the account in one table, each as an array.
async fn pour(
    c: &mut PgConnection,
    filling: &Filling,
    account: &AccountName,
    table: &str,
    columns: &[String],
) -> Result<(), StoreError> {
    let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT CAST(json_build_array({names}) AS TEXT) FROM \"{table}\" WHERE account = $1");
    let rows = query_scalar::<_, String>(AssertSqlSafe(sql)).persistent(false).bind(account.as_str());
    let mut batches = rows.fetch(c).try_chunks(BATCH);
    while let Some(batch) = batches.try_next().await.map_err(|error| failed(error.1))? {
        filling.pour(table, columns, &format!("[{}]", batch.join(","))).await?;
    }
    Ok(())
}
