//! The `SQLite` store: the behaviour of every store, and what is particular to a file.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a test that fails says where"
)]

#[macro_use]
mod store_behaviour;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anagrafe::{
    model::{AccountName, HashKey},
    store::{
        Acquired, Decision, Questions, Store, StoreError,
        sqlite::{OpenOptions, SqliteStore, known_version, schema_version},
    },
};
use sqlx::{ConnectOptions, Connection, sqlite::SqliteConnectOptions};
use store_behaviour::{Pass1, Place, RULES, at, claim, entry, key, of, ours, shop};
use tempfile::TempDir;

/// A folder of its own; each opening is a connection of its own.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("state").join("store.sqlite")
    }
}

#[async_trait::async_trait]
impl Place for Folder {
    async fn open(&self) -> Arc<dyn Store> {
        self.open_under(&key()).await.unwrap()
    }

    async fn open_under(&self, key: &HashKey) -> Result<Arc<dyn Store>, StoreError> {
        let options = OpenOptions { key_check: key.check_value(), ..options(&self.file()) };
        SqliteStore::open(&options).await.map(|store| Arc::new(store) as Arc<dyn Store>)
    }
}

fn account() -> AccountName {
    "account".parse().unwrap()
}

fn options(path: &Path) -> OpenOptions {
    OpenOptions {
        path: path.into(),
        account: account(),
        key_check: key().check_value(),
        create: true,
        migrate: true,
        read_only: false,
    }
}

fn existing(path: &Path) -> OpenOptions {
    OpenOptions { create: false, migrate: false, ..options(path) }
}

/// Runs statements on the file behind the store's back.
async fn meddle(path: &Path, sql: &'static str) {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn refusal(options: &OpenOptions) -> StoreError {
    SqliteStore::open(options).await.unwrap_err()
}

store_behaviours!(Folder::new());

#[tokio::test]
async fn a_new_store_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let store = SqliteStore::open(&options(&folder.file())).await.unwrap();
    let state = folder.file().parent().unwrap().to_owned();
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
    let mut files = 0;
    for file in fs::read_dir(&state).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
        files += 1;
    }
    assert_eq!(files, 3, "the file, its log and what its connections share");
    store.close().await;
    assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "one file is left");
}

#[tokio::test]
async fn what_was_written_is_there_when_opened_again() {
    let folder = Folder::new();
    let pass = Pass1::begin(&folder).await;
    pass.survey(vec![entry(1)]).await;
    drop(pass);
    let store = SqliteStore::open(&existing(&folder.file())).await.unwrap();
    assert_eq!(store.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 1);
    assert_eq!(schema_version(&folder.file()).await.unwrap(), known_version());
}

#[tokio::test]
async fn a_store_is_made_by_only_one_of_many_that_start_at_once() {
    let folder = Folder::new();
    let mut starts = tokio::task::JoinSet::new();
    for pid in 1..=8 {
        let options = options(&folder.file());
        starts.spawn(
            async move { SqliteStore::open(&options).await.unwrap().acquire(&claim(pid, at(0))).await.unwrap() },
        );
    }
    let won = starts.join_all().await.into_iter().filter(|acquired| matches!(acquired, Acquired::Ours { .. })).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_missing_file_is_not_made_unasked() {
    let folder = Folder::new();
    for options in [existing(&folder.file()), OpenOptions { read_only: true, ..options(&folder.file()) }] {
        let error = refusal(&options).await;
        assert!(matches!(&error, StoreError::Open { reason, .. } if reason.contains("anagrafe migrate")), "{error}");
    }
    assert!(schema_version(&folder.file()).await.is_err());
    assert!(!folder.file().parent().unwrap().exists());
}

#[tokio::test]
async fn a_newer_schema_is_left_untouched() {
    let folder = Folder::new();
    SqliteStore::open(&options(&folder.file())).await.unwrap().close().await;
    meddle(
        &folder.file(),
        "PRAGMA journal_mode = DELETE; INSERT INTO _sqlx_migrations VALUES (9999, 'later', 0, 1, x'00', 0)",
    )
    .await;
    let before = fs::read(folder.file()).unwrap();
    for options in [options(&folder.file()), OpenOptions { read_only: true, ..options(&folder.file()) }] {
        let error = refusal(&options).await;
        assert!(matches!(error, StoreError::TooNew { found: 9999, known } if known == known_version()), "{error}");
    }
    let scratch = SqliteStore::scratch(account(), key().check_value(), Some(&folder.file())).await;
    assert!(matches!(scratch, Err(StoreError::TooNew { .. })));
    assert_eq!(schema_version(&folder.file()).await.unwrap(), 9999);
    assert!(fs::read(folder.file()).unwrap() == before, "not a byte of it");
}

#[tokio::test]
async fn an_older_schema_waits_for_a_migration() {
    let folder = Folder::new();
    fs::create_dir(folder.file().parent().unwrap()).unwrap();
    fs::write(folder.file(), b"").unwrap();
    assert_eq!(schema_version(&folder.file()).await.unwrap(), 0);
    let error = refusal(&existing(&folder.file())).await;
    assert!(matches!(error, StoreError::TooOld { found: 0, needed } if needed == known_version()), "{error}");
    assert_eq!(fs::metadata(folder.file()).unwrap().len() % 4096, 0);
    assert_eq!(schema_version(&folder.file()).await.unwrap(), 0, "and nothing was migrated");
    SqliteStore::open(&OpenOptions { migrate: false, ..options(&folder.file()) }).await.unwrap();
}

#[tokio::test]
async fn another_key_is_refused() {
    let folder = Folder::new();
    SqliteStore::open(&options(&folder.file())).await.unwrap().close().await;
    let other = OpenOptions { key_check: store_behaviour::hash("another"), ..options(&folder.file()) };
    assert!(matches!(refusal(&other).await, StoreError::WrongKey));
    let read_only = OpenOptions { read_only: true, ..other.clone() };
    assert!(matches!(refusal(&read_only).await, StoreError::WrongKey));
    let scratch = SqliteStore::scratch(account(), other.key_check, Some(&folder.file())).await;
    assert!(matches!(scratch, Err(StoreError::WrongKey)));
    SqliteStore::open(&existing(&folder.file())).await.unwrap();
}

#[tokio::test]
async fn accounts_of_one_file_do_not_mix() {
    let folder = Folder::new();
    let pass = Pass1::begin(&folder).await;
    pass.survey(vec![entry(1)]).await;
    let other = OpenOptions { account: "other".parse().unwrap(), ..options(&folder.file()) };
    let error = refusal(&OpenOptions { create: false, ..other.clone() }).await;
    assert!(matches!(&error, StoreError::Open { reason, .. } if reason.contains("other")), "{error}");

    let store = SqliteStore::open(&other).await.unwrap();
    ours(store.acquire(&claim(2, at(0))).await.unwrap());
    assert_eq!(store.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 0);
    let known = store.known(&of(&[entry(1).id], &[entry(1).email.unwrap()])).await.unwrap();
    assert!(known.contacts.is_empty() && known.holders.is_empty());
    assert!(store.overview().await.unwrap().shops.is_empty());
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let refused = async |path: &Path| {
        let error = refusal(&options(path)).await;
        assert!(matches!(error, StoreError::Open { .. }), "{error}");
        assert!(matches!(schema_version(path).await, Err(StoreError::Open { .. })));
    };
    let text = b"not a database at all, but long enough that SQLite reads a header out of it: ".repeat(4);
    fs::write(&path, &text).unwrap();
    refused(&path).await;
    assert_eq!(fs::read(&path).unwrap(), text);
    fs::remove_file(&path).unwrap();

    meddle_new(&path, "CREATE TABLE things (a)").await;
    let before = fs::read(&path).unwrap();
    refused(&path).await;
    assert_eq!(fs::read(&path).unwrap(), before);

    refused(folder.path()).await;
    refused(&path.join("below a file")).await;
}

async fn meddle_new(path: &Path, sql: &'static str) {
    fs::write(path, b"").unwrap();
    meddle(path, sql).await;
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_named() {
    // Nobody can make a file there, not even root.
    let error = refusal(&options(Path::new("/proc/anagrafe/store.sqlite"))).await;
    let StoreError::Open { path, reason } = error else { panic!("{error}") };
    assert_eq!(path, "/proc/anagrafe/store.sqlite");
    assert!(reason.contains("folder"), "{reason}");
}

#[tokio::test]
async fn a_read_only_store_is_read_and_never_written() {
    let folder = Folder::new();
    let pass = Pass1::begin(&folder).await;
    pass.survey(vec![entry(1)]).await;
    let reader = SqliteStore::open(&OpenOptions { read_only: true, ..options(&folder.file()) }).await.unwrap();
    pass.survey(vec![entry(2)]).await;
    assert_eq!(reader.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 2, "it sees what others write");
    let refused = reader.decide(&Decision::Pause("looking".into()), "eva", at(99)).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    assert!(reader.health().await.unwrap().read_only.is_some());
    assert_eq!(reader.overview().await.unwrap().lease, pass.store.overview().await.unwrap().lease);
}

#[tokio::test]
async fn a_scratch_copy_leaves_the_original_as_it_was() {
    let folder = Folder::new();
    let store = SqliteStore::open(&options(&folder.file())).await.unwrap();
    let lease = ours(store.acquire(&claim(1, at(0))).await.unwrap());
    store.close().await;
    let state = folder.file().parent().unwrap().to_owned();
    let before = (fs::read(folder.file()).unwrap(), fs::metadata(folder.file()).unwrap().modified().unwrap());

    let scratch = SqliteStore::scratch(account(), key().check_value(), Some(&folder.file())).await.unwrap();
    let own = ours(scratch.acquire(&claim(2, at(0))).await.unwrap());
    assert!(own.epoch > lease.epoch, "nobody has the lease of a copy");
    let step = anagrafe::store::SurveyStep { shop: shop("alfa"), entries: vec![entry(1)], after: 1, whole: true };
    scratch.survey(&own, &step).await.unwrap();
    assert_eq!(scratch.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 1);

    assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "no side files");
    assert!((fs::read(folder.file()).unwrap(), fs::metadata(folder.file()).unwrap().modified().unwrap()) == before);
}

#[tokio::test]
async fn a_scratch_copy_holds_what_a_living_store_has_written() {
    let folder = Folder::new();
    let pass = Pass1::begin(&folder).await;
    pass.survey(vec![entry(1), entry(2)]).await;
    let scratch = SqliteStore::scratch(account(), key().check_value(), Some(&folder.file())).await.unwrap();
    assert_eq!(scratch.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 2);
    pass.survey(vec![entry(3)]).await;
    assert_eq!(pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 3, "and does not disturb it");
}

#[tokio::test]
async fn a_scratch_copy_of_nothing_is_empty() {
    let folder = Folder::new();
    for from in [None, Some(folder.file())] {
        let scratch = SqliteStore::scratch(account(), key().check_value(), from.as_deref()).await.unwrap();
        ours(scratch.acquire(&claim(1, at(0))).await.unwrap());
        scratch.close().await;
    }
    assert!(!folder.file().exists());
}

/// Claims the lease, and says whether the store was found to have gone back.
async fn went_back(path: &Path) -> bool {
    let store = SqliteStore::open(&existing(path)).await.unwrap();
    let acquired = store.acquire(&claim(1, at(0))).await.unwrap();
    let Acquired::Ours { lease, went_back } = acquired else { panic!("{acquired:?}") };
    store.release(&lease).await.unwrap();
    store.close().await;
    went_back
}

#[tokio::test]
async fn a_copy_in_another_place_is_a_store_that_went_back() {
    let folder = Folder::new();
    let pass = Pass1::begin(&folder).await;
    pass.store.release(&pass.lease).await.unwrap();
    pass.store.close().await;
    assert!(!went_back(&folder.file()).await);
    let copy = folder.0.path().join("copy.sqlite");
    fs::copy(folder.file(), &copy).unwrap();
    assert!(went_back(&copy).await);
    assert!(!went_back(&copy).await, "it is here now");
    assert!(!went_back(&folder.file()).await, "and the other one is where it was");

    // The same file under another name is no copy.
    let moved = folder.0.path().join("moved.sqlite");
    fs::rename(&copy, &moved).unwrap();
    assert!(!went_back(&moved).await);
    let store = SqliteStore::open(&existing(&moved)).await.unwrap();
    assert_eq!(store.progress(&shop("alfa"), 0, RULES).await.unwrap().doubted_at, Some(at(0)));
}

#[tokio::test]
async fn a_scratch_copy_is_meant_to_be_one() {
    let folder = Folder::new();
    let pass = Pass1::begin(&folder).await;
    let scratch = SqliteStore::scratch(account(), key().check_value(), Some(&folder.file())).await.unwrap();
    let acquired = scratch.acquire(&claim(2, at(0))).await.unwrap();
    assert!(matches!(acquired, Acquired::Ours { went_back: false, .. }), "{acquired:?}");
    assert_eq!(pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().doubted_at, None);
}
