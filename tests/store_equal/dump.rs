//! All that a store holds, read from outside, as rows that can be compared across databases.

use std::{collections::BTreeMap, path::Path};

use sqlx::{AssertSqlSafe, ConnectOptions as _, query_as, query_scalar, sqlite::SqliteConnectOptions};

use crate::postgres::Database;

/// Rows by table, each as a JSON array of its columns in order.
type Rows = BTreeMap<String, Vec<String>>;

/// Where a database is differs by nature.
const ORIGIN: &str = "origin";

/// Fails unless both hold the same tables, columns and rows.
pub async fn same(file: &Path, database: &Database, what: &str) {
    let (one, other) = (rows_of_sqlite(file).await, rows_of_postgres(database).await);
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>(), "{what}: tables");
    for (table, rows) in &one {
        assert_eq!(rows, &other[table], "{what}: table {table}");
    }
}

async fn rows_of_sqlite(file: &Path) -> Rows {
    let mut connection = SqliteConnectOptions::new().filename(file).read_only(true).connect().await.unwrap();
    let columns: Vec<(String, String)> = query_as(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
          WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> '_sqlx_migrations' ORDER BY t.name, c.cid",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut rows = Rows::new();
    for (table, columns) in by_table(columns) {
        let sql = format!("SELECT json_array({columns}) FROM {table}");
        let found: Vec<String> = query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        rows.insert(table, sorted(&columns, found));
    }
    rows
}

pub async fn rows_of_postgres(database: &Database) -> Rows {
    let mut connection = database.cluster.connect("postgres", &database.name).await;
    let columns: Vec<(String, String)> = query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
          WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' ORDER BY table_name, ordinal_position",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut rows = Rows::new();
    for (table, columns) in by_table(columns) {
        let sql = format!("SELECT CAST(json_build_array({columns}) AS TEXT) FROM {table}");
        let found: Vec<String> = query_scalar(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
        rows.insert(table, sorted(&columns, found));
    }
    rows
}

/// The columns of each table, as a list of them is written.
fn by_table(columns: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut tables = BTreeMap::<String, Vec<String>>::new();
    for (table, column) in columns {
        tables.entry(table).or_default().push(column);
    }
    let listed = |mut columns: Vec<String>| {
        columns.retain(|column| column != ORIGIN);
        columns.join(", ")
    };
    tables.into_iter().map(|(table, columns)| (table, listed(columns))).collect()
}

/// Rows in an order of their own, written alike, under the names of their columns.
fn sorted(columns: &str, rows: Vec<String>) -> Vec<String> {
    let written = |row: String| serde_json::from_str::<serde_json::Value>(&row).unwrap().to_string();
    let mut rows: Vec<String> = rows.into_iter().map(written).collect();
    rows.sort();
    rows.insert(0, columns.to_owned());
    rows
}
