//! What the store file holds, read from outside.

use std::{collections::BTreeMap, path::Path};

use super::postgres::Database;
use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

/// A contact in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub state: Option<String>,
    pub reason: Option<String>,
    pub customer: Option<String>,
    pub role: Option<String>,
}

/// Opens the file for reading.
pub async fn open(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(path).read_only(true)).await.unwrap()
}

/// All contacts, by id.
pub async fn contacts(path: &Path) -> BTreeMap<i64, Kept> {
    let mut db = open(path).await;
    let rows = sqlx::query(
        "SELECT c.id, c.state, c.reason, l.customer, l.role FROM contacts c \
         LEFT JOIN links l ON l.account = c.account AND l.shop = c.shop AND l.id = c.id AND l.ended_at IS NULL",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    let kept = |row: &sqlx::sqlite::SqliteRow| {
        let text = |name: &str| row.get::<Option<String>, _>(name);
        (
            row.get("id"),
            Kept { state: text("state"), reason: text("reason"), customer: text("customer"), role: text("role") },
        )
    };
    rows.iter().map(kept).collect()
}

/// The same in Postgres.
pub async fn contacts_in(database: &Database) -> BTreeMap<i64, Kept> {
    contacts_of(&mut *database.eyes().await).await
}

/// The same over a connection that stands.
pub async fn contacts_of(db: &mut PgConnection) -> BTreeMap<i64, Kept> {
    type Text = Option<String>;
    let rows: Vec<(i64, Text, Text, Text, Text)> = sqlx::query_as(
        "SELECT c.id, c.state, c.reason, l.customer, l.role FROM contacts c \
         LEFT JOIN links l ON l.account = c.account AND l.shop = c.shop AND l.id = c.id AND l.ended_at IS NULL",
    )
    .fetch_all(db)
    .await
    .unwrap();
    rows.into_iter().map(|(id, state, reason, customer, role)| (id, Kept { state, reason, customer, role })).collect()
}

/// A number in Postgres, as the same in a file.
pub async fn number_in(database: &Database, sql: &str) -> i64 {
    let asked = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT CAST(({sql}) AS BIGINT)"))).persistent(false);
    match asked.fetch_one(&mut *database.eyes().await).await {
        Err(sqlx::Error::Database(error)) if error.message().contains("does not exist") => 0,
        number => number.unwrap(),
    }
}

/// A number.
pub async fn number(path: &Path, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(&mut open(path).await).await.unwrap()
}

/// The same, of any statement; 0 where the tables are not made yet.
pub async fn number_of(path: &Path, sql: &str) -> i64 {
    let asked = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut open(path).await).await;
    match asked {
        Err(sqlx::Error::Database(error)) if error.message().contains("no such table") => 0,
        number => number.unwrap(),
    }
}

/// The first column of what a statement answers, as text.
pub async fn texts(path: &Path, sql: &str) -> Vec<String> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(&mut open(path).await).await.unwrap()
}

/// The same in Postgres.
pub async fn texts_in(database: &Database, sql: &str) -> Vec<String> {
    let asked = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).persistent(false);
    asked.fetch_all(&mut *database.eyes().await).await.unwrap()
}

/// Changes the store behind our back.
pub async fn execute(path: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(path);
    let mut db = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

/// Open proposals: (contact, kind, customer, absorbed as JSON, asks).
pub async fn proposals(path: &Path) -> Vec<(i64, String, String, Vec<String>, bool)> {
    let mut db = open(path).await;
    let rows = sqlx::query("SELECT id, kind, customer, absorbed, because FROM proposals WHERE state = 'open'")
        .fetch_all(&mut db)
        .await
        .unwrap();
    rows.iter()
        .map(|row| {
            let absorbed: Vec<String> = serde_json::from_str(row.get("absorbed")).unwrap();
            (
                row.get("id"),
                row.get("kind"),
                row.get("customer"),
                absorbed,
                row.get::<Option<String>, _>("because").is_some(),
            )
        })
        .collect()
}

/// Every value of every column of every table, as text.
pub async fn everything(path: &Path) -> Vec<(String, String)> {
    let mut db = open(path).await;
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'").fetch_all(&mut db).await.unwrap();
    let mut values = Vec::new();
    for table in tables {
        let columns: Vec<String> =
            sqlx::query_scalar("SELECT name FROM pragma_table_info(?)").bind(&table).fetch_all(&mut db).await.unwrap();
        for column in columns {
            let sql = format!(
                "SELECT DISTINCT CASE typeof(\"{column}\") WHEN 'blob' THEN hex(\"{column}\") ELSE CAST(\"{column}\" AS TEXT) END FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"
            );
            let found: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut db).await.unwrap();
            values.extend(found.into_iter().map(|value| (format!("{table}.{column}"), value)));
        }
    }
    values
}
