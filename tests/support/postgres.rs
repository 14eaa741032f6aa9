//! A private Postgres: a cluster of the system's own binaries in a folder of its own, on a port that was free, with a role
//! `anagrafe` and a database for each test. It is as fast as it is unsafe (no fsync), and gone with the last test that
//! holds it, also where the tests were killed: whoever watches over it hears their end.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test ends where it fails, and not every test needs everything"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU16, AtomicU32, Ordering},
    },
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, migrate::Migrator};
use tempfile::TempDir;
use tokio::sync::{MappedMutexGuard, Mutex as AsyncMutex, MutexGuard, OnceCell};

/// Tells by a line that the server takes connections, and stops it once nobody holds its standard input any more.
const WATCH: &str = r#"
    "$1/pg_ctl" --pgdata "$2" --log "$2/log" --wait --silent --options "$3" start && echo ready
    cat > /dev/null
    "$1/pg_ctl" --pgdata "$2" --mode immediate --silent stop 2> /dev/null
"#;
/// Whoever is `locked` needs a password; all others are trusted, as nobody else gets into the folder.
const HBA: &str = "local all all trust\nhost all locked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n";

/// A cluster that runs.
pub struct Cluster {
    watch: Option<Child>,
    binaries: PathBuf,
    pub port: u16,
    databases: AtomicU32,
    /// The database that has the schema and nothing else.
    migrated: OnceCell<String>,
    options: String,
    dir: TempDir,
}

/// A database of a test.
pub struct Database {
    pub cluster: Arc<Cluster>,
    pub name: String,
    /// Over which the test looks at it: what is looked at a hundred times a second is not worth a hundred connections.
    eyes: AsyncMutex<Option<PgConnection>>,
}

impl Cluster {
    /// The one that the tests of this process share.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Arc::new(Self::new(&[]));
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    /// One of its own, for a test that stops it or takes all of it.
    pub fn new(settings: &[&str]) -> Self {
        let binaries = binaries();
        let dir = tempfile::Builder::new().prefix("anagrafe-pg-").tempdir().unwrap();
        if let Some((user, group)) = servant() {
            chown(dir.path(), Some(user), Some(group)).unwrap();
        }
        let data = dir.path().join("data");
        initialised(&binaries, &data);
        fs::write(data.join("pg_hba.conf"), HBA).unwrap();
        let mut cluster = Self {
            watch: None,
            binaries,
            port: free_port(),
            databases: AtomicU32::new(0),
            migrated: OnceCell::new(),
            options: String::new(),
            dir,
        };
        cluster.watch(settings);
        cluster
    }

    /// A copy of a running cluster that follows it and can only be read.
    pub fn standby(of: &Self) -> Self {
        let binaries = binaries();
        let dir = tempfile::Builder::new().prefix("anagrafe-pg-").tempdir().unwrap();
        if let Some((user, group)) = servant() {
            chown(dir.path(), Some(user), Some(group)).unwrap();
        }
        let mut copy = as_servant(&binaries.join("pg_basebackup"));
        copy.args([
            "--host=127.0.0.1",
            "--username=postgres",
            "--write-recovery-conf",
            "--no-sync",
            "--checkpoint=fast",
        ]);
        copy.arg("--port").arg(of.port.to_string()).arg("--pgdata").arg(dir.path().join("data"));
        let copied = copy.output().unwrap();
        assert!(copied.status.success(), "{copied:?}");
        let mut cluster = Self {
            watch: None,
            binaries,
            port: free_port(),
            databases: AtomicU32::new(0),
            migrated: OnceCell::new(),
            options: String::new(),
            dir,
        };
        cluster.watch(&[]);
        cluster
    }

    fn watch(&mut self, settings: &[&str]) {
        let mut options = vec![
            format!("-p {} -k {}", self.port, self.dir.path().display()),
            "-c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off -c max_connections=100".to_owned(),
            "-c shared_buffers=32MB -c max_wal_size=4GB".to_owned(),
        ];
        options.extend(settings.iter().map(|setting| format!("-c {setting}")));
        self.options = options.join(" ");
        let mut watch = as_servant(Path::new("sh"));
        watch.args(["-c", WATCH, "watch"]).arg(&self.binaries).arg(self.data()).arg(&self.options);
        let mut watch = watch.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(watch.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let log = || fs::read_to_string(self.data().join("log")).unwrap_or_default();
        assert_eq!(ready, "ready\n", "{}", log());
        self.watch = Some(watch);
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// `pg_ctl` with a verb, waited for.
    pub fn control(&self, verb: &[&str]) {
        let mut control = as_servant(&self.binaries.join("pg_ctl"));
        let log = self.data().join("log");
        let done =
            control.args(verb).arg("--silent").arg("--wait").arg("--log").arg(log).arg("--pgdata").arg(self.data());
        if verb.first() == Some(&"start") {
            done.arg("--options").arg(&self.options);
        }
        let done = done.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(done.success(), "pg_ctl {verb:?}");
    }

    /// Sets a setting for whoever connects from now on.
    pub fn set(&self, setting: &str) {
        let path = self.data().join("postgresql.auto.conf");
        let before = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, format!("{before}{setting}\n")).unwrap();
        self.control(&["reload"]);
    }

    /// A database of its own, that `anagrafe` owns, with nothing in it.
    pub async fn database(self: &Arc<Self>) -> Database {
        self.copy_of("template0").await
    }

    /// One with the schema, as where another account has been: to make it takes a server longer than most tests have for all they do.
    pub async fn migrated(self: &Arc<Self>) -> Database {
        let migrated = self.migrated.get_or_init(|| async {
            let database = self.database().await;
            let mut owner = self.connect("anagrafe", &database.name).await;
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
            Migrator::new(folder).await.unwrap().run(&mut owner).await.unwrap();
            owner.close().await.unwrap();
            self.alone(&database.name).await;
            database.name
        });
        self.copy_of(migrated.await).await
    }

    /// Sees to it that nobody is in a database.
    async fn alone(&self, name: &str) {
        let mut admin = self.connect("postgres", "postgres").await;
        let end = format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'");
        sqlx::raw_sql(AssertSqlSafe(end)).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
    }

    async fn copy_of(self: &Arc<Self>, template: &str) -> Database {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut admin = self.connect("postgres", "postgres").await;
        let role = "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'anagrafe') THEN CREATE ROLE anagrafe LOGIN; END IF; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$";
        sqlx::raw_sql(role).execute(&mut admin).await.unwrap();
        let make = format!("CREATE DATABASE {name} OWNER anagrafe TEMPLATE {template}");
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
        Database { cluster: Arc::clone(self), name, eyes: AsyncMutex::default() }
    }

    /// A session.
    pub async fn connect(&self, user: &str, database: &str) -> PgConnection {
        PgConnection::connect(&self.url(user, database)).await.unwrap()
    }

    pub fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// The address by socket.
    pub fn socket_url(&self, user: &str, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user={user}", self.dir.path().display(), self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            let _ = watch.wait();
        }
    }
}

impl Database {
    /// An empty one in the cluster that the tests of this process share.
    pub async fn new() -> Self {
        Cluster::shared().database().await
    }

    /// One there that has the schema.
    pub async fn migrated() -> Self {
        Cluster::shared().migrated().await
    }

    pub fn url(&self) -> String {
        self.cluster.url("anagrafe", &self.name)
    }

    /// Runs statements as a superuser.
    pub async fn meddle(&self, sql: impl Into<String>) {
        let mut admin = self.cluster.connect("postgres", &self.name).await;
        sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&mut admin).await.unwrap();
        admin.close().await.unwrap();
    }

    /// Puts what the one database holds into the other, which is made anew for it.
    async fn copied(&self, from: &str, to: &str) {
        self.cluster.alone(from).await;
        let mut admin = self.cluster.connect("postgres", "postgres").await;
        for statement in [
            format!("DROP DATABASE IF EXISTS {to} WITH (FORCE)"),
            format!("CREATE DATABASE {to} OWNER anagrafe TEMPLATE {from}"),
        ] {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut admin).await.unwrap();
        }
        admin.close().await.unwrap();
    }

    /// Keeps a copy of it as it is now.
    pub async fn back_up(&self) {
        self.copied(&self.name, &format!("{}_copy", self.name)).await;
    }

    /// Puts that copy in its place.
    pub async fn restore(&self) {
        self.copied(&format!("{}_copy", self.name), &self.name).await;
    }

    /// A session of `anagrafe`'s that is kept for the next question.
    pub async fn eyes(&self) -> MappedMutexGuard<'_, PgConnection> {
        let mut eyes = self.eyes.lock().await;
        let open = match eyes.as_mut() {
            Some(eyes) => eyes.ping().await.is_ok(),
            None => false,
        };
        if !open {
            *eyes = Some(self.cluster.connect("anagrafe", &self.name).await);
        }
        MutexGuard::map(eyes, |eyes| eyes.as_mut().unwrap())
    }

    /// A number, also where `anagrafe` may not look.
    pub async fn number(&self, sql: &'static str) -> i64 {
        let mut admin = self.cluster.connect("postgres", &self.name).await;
        sqlx::query_scalar(sql).fetch_one(&mut admin).await.unwrap()
    }
}

/// Makes the files of a cluster. Where `ANAGRAFE_TEST_CLUSTER` names a folder they are made there, once, and copied.
fn initialised(binaries: &Path, data: &Path) {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
    let Some(kept) = std::env::var_os("ANAGRAFE_TEST_CLUSTER").map(PathBuf::from) else { return init(binaries, data) };
    let one_at_a_time = fs::File::create(kept.join("lock")).unwrap();
    one_at_a_time.lock().unwrap();
    let made = kept.join("made");
    if !made.exists() {
        if let Some((user, group)) = servant() {
            chown(&kept, Some(user), Some(group)).unwrap();
        }
        init(binaries, &kept.join("making"));
        fs::rename(kept.join("making"), &made).unwrap();
    }
    let copied = as_servant(Path::new("cp")).arg("--archive").arg(&made).arg(data).status().unwrap();
    assert!(copied.success(), "{} is not to be copied", made.display());
}

fn init(binaries: &Path, data: &Path) {
    // Words sort by a language here, so that whoever relies on bytes without saying so is found out.
    let languages: [&[&str]; 2] = [&["--locale-provider=icu", "--icu-locale=it-IT"], &[]];
    let made = languages.into_iter().any(|language| {
        let mut initdb = as_servant(&binaries.join("initdb"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        initdb.args(language).arg("--pgdata").arg(data).output().unwrap().status.success()
    });
    assert!(made, "initdb failed in {}", data.display());
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    // Below those that the system gives to whoever connects or asks for any: another test would have it before it is listened at.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 200).unwrap() * 100;
    loop {
        let port = 12_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 20_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where the newest server of the system is.
fn binaries() -> PathBuf {
    let mut found: Vec<PathBuf> = Vec::new();
    let version =
        |path: &Path| -> u32 { path.parent().and_then(|p| p.file_name()?.to_str()?.parse().ok()).unwrap_or_default() };
    for folder in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        found.push(folder.path().join("bin"));
    }
    found.sort_by_key(|path| version(path));
    let path = std::env::split_paths(env!("PATH")).find(|folder| folder.join("initdb").is_file());
    found.pop().or(path).expect("PostgreSQL is missing: tests/run says what to install")
}

/// Who runs the server where we are root, which it refuses: user and group.
fn servant() -> Option<(u32, u32)> {
    let id = |flag: &str, of: &[&str]| -> u32 {
        let told = Command::new("id").arg(flag).args(of).output().unwrap().stdout;
        String::from_utf8(told).unwrap().trim().parse().expect("a user `postgres`, as the package makes it")
    };
    (id("-u", &[]) == 0).then(|| (id("-u", &["postgres"]), id("-g", &["postgres"])))
}

/// A command of the servant's, if there has to be one.
pub fn as_servant(program: &Path) -> Command {
    let Some((user, group)) = servant() else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]).arg(program);
    // The folder we stand in may not be his to enter.
    command.current_dir("/");
    command
}
