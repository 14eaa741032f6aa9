//! The three layers (defaults, file, environment) and their merging by the `config` crate. Every value carries where it
//! came from. Values enter already typed by the schema, so nothing is ever guessed or coerced here.

use std::{collections::BTreeMap, fmt};

use config::{Config, ConfigError, Map, Source, Value, ValueKind};

use super::schema::{KEYS, Preset};
use crate::model::ShopName;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing was given.
    Default,
    /// A line of the file.
    Line(usize),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

impl Origin {
    /// Reads back what was written into a [`Value`], which has room for a text only. No variable's name holds a space.
    pub(super) fn of(value: &Value) -> Self {
        match value.origin() {
            None | Some("default") => Self::Default,
            Some(text) => match text.strip_prefix("line ").and_then(|line| line.parse().ok()) {
                Some(line) => Self::Line(line),
                None => Self::Variable(text.to_owned()),
            },
        }
    }
}

/// A layer: values by the path of their key.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer(BTreeMap<String, Value>);

impl Layer {
    pub fn set(&mut self, key: String, origin: &Origin, kind: impl Into<ValueKind>) {
        self.0.insert(key, Value::new(Some(&origin.to_string()), kind));
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// What holds where nothing is given, for each of these shops.
    pub fn defaults(shops: &[ShopName]) -> Self {
        let mut layer = Self::default();
        for key in KEYS {
            let kind: ValueKind = match key.preset {
                Preset::Needed | Preset::Absent => continue,
                Preset::Text(text) => text.into(),
                Preset::Whole(number) => number.into(),
                Preset::Flag(flag) => flag.into(),
                Preset::List(list) => list.to_vec().into(),
            };
            if key.of_a_shop() {
                for shop in shops {
                    layer.set(key.of(shop.as_str()), &Origin::Default, kind.clone());
                }
            } else {
                layer.set(key.path.to_owned(), &Origin::Default, kind);
            }
        }
        layer
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }
}

/// The layers as one; a later one outranks an earlier one.
pub(super) fn merged(defaults: Layer, file: Layer, environment: Layer) -> Result<Config, ConfigError> {
    Config::builder().add_source(defaults).add_source(file).add_source(environment).build()
}

/// The value at a path.
pub(super) fn at<'a>(config: &'a Config, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(&config.cache, |value, segment| match &value.kind {
        ValueKind::Table(table) => table.get(segment),
        ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::String(_)
        | ValueKind::Array(_) => None,
    })
}

/// The texts of a list.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let ValueKind::Array(items) = &value.kind else { return Vec::new() };
    items
        .iter()
        .filter_map(|item| if let ValueKind::String(text) = &item.kind { Some(text.clone()) } else { None })
        .collect()
}
