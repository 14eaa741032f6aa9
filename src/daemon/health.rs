//! `/healthz`, `/readyz`, `/metrics`, `/status`: what a monitor and a person on call ask. Counts, states and ids of ours; nothing personal, and
//! nothing can be changed here.

use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::State as Shared,
    http::{HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{Ready, State, port::Bounded};
use crate::{model::ShopName, observe::metrics};

/// How long whoever asks waits for the store.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a connection may last: longer than anything takes to be answered.
const LIFE: Duration = Duration::from_secs(10);

/// Looks at the store for whoever asks. Its futures are run to their end, whether or not somebody still waits.
#[async_trait]
pub trait Look: Send + Sync {
    /// Whether the store answers; else why not.
    async fn answers(&self) -> Result<(), String>;
    /// How things stand, as `anagrafe status --json` tells it.
    async fn status(&self) -> Result<Value, String>;
    /// Brings the figures that are the store's up to date.
    async fn figures(&self) -> Result<(), String>;
    /// Brings up to date what grows by itself, from what the store told last.
    fn clocks(&self);
    /// The shops that are configured.
    fn shops(&self) -> BTreeSet<ShopName>;
}

/// What the routes answer from.
#[derive(Clone)]
pub struct Health {
    /// The daemon.
    pub state: Arc<State>,
    /// The store.
    pub look: Arc<dyn Look>,
    /// The figures.
    pub figures: &'static PrometheusHandle,
}

/// Takes the port.
///
/// # Errors
/// If it is taken, or not ours to take.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        anyhow::anyhow!(
            "observe.listen: cannot listen on {address}: {error}; is another daemon running, or give another address"
        )
    })
}

/// Answers until it is stopped.
pub async fn serve(listener: TcpListener, health: Health, stop: CancellationToken) {
    let upkeep = tokio::spawn(upkeep(health.figures, stop.clone()));
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(figures))
        .route("/status", get(status))
        .layer(map_response(closes))
        .with_state(health);
    let served = axum::serve(Bounded::new(listener, LIFE), router).with_graceful_shutdown(stop.cancelled_owned()).await;
    if let Err(error) = served {
        tracing::error!(%error, "health is not served any more");
    }
    upkeep.abort();
}

/// One call a connection: none is kept for the next, which would be cut in the midst of it once its time is over.
async fn closes(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Histograms are folded now and then, or they grow.
async fn upkeep(figures: &'static PrometheusHandle, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(5)) => figures.run_upkeep(),
        }
    }
}

async fn healthz(Shared(health): Shared<Health>) -> Response {
    match health.state.liveness.stuck() {
        None => (StatusCode::OK, "alive\n").into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn readyz(Shared(health): Shared<Health>) -> Response {
    if let Ready::No(why) = health.state.ready() {
        return unavailable(&why);
    }
    let look = Arc::clone(&health.look);
    match patiently(async move { look.answers().await }).await {
        Ok(()) => (StatusCode::OK, format!("ready ({})\n", health.state.activity().as_str())).into_response(),
        Err(why) => unavailable(&why),
    }
}

async fn figures(Shared(health): Shared<Health>) -> Response {
    let (look, asked) = (Arc::clone(&health.look), Arc::clone(&health.look));
    // Whether it answers is asked by itself: to count what is in it may take longer than anybody waits.
    let (answers, told) =
        tokio::join!(patiently(async move { asked.answers().await }), patiently(async move { look.figures().await }));
    // What is known without the store is told without it.
    if let Err(why) = &told {
        tracing::debug!(%why, "the figures of the store are old");
    }
    metrics::readiness(health.state.ready() == Ready::Yes && answers.is_ok(), answers.is_ok());
    health.look.clocks();
    let text = metrics::rendered(health.figures, &health.look.shops());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

async fn status(Shared(health): Shared<Health>) -> Response {
    let look = Arc::clone(&health.look);
    let looked = patiently(async move { look.status().await }).await;
    let mut shown = health.state.shown();
    // As `/readyz` has it.
    shown.not_ready = shown.not_ready.or_else(|| looked.as_ref().err().cloned());
    let daemon = json!(shown);
    match looked {
        Ok(Value::Object(mut status)) => {
            status.insert("daemon".into(), daemon);
            Json(status).into_response()
        }
        Ok(_) => Json(json!({ "daemon": daemon })).into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "daemon": daemon, "error": why }))).into_response(),
    }
}

fn unavailable(why: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
}

/// Asks the store in a task of its own: whoever asked may leave, and a transaction that is left half done is not given up in mid-air.
async fn patiently<T: Send + 'static>(
    work: impl Future<Output = Result<T, String>> + Send + 'static,
) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, tokio::spawn(work)).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => Err("the question could not be asked".into()),
        Err(_elapsed) => Err("the store does not answer".into()),
    }
}
