//! What the real transport makes of real servers, hostile ones among them.

use std::net::SocketAddr;

use axum::{Router, body::Body, response::Response, routing::post};
use flate2::{Compression, write::GzEncoder};
use std::io::Write as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

const CAP: usize = 1 << 20;

fn transport() -> ReqwestTransport {
    let options = TransportOptions {
        connect_timeout: Duration::from_secs(3),
        read_timeout: Duration::from_secs(5),
        max_answer_bytes: CAP,
        ..TransportOptions::default()
    };
    ReqwestTransport::new(options).unwrap()
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    at
}

/// A server that reads a request and then says exactly this, on every connection, and closes.
async fn say(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0_u8; 4096];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(bytes).await;
        }
    });
    at
}

/// One try.
async fn send(url: &str) -> Result<Answer, TransportError> {
    transport().send(&call_of(Safety::Read, url)).await
}

/// A call through the engine, in hurried tries.
async fn call(url: &str, timeout: Duration) -> Result<Answer, CallError> {
    let limits = Limits { backoff: Duration::from_millis(1), tries: 2, ..fast() };
    let call = Call { timeout, ..call_of(Safety::Read, url) };
    client(Arc::new(transport()), limits).call(call, &judge).await
}

fn gzip(length: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![b'a'; length]).unwrap();
    encoder.finish().unwrap()
}

fn zipped(body: Vec<u8>) -> Response {
    Response::builder().header("content-encoding", "gzip").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn an_answer_comes_back_decompressed_with_its_status() {
    let at = serve(Router::new().route("/", post(|| async { (StatusCode::CREATED, zipped(gzip(1_000))) }))).await;
    let answer = send(&format!("http://{at}/")).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::CREATED, &[b'a'; 1_000][..]));
}

#[tokio::test]
async fn f4_a_redirect_is_never_followed() {
    let elsewhere = serve(Router::new().route("/", post(|| async { "here" }))).await;
    let there = format!("http://{elsewhere}/");
    let router =
        Router::new().route("/", post(|| async move { (StatusCode::TEMPORARY_REDIRECT, [("location", there)]) }));
    let at = serve(router).await;
    let error = call(&format!("http://{at}/"), Duration::from_secs(5)).await.unwrap_err();
    assert_eq!((error.verdict, error.cause), (Verdict::Stop, Cause::Redirect(307)));
}

#[tokio::test]
async fn f4_an_answer_beyond_the_cap_is_refused_whether_or_not_it_says_its_length() {
    let router = Router::new().route("/said", post(|| async { vec![b'a'; CAP + 1] })).route(
        "/unsaid",
        post(|| async {
            let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'a'; 8192]));
            Body::from_stream(endless)
        }),
    );
    let at = serve(router).await;
    for path in ["said", "unsaid"] {
        assert_eq!(send(&format!("http://{at}/{path}")).await.unwrap_err(), TransportError::sent(Cause::TooLarge(CAP)));
    }
}

#[tokio::test]
async fn f4_a_gzip_bomb_is_refused_at_the_cap() {
    let bomb = gzip(64 * CAP);
    assert!(bomb.len() < CAP / 8, "what travels is small");
    let at = serve(Router::new().route("/", post(|| async { zipped(bomb) }))).await;
    assert_eq!(send(&format!("http://{at}/")).await.unwrap_err(), TransportError::sent(Cause::TooLarge(CAP)));
}

#[tokio::test]
async fn f4_a_server_that_hangs_is_left_at_the_deadline() {
    let slow = || async { tokio::time::sleep(Duration::from_mins(1)).await };
    let drip = || async {
        Body::from_stream(futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>("a"), ()))
        }))
    };
    let at = serve(Router::new().route("/slow", post(slow)).route("/drip", post(drip))).await;
    for path in ["slow", "drip"] {
        let deadline = Duration::from_millis(300);
        let error = call(&format!("http://{at}/{path}"), deadline).await.unwrap_err();
        assert_eq!((error.verdict, error.cause), (Verdict::Retry, Cause::Timeout(deadline)), "{path}");
    }
}

#[tokio::test]
async fn f4_an_answer_cut_short_is_a_broken_connection() {
    let said: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"status\":",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200",
    ];
    for bytes in said {
        let at = say(bytes).await;
        assert_eq!(send(&format!("http://{at}/")).await.unwrap_err(), TransportError::sent(Cause::Broken));
    }
}

#[tokio::test]
async fn tls_to_a_server_without_it_is_told_from_no_connection() {
    let at = say(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = send(&format!("https://{at}/?q=secret")).await.unwrap_err();
    assert!(matches!(&error.cause, Cause::Tls { host, .. } if *host == at.to_string()), "{error:?}");
    assert!(!error.sent);
}

#[tokio::test]
async fn nobody_listening_or_no_such_name_means_that_nothing_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for url in [format!("http://{closed}/?email=a@b.it"), "http://no-such-shop.invalid/?email=a@b.it".to_owned()] {
        let error = send(&url).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Connect { .. }), "{error:?}");
        assert!(!error.sent);
        assert!(!format!("{error} {error:?}").contains("email"), "{error:?}");
    }
}

#[test]
fn a_ca_bundle_that_is_missing_or_empty_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "nothing").unwrap();
    for path in [dir.path().join("none.pem"), empty] {
        let options = TransportOptions { ca_bundle: Some(path.clone()), ..TransportOptions::default() };
        let error = ReqwestTransport::new(options).err().unwrap();
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
    }
}
