//! The Postgres store: the behaviour of every store, and what is particular to a server.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that fails says where"
)]

#[macro_use]
mod store_behaviour;
#[path = "support/postgres.rs"]
mod postgres;

use std::{sync::Arc, time::Duration};

use anagrafe::{
    model::{AccountName, HashKey},
    store::{
        Acquired, Decision, Questions, Store, StoreError,
        postgres::{OpenOptions, Patience, PostgresStore, known_version, schema_version},
    },
};
use postgres::Database;
use store_behaviour::{Pass1, Place, RULES, at, claim, entry, key, ours, shop};

#[async_trait::async_trait]
impl Place for Database {
    async fn open(&self) -> Arc<dyn Store> {
        self.open_under(&key()).await.unwrap()
    }

    async fn open_under(&self, key: &HashKey) -> Result<Arc<dyn Store>, StoreError> {
        let options = OpenOptions { key_check: key.check_value(), ..options(&self.url()) };
        opened(&options).await.map(|store| Arc::new(store) as Arc<dyn Store>)
    }
}

fn account() -> AccountName {
    "account".parse().unwrap()
}

fn options(url: &str) -> OpenOptions {
    OpenOptions {
        url: url.to_owned().into(),
        account: account(),
        key_check: key().check_value(),
        create: true,
        migrate: true,
        read_only: false,
    }
}

fn existing(url: &str) -> OpenOptions {
    OpenOptions { create: false, migrate: false, ..options(url) }
}

fn patience(seconds: u64) -> Patience {
    Patience { span: Duration::from_secs(seconds), stop: tokio_util::sync::CancellationToken::new() }
}

async fn opened(options: &OpenOptions) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(options, patience(0), &|_| {}).await
}

async fn refusal(options: &OpenOptions) -> StoreError {
    opened(options).await.unwrap_err()
}

async fn version(url: &str) -> Result<i64, StoreError> {
    schema_version(&url.to_owned().into(), &patience(0), &|_| {}).await
}

store_behaviours!(Database::migrated().await);

#[tokio::test]
async fn what_was_written_is_there_when_opened_again() {
    let database = Database::new().await;
    assert_eq!(version(&database.url()).await.unwrap(), 0);
    let pass = Pass1::begin(&database).await;
    pass.survey(vec![entry(1)]).await;
    pass.store.close().await;
    let store = opened(&existing(&database.url())).await.unwrap();
    assert_eq!(store.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 1);
    assert_eq!(version(&database.url()).await.unwrap(), known_version());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_made_by_only_one_of_many_that_start_at_once() {
    let database = Database::new().await;
    let mut starts = tokio::task::JoinSet::new();
    for pid in 1..=8 {
        let options = options(&database.url());
        starts.spawn(async move { opened(&options).await.unwrap().acquire(&claim(pid, at(0))).await.unwrap() });
    }
    let won = starts.join_all().await.into_iter().filter(|acquired| matches!(acquired, Acquired::Ours { .. })).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_newer_schema_is_left_untouched() {
    let database = Database::new().await;
    opened(&options(&database.url())).await.unwrap().close().await;
    database.meddle("INSERT INTO _sqlx_migrations VALUES (9999, 'later', now(), TRUE, '', 0)").await;
    for options in [options(&database.url()), OpenOptions { read_only: true, ..options(&database.url()) }] {
        let error = refusal(&options).await;
        assert!(matches!(error, StoreError::TooNew { found: 9999, known } if known == known_version()), "{error}");
    }
    assert_eq!(version(&database.url()).await.unwrap(), 9999);
}

#[tokio::test]
async fn an_older_schema_waits_for_a_migration() {
    let database = Database::new().await;
    let error = refusal(&existing(&database.url())).await;
    assert!(matches!(error, StoreError::TooOld { found: 0, needed } if needed == known_version()), "{error}");
    assert_eq!(version(&database.url()).await.unwrap(), 0, "and nothing was migrated");
    opened(&OpenOptions { migrate: false, ..options(&database.url()) }).await.unwrap();
}

#[tokio::test]
async fn another_key_or_an_account_never_seen_opens_nothing() {
    let database = Database::new().await;
    opened(&options(&database.url())).await.unwrap();
    let other = OpenOptions { key_check: store_behaviour::hash("other"), ..options(&database.url()) };
    assert!(matches!(refusal(&other).await, StoreError::WrongKey));
    let stranger = OpenOptions { account: "stranger".parse().unwrap(), ..existing(&database.url()) };
    let error = refusal(&stranger).await;
    assert!(matches!(&error, StoreError::Open { reason, .. } if reason.contains("stranger")), "{error}");
}

#[tokio::test]
async fn accounts_of_one_database_do_not_mix() {
    let database = Database::new().await;
    let pass = Pass1::begin(&database).await;
    pass.survey(vec![entry(1)]).await;
    let other = OpenOptions { account: "other".parse().unwrap(), ..options(&database.url()) };
    let other = opened(&other).await.unwrap();
    ours(other.acquire(&claim(2, at(0))).await.unwrap());
    assert_eq!(other.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 0);
    assert!(other.overview().await.unwrap().shops.is_empty());
}

#[tokio::test]
async fn a_database_of_something_else_is_refused_and_another_schema_of_it_is_not() {
    let database = Database::new().await;
    database.meddle("CREATE TABLE public.things (a int)").await;
    let error = refusal(&options(&database.url())).await;
    assert!(matches!(&error, StoreError::Open { reason, .. } if reason.contains("search_path")), "{error}");
    assert_eq!(
        database.number("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'").await,
        1,
        "nothing was made beside it"
    );
    database.meddle("CREATE SCHEMA register AUTHORIZATION anagrafe").await;
    let there = format!("{}?options=-csearch_path%3Dregister", database.url());
    let store = opened(&options(&there)).await.unwrap();
    ours(store.acquire(&claim(1, at(0))).await.unwrap());
    assert_eq!(version(&there).await.unwrap(), known_version());
}

#[tokio::test]
async fn a_role_that_may_not_make_tables_is_told_what_a_dba_runs() {
    let database = Database::new().await;
    database.meddle("ALTER SCHEMA public OWNER TO postgres; REVOKE CREATE ON SCHEMA public FROM PUBLIC").await;
    database.meddle(format!("ALTER DATABASE {} OWNER TO postgres", database.name)).await;
    let error = refusal(&options(&database.url())).await;
    let StoreError::Open { path, reason } = &error else { panic!("{error:?}") };
    assert!(path.contains(&database.name) && path.contains("anagrafe"), "{path}");
    assert!(reason.contains("GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"anagrafe\""), "{reason}");
    assert_eq!(version(&database.url()).await.unwrap(), 0);

    // A DBA makes the tables, and forgets to let the role use them.
    opened(&options(&database.cluster.url("postgres", &database.name))).await.unwrap().close().await;
    let error = refusal(&options(&database.url())).await;
    let StoreError::Open { reason, .. } = &error else { panic!("{error:?}") };
    let grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \"public\" TO \"anagrafe\"";
    assert!(reason.contains(grant), "{reason}");
    database.meddle(grant).await;
    let pass = Pass1::begin(&database).await;
    pass.survey(vec![entry(1)]).await;
}

#[tokio::test]
async fn a_wrong_password_user_database_or_address_is_named_without_the_password() {
    let database = Database::new().await;
    database.meddle("CREATE ROLE locked LOGIN PASSWORD 'correct'").await;
    let port = database.cluster.port;
    for (url, words) in [
        (format!("postgres://locked:hunter2@127.0.0.1:{port}/{}", database.name), "url_file"),
        (format!("postgres://anagrafe:hunter2@127.0.0.1:{port}/nowhere"), "CREATE DATABASE"),
        (format!("postgres://nobody:hunter2@127.0.0.1:{port}/nowhere"), "nobody"),
        (format!("postgres://anagrafe:hunter2@127.0.0.1:{port}/nowhere?sslmode=require"), "sslmode"),
        (format!("postgres://anagrafe:hunter2@127.0.0.1:{port}/nowhere?secret=hunter2"), "secret is no parameter"),
        (format!("postgres://anagrafe:hunter2@127.0.0.1:{port}/nowhere?sslmode=hunter"), "ssl_mode"),
    ] {
        let error = refusal(&options(&url)).await;
        assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{words}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    let right = format!("postgres://locked:correct@127.0.0.1:{port}/{}", database.name);
    let error = refusal(&existing(&right)).await;
    assert!(matches!(error, StoreError::TooOld { found: 0, .. }), "{error}");
}

#[tokio::test]
async fn a_server_by_its_socket() {
    let database = Database::new().await;
    let store = opened(&options(&database.cluster.socket_url("anagrafe", &database.name))).await.unwrap();
    ours(store.acquire(&claim(1, at(0))).await.unwrap());
}

#[tokio::test]
async fn a_read_only_store_is_read_and_never_written() {
    let database = Database::new().await;
    let pass = Pass1::begin(&database).await;
    pass.survey(vec![entry(1)]).await;
    let reader = opened(&OpenOptions { read_only: true, ..options(&database.url()) }).await.unwrap();
    pass.survey(vec![entry(2)]).await;
    assert_eq!(reader.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 2, "it sees what others write");
    let refused = reader.decide(&Decision::Pause("looking".into()), "eva", at(99)).await;
    assert!(matches!(&refused, Err(StoreError::ReadOnly(why)) if why.contains(&database.name)), "{refused:?}");
    assert!(reader.health().await.unwrap().read_only.is_some());
}
