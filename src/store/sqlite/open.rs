//! Opening the file: made with the rights of its owner only, brought to the schema this binary knows, refused where it
//! is a newer one's, another key's or not ours. Nothing is written before all of that is known.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, query,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    SqliteStore,
    dialect::{self, BEGIN_READING, BEGIN_WRITING},
    failure::{busy, failed},
    migrations::MIGRATIONS,
    sql::{
        account::{admit, admitted},
        lane::{Lane, Taken, commit, connect},
        schema,
    },
};
use crate::{
    model::{AccountName, Keyed},
    store::{StoreError, rekeying::KeyCheck},
};

/// How long a unit waits for another process to end its own.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) const TABLES: &str = "
    SELECT COUNT(*), COUNT(CASE WHEN name = '_sqlx_migrations' THEN 1 END) FROM sqlite_schema WHERE type = 'table'";
/// For a copy: nobody has its lease.
pub(super) const FORGET_LEASES: &str = "
    UPDATE leases SET expires_at = NULL, host = NULL, boot = NULL, pid = NULL, started = NULL, purpose = NULL";
/// For a copy that is meant to be one: it did not go back in time.
pub(super) const FORGET_ORIGIN: &str = "UPDATE accounts SET origin = NULL";
pub(super) const COPY: &str = "VACUUM INTO $1";

/// How to open a store.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// The file.
    pub path: PathBuf,
    /// The account it is opened for.
    pub account: AccountName,
    /// What the hash key is recognised by: [`crate::model::HashKey::check_value`].
    pub key_check: Keyed,
    /// Whether to make what is missing: folder, file, the account in it.
    pub create: bool,
    /// Whether to run pending migrations; a store that was just made needs none of the kind.
    pub migrate: bool,
    /// Whether it is only read; then it must exist and be of this version, and every method that writes fails.
    pub read_only: bool,
}

/// The schema version this binary knows.
#[must_use]
pub fn known_version() -> i64 {
    schema::last(&MIGRATIONS)
}

/// The schema version of a file; 0 for one that holds nothing yet.
///
/// # Errors
/// [`StoreError::Open`] where it cannot be read or is not a store.
pub async fn schema_version(path: &Path) -> Result<i64, StoreError> {
    exists(path)?;
    let mut connection = reading(path).await.map_err(|error| unopened(path, error))?;
    let version = version(&mut connection, path).await;
    drop(connection.close().await);
    version
}

/// Whether a file of whatever version holds an account, made with this key.
///
/// # Errors
/// [`StoreError::WrongKey`] if it was made with another; [`StoreError::Open`].
pub async fn made_with(path: &Path, account: &AccountName, key_check: &Keyed) -> Result<bool, StoreError> {
    exists(path)?;
    let mut connection = reading(path).await.map_err(|error| unopened(path, error))?;
    let known = admitted(&mut connection, account, key_check).await;
    drop(connection.close().await);
    known
}

impl SqliteStore {
    /// Opens a store.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::TooNew`], [`StoreError::TooOld`], [`StoreError::WrongKey`],
    /// [`StoreError::Full`]; each before anything is changed.
    pub async fn open(options: &OpenOptions) -> Result<Self, StoreError> {
        Self::open_with(options, SqliteSynchronous::Full, None).await
    }

    /// A private copy to throw away, for a dry run: what is written to it is lost, and nothing of `from` is touched.
    /// Nobody has its lease. Without `from`, or where that does not exist yet, it is empty.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn scratch(account: AccountName, key_check: Keyed, from: Option<&Path>) -> Result<Self, StoreError> {
        let scratch = ScratchDir::new()?;
        if let Some(from) = from
            && from.try_exists().map_err(|error| unopened(from, sqlx::Error::Io(error)))?
        {
            copy(from, &scratch.file()).await?;
        }
        let opened = Self::of_scratch(scratch, account, key_check).await;
        opened.map_err(|error| match (error, from) {
            (StoreError::Open { reason, .. }, Some(from)) => StoreError::Open { path: show(from), reason },
            (error, _) => error,
        })
    }

    /// What lies in a folder to throw away; nobody has its lease.
    pub(super) async fn of_scratch(
        scratch: ScratchDir,
        account: AccountName,
        key_check: Keyed,
    ) -> Result<Self, StoreError> {
        let options =
            OpenOptions { path: scratch.file(), account, key_check, create: true, migrate: true, read_only: false };
        let store = Self::open_with(&options, SqliteSynchronous::Off, Some(scratch)).await?;
        let mut copy = store.writer.take().await.map_err(failed)?;
        for forget in [FORGET_LEASES, FORGET_ORIGIN] {
            query(forget).execute(&mut copy.connection).await.map_err(failed)?;
        }
        copy.give_back();
        Ok(store)
    }

    async fn open_with(
        options: &OpenOptions,
        synchronous: SqliteSynchronous,
        scratch: Option<ScratchDir>,
    ) -> Result<Self, StoreError> {
        let OpenOptions { path, account, key_check, create, migrate: _, read_only } = options;
        if *create && !*read_only {
            make(path)?;
        }
        exists(path)?;
        let (writer, readers) = if *read_only {
            let found = reading_options(path).await.map_err(|error| unopened(path, error))?;
            let readers = Arc::new(Lane::reading(found));
            (Arc::clone(&readers), readers)
        } else {
            // Looked at before the connection that writes exists: that one turns the file to WAL.
            let mut look = connect(plain(path)).await.map_err(|error| unopened(path, error))?;
            let found = version(&mut look, path).await;
            drop(look.close().await);
            schema::not_newer(found?, known_version())?;
            let writing = plain(path)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(synchronous)
                .pragma("cache_size", dialect::WRITERS_CACHE);
            (Arc::new(Lane::writing(writing)), Arc::new(Lane::reading(plain(path).read_only(true))))
        };
        let origin = origin(path).map_err(|error| unopened(path, sqlx::Error::Io(error)))?;
        let (account, path) = (Arc::new(account.clone()), path.clone());
        let key_check = Arc::new(KeyCheck::new(*key_check));
        let store = Self { account, key_check, writer, readers, path, origin, _scratch: scratch };
        store.ready(options).await?;
        Ok(store)
    }

    /// Which file the store is. One that was put in its place while this process had it open is not known here: what would be
    /// written now went to a file that has no name any more, and nobody would read it again.
    pub(super) fn origin_now(&self) -> Result<Arc<str>, StoreError> {
        match origin(&self.path) {
            Ok(now) if now == self.origin => Ok(now),
            Ok(_) => {
                let reason = "another file was put in its place while this process had it open: start it again";
                Err(StoreError::Open { path: show(&self.path), reason: reason.into() })
            }
            Err(error) => Err(unopened(&self.path, sqlx::Error::Io(error))),
        }
    }

    /// Schema, account and key, in one transaction: of several processes that start at once one makes them and the
    /// others find them made.
    async fn ready(&self, options: &OpenOptions) -> Result<(), StoreError> {
        let OpenOptions { path, account, key_check, create, migrate, read_only } = options;
        let begin = if *read_only { BEGIN_READING } else { BEGIN_WRITING };
        let mut taken = patiently(&self.writer).await.map_err(|error| unopened(path, error))?;
        let mut unit = taken.connection.begin_with(begin).await.map_err(|error| unopened(path, error))?;
        let (found, needed) = (version(&mut unit, path).await?, known_version());
        schema::not_newer(found, needed)?;
        if found < needed {
            let new = *create && found == 0;
            if *read_only || !(*migrate || new) {
                return Err(StoreError::TooOld { found, needed });
            }
            schema::migrate_within(&mut unit, &MIGRATIONS, None).await.map_err(schema::unmigrated)?;
        }
        if !admit(&mut unit, account, key_check, *create && !*read_only).await? {
            let reason = format!(
                "it holds nothing of account {account} yet: check the account's name, or run `anagrafe migrate`"
            );
            return Err(StoreError::Open { path: show(path), reason });
        }
        if *read_only { unit.commit().await } else { commit(unit).await }.map_err(failed)?;
        taken.give_back();
        Ok(())
    }
}

/// What every connection to the file has in common. Statements are not logged: they say nothing an operator needs.
pub(super) fn plain(path: &Path) -> SqliteConnectOptions {
    let file = SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(PATIENCE);
    file.pragma("cache_size", dialect::CACHE).disable_statement_logging()
}

/// The first connection of a lane. Turning a file to WAL needs it alone, and `SQLite` does not wait for that by itself.
async fn patiently(lane: &Lane) -> Result<Taken<'_>, sqlx::Error> {
    const STEP: Duration = Duration::from_millis(50);
    let mut waited = Duration::ZERO;
    loop {
        match lane.take().await {
            Err(error) if busy(&error) && waited < PATIENCE => {
                tokio::time::sleep(STEP).await;
                waited += STEP;
            }
            result => return result,
        }
    }
}

/// How to read a file that may lie in a folder that cannot be written to: there `SQLite` cannot make the side files of
/// WAL, and does not need them if none stand.
async fn reading_options(path: &Path) -> Result<SqliteConnectOptions, sqlx::Error> {
    let usual = plain(path).read_only(true);
    let mut connection = connect(usual.clone()).await?;
    let read = query(TABLES).fetch_one(&mut connection).await;
    drop(connection.close().await);
    match read {
        Ok(_) => Ok(usual),
        Err(_) if !wal(path).exists() => Ok(usual.immutable(true)),
        Err(error) => Err(error),
    }
}

async fn reading(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    connect(reading_options(path).await?).await
}

/// The schema version. A file of tables that are not ours is refused.
async fn version(connection: &mut SqliteConnection, path: &Path) -> Result<i64, StoreError> {
    let (tables, ours): (i64, i64) =
        sqlx::query_as(TABLES).fetch_one(&mut *connection).await.map_err(|error| unopened(path, error))?;
    match (tables, ours) {
        (0, _) => Ok(0),
        (_, 0) => Err(StoreError::Open {
            path: show(path),
            reason: "it is a database of something else: name another file ([store] path)".into(),
        }),
        (_, _) => schema::version(connection).await.map_err(|error| unopened(path, error)),
    }
}

/// Copies a store. A file at rest is read without locks or side files; if somebody began to write meanwhile the copy
/// is worth nothing, and is made again beside that writer.
async fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let Some(target) = to.to_str() else {
        return Err(StoreError::Open { path: show(to), reason: "its path is not UTF-8".into() });
    };
    loop {
        let (at_rest, before) = (!wal(from).exists(), stamp(from));
        let copied = async {
            let mut connection = connect(plain(from).read_only(true).immutable(at_rest)).await?;
            let copied = query(COPY).bind(target).execute(&mut connection).await;
            drop(connection.close().await);
            copied
        };
        let copied = copied.await;
        if at_rest && (wal(from).exists() || stamp(from) != before) {
            drop(fs::remove_file(to));
            continue;
        }
        return copied.map(|_| ()).map_err(|error| unopened(from, error));
    }
}

/// When a file was last written, and how long it is. Never opened for that: closing it would drop `SQLite`'s own locks.
fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// The write-ahead log beside a file: there while anybody has the store open, and after a crash.
fn wal(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// Which file it is: another under the same name is another, and so is a copy. Not by its device: the number of that may change
/// with every mount. Nor by its number alone, where more is known: that is given again once a file is removed.
fn origin(path: &Path) -> io::Result<Arc<str>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let file = fs::metadata(path)?;
        let born = file.created().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        Ok(format!("{}:{}", file.ino(), born.unwrap_or_default().as_nanos()).into())
    }
    #[cfg(not(unix))]
    Ok(fs::canonicalize(path)?.display().to_string().into())
}

/// Makes the file and its folders, for the owner only; `SQLite` gives the side files the rights of the file.
fn make(path: &Path) -> Result<(), StoreError> {
    let refused = |error| unopened(path, sqlx::Error::Io(error));
    if let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
    {
        private_folder().recursive(true).create(folder).map_err(refused)?;
    }
    let mut file = fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    match file.write(true).create_new(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

fn private_folder() -> fs::DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "rights are set on Unix only"))]
    let mut folder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder
}

fn exists(path: &Path) -> Result<(), StoreError> {
    let reason = match fs::metadata(path) {
        Ok(file) if file.is_file() => return Ok(()),
        Ok(_) => "it is not a file: name a file ([store] path)".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            "there is no such file: check [store] path, or let `anagrafe migrate` make it".to_owned()
        }
        Err(error) => return Err(unopened(path, sqlx::Error::Io(error))),
    };
    Err(StoreError::Open { path: show(path), reason })
}

/// The error of a file that cannot be opened: the system's words, and what to look at.
pub(super) fn unopened(path: &Path, error: sqlx::Error) -> StoreError {
    match failed(error) {
        StoreError::Database(error) => {
            let words = match &error {
                sqlx::Error::Io(error) => error.to_string(),
                error => error.as_database_error().map_or_else(|| error.to_string(), |e| e.message().to_owned()),
            };
            let reason = format!("{words}: this process must be able to read and write the file and its folder");
            StoreError::Open { path: show(path), reason }
        }
        error => error,
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// A folder of its own, removed with everything in it when dropped.
#[derive(Debug)]
pub(super) struct ScratchDir(PathBuf);

impl ScratchDir {
    pub(super) fn file(&self) -> PathBuf {
        self.0.join("store.sqlite")
    }

    pub(super) fn new() -> Result<Self, StoreError> {
        let mut name = [0; 8];
        let parent = std::env::temp_dir();
        let refused = |error| unopened(&parent, sqlx::Error::Io(error));
        getrandom::fill(&mut name).map_err(|error| refused(io::Error::other(error.to_string())))?;
        let path = parent.join(format!("anagrafe-scratch-{}", hex::encode(name)));
        private_folder().create(&path).map_err(refused)?;
        Ok(Self(path))
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        // Nobody is left to tell, and the system's own tidying of temporary files comes after us.
        drop(fs::remove_dir_all(&self.0));
    }
}
