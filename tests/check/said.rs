//! What a check of a town said, by subject and verdict; and what a town can get wrong.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    process::{Command, Output},
};

use anagrafe::store::{
    key,
    sqlite::{OpenOptions, SqliteStore},
};
use serde_json::Value;

use super::support::Town;

/// A check that ended.
pub struct Checked {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    report: Value,
}

/// A town of a few people.
pub async fn people() -> Town {
    Town::of(7, 60, 60).await
}

/// Says something else in the configuration.
pub fn replace(town: &Town, was: &str, is: &str) {
    town.edit(|text| {
        assert!(text.contains(was), "{was} is not in the configuration");
        text.replace(was, is)
    });
}

/// An address where nobody listens.
pub fn nobody_there() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

/// The store that a first sync would make.
pub async fn store(town: &Town) -> SqliteStore {
    let key = key::read_or_make(&town.dir.path().join("state")).unwrap();
    let options = OpenOptions {
        path: town.store(),
        account: "acme".parse().unwrap(),
        key_check: key.check_value(),
        create: true,
        migrate: true,
        read_only: false,
    };
    SqliteStore::open(&options).await.unwrap()
}

/// `anagrafe check --json` of a town.
pub async fn check(town: &Town) -> Checked {
    checked(town.command(&["check", "--json"])).await
}

/// The same, of a command that was made ready.
pub async fn checked(mut command: Command) -> Checked {
    let ended = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let Output { status, stdout, stderr } = ended;
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    for found in report["findings"].as_array().unwrap() {
        assert!(found["verdict"] == "confirmed" || found["advice"].is_string(), "what to do, or whom to ask: {found}");
    }
    Checked { code: status.code().unwrap(), stdout, stderr, report }
}

impl Checked {
    pub fn ok(&self) -> Option<bool> {
        self.report["ok"].as_bool()
    }

    fn findings(&self) -> impl Iterator<Item = (&str, &str, &Value)> {
        self.report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|found| (found["subject"].as_str().unwrap(), found["verdict"].as_str().unwrap(), found))
    }

    /// Subjects of a verdict.
    pub fn subjects(&self, of: &str) -> BTreeSet<&str> {
        self.findings().filter(|(_, verdict, _)| *verdict == of).map(|(subject, _, _)| subject).collect()
    }

    /// Text and advice of the first finding about a subject with this verdict.
    pub fn told(&self, about: &str, of: &str) -> String {
        let mut all = self.findings().filter(|(subject, verdict, _)| (*subject, *verdict) == (about, of));
        let (_, _, found) = all.next().unwrap_or_else(|| panic!("nothing {of} of {about} in {:#}", self.report));
        format!("{} → {}", found["text"].as_str().unwrap(), found["advice"].as_str().unwrap_or("-"))
    }

    /// Exactly these are contradicted, and the exit code says that something is.
    pub fn contradicts(&self, subjects: &[&str]) {
        assert_eq!(self.subjects("contradicted"), subjects.iter().copied().collect(), "{:#}", self.report);
        assert_eq!((self.code, self.ok()), (1, Some(false)), "{}", self.stderr);
    }
}
