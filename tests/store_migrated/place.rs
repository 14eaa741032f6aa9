//! Where a store is, as one who fills and reads its tables from outside sees it.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use anagrafe::store::{
    Store,
    postgres::{self as adapter, Patience, PostgresStore},
    sqlite::{self, SqliteStore},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, SqliteConnection, query_as, query_scalar,
    sqlite::SqliteConnectOptions,
};

use crate::{key, migrations::migrations, postgres::Database};

/// The columns of each table, in an order of their own.
pub type Columns = BTreeMap<String, Vec<String>>;
/// The rows of each table, each as an array of its columns, in an order of their own.
pub type Rows = BTreeMap<String, Vec<String>>;

const FILE_COLUMNS: &str = "
    SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
     WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> '_sqlx_migrations' ORDER BY t.name, c.name";
const SERVER_COLUMNS: &str = "
    SELECT table_name::text, column_name::text FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' ORDER BY 1, column_name COLLATE \"C\"";
/// What was put in with its number is not numbered anew: the server is told where its numbers stand.
const NUMBERED: [(&str, &str); 3] = [("runs", "run"), ("writes", "write"), ("holds", "hold")];
const NOT_CHECKED: &str = "SELECT COUNT(*) FROM pg_constraint WHERE contype = 'f' AND NOT convalidated";

pub enum Place {
    File(tempfile::TempDir),
    Server(Box<Database>),
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File(_) => "SQLite",
            Self::Server(_) => "Postgres",
        })
    }
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("store.sqlite")
}

async fn connect(folder: &tempfile::TempDir) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file(folder)).create_if_missing(true).connect().await.unwrap()
}

async fn reach(database: &Database) -> PgConnection {
    database.cluster.connect("anagrafe", &database.name).await
}

impl Place {
    pub fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    pub async fn server() -> Self {
        Self::Server(Box::new(Database::new().await))
    }

    /// Applies migrations up to a version.
    pub async fn migrate(&self, to: i64) {
        match self {
            Self::File(folder) => {
                let mut connection = connect(folder).await;
                migrations("sqlite").await.run_to(to, &mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Server(database) => {
                let mut connection = reach(database).await;
                migrations("postgres").await.run_to(to, &mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
        }
    }

    /// Runs statements.
    pub async fn fill(&self, sql: String) {
        match self {
            Self::File(folder) => {
                let mut connection = connect(folder).await;
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                connection.close().await.unwrap();
            }
            Self::Server(database) => {
                let mut connection = reach(database).await;
                sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                for (table, number) in NUMBERED {
                    let sql = format!(
                        "SELECT setval(pg_get_serial_sequence('{table}', '{number}'), MAX({number})) FROM {table}"
                    );
                    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
                }
                connection.close().await.unwrap();
            }
        }
    }

    pub async fn columns(&self) -> Columns {
        let named: Vec<(String, String)> = match self {
            Self::File(folder) => query_as(FILE_COLUMNS).fetch_all(&mut connect(folder).await).await,
            Self::Server(database) => query_as(SERVER_COLUMNS).fetch_all(&mut reach(database).await).await,
        }
        .unwrap();
        let mut columns = Columns::new();
        for (table, column) in named {
            columns.entry(table).or_default().push(column);
        }
        columns
    }

    /// Every row, as these columns tell it.
    pub async fn rows(&self, of: &Columns) -> Rows {
        let mut all = Rows::new();
        for (table, columns) in of {
            let columns = columns.join(", ");
            let found: Vec<String> = match self {
                Self::File(folder) => {
                    let sql = format!("SELECT json_array({columns}) FROM {table}");
                    query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connect(folder).await).await
                }
                Self::Server(database) => {
                    let sql = format!("SELECT CAST(json_build_array({columns}) AS TEXT) FROM {table}");
                    query_scalar(AssertSqlSafe(sql)).fetch_all(&mut reach(database).await).await
                }
            }
            .unwrap();
            let alike = |row: String| serde_json::from_str::<serde_json::Value>(&row).unwrap().to_string();
            let mut rows: Vec<String> = found.into_iter().map(alike).collect();
            rows.sort();
            all.insert(table.clone(), rows);
        }
        all
    }

    pub async fn version(&self) -> i64 {
        let sql = "SELECT MAX(version) FROM _sqlx_migrations";
        match self {
            Self::File(folder) => query_scalar(sql).fetch_one(&mut connect(folder).await).await,
            Self::Server(database) => query_scalar(sql).fetch_one(&mut reach(database).await).await,
        }
        .unwrap()
    }

    /// How many rows speak of others that are not there. (The server does not let any be; but it may have been told not to look.)
    pub async fn broken(&self) -> usize {
        match self {
            Self::File(folder) => {
                let mut connection = connect(folder).await;
                let sound: String = query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.unwrap();
                assert_eq!(sound, "ok");
                sqlx::raw_sql("PRAGMA foreign_key_check").fetch_all(&mut connection).await.unwrap().len()
            }
            Self::Server(database) => {
                let unchecked: i64 = query_scalar(NOT_CHECKED).fetch_one(&mut reach(database).await).await.unwrap();
                usize::try_from(unchecked).unwrap()
            }
        }
    }

    /// The real store, which brings it to today's schema.
    pub async fn open(&self) -> Arc<dyn Store> {
        let (account, key_check) = ("account".parse().unwrap(), key().check_value());
        match self {
            Self::File(folder) => {
                let path = file(folder);
                let options =
                    sqlite::OpenOptions { path, account, key_check, create: false, migrate: true, read_only: false };
                Arc::new(SqliteStore::open(&options).await.unwrap())
            }
            Self::Server(database) => {
                let url = database.url().into();
                let options =
                    adapter::OpenOptions { url, account, key_check, create: false, migrate: true, read_only: false };
                let patience =
                    Patience { span: std::time::Duration::ZERO, stop: tokio_util::sync::CancellationToken::new() };
                Arc::new(PostgresStore::open(&options, patience, &|_| {}).await.unwrap())
            }
        }
    }
}
