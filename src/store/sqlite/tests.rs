//! What only shows from inside: units that fail, are left or find the disk full, and how statements are planned.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

use std::{path::Path, time::Duration};

use sqlx::{AssertSqlSafe, Row, query, sqlite::SqliteRow};

use super::{
    OpenOptions, SqliteStore,
    failure::failed,
    sql::{HOT, Lane, OF_RUNS, survey},
};
use crate::{
    model::{AccountName, HashKey, Keyed, ShopName, time::Moment},
    store::{Acquired, Claim, Holder, IndexEntry, Lease, Store, StoreError, SurveyStep},
};

fn hash(text: &str) -> Keyed {
    HashKey::new(b"a key for the tests of a store").unwrap().hash("test", text)
}

async fn open(folder: &Path) -> SqliteStore {
    let options = OpenOptions {
        path: folder.join("store.sqlite"),
        account: AccountName::try_from("account".to_owned()).unwrap(),
        key_check: hash("check"),
        create: true,
        migrate: true,
        read_only: false,
    };
    SqliteStore::open(&options).await.unwrap()
}

fn shop() -> ShopName {
    ShopName::try_from("alfa".to_owned()).unwrap()
}

async fn leased(store: &SqliteStore) -> Lease {
    let holder = Holder { host: "h".into(), boot: "b".into(), pid: 1, started: 1, purpose: "test".into() };
    let claim =
        Claim { holder, ttl: Duration::from_mins(1), now: Moment::from_millis(0), succession: None, witness: None };
    match store.acquire(&claim).await.unwrap() {
        Acquired::Ours { lease, .. } => lease,
        Acquired::Busy(_) => panic!("busy"),
    }
}

fn page(from: i64, to: i64) -> SurveyStep {
    let entries = (from..=to).map(|number| IndexEntry {
        id: number.try_into().unwrap(),
        email: Some(hash(&format!("e{number}"))),
        phone: None,
        name: vec![hash("a"), hash("b")],
    });
    SurveyStep { shop: shop(), entries: entries.collect(), after: to, whole: false }
}

/// Runs a statement on a lane's own connection, outside any unit.
async fn run(lane: &Lane, sql: &str) -> Result<Vec<SqliteRow>, sqlx::Error> {
    let mut taken = lane.take().await?;
    let rows = query(AssertSqlSafe(sql)).fetch_all(&mut taken.connection).await;
    taken.give_back();
    rows
}

async fn known_contacts(store: &SqliteStore) -> u64 {
    store.progress(&shop(), 0, "").await.unwrap().known
}

/// A unit that surveys a page and then ends as `end` says.
async fn survey_then(
    store: &SqliteStore,
    end: impl Future<Output = Result<(), StoreError>> + Send + 'static,
) -> Result<(), StoreError> {
    store
        .write(move |c, account| {
            Box::pin(async move {
                survey(c, account, &page(1, 10)).await?;
                end.await
            })
        })
        .await
}

#[tokio::test]
async fn a_unit_that_fails_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let result = store
        .write(|c, account| {
            Box::pin(async move {
                survey(c, account, &page(1, 10)).await?;
                query("INSERT INTO leases (account, epoch) VALUES ('nobody', 1)").execute(c).await.map_err(failed)?;
                Ok(())
            })
        })
        .await;
    assert!(matches!(result, Err(StoreError::Database(_))), "{result:?}");
    assert_eq!(known_contacts(&store).await, 0);
    survey_then(&store, async { Ok(()) }).await.unwrap();
    assert_eq!(known_contacts(&store).await, 10);
}

#[tokio::test]
async fn a_unit_nobody_waits_for_still_ends_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let unit = survey_then(&store, async {
        gone.await.unwrap();
        Ok(())
    });
    assert!(tokio::time::timeout(Duration::from_millis(200), unit).await.is_err(), "left in the middle");
    assert_eq!(known_contacts(&store).await, 0, "and nobody sees half of it");
    go.send(()).unwrap();
    // The next unit waits for the one connection that writes, so for the end of the one that was left.
    leased(&store).await;
    assert_eq!(known_contacts(&store).await, 10);
}

#[tokio::test]
async fn a_unit_that_panics_leaves_nothing_and_blocks_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(open(folder.path()).await);
    let its = std::sync::Arc::clone(&store);
    let unit = tokio::spawn(async move { survey_then(&its, async { panic!("on purpose") }).await });
    assert!(unit.await.unwrap_err().is_panic());
    assert_eq!(known_contacts(&store).await, 0);
    leased(&store).await;
}

#[tokio::test]
async fn a_full_disk_undoes_the_unit_and_the_next_one_works() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let lease = leased(&store).await;
    store.survey(&lease, &page(1, 10)).await.unwrap();
    let limit = "PRAGMA max_page_count = 1"; // raised by SQLite to the pages that stand
    run(&store.writer, limit).await.unwrap();
    let refused = store.survey(&lease, &page(11, 1000)).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    let progress = store.progress(&shop(), 0, "").await.unwrap();
    assert_eq!((progress.known, progress.surveyed), (10, 10));

    // There is room again.
    run(&store.writer, "PRAGMA max_page_count = 100000").await.unwrap();
    store.survey(&lease, &page(11, 1000)).await.unwrap();
    assert_eq!(known_contacts(&store).await, 1000);
}

#[tokio::test]
async fn a_transaction_that_sqlite_undid_by_itself_spoils_no_later_unit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    // What SQLite does on some full disks and I/O errors, without telling sqlx.
    let unit = store.write(|c, _| {
        Box::pin(async move {
            query("ROLLBACK").execute(c).await.map_err(failed)?;
            Err::<(), _>(StoreError::Full)
        })
    });
    assert!(matches!(unit.await, Err(StoreError::Full)));
    survey_then(&store, async { Ok(()) }).await.unwrap();
    assert_eq!(known_contacts(&store).await, 10);
}

#[test]
fn a_disk_that_the_system_calls_full_is_full() {
    let full = sqlx::Error::Io(std::io::ErrorKind::StorageFull.into());
    assert!(matches!(failed(full), StoreError::Full));
    let other = sqlx::Error::Io(std::io::ErrorKind::PermissionDenied.into());
    assert!(matches!(failed(other), StoreError::Database(_)));
}

#[tokio::test]
async fn every_connection_has_the_settings_that_keep_data() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let ask = async |lane: &Lane, pragma: &'static str| {
        let row = run(lane, pragma).await.unwrap().remove(0);
        row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|number| number.to_string())).unwrap()
    };
    assert_eq!(ask(&store.writer, "PRAGMA journal_mode").await, "wal");
    assert_eq!(ask(&store.writer, "PRAGMA synchronous").await, "2", "full");
    assert_eq!(ask(&store.writer, "PRAGMA foreign_keys").await, "1");
    assert_eq!(ask(&store.writer, "PRAGMA busy_timeout").await, "15000");
    assert_eq!(ask(&store.readers, "PRAGMA busy_timeout").await, "15000");
    let refused = run(&store.readers, "DELETE FROM leases").await;
    assert!(refused.is_err(), "a reader cannot write");
}

/// What the database keeps for hashes takes nothing else.
#[tokio::test]
async fn a_column_for_hashes_takes_no_plain_value() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    survey_then(&store, async { Ok(()) }).await.unwrap();
    for column in ["email", "phone", "name", "content"] {
        for value in ["anna@example.it", "+393331234567", "Anna Rossi", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"] {
            let sql = format!("UPDATE contacts SET {column} = '{value}' WHERE id = 1");
            let refused = run(&store.writer, &sql).await;
            assert!(refused.unwrap_err().to_string().contains("CHECK constraint"), "{column} took {value}");
        }
    }
}

#[tokio::test]
async fn no_statement_of_a_page_reads_a_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (name, sql) in HOT {
        for lane in [&store.writer, &store.readers] {
            let rows = run(lane, &format!("EXPLAIN QUERY PLAN {sql}")).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.try_get("detail").unwrap()).collect();
            for step in &steps {
                // What a page brings in is read whole (a virtual table), and so is what a step before it has found.
                let whole = step.starts_with("SCAN ") && !step.contains("VIRTUAL TABLE") && step != "SCAN few";
                assert!(!whole, "{name}: {steps:#?}");
                // A search by the account alone reads all of it, but where the account is the key.
                let one_row = step.contains("SEARCH leases") || step.contains("SEARCH accounts");
                assert!(one_row || !step.ends_with("(account=?)"), "{name}: {steps:#?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_asked_of_runs_is_found_by_their_shop_and_pass() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    for (name, sql) in OF_RUNS {
        for lane in [&store.writer, &store.readers] {
            let rows = run(lane, &format!("EXPLAIN QUERY PLAN {sql}")).await.unwrap();
            let steps: Vec<String> = rows.iter().map(|row| row.try_get("detail").unwrap()).collect();
            let of_runs = |step: &&String| ["runs", "r", "b"].contains(&step.split(' ').nth(1).unwrap_or_default());
            for step in steps.iter().filter(of_runs) {
                let found = step.contains("rowid=?") || (step.contains("shop=?") && step.contains("pass=?"));
                assert!(found, "{name}: {steps:#?}");
            }
        }
    }
}
