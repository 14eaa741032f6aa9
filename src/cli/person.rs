//! What is of a person on its way in and out: texts given on the command line or on standard input, and how values are
//! shown on a terminal. Never part of an error or of a log.

use std::{convert::Infallible, fmt, io::Read as _, str::FromStr};

use serde_json::{Map, Value};

use super::Failure;

/// A text that may be personal. Its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Given(pub String);

impl FromStr for Given {
    type Err = Infallible;
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(…)")
    }
}

/// A text for a terminal: what a shopper or a visitor typed must not steer it.
pub fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A value of a document: a text as it is, anything else as JSON.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A document for people: a line for each field.
pub fn lines(document: &Map<String, Value>) -> Vec<String> {
    let width = document.keys().map(|field| field.chars().count()).max().unwrap_or(0);
    let line = |(field, value): (&String, &Value)| {
        format!("{:<width$}  {}", visible(field), visible(&shown(value))).trim_end().to_owned()
    };
    document.iter().map(line).collect()
}

/// The JSON object on standard input.
pub fn object_on_stdin() -> Result<Map<String, Value>, Failure> {
    const LONGEST: u64 = 1 << 20;
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::usage("standard input holds more than 1 MiB: give one JSON object"));
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Failure::usage("standard input holds JSON, but not one object: give {\"field\": value, …}")),
        Err(error) => Err(Failure::usage(format!(
            "standard input is not JSON (line {}, column {}): give one object, {{\"field\": value, …}}",
            error.line(),
            error.column()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_given_text_does_not_show_itself() {
        assert_eq!(format!("{:?}", Given("anna@x.it".into())), "Given(…)");
    }

    #[test]
    fn what_somebody_typed_cannot_steer_a_terminal() {
        assert_eq!(visible("An\u{1b}[2Jna\u{9b}1m\n"), "An\u{fffd}[2Jna\u{fffd}1m\u{fffd}");
    }

    #[test]
    fn a_document_is_a_line_for_each_field() {
        let Value::Object(document) = json!({"id": "c1", "email": "a@x.it", "tags": ["a"], "note": null}) else {
            return;
        };
        assert_eq!(lines(&document), ["id     c1", "email  a@x.it", "tags   [\"a\"]", "note"]);
    }
}
