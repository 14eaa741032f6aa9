//! What only shows from inside: units that fail, are left, lose their connection or wait too long, and how statements are
//! planned on a database that is full of others.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says where")]

#[path = "../../../tests/support/postgres.rs"]
mod cluster;
mod plans;

use std::{sync::Arc, time::Duration};

use cluster::Database;
use sqlx::{Connection as _, query, query_scalar};
use tokio_util::sync::CancellationToken;

use super::{
    OpenOptions, Units,
    failure::failed,
    open::Server,
    patient::{Patience, Twice},
    sql::survey,
};
use crate::{
    model::{HashKey, Keyed, ShopName, time::Moment},
    store::{Acquired, Claim, Holder, IndexEntry, Lease, Store as _, StoreError, SurveyStep},
};

fn hash(text: &str) -> Keyed {
    HashKey::new(b"a key for the tests of a store").unwrap().hash("test", text)
}

/// The units alone, without patience.
async fn open(database: &Database) -> Units {
    let options = OpenOptions {
        url: database.url().into(),
        account: "account".parse().unwrap(),
        key_check: hash("check"),
        create: true,
        migrate: true,
        read_only: false,
    };
    Units::open(&options, &Server::parse(&options.url).unwrap()).await.unwrap()
}

fn shop() -> ShopName {
    "alfa".parse().unwrap()
}

async fn leased(store: &Units) -> Lease {
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

async fn known_contacts(store: &Units) -> u64 {
    store.progress(&shop(), 0, "").await.unwrap().known
}

/// A unit that surveys a page and then ends as `end` says.
async fn survey_then(
    store: &Units,
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

/// Sessions of ours that are in a transaction.
const IN_TRANSACTION: &str =
    "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";

#[tokio::test]
async fn a_unit_that_fails_half_way_leaves_nothing() {
    let database = Database::new().await;
    let store = open(&database).await;
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
    let database = Database::new().await;
    let store = open(&database).await;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let unit = survey_then(&store, async {
        gone.await.unwrap();
        Ok(())
    });
    assert!(tokio::time::timeout(Duration::from_millis(400), unit).await.is_err(), "left in the middle");
    assert_eq!(known_contacts(&store).await, 0, "and nobody sees half of it");
    go.send(()).unwrap();
    // The next unit waits for the one connection that writes, so for the end of the one that was left.
    leased(&store).await;
    assert_eq!(known_contacts(&store).await, 10);
}

#[tokio::test]
async fn a_unit_that_panics_leaves_nothing_and_blocks_nobody() {
    let database = Database::new().await;
    let store = Arc::new(open(&database).await);
    let its = Arc::clone(&store);
    let unit = tokio::spawn(async move { survey_then(&its, async { panic!("on purpose") }).await });
    assert!(unit.await.unwrap_err().is_panic());
    assert_eq!(known_contacts(&store).await, 0);
    leased(&store).await;
}

/// Whoever stops waiting, wherever that is, leaves no open transaction to whoever comes next.
#[tokio::test(flavor = "multi_thread")]
async fn units_that_are_left_anywhere_leave_no_transaction_to_the_next() {
    let database = Database::new().await;
    let store = Arc::new(open(&database).await);
    let lease = leased(&store).await;
    for round in 0..120_i64 {
        let span = Duration::from_micros(u64::try_from(round * 70).unwrap());
        let left = tokio::time::timeout(span, store.survey(&lease, &page(round * 10 + 1, round * 10 + 10))).await;
        let read = tokio::time::timeout(span, store.progress(&shop(), 0, "")).await;
        drop((left, read));
        // It would find itself within the other's transaction, or see half of it.
        assert_eq!(known_contacts(&store).await % 10, 0, "round {round}");
    }
    store.renew(&lease, Moment::from_millis(1)).await.unwrap();
    store.close().await;
    assert_eq!(database.number(IN_TRANSACTION).await, 0);
    assert_eq!(database.number("SELECT COUNT(*) % 10 FROM contacts").await, 0, "each whole or not at all");
}

#[tokio::test]
async fn a_connection_that_died_while_it_lay_idle_is_replaced_before_a_unit_begins() {
    let database = Database::new().await;
    let store = open(&database).await;
    let lease = leased(&store).await;
    let readings = [(); 3].map(|()| known_contacts(&store));
    futures::future::join_all(readings).await;
    database
        .meddle(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    // Not even patience is needed.
    store.survey(&lease, &page(1, 10)).await.unwrap();
    assert_eq!(known_contacts(&store).await, 10);
}

#[tokio::test]
async fn a_connection_that_dies_within_a_unit_undoes_it_and_the_next_one_works() {
    let database = Database::new().await;
    let store = open(&database).await;
    let unit = store.write(|c, account| {
        Box::pin(async move {
            survey(c, account, &page(1, 10)).await?;
            let me: i32 = query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *c).await.map_err(failed)?;
            query("SELECT pg_terminate_backend($1)").bind(me).execute(&mut *c).await.map_err(failed)?;
            survey(c, account, &page(11, 20)).await
        })
    });
    let ended = unit.await;
    assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{ended:?}");
    assert_eq!(known_contacts(&store).await, 0);
    survey_then(&store, async { Ok(()) }).await.unwrap();
    assert_eq!(known_contacts(&store).await, 10);
}

#[tokio::test]
async fn a_row_that_somebody_keeps_locked_is_not_waited_for_without_end() {
    let database = Database::new().await;
    let store = open(&database).await;
    let lease = leased(&store).await;
    let mut other = database.cluster.connect("postgres", &database.name).await;
    let mut theirs = other.begin().await.unwrap();
    query("SELECT 1 FROM accounts FOR UPDATE").execute(&mut *theirs).await.unwrap();
    let refused = store.survey(&lease, &page(1, 10)).await;
    assert!(matches!(&refused, Err(StoreError::Unreachable(why)) if why.contains("lock timeout")), "{refused:?}");
    assert_eq!(known_contacts(&store).await, 0, "reading goes on");
    theirs.rollback().await.unwrap();
    store.survey(&lease, &page(1, 10)).await.unwrap();
}

#[tokio::test]
async fn what_is_committed_is_on_a_disk_whatever_the_database_is_set_to() {
    let database = Database::new().await;
    let asked = async |store: &Units| {
        let unit = store.write(|c, _| {
            Box::pin(
                async move { query_scalar::<_, String>("SHOW synchronous_commit").fetch_one(c).await.map_err(failed) },
            )
        });
        unit.await.unwrap()
    };
    for (set, found) in [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")] {
        database.meddle(format!("ALTER DATABASE {} SET synchronous_commit = {set}", database.name)).await;
        assert_eq!(asked(&open(&database).await).await, found);
    }
}

#[tokio::test]
async fn nothing_stays_prepared_or_set_in_a_session_that_may_be_anothers_next() {
    let database = Database::new().await;
    let store = open(&database).await;
    let lease = leased(&store).await;
    store.survey(&lease, &page(1, 10)).await.unwrap();
    let mut taken = store.writer.take().await.unwrap();
    for (sql, left) in [
        ("SELECT COUNT(*) FROM pg_prepared_statements", 0_i64),
        ("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", 0),
        ("SELECT COUNT(*) FROM pg_settings WHERE name LIKE '%timeout' AND setting <> reset_val", 0),
    ] {
        let found: i64 = query_scalar(sql).persistent(false).fetch_one(&mut taken.connection).await.unwrap();
        assert_eq!(found, left, "{sql}");
    }
}

/// What the database keeps for hashes takes nothing else.
#[tokio::test]
async fn a_column_for_hashes_takes_no_plain_value() {
    let database = Database::new().await;
    let store = open(&database).await;
    survey_then(&store, async { Ok(()) }).await.unwrap();
    for column in ["email", "phone", "name", "content"] {
        for value in ["anna@example.it", "+393331234567", "Anna Rossi", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"] {
            let sql = format!("UPDATE contacts SET {column} = '{value}' WHERE id = 1");
            let mut admin = database.cluster.connect("postgres", &database.name).await;
            let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await;
            assert!(refused.unwrap_err().to_string().contains("check constraint"), "{column} took {value}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn patience_repeats_what_did_not_happen_and_what_may_be_done_twice_and_has_an_end() {
    let url = "postgres://anagrafe:hunter2@db.example/register".to_owned().into();
    let server = Server::parse(&url).unwrap();
    let patience = Patience { span: Duration::from_secs(30), stop: CancellationToken::new() };
    let put = |twice, error: fn() -> StoreError, until: u32| {
        let (patience, server) = (&patience, &server);
        async move {
            let tries = std::sync::atomic::AtomicU32::new(0);
            let notices = std::sync::Mutex::new(Vec::new());
            let notice = |text: &str| notices.lock().unwrap().push(text.to_owned());
            let ask = || async {
                let before = tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                if before < until { Err(error()) } else { Ok(()) }
            };
            let ended = patience.with(twice, server, &notice, ask).await;
            let told = notices.lock().unwrap().len();
            (ended.map_err(|error| error.to_string()), tries.into_inner(), told)
        }
    };
    let away = || StoreError::Unreachable("refused".into());
    let doubt = || StoreError::InDoubt("reset".into());
    assert_eq!(put(Twice::Wrong, away, 3).await, (Ok(()), 4, 1));
    assert_eq!(put(Twice::Same, doubt, 3).await, (Ok(()), 4, 1));
    let (ended, tries, told) = put(Twice::Wrong, doubt, 3).await;
    assert_eq!((tries, told), (1, 0), "{ended:?}");
    assert_eq!(put(Twice::Same, || StoreError::LeaseLost, 3).await.1, 1);

    let began = tokio::time::Instant::now();
    let (ended, tries, told) = put(Twice::Same, away, u32::MAX).await;
    let words = ended.unwrap_err();
    assert!(words.contains("register") && words.contains("db.example") && !words.contains("hunter2"), "{words}");
    assert!(began.elapsed() <= Duration::from_secs(30) && tries > 10 && told == 1, "{tries}");
    patience.stop.cancel();
    assert_eq!(put(Twice::Same, away, 3).await.1, 1, "a signal ends all waiting");
}
