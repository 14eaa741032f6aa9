//! One account, reached: the HTTP client, the options, the authorisation in force. Every call of this module goes through
//! [`Session::send`].

use std::sync::{Arc, atomic::AtomicUsize};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::{
    auth::{Authority, Issued},
    options::{Options, SearchMode},
    preflight,
    wire::{Asked, Patience, judge},
};
use crate::http::{Answer, Call, CallError, Cause, Client, Permit, Safety, Verdict};

/// The longest body a write may have: theirs answer a longer one like an internal error, which says nothing of the cause.
const LONGEST_BODY: usize = 100_000;

/// Answers with fewer rows than this are taken for whole: nobody cuts at one or two.
const NEVER_CUT: usize = 3;

pub(super) struct Session {
    pub client: Client,
    pub options: Options,
    pub authority: Authority,
    /// What [`SearchMode::Auto`] turned out to be.
    mode: OnceCell<Mode>,
    /// The longest answer of a search that was seen to be whole, of a server that does not say how many match: it cuts no
    /// shorter one.
    pub uncut: AtomicUsize,
}

/// A search mode that can be acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Rql,
    Params,
}

/// One call, before it has its headers.
pub(super) struct Request {
    pub name: &'static str,
    pub asked: Asked,
    pub method: Method,
    pub url: Url,
    pub body: Option<Bytes>,
    /// How often an internal error is worth another try.
    pub patience: u32,
    /// What else has to allow it, if anything.
    pub permit: Option<Arc<dyn Permit>>,
    /// Whether it is one more try that was paid for.
    pub paid: bool,
}

impl Request {
    pub(super) fn read(name: &'static str, asked: Asked, method: Method, url: Url) -> Self {
        Self { name, asked, method, url, body: None, patience: 2, permit: None, paid: false }
    }

    fn call(&self, authorization: Option<&HeaderValue>, options: &Options) -> Call {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        if self.body.is_some() {
            // Without it their framework answers 200 and writes nothing.
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Call {
            name: self.name,
            // An agent may be at work on the customer: an old body is never sent again.
            safety: if self.asked == Asked::Write { Safety::Once } else { Safety::Read },
            method: self.method.clone(),
            url: self.url.clone(),
            headers,
            body: self.body.clone(),
            timeout: options.timeout,
            permit: self.permit.clone(),
            paid: self.paid,
        }
    }
}

impl Session {
    pub(super) fn new(client: Client, options: Options, authority: Authority) -> Self {
        Self { client, options, authority, mode: OnceCell::new(), uncut: AtomicUsize::new(NEVER_CUT) }
    }

    pub(super) async fn authorization(&self) -> Result<Issued, CallError> {
        self.authority.current(&self.client, &self.options).await
    }

    /// Sends with the authorisation in force, and once more with a new one if a token was refused: a 401 changes nothing
    /// there, so this holds for writes too.
    pub(super) async fn send(&self, request: Request) -> Result<Answer, CallError> {
        if request.body.as_ref().is_some_and(|body| body.len() > LONGEST_BODY) {
            let text = format!("not sent: the body is longer than {LONGEST_BODY} bytes, which Vivocha does not take");
            return Err(self.client.failed(request.name, Verdict::Park, Cause::Protocol(text)));
        }
        let issued = self.authorization().await?;
        match self.once(&request, Some(&issued)).await {
            Err(error) if is_status(&error, &[401]) => {
                match self.authority.instead(&issued, &self.client, &self.options).await? {
                    Some(renewed) => self.once(&request, Some(&renewed)).await,
                    None => Err(error),
                }
            }
            other => other,
        }
    }

    async fn once(&self, request: &Request, issued: Option<&Issued>) -> Result<Answer, CallError> {
        let patience = Patience::of(request.patience);
        let call = request.call(issued.map(|issued| &issued.header), &self.options);
        let asked = request.asked;
        self.client.call(call, &|answer: &Answer| judge(asked, &patience, answer)).await
    }

    /// The account's own specification. It is public as a rule; asked for without credentials first, so that wrong ones
    /// do not hide what it says.
    pub(super) async fn openapi(&self) -> Result<Value, CallError> {
        const NAME: &str = "openapi";
        let stop = |cause| self.client.failed(NAME, Verdict::Stop, cause);
        let url = self.options.address("openapi.json", None).map_err(stop)?;
        let request = Request::read(NAME, Asked::Place, Method::GET, url);
        let answer = match self.once(&request, None).await {
            Err(error) if is_status(&error, &[401, 403]) => self.send(request).await?,
            other => other?,
        };
        let document = super::wire::json(&answer.body).map_err(stop)?;
        if document.is_object() {
            Ok(document)
        } else {
            Err(stop(Cause::Protocol("openapi.json is not a specification: check vivocha.base_url".into())))
        }
    }

    /// How to search. An account without a specification gets the documented way.
    pub(super) async fn mode(&self) -> Result<Mode, CallError> {
        match self.options.search {
            SearchMode::Rql => Ok(Mode::Rql),
            SearchMode::Params => Ok(Mode::Params),
            SearchMode::Auto => self.mode.get_or_try_init(|| self.find_mode()).await.copied(),
        }
    }

    async fn find_mode(&self) -> Result<Mode, CallError> {
        match self.openapi().await {
            Ok(document) if preflight::offers_rql(&document, &self.options) => Ok(Mode::Rql),
            Ok(_) => Ok(Mode::Params),
            // No specification, or a page where one should be: neither says that RQL is offered.
            Err(error) if is_status(&error, &[404]) || matches!(error.cause, Cause::Protocol(_)) => Ok(Mode::Params),
            Err(error) => Err(error),
        }
    }
}

fn is_status(error: &CallError, statuses: &[u16]) -> bool {
    matches!(&error.cause, Cause::Status { status, .. } if statuses.contains(status))
}
