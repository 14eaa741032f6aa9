//! What is in force and where each value came from, for `config show`. Secrets never enter here.

use config::{Value, ValueKind};
use serde_json::{Map, Value as Json};
use url::Url;

use super::{
    layers::{self, Origin},
    reader::Reader,
    schema::{KEYS, Key, Kind},
    settings::Settings,
};
use crate::model::ShopName;

const REDACTED: &str = "(redacted)";

/// A key in force.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    key: String,
    /// None where nothing was given and nothing holds.
    value: Option<Json>,
    from: String,
}

/// Everything in force, in the schema's order.
pub(super) fn shown(reader: &Reader<'_>, shops: &[ShopName]) -> Vec<Shown> {
    let of_shops =
        shops.iter().flat_map(|shop| KEYS.iter().filter(|key| key.of_a_shop()).map(|key| (key, key.of(shop.as_str()))));
    let mut of_shops = Some(of_shops);
    let mut all = Vec::new();
    for key in KEYS {
        if !key.of_a_shop() {
            all.push(one(reader, key, key.path.to_owned()));
        } else if let Some(of_shops) = of_shops.take() {
            all.extend(of_shops.map(|(key, path)| one(reader, key, path)));
        }
    }
    all
}

fn one(reader: &Reader<'_>, key: &Key, path: String) -> Shown {
    let twin = format!("{path}_file");
    if key.kind == Kind::Secret && reader.value(&twin).is_some() {
        return Shown { key: path, value: Some(REDACTED.into()), from: twin };
    }
    if let Some((value, from)) = reader.derived.get(key.path) {
        return Shown { key: path, value: Some(value.as_str().into()), from: from.clone() };
    }
    let value = reader.value(&path);
    let from = value.map_or_else(|| "not set".to_owned(), |value| Origin::of(value).to_string());
    Shown { value: value.map(|value| json(key, value)), key: path, from }
}

fn json(key: &Key, value: &Value) -> Json {
    match &value.kind {
        ValueKind::String(text) if key.path == "store.url" => without_password(text).into(),
        ValueKind::String(_) if key.kind == Kind::Secret => REDACTED.into(),
        ValueKind::String(text) => text.as_str().into(),
        ValueKind::Boolean(flag) => (*flag).into(),
        ValueKind::I64(number) => (*number).into(),
        ValueKind::Array(_) => layers::texts(value).into(),
        // The schema has no key of these kinds.
        ValueKind::Nil
        | ValueKind::I128(_)
        | ValueKind::U64(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::Table(_) => Json::Null,
    }
}

/// A store's address without what may be secret in it: password and query.
fn without_password(text: &str) -> String {
    if text.starts_with("sqlite:") {
        return text.to_owned();
    }
    let Ok(url) = Url::parse(text) else { return REDACTED.to_owned() };
    let user = if url.username().is_empty() { String::new() } else { format!("{}@", url.username()) };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{user}{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
}

impl Settings {
    /// What is in force, nested as in the file; secrets as `(redacted)`, what is not set as null.
    #[must_use]
    pub fn show(&self) -> Json {
        let mut root = Map::new();
        for Shown { key, value, .. } in &self.shown {
            let mut path = key.split('.').peekable();
            let mut table = &mut root;
            while let Some(segment) = path.next() {
                if path.peek().is_none() {
                    table.insert(segment.to_owned(), value.clone().unwrap_or(Json::Null));
                } else {
                    let below = table.entry(segment).or_insert_with(|| Json::Object(Map::new()));
                    let Json::Object(below) = below else { break };
                    table = below;
                }
            }
        }
        Json::Object(root)
    }

    /// The same as TOML, each line with where its value came from: `default`, a line of the file, a variable.
    #[must_use]
    pub fn show_toml(&self) -> String {
        let mut out = String::new();
        let mut heading = "";
        for Shown { key, value, from } in &self.shown {
            let Some((table, last)) = key.rsplit_once('.') else { continue };
            if table != heading {
                let gap = if heading.is_empty() { "" } else { "\n" };
                out.extend([gap, "[", table, "]\n"]);
                heading = table;
            }
            match value {
                Some(value) => out.extend([last, " = ", &toml_of(value), "    # ", from, "\n"]),
                None => out.extend(["# ", last, ": ", from, "\n"]),
            }
        }
        out
    }
}

/// A text, a number, a flag or a list of texts, as TOML writes it.
fn toml_of(value: &Json) -> String {
    match value {
        Json::String(text) => toml::Value::String(text.clone()).to_string(),
        Json::Array(items) => format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => value.to_string(),
    }
}
