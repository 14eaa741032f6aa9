//! Where a request meets its system: reads it, lets the faults in force act, journals it, answers. Knows nothing of
//! contacts or customers.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body as HttpBody, to_bytes},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderMap, Request as HttpRequest};

use super::{
    faults::{FaultKind, Faults, Quirks},
    garble,
    journal::{Entry, Journal},
    serve::Peer,
    wire::{Body, Reply, Request, System},
};

/// No request of either system is near this.
const LONGEST_BODY: usize = 16 << 20;
/// What Node reads of a request before its body, by default.
const LONGEST_HEAD: usize = 8 << 10;

/// One system's desk.
pub(super) struct Desk {
    pub(super) system: Arc<dyn System>,
    /// The shop's name, where it is a shop.
    pub(super) shop: Option<String>,
    pub(super) journal: Arc<Journal>,
    pub(super) faults: Arc<Faults>,
    pub(super) latency: Duration,
}

impl Desk {
    /// Answers one request.
    pub(super) async fn serve(self: Arc<Self>, peer: Peer, http: HttpRequest<HttpBody>) -> Response {
        let at = self.journal.now();
        let (head, body) = http.into_parts();
        let length = head_length(head.uri.path(), head.uri.query(), &head.headers);
        // Over the cap the body counts as empty; both systems then refuse it as they refuse an empty one.
        let body = to_bytes(body, LONGEST_BODY).await.unwrap_or_default();
        let call = self.system.call(&head.method, head.uri.path());
        let faults = self.faults.strike(self.shop.as_deref(), call);
        let request = Request {
            call,
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            headers: head.headers,
            body,
            quirks: Quirks::of(&faults),
        };
        let visit = Visit { desk: &self, at, request: &request, faults: &faults };
        tokio::time::sleep(self.latency + extra_latency(&faults)).await;
        if length > LONGEST_HEAD {
            return visit.finish(&Reply::text(431, "Request Header Fields Too Large").with("connection", "close"));
        }
        visit.answer(&peer).await
    }
}

/// One request at the desk.
struct Visit<'a> {
    desk: &'a Arc<Desk>,
    at: Duration,
    request: &'a Request,
    faults: &'a [FaultKind],
}

impl Visit<'_> {
    async fn answer(&self, peer: &Peer) -> Response {
        for fault in self.faults {
            match fault {
                FaultKind::Status { status, retry_after, body } => {
                    return self.finish(&garble::refusal(*status, *retry_after, body.as_deref()));
                }
                FaultKind::Redirect { location } => {
                    return self.finish(&Reply::empty(302).with("location", location.clone()));
                }
                FaultKind::ResetBefore => {
                    self.journal(None);
                    peer.reset();
                    return std::future::pending().await;
                }
                FaultKind::HangBefore => {
                    self.journal(None);
                    return std::future::pending().await;
                }
                FaultKind::LateApply { ms } => {
                    self.apply_later(Duration::from_millis(*ms));
                    return std::future::pending().await;
                }
                // These act after the system has answered, or within it.
                FaultKind::StatusAfter { .. }
                | FaultKind::ResetAfter
                | FaultKind::HangAfter
                | FaultKind::Latency { .. }
                | FaultKind::Truncated
                | FaultKind::NotJson
                | FaultKind::InvalidUtf8
                | FaultKind::Nested { .. }
                | FaultKind::Huge { .. }
                | FaultKind::Bomb { .. }
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
        let mut reply = self.desk.system.answer(self.request);
        garble::record(&mut reply, self.faults);
        garble::page(&mut reply, self.request.call, self.faults, &self.desk.faults);
        let unanswered = [FaultKind::ResetAfter, FaultKind::HangAfter].iter().any(|fault| self.faults.contains(fault));
        if unanswered {
            self.journal(Some((&reply, 0)));
            if self.faults.contains(&FaultKind::ResetAfter) {
                peer.reset();
            }
            return std::future::pending().await;
        }
        if let Some(status) = self.faults.iter().find_map(status_after) {
            self.journal(Some((&reply, status)));
            return garble::transport(&garble::refusal(status, None, None), self.faults);
        }
        self.finish(&reply)
    }

    /// The request is applied when its sender has long given up; journalled then, since it counts from then.
    fn apply_later(&self, delay: Duration) {
        let desk = Arc::clone(self.desk);
        let request = self.request.clone();
        let faults = self.faults.to_vec();
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let reply = desk.system.answer(&request);
            let visit = Visit { desk: &desk, at: desk.journal.now(), request: &request, faults: &faults };
            visit.journal(Some((&reply, 0)));
        });
    }

    fn finish(&self, reply: &Reply) -> Response {
        self.journal(Some((reply, reply.status)));
        garble::transport(reply, self.faults)
    }

    /// `None`: nothing was applied and nothing answered.
    fn journal(&self, outcome: Option<(&Reply, u16)>) {
        let request = self.request;
        self.desk.journal.write(Entry {
            at: self.at,
            system: self.desk.system.name(),
            shop: self.desk.shop.clone(),
            method: request.method.to_string(),
            path: request.path.clone(),
            query: request.query.clone(),
            call: request.call,
            sent: sent(&request.body),
            status: outcome.map_or(0, |(_, status)| status),
            rows: outcome.and_then(|(reply, _)| row_count(reply)),
            wrote: outcome.and_then(|(reply, _)| reply.wrote.clone()),
            faults: self.faults.iter().map(FaultKind::name).collect(),
        });
    }
}

const fn status_after(fault: &FaultKind) -> Option<u16> {
    if let FaultKind::StatusAfter { status } = fault { Some(*status) } else { None }
}

fn sent(body: &Bytes) -> Option<serde_json::Value> {
    if body.is_empty() { None } else { serde_json::from_slice(body).ok() }
}

fn row_count(reply: &Reply) -> Option<usize> {
    let Body::Json(value) = &reply.body else { return None };
    value.as_array().or_else(|| value.get("contacts")?.as_array()).map(Vec::len)
}

fn extra_latency(faults: &[FaultKind]) -> Duration {
    let ms = |fault: &FaultKind| if let FaultKind::Latency { ms } = fault { *ms } else { 0 };
    Duration::from_millis(faults.iter().map(ms).sum())
}

/// The request line and the headers, as they went over the wire.
fn head_length(path: &str, query: Option<&str>, headers: &HeaderMap) -> usize {
    let line = path.len() + query.map_or(0, |query| query.len() + 1) + "POST  HTTP/1.1\r\n".len();
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len() + 4;
    line + headers.iter().map(header).sum::<usize>()
}
