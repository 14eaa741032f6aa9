//! RQL as the vendor's framework reads it (npm `rql` 0.3.3, observed): what arrives has been decoded once, its values are
//! decoded once more. Errors are its exceptions, which the framework answers with 500.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

pub enum Term {
    Call(String, Vec<Term>),
    Text(String),
    Number,
}

/// Parses what stands in `q` after the address was decoded.
pub fn parse(text: &str) -> Result<Term, String> {
    // Their shorthand comes before any decoding, and only in capitals: an encoded angle becomes an operator.
    if text.contains("%3C") || text.contains("%3E") || text.contains('/') {
        return Err("taken for an operator or a list".into());
    }
    let mut rest = text;
    let term = term(&mut rest)?;
    if rest.is_empty() { Ok(term) } else { Err(format!("illegal character {rest}")) }
}

fn term(rest: &mut &str) -> Result<Term, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+*$-:%._".contains(c);
    let end = rest.find(|c| !plain(c)).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    *rest = after;
    let Some(mut inside) = after.strip_prefix('(') else { return value(name) };
    let mut arguments = Vec::new();
    loop {
        arguments.push(term(&mut inside)?);
        if let Some(next) = inside.strip_prefix(',') {
            inside = next;
        } else {
            *rest = inside.strip_prefix(')').ok_or("unclosed, or an illegal character")?;
            return Ok(Term::Call(name.to_owned(), arguments));
        }
    }
}

fn value(text: &str) -> Result<Term, String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| Term::Text(text.into_owned()));
    if let Some((converter, value)) = text.split_once(':') {
        // What follows a second colon is dropped.
        let value = value.split(':').next().unwrap_or_default();
        if converter != "string" {
            return Err("unknown converter".into());
        }
        return decoded(value).map_err(|e| e.to_string());
    }
    let number = text.parse::<u64>().is_ok_and(|number| number.to_string() == text);
    if number { Ok(Term::Number) } else { decoded(text).map_err(|e| e.to_string()) }
}

impl Term {
    pub fn holds(&self, document: &Map<String, Value>) -> bool {
        let Term::Call(name, arguments) = self else { return false };
        match (name.as_str(), arguments.split_first()) {
            ("or", _) => arguments.iter().any(|term| term.holds(document)),
            ("eq" | "in", Some((Term::Text(field), values))) => values.iter().any(|value| match value {
                // Byte-exact; a number is never a text.
                Term::Text(text) => document.get(field).and_then(Value::as_str) == Some(text),
                Term::Number | Term::Call(..) => false,
            }),
            _ => false,
        }
    }
}
