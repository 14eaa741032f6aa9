//! The merged layers, read key by key: each refusal is noted with its key and place and reading goes on, so that all
//! problems are found at once. `None`, where a value must be there, means that a problem has been noted.

use std::{
    collections::BTreeMap,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use config::{Config, Value, ValueKind};
use secrecy::{ExposeSecret, SecretString};

use super::{
    layers::{self, Origin},
    problem::{Place, Problem, Wrong},
    schema,
};

/// What was given is wrong, and that has been noted; for values that may also be absent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Noted;

pub(super) struct Reader<'a> {
    pub config: Config,
    /// The file read, if it is one.
    pub name: Option<&'a Path>,
    /// Whether there was a text at all.
    pub has_file: bool,
    /// The line of each table's heading.
    pub tables: BTreeMap<String, usize>,
    pub problems: Vec<Problem>,
    pub warnings: Vec<String>,
    /// Defaults that followed from elsewhere: value and where from.
    pub derived: BTreeMap<&'static str, (String, String)>,
}

impl Reader<'_> {
    pub fn value(&self, key: &str) -> Option<&Value> {
        layers::at(&self.config, key)
    }

    /// Where a value was given; for a default or an absence, where it would stand in the file.
    pub fn place(&self, key: &str) -> Place {
        match self.value(key).map(Origin::of) {
            Some(Origin::Line(line)) => self.line(Some(line)),
            Some(Origin::Variable(name)) => Place::Variable(name),
            Some(Origin::Default) | None => {
                let mut table = key;
                while let Some((outer, _)) = table.rsplit_once('.') {
                    table = outer;
                    if let Some(line) = self.tables.get(table) {
                        return self.line(Some(*line));
                    }
                }
                if self.has_file { self.line(None) } else { Place::Nowhere }
            }
        }
    }

    fn line(&self, line: Option<usize>) -> Place {
        Place::File { name: self.name.map(Path::to_path_buf), line }
    }

    pub fn refuse(&mut self, key: &str, what: impl Into<String>, instead: impl Into<String>) {
        let place = self.place(key);
        self.problems.push(Problem { key: key.to_owned(), place, what: what.into(), instead: instead.into() });
    }

    /// Whether a key, or a table above it, has been refused.
    pub fn refused(&self, key: &str) -> bool {
        let above = |table: &str| key.strip_prefix(table).is_some_and(|rest| rest.starts_with('.'));
        self.problems.iter().any(|problem| problem.key == key || (!problem.key.is_empty() && above(&problem.key)))
    }

    /// Refuses an absence, unless something was given that has been refused already.
    pub fn missing(&mut self, key: &str, instead: &str) {
        if !self.refused(key) {
            self.refuse(key, "missing", instead);
        }
    }

    /// Where what is missing could be given.
    fn here(&self) -> &'static str {
        if self.has_file { "here" } else { "in a file (--config)" }
    }

    fn noted<T>(&mut self, key: &str, result: Result<T, Wrong>) -> Option<T> {
        result.map_err(|wrong| self.refuse(key, wrong.what, wrong.instead)).ok()
    }

    /// The text as given.
    pub fn raw(&self, key: &str) -> Option<String> {
        match self.value(key).map(|value| &value.kind) {
            Some(ValueKind::String(text)) => Some(text.clone()),
            Some(_) | None => None,
        }
    }

    /// A text that must be there, as what it means.
    pub fn parsed<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Option<T> {
        let Some(text) = self.raw(key) else {
            self.missing(key, &format!("give it {} or as {}", self.here(), schema::variable(key)));
            return None;
        };
        self.noted(key, parse(&text))
    }

    /// A text that may be absent, as what it means.
    pub fn optional<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Result<Option<T>, Noted> {
        match self.raw(key) {
            None => Ok(None),
            Some(text) => self.noted(key, parse(&text)).map(Some).ok_or(Noted),
        }
    }

    /// An integer within bounds.
    pub fn whole<T: TryFrom<i64>>(&mut self, key: &str, bounds: RangeInclusive<i64>) -> Option<T> {
        let Some(&ValueKind::I64(number)) = self.value(key).map(|value| &value.kind) else {
            self.missing(key, "give an integer");
            return None;
        };
        let fit = if bounds.contains(&number) { T::try_from(number).ok() } else { None };
        if fit.is_none() {
            let instead = format!("give an integer from {} to {}", bounds.start(), bounds.end());
            self.refuse(key, format!("{number} is out of bounds"), instead);
        }
        fit
    }

    pub fn flag(&mut self, key: &str) -> Option<bool> {
        let Some(&ValueKind::Boolean(flag)) = self.value(key).map(|value| &value.kind) else {
            self.missing(key, "give true or false");
            return None;
        };
        Some(flag)
    }

    /// A list; one that is absent is empty.
    pub fn list(&self, key: &str) -> Vec<String> {
        self.value(key).map(layers::texts).unwrap_or_default()
    }

    /// A path; a relative one lies beside the configuration file.
    pub fn path(&mut self, key: &str) -> Result<Option<PathBuf>, Noted> {
        let beside = self.name.and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
        self.optional(key, |text| {
            if text.is_empty() { Err(Wrong::new("empty", "give a path")) } else { Ok(beside.join(text)) }
        })
    }

    /// A secret that must be there.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        let secret = self.optional_secret(key).ok()?;
        if secret.is_none() {
            let twin = format!("{key}_file");
            let last = twin.rsplit('.').next().unwrap_or_default();
            let instead =
                format!("give it {}, or a file's path as `{last}`, or {}", self.here(), schema::variable(key));
            // A twin that was refused has said it all.
            if !self.refused(&twin) {
                self.missing(key, &instead);
            }
        }
        secret
    }

    /// A secret, or what its twin's file holds.
    pub fn optional_secret(&mut self, key: &str) -> Result<Option<SecretString>, Noted> {
        let twin = format!("{key}_file");
        let path = self.path(&twin)?;
        let given = self.value(key).is_some_and(|value| Origin::of(value) != Origin::Default);
        let secret = match path {
            Some(_) if given => {
                let what = format!("given as well as {key} ({})", self.place(key));
                self.refuse(&twin, what, "give one of the two");
                return Err(Noted);
            }
            Some(path) => Some(self.file_of(&twin, &path).ok_or(Noted)?),
            None => self.raw(key).map(SecretString::from),
        };
        if given && secret.as_ref().is_some_and(|secret| secret.expose_secret().is_empty()) {
            self.refuse(key, "empty", "give the secret");
            return Err(Noted);
        }
        Ok(secret)
    }

    /// The key under which a secret was in fact given, for refusing what it holds.
    pub fn secret_key(&self, key: &str) -> String {
        let twin = format!("{key}_file");
        if self.value(&twin).is_some() { twin } else { key.to_owned() }
    }

    fn file_of(&mut self, twin: &str, path: &Path) -> Option<SecretString> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                let what = format!("cannot read {}: {error}", path.display());
                self.refuse(twin, what, "give a file this user may read");
                return None;
            }
        };
        let trimmed = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        if trimmed.is_empty() {
            self.refuse(twin, format!("{} is empty", path.display()), "write the secret into it");
            return None;
        }
        Some(SecretString::from(trimmed))
    }

    /// Whether anything was said below a table.
    pub fn mentions(&self, table: &str) -> bool {
        self.tables.contains_key(table) || self.value(table).is_some()
    }

    /// Whether a key was given, rather than left at its default.
    pub fn given(&self, key: &str) -> bool {
        self.value(key).is_some_and(|value| Origin::of(value) != Origin::Default)
    }
}
