//! The file's layer: strict TOML, each value of the kind its key has, unknown keys refused; everything by line. It asks
//! not what a value means: that is [`super::reader`]'s.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use config::ValueKind;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    layers::{Layer, Origin},
    problem::{Place, Problem},
    schema::{self, Key, Kind, Node},
};
use crate::model::ShopName;

/// What a file said.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub layer: Layer,
    /// The line of each table's first heading.
    pub tables: BTreeMap<String, usize>,
    pub shops: Vec<ShopName>,
    pub problems: Vec<Problem>,
    /// Whether it is TOML at all; if not, nothing else is said of it.
    pub whole: bool,
}

/// Reads a text; `name` is the file's, if it is one.
pub(super) fn read(text: &str, name: Option<&Path>) -> Read {
    let mut reading = Reading { text, name: name.map(Path::to_path_buf), read: Read::default() };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        // The error's own Display quotes the line, which may hold a secret.
        let line = error.span().map(|span| line_of(text, span.start));
        reading.refuse(String::new(), line, format!("not TOML: {}", error.message()), "correct this line");
    }
    if errors.is_empty() {
        reading.read.whole = true;
        reading.table(&[], document.get_ref());
    }
    // TOML's tables come sorted by name; of two that clash the later one is to be told.
    let Read { shops, tables, .. } = &mut reading.read;
    shops.sort_by_key(|shop| tables.get(&format!("shops.{shop}")).copied());
    reading.read
}

struct Reading<'a> {
    text: &'a str,
    name: Option<PathBuf>,
    read: Read,
}

impl Reading<'_> {
    fn refuse(&mut self, key: String, line: Option<usize>, what: impl Into<String>, instead: impl Into<String>) {
        let place = Place::File { name: self.name.clone(), line };
        self.read.problems.push(Problem { key, place, what: what.into(), instead: instead.into() });
    }

    fn table(&mut self, at: &[String], table: &DeTable<'_>) {
        for (name, value) in table {
            let line = line_of(self.text, name.span().start);
            let mut path = at.to_vec();
            path.push(name.get_ref().to_string());
            match schema::node(&path) {
                Node::Unknown => self.unknown(at, &path, line),
                Node::Leaf(key) => self.leaf(key, path.join("."), line, value.get_ref()),
                Node::Table => self.below(&path, line, value),
            }
        }
    }

    fn below(&mut self, path: &[String], line: usize, value: &Spanned<DeValue<'_>>) {
        let key = path.join(".");
        let DeValue::Table(table) = value.get_ref() else {
            let heading = if key == "shops" { "[shops.NAME]".to_owned() } else { format!("[{key}]") };
            let list = matches!(value.get_ref(), DeValue::Array(_));
            let what = format!("{}, where a table belongs", if list { "a list" } else { kind_of(value.get_ref()) });
            return self.refuse(key, Some(line), what, format!("begin it with the heading {heading}"));
        };
        if let [shops, name] = path
            && shops == "shops"
        {
            let Ok(shop) = ShopName::try_from(name.clone()) else {
                let instead = "name the shop with 1 to 64 letters, digits, '-' or '_'";
                return self.refuse(key, Some(line), "no name for a shop", instead);
            };
            self.read.shops.push(shop);
        }
        self.read.tables.insert(key, line);
        self.table(path, table);
    }

    fn unknown(&mut self, at: &[String], path: &[String], line: usize) {
        let known = schema::below(at);
        let written = path.last().map_or("", String::as_str);
        let instead = match schema::nearest(written, known.iter()) {
            Some(name) => format!("did you mean `{name}`?"),
            None if at.is_empty() => format!("the tables are {}", known.join(", ")),
            None => format!("what may stand in [{}]: {}", at.join("."), known.join(", ")),
        };
        self.refuse(path.join("."), Some(line), "unknown key", instead);
    }

    fn leaf(&mut self, key: &Key, path: String, line: usize, value: &DeValue<'_>) {
        match typed(key.kind, value) {
            Some(kind) => self.read.layer.set(path, &Origin::Line(line), kind),
            None => self.refuse(path, Some(line), kind_of(value), wanted(key.kind)),
        }
    }
}

/// The value, if it is of the kind; nothing is converted.
fn typed(kind: Kind, value: &DeValue<'_>) -> Option<ValueKind> {
    match (kind, value) {
        (Kind::Text | Kind::Secret | Kind::Path, DeValue::String(text)) => Some(text.to_string().into()),
        (Kind::Flag, DeValue::Boolean(flag)) => Some((*flag).into()),
        (Kind::Whole, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(Into::into)
        }
        (Kind::List, DeValue::Array(items)) => {
            let text = |item: &Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
            items.iter().map(text).collect::<Option<Vec<String>>>().map(Into::into)
        }
        (Kind::Text | Kind::Secret | Kind::Path | Kind::Whole | Kind::Flag | Kind::List, _) => None,
    }
}

/// What a value is, without saying the value.
fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(number) if i64::from_str_radix(number.as_str(), number.radix()).is_err() => {
            "an integer of more than 64 bits"
        }
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(items) if items.iter().any(|item| item.get_ref().as_str().is_none()) => {
            "a list with something other than texts"
        }
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn wanted(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Secret => "give a text in quotes",
        Kind::Path => "give a path in quotes",
        Kind::Whole => "give an integer without quotes",
        Kind::Flag => "give true or false, without quotes",
        Kind::List => "give a list of texts, [\"…\", \"…\"]",
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}
