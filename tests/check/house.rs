//! Both systems in miniature with a configuration beside them, and what a check of that configuration said.

use std::{collections::BTreeSet, fs, net::TcpListener, path::PathBuf};

use anagrafe::{
    model::AccountName,
    sandbox::{
        Options, Sandbox,
        population::{Population, generate},
    },
    store::{
        key,
        sqlite::{OpenOptions, SqliteStore},
    },
};
use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// Both systems, a configuration, and a folder for the state.
pub struct House {
    pub sandbox: Sandbox,
    pub folder: TempDir,
    pub configuration: String,
}

/// What a check said.
pub struct Checked {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl House {
    pub async fn new() -> Self {
        Self::of(generate(7, 60, 60)).await
    }

    pub async fn of(population: Population) -> Self {
        let sandbox = Sandbox::start(population, Options::default()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let configuration = sandbox.configuration(&folder.path().join("state"));
        Self { sandbox, folder, configuration }
    }

    /// Says something else in the configuration.
    pub fn with(mut self, was: &str, is: &str) -> Self {
        assert!(self.configuration.contains(was), "{was} is not in the configuration");
        self.configuration = self.configuration.replace(was, is);
        self
    }

    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub async fn store(&self, account: &str) -> SqliteStore {
        let key = key::read_or_make(&self.state_dir()).unwrap();
        let options = OpenOptions {
            path: self.state_dir().join("anagrafe.db"),
            account: account.parse::<AccountName>().unwrap(),
            key_check: key.check_value(),
            create: true,
            migrate: true,
            read_only: false,
        };
        SqliteStore::open(&options).await.unwrap()
    }

    pub async fn run(&self, arguments: &'static [&'static str]) -> Checked {
        let file = self.folder.path().join("anagrafe.toml");
        fs::write(&file, &self.configuration).unwrap();
        let output = tokio::task::spawn_blocking(move || {
            let mut command = Command::cargo_bin("anagrafe").unwrap();
            command.env_clear().arg("--config").arg(file).arg("check").args(arguments).output().unwrap()
        });
        let output = output.await.unwrap();
        Checked {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub async fn check(&self) -> Checked {
        self.run(&["--json"]).await
    }
}

impl Checked {
    pub fn report(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}\n{}", self.stdout, self.stderr))
    }

    /// Subjects of a verdict.
    pub fn subjects(&self, verdict: &str) -> BTreeSet<String> {
        let report = self.report();
        let all = report["findings"].as_array().unwrap().iter();
        all.filter(|found| found["verdict"] == verdict).map(|found| found["subject"].as_str().unwrap().into()).collect()
    }

    /// Text and advice of the first finding about a subject with this verdict.
    pub fn told(&self, subject: &str, verdict: &str) -> String {
        let report = self.report();
        let mut all = report["findings"].as_array().unwrap().iter();
        let found = all.find(|found| found["subject"] == subject && found["verdict"] == verdict);
        let found = found.unwrap_or_else(|| panic!("nothing {verdict} of {subject} in {report:#}"));
        format!("{} → {}", found["text"].as_str().unwrap(), found["advice"].as_str().unwrap_or("-"))
    }

    /// Exactly these are contradicted, and the exit code says that something is.
    pub fn contradicts(&self, subjects: &[&str]) {
        let expected: BTreeSet<String> = subjects.iter().map(ToString::to_string).collect();
        assert_eq!(self.subjects("contradicted"), expected, "{:#}", self.report());
        assert_eq!((self.code, self.report()["ok"].as_bool()), (1, Some(false)), "{}", self.stderr);
    }
}

/// An address where nobody listens.
pub fn nobody_there() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}
