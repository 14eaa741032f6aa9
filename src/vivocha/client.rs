//! [`Reader`] and [`Writer`]: one method per endpoint. What may change a customer demands a [`Writer`], so that a plan,
//! which is handed a [`Reader`], cannot.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use super::{
    auth::{Authority, Clock},
    options::{BadOptions, Options},
    query::Ask,
    search::Searched,
    session::{Request, Session},
    wire::{self, Asked},
};
use crate::{
    http::{Answer, CallError, Cause, Client, Permit, Verdict},
    model::{Customer, CustomerId},
};

/// Reads customers. Clones share one session: its token, and what it found out about searching.
#[derive(Clone)]
pub struct Reader {
    pub(super) session: Arc<Session>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("account", &self.session.options.account).finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader of the account; it calls nobody yet.
    ///
    /// # Errors
    /// Where the options could not work.
    pub fn new(client: Client, options: Options, clock: Clock) -> Result<Self, BadOptions> {
        options.check()?;
        Ok(Self { session: Arc::new(Session::new(client, options, Authority::new(clock))) })
    }

    /// Finds the customers that hold any spelling of any of these asks. Whose they are is for the caller to say, by
    /// normalised identifiers: a hit on a spelling is not yet a match.
    ///
    /// # Errors
    /// Where no search would go well: the credentials, the endpoint, a filter that is not honoured. What concerns some
    /// asks only stands in [`Searched::failed`].
    pub async fn search(&self, asks: &[Ask]) -> Result<Searched, CallError> {
        self.session.search(asks).await
    }

    /// A customer, or `None` if there is none of that id. A document with another id is an alias: what absorbed it.
    ///
    /// # Errors
    /// With a verdict.
    pub async fn get(&self, id: &CustomerId) -> Result<Option<Customer>, CallError> {
        const NAME: &str = "customers.get";
        let answer = self.read(NAME, Asked::MayBeGone, &self.session.options.endpoints.get, id).await?;
        if matches!(answer.status, http::StatusCode::NOT_FOUND | http::StatusCode::GONE) {
            return Ok(None);
        }
        let document = wire::json(&answer.body).and_then(|value| wire::customer(&self.session.options.naming, value));
        document.map(Some).map_err(|cause| self.session.client.failed(NAME, Verdict::Stop, cause))
    }

    /// The chats of a customer, in whatever shape the account has them.
    ///
    /// # Errors
    /// With a verdict; an unknown customer is one to [`Verdict::Park`].
    pub async fn history(&self, id: &CustomerId) -> Result<Value, CallError> {
        const NAME: &str = "customers.history";
        let answer = self.read(NAME, Asked::One, &self.session.options.endpoints.history, id).await?;
        wire::json(&answer.body).map_err(|cause| self.session.client.failed(NAME, Verdict::Stop, cause))
    }

    /// Requests so far, by call name; writes of a [`Writer`] over this session included.
    #[must_use]
    pub fn calls(&self) -> std::collections::BTreeMap<&'static str, u64> {
        self.session.client.calls()
    }

    /// How long a turn takes at the pace of the account.
    #[must_use]
    pub fn turn(&self) -> std::time::Duration {
        self.session.client.turn()
    }

    /// How the account is reached.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.session.options
    }

    /// The account's specification: for [`super::read_openapi`].
    ///
    /// # Errors
    /// With a verdict; an account without one is one to [`Verdict::Stop`], with status 404.
    pub async fn openapi(&self) -> Result<Value, CallError> {
        self.session.openapi().await
    }

    async fn read(
        &self,
        name: &'static str,
        asked: Asked,
        endpoint: &super::Endpoint,
        id: &CustomerId,
    ) -> Result<Answer, CallError> {
        let path = endpoint.path_for(&[("{cid}", id)]);
        let url = path.and_then(|path| self.session.options.address(&path, None));
        let url = url.map_err(|cause| self.session.client.failed(name, Verdict::Park, cause))?;
        self.session.send(Request::read(name, asked, endpoint.method.clone(), url)).await
    }
}

/// The call of an update, as reports and errors name it.
pub const UPDATE: &str = "customers.update";

/// Changes customers. What each call is for, and that it may be made, was decided and recorded before.
#[derive(Clone)]
pub struct Writer {
    reader: Reader,
    permit: Option<Arc<dyn Permit>>,
    /// Whether what it sends next is one more try that was paid for.
    paid: bool,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Writer").field(&self.reader).finish()
    }
}

impl Writer {
    /// A writer over the same session.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        Self { reader, permit: None, paid: false }
    }

    /// The same, whose writes are sent only while that is permitted. One that was not is one to [`Verdict::Stop`].
    #[must_use]
    pub fn under(&self, permit: Arc<dyn Permit>) -> Self {
        Self { permit: Some(permit), ..self.clone() }
    }

    /// The writer for one more try of a write that was tried so often and certainly was not applied ([`Verdict::Retry`]):
    /// within the same bounds in which reads are tried again, and after the same wait; `None` beyond them. What is sent then is
    /// to be found out anew: nothing here sends an old body again.
    pub async fn again(&self, tried: u32) -> Option<Self> {
        let paid = self.session().client.pay(tried).await;
        paid.then(|| Self { paid, ..self.clone() })
    }

    /// Sets these top-level fields and answers the document as it came back, or, where success was told without one, as
    /// it is read then. Compare it: some servers trim, and one that did not understand the body answers as if it had.
    ///
    /// # Errors
    /// [`Verdict::Unknown`] where it may have been applied all the same; [`Verdict::Retry`] where it certainly was not, and may
    /// be after another look; an unknown customer is one to [`Verdict::Park`], with status 404.
    pub async fn update(&self, id: &CustomerId, fields: Map<String, Value>) -> Result<Customer, CallError> {
        const NAME: &str = UPDATE;
        let refuse = |text: &str| self.failed(NAME, Cause::Protocol(text.into()));
        if fields.is_empty() {
            return Err(refuse("nothing to send: name at least one field"));
        }
        if fields.contains_key(&self.session().options.naming.id) {
            return Err(refuse("the id of a customer cannot be changed: leave it out"));
        }
        let endpoint = &self.session().options.endpoints.update;
        let body = if endpoint.method == Method::PATCH { wire::json_patch(&fields) } else { Value::Object(fields) };
        let path = endpoint.path_for(&[("{cid}", id)]).map_err(|cause| self.failed(NAME, cause))?;
        match self.write(NAME, endpoint.method.clone(), &path, Bytes::from(body.to_string())).await {
            Err(error) if told_without_document(&error) => self.read_back(id, error).await,
            written => written,
        }
    }

    /// The customer itself is better evidence than the answer to its update; where it cannot be had, the doubt stays.
    async fn read_back(&self, id: &CustomerId, doubt: CallError) -> Result<Customer, CallError> {
        self.reader.get(id).await.ok().flatten().ok_or(doubt)
    }

    /// Sends the top-level fields that differ, and nothing, without a call, where none does (`None`).
    ///
    /// # Errors
    /// As [`Writer::update`]; also where `after` is another customer's, or lacks a field that `before` has.
    pub async fn save(&self, before: &Customer, after: &Customer) -> Result<Option<Customer>, CallError> {
        let fields = wire::changed(before, after, &self.session().options.naming);
        let fields = fields.map_err(|cause| self.failed(UPDATE, cause))?;
        if fields.is_empty() { Ok(None) } else { self.update(&before.id, fields).await.map(Some) }
    }

    /// Makes one customer of two and answers it. Which id survived is in the answer, and is confirmed only by reading
    /// both. There is no way back.
    ///
    /// # Errors
    /// [`Verdict::Unknown`] where it may have been applied all the same: never send it again before a read excluded that.
    pub async fn merge(&self, survivor: &CustomerId, absorbed: &CustomerId) -> Result<Customer, CallError> {
        const NAME: &str = "customers.merge";
        if survivor == absorbed {
            return Err(self.failed(NAME, Cause::Protocol("a customer cannot be merged into itself".into())));
        }
        let call = self.session().options.endpoints.merge_call(survivor, absorbed);
        let (method, path, body) = call.map_err(|cause| self.failed(NAME, cause))?;
        self.write(NAME, method, &path, Bytes::from(body)).await
    }

    /// Once a write was answered with success, an answer that cannot be read leaves it in doubt, and no less.
    async fn write(&self, name: &'static str, method: Method, path: &str, body: Bytes) -> Result<Customer, CallError> {
        let options = &self.session().options;
        let url = options.address(path, None).map_err(|cause| self.failed(name, cause))?;
        let (permit, paid) = (self.permit.clone(), self.paid);
        let request = Request { name, asked: Asked::Write, method, url, body: Some(body), patience: 0, permit, paid };
        let answer = self.session().send(request).await?;
        let document = wire::json(&answer.body).and_then(|value| wire::customer(&options.naming, value));
        document.map_err(|cause| self.session().client.failed(name, Verdict::Unknown, cause))
    }

    fn session(&self) -> &Session {
        &self.reader.session
    }

    /// Not sent: this record's own trouble.
    fn failed(&self, name: &'static str, cause: Cause) -> CallError {
        self.session().client.failed(name, Verdict::Park, cause)
    }
}

/// Whether a write was answered with success, and only the document is missing or not legible.
fn told_without_document(error: &CallError) -> bool {
    let without = matches!(&error.cause, Cause::Status { status: 200..=299, .. } | Cause::Protocol(_));
    error.verdict == Verdict::Unknown && without
}
