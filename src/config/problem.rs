//! What is wrong with a configuration: which key, where it was given, what is wrong and what would be right. Never the
//! value of a secret.

use std::{fmt, path::PathBuf};

use serde::Serialize;

/// Where a value was given, or should have been.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the configuration file.
    File {
        /// Which one; none for a text that is no file.
        name: Option<PathBuf>,
        /// The line, from 1; none where the file as a whole is meant.
        line: Option<usize>,
    },
    /// In an environment variable.
    Variable(String),
    /// Nowhere: no file was read, and no variable is set.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name: Some(name), line: Some(line) } => write!(f, "{}:{line}", name.display()),
            Self::File { name: Some(name), line: None } => write!(f, "{}", name.display()),
            Self::File { name: None, line: Some(line) } => write!(f, "line {line}"),
            Self::File { name: None, line: None } | Self::Nowhere => f.write_str("configuration"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// What is wrong with a value, and what would be right; both without the key, which the reader adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub what: String,
    pub instead: String,
}

impl Wrong {
    pub fn new(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self { what: what.into(), instead: instead.into() }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The path of the key, `shops.main.api_version`; empty where no key is meant (a file that is no TOML).
    pub key: String,
    /// Where it stands.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub instead: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, place, what, instead } = self;
        if key.is_empty() {
            write!(f, "{place}: {what}; {instead}")
        } else {
            write!(f, "{place}: {key}: {what}; {instead}")
        }
    }
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// In the order in which a person would go through them: by line, then by variable.
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| (&a.place, &a.key).cmp(&(&b.place, &b.key)));
        Self(problems)
    }

    /// One by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
