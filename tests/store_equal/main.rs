//! The same input gives the same final state, row for row, on both databases; and on either, what may be done twice is
//! then the same as done once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that fails says where"
)]

mod dump;
#[path = "../support/migrations.rs"]
mod migrations;
#[path = "../support/postgres.rs"]
mod postgres;
mod script;
#[allow(dead_code, unused_macros, reason = "its behaviours are run by each adapter's own tests")]
#[path = "../store_behaviour/mod.rs"]
mod store_behaviour;

use std::{path::Path, time::Duration};

use anagrafe::store::{
    Questions as _, Store as _,
    postgres::{self as adapter, Patience, PostgresStore},
    sqlite::{self, SqliteStore},
};
use migrations::migrations;
use postgres::Database;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use store_behaviour::{Pass1, at, claim, entry, hash, judged, key, linked, shop};

fn patience() -> Patience {
    Patience { span: Duration::ZERO, stop: tokio_util::sync::CancellationToken::new() }
}

async fn on_sqlite(file: &Path) -> SqliteStore {
    let options = sqlite::OpenOptions {
        path: file.into(),
        account: "account".parse().unwrap(),
        key_check: key().check_value(),
        create: true,
        migrate: true,
        read_only: false,
    };
    SqliteStore::open(&options).await.unwrap()
}

async fn on_postgres(database: &Database) -> PostgresStore {
    let options = adapter::OpenOptions {
        url: database.url().into(),
        account: "account".parse().unwrap(),
        key_check: key().check_value(),
        create: true,
        migrate: true,
        read_only: false,
    };
    PostgresStore::open(&options, patience(), &|_| {}).await.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a slow programme is asked for by a variable")]
fn rounds() -> u64 {
    if std::env::var_os("ANAGRAFE_SLOW").is_some() { 20 } else { 2 }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_units_leave_the_same_rows_on_both() {
    for seed in 1..=rounds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.sqlite");
        let database = Database::new().await;
        let mut both = script::Both::new(seed, on_sqlite(&file).await, on_postgres(&database).await);
        both.play(150).await;
        let done = both.done();
        // A script that does nothing would leave the same rows as well.
        for (what, least) in [("recorded", 10), ("declared", 1), ("decided", 1), ("erased", 1), ("linked", 5)] {
            assert!(done.get(what).copied().unwrap_or_default() >= least, "seed {seed}: {what}: {done:?}");
        }
        dump::same(&file, &database, &format!("seed {seed}")).await;
        both.rotate().await;
        drop(both);
        dump::same(&file, &database, &format!("seed {seed}, under another key")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_version_1_comes_to_the_same_rows_on_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.sqlite");
    let database = Database::new().await;
    let mut sql = include_str!("../support/version_1.sql").replace("{check}", &key().check_value().to_string());
    for text in ["a", "b", "c", "d", "e", "f"] {
        sql = sql.replace(&format!("{{{text}}}"), &hash(text).to_string());
    }
    let mut connection =
        sqlx::sqlite::SqliteConnectOptions::new().filename(&file).create_if_missing(true).connect().await.unwrap();
    migrations("sqlite").await.run_to(1, &mut connection).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let mut connection = database.cluster.connect("anagrafe", &database.name).await;
    migrations("postgres").await.run_to(1, &mut connection).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    // Rows that come with their numbers do not move what counts them.
    for (table, number) in [("runs", "run"), ("writes", "write"), ("holds", "hold")] {
        let count = format!("SELECT setval(pg_get_serial_sequence('{table}', '{number}'), 2)");
        sqlx::raw_sql(AssertSqlSafe(count)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let before = dump::rows_of_postgres(&database).await;
    assert!(before.len() == 11 && before.values().all(|rows| rows.len() > 1), "{before:#?}");

    let (one, other) = (on_sqlite(&file).await, on_postgres(&database).await);
    assert_eq!(adapter::known_version(), sqlite::known_version());
    assert!(one.overview().await.unwrap() == other.overview().await.unwrap());
    one.close().await;
    other.close().await;
    dump::same(&file, &database, "version 1").await;
    let after = dump::rows_of_postgres(&database).await;
    assert_eq!(after["rulings"], before["rulings"], "what did not change is what it was");
    assert!(after["links"].iter().skip(1).all(|row| row.contains(&hash("b").to_string())), "{:?}", after["links"]);
}

/// What a plan works on: the rows of a Postgres in a file of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_scratch_copy_of_a_server_holds_the_same_rows_and_leaves_nothing_there() {
    let database = Database::new().await;
    let store = std::sync::Arc::new(on_postgres(&database).await);
    let lease = store_behaviour::ours(store.acquire(&claim(1, at(0))).await.unwrap());
    let new = anagrafe::store::NewRun {
        shop: shop("alfa"),
        source: hash("alfa"),
        pass: anagrafe::model::run::Pass::Sync,
        partial: false,
        at: at(0),
    };
    let run = store.begin(&lease, &new).await.unwrap();
    let pass = Pass1 { store, lease, run };
    pass.record(vec![
        linked(1, "c1", anagrafe::model::link::Role::Owner),
        judged(2, anagrafe::model::state::ContactState::Unmatched),
    ])
    .await;
    pass.survey((3..2500).map(entry).collect()).await;
    let ids = pass.store.declare(&pass.lease, &[pass.declaration(1, "c1")]).await.unwrap();
    let before = dump::rows_of_postgres(&database).await;

    let (url, account) = (database.url().into(), "account".parse().unwrap());
    let scratch = adapter::scratch(&url, account, key().check_value(), &patience(), &|_| {}).await.unwrap();
    let known = async |store: &dyn anagrafe::store::Store| {
        let progress = store.progress(&shop("alfa"), 10, store_behaviour::RULES).await.unwrap();
        let page = store_behaviour::of(&[1, 2, 3].map(store_behaviour::id), &[entry(7).email.unwrap()]);
        format!("{progress:?} {:?}", store.known(&page).await.unwrap())
    };
    assert_eq!(known(&scratch).await, known(&*pass.store).await);
    let own = store_behaviour::ours(scratch.acquire(&claim(2, at(0))).await.unwrap());
    assert!(own.epoch > pass.lease.epoch, "nobody has the lease of a copy");
    assert!(scratch.begin(&own, &new).await.unwrap() > run);
    assert!(scratch.declare(&own, &[pass.declaration(2, "c2")]).await.unwrap() > ids);
    scratch.close().await;
    assert_eq!(dump::rows_of_postgres(&database).await, before, "not a row of it");

    let stranger = "stranger".parse().unwrap();
    let empty = adapter::scratch(&url, stranger, key().check_value(), &patience(), &|_| {}).await.unwrap();
    assert!(empty.overview().await.unwrap().shops.is_empty());
    let wrong = adapter::scratch(&url, "account".parse().unwrap(), hash("another"), &patience(), &|_| {}).await;
    assert!(matches!(wrong, Err(anagrafe::store::StoreError::WrongKey)));
}
