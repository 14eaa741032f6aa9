//! A town for a test: both systems in miniature, a configuration that points there, and the real binary.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test ends where it fails, and not every test needs everything"
)]

pub mod collector;
pub mod kept;
pub mod mortal;
pub mod peak;
pub mod postgres;

use std::{collections::BTreeMap, fs, path::PathBuf, process::Command};

use anagrafe::sandbox::{self, Options, Sandbox, population};
use serde_json::Value;
use tempfile::TempDir;

/// Both systems, a folder for the state, a configuration file.
pub struct Town {
    pub sandbox: Sandbox,
    pub dir: TempDir,
    /// Its database, where its state is not in a file.
    database: Option<postgres::Database>,
    /// Whether the rules may merge. A shop's first merges are held, and most tests are about something else.
    merges: bool,
}

/// What a town was once.
pub struct AsItWas {
    state: BTreeMap<PathBuf, Vec<u8>>,
    customers: sandbox::Kept,
}

/// The store a town keeps its state in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

/// A test on either store: `both!(name_of_the_test, its_body)`.
#[allow(unused_macros, reason = "not every test has two stores")]
macro_rules! both {
    ($name:ident, $body:ident) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn on_sqlite() {
                super::$body(super::On::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn on_postgres() {
                super::$body(super::On::Postgres).await;
            }
        }
    };
}
#[allow(unused_imports, reason = "not every test has two stores")]
pub(crate) use both;

/// What the whole programme takes, or what a gate has time for: `ANAGRAFE_SLOW` asks for the whole.
pub fn figure<T>(gate: T, whole: T) -> T {
    #[expect(clippy::disallowed_methods, reason = "a test has no command line of its own")]
    let slow = std::env::var_os("ANAGRAFE_SLOW").is_some();
    if slow { whole } else { gate }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The one JSON document on standard output. Of a resync the last: while it reads, a sync comes due whenever the clock says so.
    pub fn json(&self) -> Value {
        let mut lines = self.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).rev();
        let (last, due) = (lines.next().unwrap_or_default(), lines.next());
        if last["pass"] == "resync" && due.is_some_and(|due| due["pass"] == "sync") {
            return last;
        }
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON documents on standard output, one a line.
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// The same, with this exit code.
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }
}

impl Town {
    /// People of a seed.
    pub async fn of(seed: u64, contacts: usize, customers: usize) -> Self {
        Self::with(population::generate(seed, contacts, customers), Options::default()).await
    }

    /// These people, in systems that behave so.
    pub async fn with(population: population::Population, options: Options) -> Self {
        Self::on(On::Sqlite, population, options).await
    }

    /// The same on this store.
    pub async fn on(on: On, population: population::Population, options: Options) -> Self {
        let sandbox = Sandbox::start(population, options).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("anagrafe.toml"), sandbox.configuration(&dir.path().join("state"))).unwrap();
        let database = match on {
            On::Sqlite => None,
            On::Postgres => Some(postgres::Database::migrated().await),
        };
        let town = Self { sandbox, dir, database, merges: false };
        if let Some(database) = &town.database {
            let (url, key) = (database.url(), "a key of the tests, and of nobody else");
            let store = format!("url = \"{url}\"\nhash_key = \"{key}\"");
            town.edit(|text| text.replace("url = \"sqlite://anagrafe.db\"", &store));
        }
        town
    }

    /// The same, where the rules may merge.
    pub fn merging(self) -> Self {
        Self { merges: true, ..self }
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("anagrafe.toml")
    }

    pub fn store(&self) -> PathBuf {
        self.dir.path().join("state/anagrafe.db")
    }

    /// A number in the store; 0 while there is none yet.
    pub async fn number(&self, sql: &str) -> i64 {
        match &self.database {
            None if !self.store().exists() => 0,
            None => kept::number_of(&self.store(), sql).await,
            Some(database) => kept::number_in(database, sql).await,
        }
    }

    /// The first column of what a statement answers, as text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        match &self.database {
            None => kept::texts(&self.store(), sql).await,
            Some(database) => kept::texts_in(database, sql).await,
        }
    }

    /// Changes the store behind our back.
    pub async fn execute(&self, sql: &str) {
        match &self.database {
            None => kept::execute(&self.store(), sql).await,
            Some(database) => database.meddle(sql.to_owned()).await,
        }
    }

    /// Keeps a copy of the store as it is now.
    pub async fn back_up(&self) {
        match &self.database {
            None => self.beside_the_store().for_each(|(file, copy)| drop(fs::copy(file, copy))),
            Some(database) => database.back_up().await,
        }
    }

    /// Puts that copy in its place: the store is what it was then.
    pub async fn restore(&self) {
        match &self.database {
            None => self.beside_the_store().for_each(|(file, copy)| match fs::read(copy) {
                // Into the same file, as a restore in place does.
                Ok(bytes) => fs::write(file, bytes).unwrap(),
                Err(_) => drop(fs::remove_file(file)),
            }),
            Some(database) => database.restore().await,
        }
    }

    /// The files a store consists of, each with the place of its copy.
    fn beside_the_store(&self) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        ["", "-wal", "-shm"].into_iter().map(|end| {
            let name = format!("anagrafe.db{end}");
            (self.dir.path().join("state").join(&name), self.dir.path().join(format!("copy-of-{name}")))
        })
    }

    /// Keeps all that a run can change: what lies in the state directory, the store, the customers.
    pub async fn keep(&self) -> AsItWas {
        if let Some(database) = &self.database {
            // A copy that is meant to be one: it did not go back in time.
            let forget = "DO $$ BEGIN IF to_regclass('accounts') IS NOT NULL THEN UPDATE accounts SET origin = NULL; END IF; END $$";
            database.meddle(forget).await;
            database.back_up().await;
        }
        let files = fs::read_dir(self.state_dir()).into_iter().flatten().map(|file| file.unwrap().path());
        let state = files.map(|file| (file.clone(), fs::read(file).unwrap())).collect();
        AsItWas { state, customers: self.sandbox.vivocha.keep() }
    }

    /// All is as it was, and nothing has happened since.
    pub async fn again(&self, kept: &AsItWas) {
        for file in fs::read_dir(self.state_dir()).into_iter().flatten().map(|file| file.unwrap().path()) {
            if !kept.state.contains_key(&file) {
                fs::remove_file(file).unwrap();
            }
        }
        // Into the same files: another one under the same name would be another store.
        kept.state.iter().for_each(|(file, bytes)| fs::write(file, bytes).unwrap());
        if let Some(database) = &self.database {
            database.restore().await;
        }
        self.sandbox.vivocha.put_back(&kept.customers);
        self.sandbox.faults().clear();
        self.sandbox.clear_journal();
    }

    fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// All contacts in the store, by id.
    pub async fn contacts(&self) -> BTreeMap<i64, kept::Kept> {
        match &self.database {
            None => kept::contacts(&self.store()).await,
            Some(database) => kept::contacts_in(database).await,
        }
    }

    /// One of them.
    pub async fn contact(&self, id: i64) -> kept::Kept {
        self.contacts().await.remove(&id).unwrap_or_else(|| panic!("no contact {id}"))
    }

    /// Changes the configuration file.
    pub fn edit(&self, change: impl Fn(String) -> String) {
        let text = fs::read_to_string(self.config()).unwrap();
        fs::write(self.config(), change(text)).unwrap();
    }

    /// Sets the keys of the configuration: the one in force, and the one that was before.
    pub fn keys(&self, current: Option<&str>, previous: Option<&str>) {
        let line = |name: &str, key: Option<&str>| key.map(|key| format!("\n{name} = \"{key}\"")).unwrap_or_default();
        let table = format!("[store]{}{}", line("hash_key", current), line("previous_hash_key", previous));
        self.edit(|text| {
            let is_key = |line: &&str| line.starts_with("hash_key") || line.starts_with("previous_hash_key");
            let kept: Vec<&str> = text.lines().filter(|line| !is_key(line)).collect();
            kept.join("\n").replace("[store]", &table) + "\n"
        });
    }

    /// Appends a table to the configuration file.
    pub fn append(&self, table: &str) {
        self.edit(|text| format!("{text}\n{table}\n"));
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anagrafe"));
        command.args(args).arg("--config").arg(self.config()).current_dir(self.dir.path());
        command.env_clear().env("PATH", "/usr/bin:/bin").env("USER", "tester").env("HOME", self.dir.path());
        if !self.merges {
            command.env("ANAGRAFE__MATCHING__AUTO_MERGE", "false");
        }
        command
    }

    /// Runs the real binary to its end, off the runtime that serves the town.
    pub async fn anagrafe(&self, args: &[&str]) -> Ended {
        let mut command = self.command(args);
        tokio::task::spawn_blocking(move || {
            let output = command.output().unwrap();
            Ended {
                code: output.status.code().unwrap_or(-1),
                stdout: String::from_utf8(output.stdout).unwrap(),
                stderr: String::from_utf8(output.stderr).unwrap(),
            }
        })
        .await
        .unwrap()
    }

    /// Requests to Vivocha since the journal was cleared, by call.
    pub fn calls(&self, name: &str) -> usize {
        self.sandbox.journal().iter().filter(|entry| entry.call == name).count()
    }

    /// Until it is too late for a write that nobody knows of, its contact is looked at again: that time passes here at once.
    pub async fn doubts_end(&self) {
        let open = "SELECT COUNT(*) FROM writes WHERE outcome IS NULL OR outcome = 'unknown'";
        if self.number(open).await > 0 {
            self.execute("UPDATE writes SET settled_at = 1 WHERE outcome = 'unknown'").await;
            self.execute("UPDATE contacts SET retry_at = 1 WHERE retry_at IS NOT NULL").await;
            self.anagrafe(&["sync"]).await.code(0);
            assert_eq!(self.number(open).await, 0, "each doubt ends");
        }
    }

    /// Ids of customers written since the journal was cleared.
    pub fn written(&self) -> Vec<String> {
        self.sandbox
            .journal()
            .into_iter()
            .filter(|entry| entry.system == "vivocha")
            .filter_map(|entry| entry.wrote)
            .collect()
    }
}

/// A contact of the shop.
pub fn contact(id: i64, name: &str, email: &str, phone: &str) -> population::ShopContact {
    population::ShopContact {
        id,
        customer: 1,
        name: name.into(),
        email: Some(email.into()),
        phone: phone.into(),
        note: String::new(),
    }
}

/// A count of a report.
pub fn count(report: &Value, name: &str) -> u64 {
    report["counts"][name].as_u64().unwrap_or_else(|| panic!("no count {name} in {report}"))
}
