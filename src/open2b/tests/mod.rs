//! The client against real HTTP servers: one written from the vendor's page (`surface`), and those that misbehave (`faults`).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod faults;
mod surface;

use std::{sync::Arc, time::Duration};

use axum::Router;
use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::{
    http::{Ambient, Limits, Rate, ReqwestTransport, TransportOptions, Verdict},
    model::{ContactId, ShopCustomerId},
};

const KEY: &str = "s3cret";

fn id(number: i64) -> ContactId {
    ContactId::try_from(number).unwrap()
}

fn owner(number: i64) -> ShopCustomerId {
    ShopCustomerId::try_from(number).unwrap()
}

async fn serve(router: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Url::parse(&url).unwrap()
}

fn options(url: Url) -> ShopOptions {
    ShopOptions {
        name: "main".parse().unwrap(),
        url,
        secret_key: KEY.into(),
        key_header: "X-Secret-Key".to_owned(),
        api_prefix: "/api".to_owned(),
        api_version: 10,
        page_size: 2,
        timeout: Duration::from_secs(5),
    }
}

fn shop(options: ShopOptions) -> Shop {
    let transport =
        ReqwestTransport::new(TransportOptions { max_answer_bytes: 1 << 20, ..Default::default() }).unwrap();
    let limits = Limits {
        backoff: Duration::from_millis(1),
        throttle_backoff: Duration::from_millis(1),
        ..Limits::new(Rate { calls: 1_000, per: Duration::from_secs(1) }, 4)
    };
    Shop::new(options, Arc::new(transport), limits, Ambient { seed: 1, ..Ambient::real() }).unwrap()
}
