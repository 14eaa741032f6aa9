//! A store of version 1 with something in every table, brought to today's schema: row by row what it was, and fit for work.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that fails says where"
)]

#[path = "support/migrations.rs"]
mod migrations;

use std::{collections::BTreeMap, path::Path, time::Duration};

use anagrafe::{
    model::{ContactId, HashKey, Hashes, Keyed, ShopName, link::Role, run::Pass, state::ContactState, time::Moment},
    store::{
        Acquired, Claim, Due, DueQuery, Holder, NewRun, PageQuery, Questions, RunQuery, Store, Succession,
        sqlite::{OpenOptions, SqliteStore, known_version, schema_version},
    },
};
use migrations::migrations;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection, query_scalar, sqlite::SqliteConnectOptions};

const VERSION_1: &str = include_str!("support/version_1.sql");

fn key() -> HashKey {
    HashKey::new(b"a key for the tests of a store").unwrap()
}

fn hash(text: &str) -> Keyed {
    key().hash("test", text)
}

fn options(path: &Path) -> OpenOptions {
    OpenOptions {
        path: path.into(),
        account: "account".parse().unwrap(),
        key_check: key().check_value(),
        create: false,
        migrate: true,
        read_only: false,
    }
}

fn id(number: i64) -> ContactId {
    number.try_into().unwrap()
}

fn alfa() -> ShopName {
    "alfa".parse().unwrap()
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

/// A store as version 1 left it.
async fn version_1(path: &Path) {
    let mut connection = connect(path).await;
    migrations("sqlite").await.run_to(1, &mut connection).await.unwrap();
    let mut sql = VERSION_1.replace("{check}", &key().check_value().to_string());
    for text in ["a", "b", "c", "d", "e", "f"] {
        sql = sql.replace(&format!("{{{text}}}"), &hash(text).to_string());
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn texts(connection: &mut SqliteConnection, sql: String) -> Vec<String> {
    query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await.unwrap()
}

/// The columns of each table.
async fn columns(connection: &mut SqliteConnection) -> BTreeMap<String, Vec<String>> {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let mut columns = BTreeMap::new();
    for table in texts(connection, tables.into()).await {
        let its = texts(connection, format!("SELECT name FROM pragma_table_info('{table}')")).await;
        columns.insert(table, its);
    }
    columns
}

/// Every row of these tables, as these columns tell it.
async fn rows(connection: &mut SqliteConnection, of: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for (table, columns) in of {
        let sql = format!("SELECT json_array({}) AS row FROM {table} ORDER BY row", columns.join(", "));
        rows.insert(table.clone(), texts(connection, sql).await);
    }
    rows
}

#[tokio::test]
async fn every_row_is_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    version_1(&path).await;
    let mut connection = connect(&path).await;
    let columns = columns(&mut connection).await;
    let before = rows(&mut connection, &columns).await;
    connection.close().await.unwrap();
    assert!(before.len() == 11 && before.values().all(|rows| !rows.is_empty()), "{before:#?}");

    SqliteStore::open(&options(&path)).await.unwrap().close().await;
    assert_eq!(schema_version(&path).await.unwrap(), known_version());
    let mut connection = connect(&path).await;
    assert_eq!(rows(&mut connection, &columns).await, before);
    assert_eq!(texts(&mut connection, "PRAGMA integrity_check".into()).await, ["ok"]);
    let broken = sqlx::raw_sql("PRAGMA foreign_key_check").fetch_all(&mut connection).await.unwrap();
    assert!(broken.is_empty(), "every row has those it speaks of");
}

#[tokio::test]
async fn what_is_kept_of_a_link_since_is_taken_from_its_contact() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    version_1(&path).await;
    let store = SqliteStore::open(&options(&path)).await.unwrap();
    let page = PageQuery { shop: alfa(), ids: [1, 2, 3].map(id).to_vec(), identifiers: vec![hash("a")], covers: None };
    let mut known = store.known(&page).await.unwrap();
    assert!(known.paused && known.erased.is_empty() && known.holders[&hash("a")].len() == 2);
    let mut prior = |number| known.contacts.remove(&id(number)).unwrap();
    let (one, two, three) = (prior(1), prior(2), prior(3));
    let (link, beside) = (one.link.unwrap(), two.link.unwrap());
    let known_as = Hashes { email: Some(hash("a")), phone: Some(hash("b")), name: vec![hash("c"), hash("d")] };
    assert_eq!((link.known_as, link.role, link.ended), (known_as, Role::Owner, None));
    let known_as = Hashes { email: None, phone: Some(hash("b")), name: Vec::new() };
    assert_eq!((beside.known_as, beside.role, two.unsettled.len()), (known_as, Role::Secondary, 1));
    assert_eq!((three.judged.unwrap().state, three.link, three.rulings.len()), (ContactState::Waiting, None, 1));
    assert!(one.former.is_empty() && one.held.is_none() && !one.missing);

    let progress = store.progress(&alfa(), 0, "r=1").await.unwrap();
    assert_eq!((progress.checkpoint, progress.crossed, progress.known, progress.judged_otherwise), (9, true, 3, 0));
    assert_eq!((progress.resync, progress.resynced_at, progress.doubted_at), (None, None, None));
    assert_eq!(store.progress(&alfa(), 0, "r=2").await.unwrap().judged_otherwise, 2);
    let due = DueQuery { shop: alfa(), why: Due::Retry(Moment::from_millis(20)), after: 0, limit: 9 };
    assert_eq!(store.due(&due).await.unwrap(), [id(2)]);
    let counts: Vec<_> = store.holds(true).await.unwrap().into_iter().map(|hold| hold.what.count).collect();
    assert_eq!(counts, [12, 3]);
}

#[tokio::test]
async fn its_lease_is_succeeded_as_any_and_work_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    version_1(&path).await;
    let store = SqliteStore::open(&options(&path)).await.unwrap();
    let holder = Holder { host: "other".into(), boot: "b".into(), pid: 1, started: 1, purpose: "test".into() };
    let now = Moment::from_millis(999_999);
    let claim = Claim { holder, ttl: Duration::from_mins(1), now, succession: None, witness: None };
    let Acquired::Busy(held) = store.acquire(&claim).await.unwrap() else { panic!("it has a holder") };
    assert_eq!((held.holder.pid, held.epoch, held.beat, held.ttl), (11, 7, 0, Duration::from_secs(90)));
    let claim = Claim { succession: Some(Succession::Silent(held)), ..claim };
    let Acquired::Ours { lease, went_back } = store.acquire(&claim).await.unwrap() else { panic!("it was silent") };
    assert_eq!((lease.epoch, went_back), (8, false), "where it was before nobody has said");

    for shop in ["alfa", "beta"] {
        let new = NewRun { shop: shop.parse().unwrap(), source: hash(shop), pass: Pass::Sync, partial: false, at: now };
        assert!(store.begin(&lease, &new).await.unwrap().0 > 2);
    }
    let interrupted = store.runs(RunQuery::One(anagrafe::model::run::RunId(2))).await.unwrap().remove(0);
    assert!(interrupted.error.is_some());
}
