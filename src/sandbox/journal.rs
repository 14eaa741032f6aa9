//! The journal: every request either system received, in the order in which it was answered, with what it wrote. Tests
//! and benchmarks hold the program to its promises by it.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;

use super::wire::lock;

/// One request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Since the sandbox started, when the request had been read.
    #[serde(serialize_with = "milliseconds")]
    pub at: Duration,
    /// `open2b`, `vivocha` or `www`.
    pub system: &'static str,
    /// Which shop, where it is one.
    pub shop: Option<String>,
    /// The verb.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query, as sent.
    pub query: Option<String>,
    /// Which call it was: `contacts.find`, `customers.update`, …, or `unknown`.
    pub call: &'static str,
    /// The body sent, if it was JSON.
    pub sent: Option<Value>,
    /// The HTTP status answered; 0 where no answer was given.
    pub status: u16,
    /// How many rows the answer carried, if it was a page.
    pub rows: Option<usize>,
    /// The id of what was written, if anything was.
    pub wrote: Option<String>,
    /// The faults that were applied to it.
    pub faults: Vec<&'static str>,
}

fn milliseconds<S: serde::Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(at.as_secs_f64() * 1000.0)
}

/// All of them.
pub(super) struct Journal {
    started: Instant,
    entries: Mutex<Vec<Entry>>,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), entries: Mutex::new(Vec::new()) }
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn write(&self, entry: Entry) {
        lock(&self.entries).push(entry);
    }

    pub(super) fn read(&self) -> Vec<Entry> {
        lock(&self.entries).clone()
    }

    pub(super) fn clear(&self) {
        lock(&self.entries).clear();
    }
}
