//! Endpoints as the operator wrote them: `PUT customers/{cid}`, and the body of a merge. Ids are filled in here, so that
//! none can break out of its place: percent-encoded in a path, inside a string in JSON.

use std::fmt;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::{problem::Wrong, values::quoted};
use crate::model::CustomerId;

/// RFC 3986's unreserved characters stay as they are.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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

    /// The path with a placeholder's id in its place, percent-encoded; one that the path lacks is not filled in.
    #[must_use]
    pub fn filled(&self, ids: &[(&str, &CustomerId)]) -> String {
        ids.iter().fold(self.path.clone(), |path, (placeholder, id)| {
            path.replace(placeholder, &utf8_percent_encode(id.as_str(), IN_A_SEGMENT).to_string())
        })
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

    /// The body of one merge.
    #[must_use]
    pub fn filled(&self, survivor: &CustomerId, absorbed: &CustomerId) -> Value {
        // In one go over each string: an id that looks like a placeholder must stay an id.
        replaced(&self.0, &|text| {
            let parts: Vec<String> = text
                .split("{cid1}")
                .map(|part| part.split("{cid2}").collect::<Vec<_>>().join(absorbed.as_str()))
                .collect();
            parts.join(survivor.as_str())
        })
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
    use super::*;

    fn id(text: &str) -> CustomerId {
        text.parse().unwrap()
    }

    #[test]
    fn an_id_cannot_leave_its_segment() {
        let endpoint = Endpoint::parse("GET customers/{cid}/history", &["{cid}"]).unwrap();
        assert_eq!(endpoint.filled(&[("{cid}", &id("../a b?x#y/é"))]), "customers/..%2Fa%20b%3Fx%23y%2F%C3%A9/history");
        assert_eq!(endpoint.to_string(), "GET customers/{cid}/history");
    }

    #[test]
    fn an_id_cannot_leave_its_string() {
        let body = MergeBody::parse(r#"{"id":"{cid2}","into":["{cid1}",1,null]}"#).unwrap();
        let filled = body.filled(&id("s{cid2}"), &id("a\",\"all\":\"{cid1}"));
        assert_eq!(filled, serde_json::json!({"id": "a\",\"all\":\"{cid1}", "into": ["s{cid2}", 1, null]}));
    }
}
