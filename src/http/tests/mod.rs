//! The engine under tests: without sockets and in paused time (`engine`), and with real ones (`wire`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod engine;
// Its servers are made of what the sandbox is made of.
#[cfg(feature = "sandbox")]
mod wire;

use std::{sync::Arc, time::Duration};

use ::http::{HeaderMap, Method, StatusCode, header};
use url::Url;

use super::*;

fn call_of(safety: Safety, url: &str) -> Call {
    Call {
        name: "contacts.find",
        safety,
        method: Method::POST,
        url: Url::parse(url).unwrap(),
        headers: HeaderMap::new(),
        body: None,
        timeout: Duration::from_secs(30),
        permit: None,
        paid: false,
    }
}

/// 200 is good, 403 final, anything else may pass.
fn judge(answer: &Answer) -> Judgement {
    let cause = Cause::Status { status: answer.status.as_u16(), meaning: "a test".to_owned() };
    match answer.status {
        StatusCode::OK => Judgement::Good,
        StatusCode::FORBIDDEN => Judgement::Fail(Verdict::Stop, cause),
        _ => Judgement::Again(cause),
    }
}

fn fast() -> Limits {
    Limits::new(Rate { calls: 10_000, per: Duration::from_secs(1) }, 8)
}

fn client(transport: Arc<dyn Transport>, limits: Limits) -> Client {
    let wall = || ::httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:00 GMT").unwrap();
    Client::with("shop main", transport, limits, Ambient { wall: Arc::new(wall), seed: 1 })
}
