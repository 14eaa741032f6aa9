//! Getting in, and finding the door.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{Router, http::StatusCode, response::IntoResponse, routing::any};
use chrono::{DateTime, Utc};
use serde_json::json;
use url::Url;

use super::{client, fake::Server, id, options, started};
use crate::{
    http::Verdict,
    vivocha::{Auth, Clock, Reader, world},
};

fn oauth() -> Auth {
    let scope = vec!["Customer.query".to_owned(), "Customer.read".to_owned()];
    Auth::OAuth { client_id: "id".into(), secret: "secret".to_owned().into(), scope }
}

/// A clock that a test moves.
fn clock() -> (Arc<AtomicI64>, Clock) {
    let now = Arc::new(AtomicI64::new(1_800_000_000));
    let read = Arc::clone(&now);
    (now, Arc::new(move || DateTime::<Utc>::from_timestamp(read.load(Ordering::Relaxed), 0).unwrap()))
}

#[tokio::test]
async fn a_client_and_an_account_get_in_by_basic() {
    let server = Server::default();
    server.put(json!({"id": "c1"}));
    server.lock().lets_in = Some("Basic aWQ6c2VjcmV0".into());
    let reader = started(&server, |_| ()).await;
    assert!(reader.get(&id("c1")).await.is_ok());
    let wrong = Auth::Basic { account: "acme".into(), secret: "secret".to_owned().into() };
    let reader = started(&server, |options| options.auth = wrong).await;
    assert_eq!(reader.get(&id("c1")).await.unwrap_err().verdict, Verdict::Stop);
    assert_eq!(server.lock().seen.len(), 2, "the same credentials are not tried twice");
}

#[tokio::test]
async fn one_token_is_shared_by_all_who_wait_for_it() {
    let server = Server::default();
    server.put(json!({"id": "c1"}));
    let reader = started(&server, |options| options.auth = oauth()).await;
    let c1 = id("c1");
    let reads = futures::future::join_all((0..10).map(|_| reader.get(&c1))).await;
    assert!(reads.iter().all(Result::is_ok));
    assert_eq!(server.lock().tokens, 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_once_where_it_is_refused() {
    let server = Server::default();
    server.put(json!({"id": "c1"}));
    let (now, clock) = clock();
    let mut options = options(&server.start().await);
    options.auth = oauth();
    let reader = Reader::new(client(), options, clock).unwrap();
    let c1 = id("c1");
    let tokens = |after: i64| {
        now.fetch_add(after, Ordering::Relaxed);
        let (reader, server, c1) = (&reader, &server, &c1);
        async move {
            reader.get(c1).await.unwrap();
            server.lock().tokens
        }
    };
    assert_eq!(tokens(0).await, 1);
    assert_eq!(tokens(3_500).await, 1);
    assert_eq!(tokens(50).await, 2, "a minute before its end");
    server.lock().lets_in = Some("Bearer revoked".into());
    let all = futures::future::join_all((0..5).map(|_| reader.get(&c1))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(server.lock().tokens, 3, "refused five times, renewed once");
}

#[tokio::test]
async fn a_token_that_is_refused_again_stops() {
    let server = Server::default();
    let reader = started(&server, |options| {
        options.auth = Auth::Jwt { uid: "u1".into(), secret: "secret".to_owned().into() };
    })
    .await;
    server.lock().lets_in = Some("Bearer other".into());
    assert_eq!(reader.get(&id("c1")).await.unwrap_err().verdict, Verdict::Stop);
    assert_eq!(server.lock().seen.len(), 2);
}

#[tokio::test]
async fn refused_credentials_for_a_token_stop_and_show_no_secret() {
    let server = Server::default();
    let auth = Auth::OAuth { client_id: "id".into(), secret: "wrong".to_owned().into(), scope: vec![] };
    let reader = started(&server, |options| options.auth = auth).await;
    let error = reader.get(&id("c1")).await.unwrap_err();
    assert_eq!((error.call, error.verdict), ("token", Verdict::Stop));
    assert!(!format!("{error} {error:?} {reader:?}").contains("wrong"));
}

async fn door(status: u16, location: String) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let answer = move || async move {
        (StatusCode::from_u16(status).unwrap(), [("location", location.clone())]).into_response()
    };
    let app = Router::new().route("/a/acme/api/v3/openapi.json", any(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    at.parse().unwrap()
}

#[tokio::test]
async fn the_world_is_where_the_front_door_points() {
    let server = Server::default();
    let at = server.start().await;
    for status in [302, 307] {
        let www = door(status, format!("{at}/a/acme/api/v3/openapi.json")).await;
        let found = world(&client(), &"acme".parse().unwrap(), &www).await.unwrap();
        assert_eq!(found.as_str(), format!("{at}/a/acme/api/v3"));
    }
    assert!(server.lock().seen.is_empty(), "the redirect is read, not followed");
    for (status, location) in [(200, "x"), (301, at.as_str()), (404, "x"), (302, "/login")] {
        let www = door(status, location.to_owned()).await;
        let error = world(&client(), &"acme".parse().unwrap(), &www).await.unwrap_err();
        assert_eq!(error.verdict, Verdict::Stop, "{status}");
    }
    let unknown = door(302, at).await;
    assert!(world(&client(), &"nobody".parse().unwrap(), &unknown).await.is_err());
}
