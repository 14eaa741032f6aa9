//! What faults do to a reply: to its page, and to its bytes on the wire.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Mutex,
    time::{Duration, SystemTime},
};

use axum::{body::Body as HttpBody, response::Response};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures::{StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::{
    faults::{FaultKind, Faults, Malformed, RetryAfter},
    wire::{Body, Reply, lock},
};

/// A status instead of an answer.
pub(super) fn refusal(status: u16, retry_after: Option<RetryAfter>, body: Option<&str>) -> Reply {
    let reply = Reply::text(status, body.unwrap_or("try again later"));
    match retry_after {
        None => reply,
        Some(RetryAfter::Seconds(seconds)) => reply.with("retry-after", seconds.to_string()),
        Some(RetryAfter::Date(seconds)) => {
            let then = SystemTime::now() + Duration::from_secs(seconds);
            reply.with("retry-after", httpdate::fmt_http_date(then))
        }
    }
}

/// The faults of what is no page: a record under another id, a count that is not true.
pub(super) fn record(reply: &mut Reply, faults: &[FaultKind]) {
    for fault in faults {
        match (fault, &mut reply.body) {
            (FaultKind::AnotherId, Body::Json(value)) => {
                let record =
                    if value.get("contact").is_some() { value.get_mut("contact") } else { Some(value.as_mut()) };
                if let Some(id) = record.and_then(|record| record.get_mut("id")) {
                    *id = another(id);
                }
            }
            (FaultKind::WrongCount { to }, Body::Json(value)) => {
                if let Some(count) = value.get_mut("count") {
                    *count = (*to).into();
                }
                for (_, value) in reply.headers.iter_mut().filter(|(name, _)| *name == "results-matching") {
                    *value = to.to_string();
                }
            }
            (_, _) => {}
        }
    }
}

/// An id that is not this one: the next number; the text back to front.
fn another(id: &Value) -> Value {
    match id {
        Value::String(text) => format!("x{}", text.chars().rev().collect::<String>()).into(),
        Value::Number(number) => number.as_i64().map_or(Value::Null, |number| (number + 1).into()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Value::Null,
    }
}

/// The faults of a page: repeated, reversed, emptied, with a bad record in it.
pub(super) fn page(reply: &mut Reply, call: &'static str, faults: &[FaultKind], board: &Faults) {
    let Some(rows) = reply.rows() else { return };
    let repeating = faults.contains(&FaultKind::RepeatedPage);
    let before = board.page_before(call, rows, repeating);
    if let (true, Some(before)) = (repeating, before) {
        *rows = before;
    }
    if faults.contains(&FaultKind::ReversedPage) {
        rows.reverse();
    }
    if faults.contains(&FaultKind::EmptyPage) {
        rows.clear();
    }
    for fault in faults {
        let middle = rows.len() / 2;
        if let (FaultKind::MalformedRecord { how }, Some(row)) = (fault, rows.get_mut(middle)) {
            malform(row, *how);
        }
    }
}

fn malform(row: &mut Value, how: Malformed) {
    match (how, row) {
        (Malformed::Types, Value::Object(fields)) => {
            for (name, value) in fields.iter_mut().filter(|(name, _)| *name != "id") {
                *value = json!({ "not": name });
            }
        }
        (Malformed::Id, Value::Object(fields)) => {
            fields.insert("id".into(), json!({ "no": "id" }));
        }
        (Malformed::Types | Malformed::Id | Malformed::Null, row) => *row = Value::Null,
    }
}

/// The reply as bytes, with the faults of transport.
pub(super) fn transport(reply: &Reply, faults: &[FaultKind]) -> Response {
    let (kind, mut bytes) = match &reply.body {
        Body::Json(value) => ("application/json; charset=utf-8", value.to_string().into_bytes()),
        Body::Text(text) => ("text/plain; charset=utf-8", text.clone().into_bytes()),
        Body::Empty => ("", Vec::new()),
    };
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = reply.headers.clone();
    if !kind.is_empty() {
        headers.push(("content-type", kind.to_owned()));
    }
    let mut truncated = false;
    for fault in faults {
        match fault {
            FaultKind::NotJson => bytes = b"<!doctype html><title>Back soon</title><p>We are back soon.".to_vec(),
            FaultKind::InvalidUtf8 => spoil_text(&mut bytes),
            FaultKind::Nested { depth } => bytes = vec![b'['; *depth],
            FaultKind::Huge { bytes: length } => {
                let mut huge = vec![b' '; *length];
                huge.append(&mut bytes);
                bytes = huge;
            }
            FaultKind::Bomb { bytes: length } => {
                bytes = gzip_of_spaces(*length);
                headers.push(("content-encoding", "gzip".to_owned()));
            }
            FaultKind::Truncated => truncated = true,
            // These have acted before there were bytes.
            FaultKind::Status { .. }
            | FaultKind::ResetBefore
            | FaultKind::StatusAfter { .. }
            | FaultKind::ResetAfter
            | FaultKind::HangBefore
            | FaultKind::HangAfter
            | FaultKind::LateApply { .. }
            | FaultKind::Latency { .. }
            | FaultKind::Redirect { .. }
            | FaultKind::RepeatedPage
            | FaultKind::ReversedPage
            | FaultKind::EmptyPage
            | FaultKind::MalformedRecord { .. }
            | FaultKind::IgnoredFilter
            | FaultKind::OverridingUpdate
            | FaultKind::TrimmingUpdate { .. }
            | FaultKind::SilentUpdate
            | FaultKind::StrictSchema
            | FaultKind::SearchLag { .. }
            | FaultKind::LateIds { .. }
            | FaultKind::OtherPeople
            | FaultKind::AnotherId
            | FaultKind::WrongCount { .. } => {}
        }
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    *response.body_mut() = if truncated { cut(&mut response, bytes) } else { HttpBody::from(bytes) };
    response
}

/// Half of the bytes under the length of all of them, then the connection breaks.
fn cut(response: &mut Response, mut bytes: Vec<u8>) -> HttpBody {
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    bytes.truncate(bytes.len() / 2);
    let broken: io::Result<Bytes> = Err(io::ErrorKind::ConnectionReset.into());
    let parts = stream::iter([Ok(Bytes::from(bytes)), broken]).then(async |part| {
        if part.is_err() {
            // Otherwise the break may overtake the half that is still being written.
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        part
    });
    HttpBody::from_stream(parts)
}

/// Puts a lone continuation byte where a text in the JSON begins.
fn spoil_text(bytes: &mut Vec<u8>) {
    let opening = bytes.windows(2).position(|pair| pair == b":\"");
    let at = opening.map_or(bytes.len(), |at| at + 2);
    bytes.insert(at, 0xB1);
}

/// Packed once for each length: it costs the sandbox more than the client it is meant for.
fn gzip_of_spaces(length: usize) -> Vec<u8> {
    static PACKED: Mutex<BTreeMap<usize, Vec<u8>>> = Mutex::new(BTreeMap::new());
    lock(&PACKED).entry(length).or_insert_with(|| pack_spaces(length)).clone()
}

fn pack_spaces(length: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let block = [b' '; 1 << 14];
    let mut left = length;
    while left > 0 {
        let part = left.min(block.len());
        // A Vec takes every write; a failure would only make a smaller bomb.
        let _ = encoder.write_all(block.get(..part).unwrap_or_default());
        left -= part;
    }
    encoder.finish().unwrap_or_default()
}
