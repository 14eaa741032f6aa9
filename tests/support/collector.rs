//! What takes traces, over real HTTP: it speaks OTLP, keeps what it is sent, and behaves as badly as it is told to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse as _, Response},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value as Any},
    trace::v1::{Span as Sent, status::StatusCode as Status},
};
use prost::Message as _;
use serde_json::{Value, json};

/// How it behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It takes what it is sent.
    Takes,
    /// It refuses, with this status.
    Refuses(u16),
    /// It answers what is no OTLP.
    Babbles,
    /// It takes the connection and never answers.
    Hangs,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A span, as a test looks at it.
#[derive(Debug, Clone)]
pub struct Span {
    pub name: String,
    pub trace: String,
    pub id: String,
    /// None: it is a root.
    pub parent: Option<String>,
    pub attributes: BTreeMap<String, Value>,
    pub links: Vec<String>,
    pub failed: bool,
    pub events: usize,
    pub kind: i32,
    pub start: u64,
    pub end: u64,
}

impl Span {
    /// What an attribute says; null where there is none.
    pub fn says(&self, name: &str) -> Value {
        self.attributes.get(name).cloned().unwrap_or_default()
    }

    /// Whether it is a request.
    pub fn is_call(&self) -> bool {
        self.attributes.contains_key("anagrafe.system")
    }
}

#[derive(Clone)]
struct Inside {
    mood: Mood,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
}

/// Takes traces for as long as it lives.
pub struct Collector {
    pub port: u16,
    inside: Inside,
    serving: tokio::task::JoinHandle<()>,
}

impl Collector {
    pub async fn start(mood: Mood) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let inside = Inside { mood, deliveries: Arc::default() };
        let router = Router::new().fallback(take).with_state(inside.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, inside, serving }
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The table of a configuration that sends traces here.
    pub fn table(&self) -> String {
        format!("[observe]\notlp_endpoint = \"{}\"", self.endpoint())
    }

    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inside.deliveries.lock().unwrap().clone()
    }

    pub fn forget(&self) {
        self.inside.deliveries.lock().unwrap().clear();
    }

    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        self.deliveries().into_iter().map(|one| ExportTraceServiceRequest::decode(one.body).unwrap()).collect()
    }

    /// What is said of the process that traces, once for each batch.
    pub fn resources(&self) -> Vec<BTreeMap<String, Value>> {
        let batches = self.requests().into_iter().flat_map(|request| request.resource_spans);
        batches.map(|batch| attributes(batch.resource.unwrap().attributes)).collect()
    }

    /// All spans, in the order of their beginning.
    pub fn spans(&self) -> Vec<Span> {
        let batches = self.requests().into_iter().flat_map(|request| request.resource_spans);
        let scopes = batches.flat_map(|batch| batch.scope_spans);
        let mut spans: Vec<Span> = scopes.flat_map(|scope| scope.spans).map(span).collect();
        spans.sort_by_key(|span| span.start);
        spans
    }

    /// Spans by trace.
    pub fn traces(&self) -> BTreeMap<String, Vec<Span>> {
        let mut traces = BTreeMap::<String, Vec<Span>>::new();
        for span in self.spans() {
            traces.entry(span.trace.clone()).or_default().push(span);
        }
        traces
    }

    /// The traces whose root has this name, in the order of their beginning; each is one whole tree.
    pub fn trees(&self, name: &str) -> Vec<Tree> {
        let mut trees: Vec<Tree> =
            self.traces().into_values().map(Tree::of).filter(|tree| tree.root().name == name).collect();
        trees.sort_by_key(|tree| tree.root().start);
        trees
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One trace.
#[derive(Debug)]
pub struct Tree(pub Vec<Span>);

impl Tree {
    /// It has one root, and whoever has a parent has it here, beginning no later.
    pub fn of(spans: Vec<Span>) -> Self {
        let ids: BTreeMap<&str, u64> = spans.iter().map(|span| (span.id.as_str(), span.start)).collect();
        assert_eq!(ids.len(), spans.len(), "each has an id of its own");
        assert_eq!(spans.iter().filter(|span| span.parent.is_none()).count(), 1, "{spans:#?}");
        for span in &spans {
            assert!(span.end >= span.start, "{span:?}");
            let Some(parent) = &span.parent else { continue };
            assert!(ids.get(parent.as_str()).is_some_and(|start| *start <= span.start), "{span:?}");
        }
        Self(spans)
    }

    pub fn root(&self) -> &Span {
        self.0.iter().find(|span| span.parent.is_none()).unwrap()
    }

    pub fn named(&self, name: &str) -> Vec<&Span> {
        self.0.iter().filter(|span| span.name == name).collect()
    }

    pub fn calls(&self) -> Vec<&Span> {
        self.0.iter().filter(|span| span.is_call()).collect()
    }

    pub fn parent(&self, of: &Span) -> &Span {
        let parent = of.parent.as_ref().unwrap();
        self.0.iter().find(|span| span.id == *parent).unwrap()
    }

    /// The names of those that have a parent of this name.
    pub fn below(&self, name: &str) -> BTreeSet<&str> {
        let children = self.0.iter().filter(|span| span.parent.is_some() && self.parent(span).name == name);
        children.map(|span| span.name.as_str()).collect()
    }
}

async fn take(State(inside): State<Inside>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    inside.deliveries.lock().unwrap().push(Delivery { path: uri.path().to_owned(), headers, body });
    match inside.mood {
        Mood::Takes => StatusCode::OK.into_response(),
        Mood::Refuses(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Mood::Babbles => "<html>It works!</html>".into_response(),
        Mood::Hangs => std::future::pending().await,
    }
}

fn span(sent: Sent) -> Span {
    Span {
        name: sent.name,
        trace: hex::encode(sent.trace_id),
        id: hex::encode(sent.span_id),
        parent: Some(hex::encode(sent.parent_span_id)).filter(|id| !id.is_empty()),
        attributes: attributes(sent.attributes),
        links: sent.links.into_iter().map(|link| hex::encode(link.trace_id)).collect(),
        failed: sent.status.is_some_and(|status| status.code == Status::Error as i32),
        events: sent.events.len(),
        kind: sent.kind,
        start: sent.start_time_unix_nano,
        end: sent.end_time_unix_nano,
    }
}

fn attributes(attributes: Vec<KeyValue>) -> BTreeMap<String, Value> {
    attributes.into_iter().map(|one| (one.key, one.value.map(value).unwrap_or_default())).collect()
}

fn value(value: AnyValue) -> Value {
    match value.value {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::BoolValue(yes)) => json!(yes),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::DoubleValue(number)) => json!(number),
        other => json!(format!("{other:?}")),
    }
}
