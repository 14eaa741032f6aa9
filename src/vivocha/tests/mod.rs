//! The client against a server that behaves as the vendor's framework does, over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::match_bool,
    clippy::result_large_err,
    reason = "a test may stop where it fails, and a fake is read beside its tests"
)]

mod access;
mod fake;
mod reading;
mod rql;
mod specification;
mod writing;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use fake::Server;

use super::{Auth, Clock, Options, Reader, SearchMode};
use crate::{
    http::{Client, Limits, Rate, ReqwestTransport, TransportOptions},
    model::CustomerId,
};

fn client() -> Client {
    let mut limits = Limits::new(Rate { calls: 10_000, per: Duration::from_secs(1) }, 16);
    limits.backoff = Duration::from_millis(2);
    limits.throttle_backoff = Duration::from_millis(2);
    Client::new("vivocha", Arc::new(ReqwestTransport::new(TransportOptions::default()).unwrap()), limits)
}

fn options(at: &str) -> Options {
    let auth = Auth::Client { id: "id".into(), secret: "secret".to_owned().into() };
    let base = format!("{at}/a/acme/api/v3").parse().unwrap();
    let mut options = Options::new(base, "acme".parse().unwrap(), auth);
    options.search = SearchMode::Rql;
    options
}

fn noon() -> Clock {
    Arc::new(|| DateTime::<Utc>::from_timestamp(1_800_000_000, 0).unwrap())
}

fn reader(options: Options) -> Reader {
    Reader::new(client(), options, noon()).unwrap()
}

async fn started(server: &Server, adjust: impl FnOnce(&mut Options)) -> Reader {
    let mut options = options(&server.start().await);
    adjust(&mut options);
    reader(options)
}

fn id(text: &str) -> CustomerId {
    text.parse().unwrap()
}
