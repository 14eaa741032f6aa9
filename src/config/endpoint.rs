//! Endpoints as the operator wrote them: `PUT customers/{cid}`, and the body of a merge. Read and checked here; ids are
//! filled in by whoever calls.

use std::fmt;

use http::Method;
use serde_json::Value;

use super::{problem::Wrong, values::quoted};

/// A call: its verb and its path below the account's base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The verb.
    pub method: Method,
    /// The path, without `/` at its beginning, its placeholders in braces.
    pub path: String,
}

impl Endpoint {
    /// Reads `GET customers/{cid}`, which must hold just these placeholders.
    pub(super) fn parse(text: &str, placeholders: &[&str]) -> Result<Self, Wrong> {
        let example = match placeholders.first() {
            None => "a verb and a path, as in \"GET customers\"".to_owned(),
            Some(one) => format!("a verb and a path with {one}, as in \"GET customers/{one}\""),
        };
        let wrong = |what: String| Wrong::new(what, format!("give {example}"));
        let Some((verb, path)) = text.split_once(' ') else {
            return Err(wrong(format!("{} is not a verb and a path", quoted(text))));
        };
        let method = match verb {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            other => return Err(wrong(format!("{} is not GET, POST, PUT or PATCH", quoted(other)))),
        };
        let mut rest = path.to_owned();
        for placeholder in placeholders {
            if rest.matches(placeholder).count() != 1 {
                return Err(wrong(format!("{} must hold {placeholder} once", quoted(path))));
            }
            rest = rest.replace(placeholder, "id");
        }
        if rest.contains(['{', '}']) {
            return Err(wrong(format!("{} holds a placeholder that means nothing here", quoted(path))));
        }
        let segment = |segment: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%:@!$&'()*+,;=".contains(c);
            !segment.is_empty() && segment != "." && segment != ".." && segment.chars().all(plain)
        };
        if !rest.split('/').all(segment) {
            return Err(wrong(format!("{} is not a path below the base, without / at its ends", quoted(path))));
        }
        Ok(Self { method, path: path.to_owned() })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What a merge sends: JSON in whose strings `{cid1}` and `{cid2}` stand for the survivor and the absorbed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeBody(Value);

impl MergeBody {
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let instead = r#"give JSON that holds "{cid2}", as in {"id":"{cid2}"}"#;
        let body: Value = serde_json::from_str(text).map_err(|_| Wrong::new("not JSON", instead))?;
        let filled = replaced(&body, &|text| text.replace("{cid2}", ""));
        if filled == body {
            return Err(Wrong::new("the absorbed customer, {cid2}, stands in none of its strings", instead));
        }
        Ok(Self(body))
    }
}

impl fmt::Display for MergeBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

fn replaced(value: &Value, text: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(inner) => Value::String(text(inner)),
        Value::Array(items) => items.iter().map(|item| replaced(item, text)).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), replaced(item, text))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}
