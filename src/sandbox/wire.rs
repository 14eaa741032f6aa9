//! A request and its reply as both miniatures see them. Not a client's view: nothing here is shared with the code that
//! the sandbox is there to test.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::faults::Quirks;

/// One of the systems behind a port: answers at once, without waiting for anything. Latency and faults come around it.
pub(super) trait System: Send + Sync + 'static {
    /// Its name in the journal.
    fn name(&self) -> &'static str;
    /// Which call a request is, by verb and path; `unknown` for none of them.
    fn call(&self, method: &Method, path: &str) -> &'static str;
    /// The answer, everything applied.
    fn answer(&self, request: &Request) -> Reply;
}

/// A request, read whole.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) call: &'static str,
    pub(super) method: Method,
    /// As sent, not decoded.
    pub(super) path: String,
    /// As sent, not decoded.
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What the faults in force ask of the system itself.
    pub(super) quirks: Quirks,
}

impl Request {
    /// The parameters of the query, decoded once as a web framework does (`+` is a space).
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        form(self.query.as_deref().unwrap_or_default())
    }

    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body says that it is JSON; without it the vendors' frameworks do not look at it.
    pub(super) fn says_json(&self) -> bool {
        let media = self.header("content-type").unwrap_or_default();
        media.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    }
}

/// `a=1&b=2`, decoded.
pub(super) fn form(text: &str) -> Vec<(String, String)> {
    let decode = |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pair = |part: &str| match part.split_once('=') {
        Some((name, value)) => (decode(name), decode(value)),
        None => (decode(part), String::new()),
    };
    text.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

/// The first value of a parameter.
pub(super) fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// A reply before faults and transport.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Body,
    /// The id of what was written, if anything was.
    pub(super) wrote: Option<String>,
}

/// What a reply carries.
#[derive(Clone)]
pub(super) enum Body {
    /// Boxed, so that a refusal is small.
    Json(Box<Value>),
    Text(String),
    Empty,
}

impl Reply {
    pub(super) fn json(status: u16, value: Value) -> Self {
        Self { status, headers: Vec::new(), body: Body::Json(Box::new(value)), wrote: None }
    }

    pub(super) fn text(status: u16, text: impl Into<String>) -> Self {
        Self { status, headers: Vec::new(), body: Body::Text(text.into()), wrote: None }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty, wrote: None }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn wrote(mut self, id: &impl ToString) -> Self {
        self.wrote = Some(id.to_string());
        self
    }

    /// The page in the answer: Open2b's `contacts`, or Vivocha's array.
    pub(super) fn rows(&mut self) -> Option<&mut Vec<Value>> {
        let Body::Json(value) = &mut self.body else { return None };
        match value.as_mut() {
            Value::Array(rows) => Some(rows),
            other => other.get_mut("contacts")?.as_array_mut(),
        }
    }
}

/// A lock that outlives a panicking holder: a test's panic must not hide what the sandbox has seen.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
