//! A shop: one method for each call of the contacts API. Retries, limits and deadlines are [`crate::http`]'s; here is what
//! an answer of Open2b means.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::value::RawValue;
use url::Url;

use super::{
    page::{self, Page, Record},
    wire::{
        Body, Conditions, ContactPatch, Count, Create, Delete, ErrorKind, Field, FindQuery, Get, NewContact, Order,
        Said, ShopError, Update,
    },
};
use crate::{
    http::{Ambient, Answer, Call, CallError, Cause, Client, Judgement, Limits, Safety, Transport, Verdict},
    model::{ContactId, ShopName},
};

/// How a shop is reached.
#[derive(Debug, Clone)]
pub struct ShopOptions {
    /// Its name in the configuration; errors say it.
    pub name: ShopName,
    /// `https://shop.example.com`, a path in front of the prefix included.
    pub url: Url,
    /// The app's secret key.
    pub secret_key: SecretString,
    /// The header that carries it: `X-Secret-Key`.
    pub key_header: String,
    /// `/api`.
    pub api_prefix: String,
    /// 10.
    pub api_version: u16,
    /// Contacts per page of a reading, at least 1.
    pub page_size: u32,
    /// For one try of a call.
    pub timeout: Duration,
}

/// Options no shop can be reached with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadShop {
    /// Not a web address, or one that says more than where the shop is.
    #[error("url must be http://… or https://… without user, query or fragment")]
    Url,
    /// Not the name of an HTTP header.
    #[error("key_header is not the name of an HTTP header; the vendor's is X-Secret-Key")]
    KeyHeader,
    /// Characters that no header can carry.
    #[error("secret_key holds characters that an HTTP header cannot carry: was it cut out with a line break?")]
    SecretKey,
}

/// One Open2b installation.
#[derive(Clone)]
pub struct Shop {
    name: ShopName,
    client: Client,
    /// `…/api/v10`, without a slash at its end.
    base: Url,
    headers: HeaderMap,
    page_size: u32,
    timeout: Duration,
}

/// A call of the API: what it is named here, and what a refusal of it means.
#[derive(Clone, Copy)]
struct Endpoint {
    name: &'static str,
    safety: Safety,
    refused: Verdict,
}

// A refused reading is refused for every page; a refused contact only for that one.
const FIND: Endpoint = Endpoint { name: "contacts.find", safety: Safety::Read, refused: Verdict::Stop };
const COUNT: Endpoint = Endpoint { name: "contacts.count", safety: Safety::Read, refused: Verdict::Stop };
const GET: Endpoint = Endpoint { name: "contacts.get", safety: Safety::Read, refused: Verdict::Park };
const CREATE: Endpoint = Endpoint { name: "contacts.create", safety: Safety::Write, refused: Verdict::Park };
const UPDATE: Endpoint = Endpoint { name: "contacts.update", safety: Safety::Write, refused: Verdict::Park };
const DELETE: Endpoint = Endpoint { name: "contacts.delete", safety: Safety::Write, refused: Verdict::Park };

impl Shop {
    /// A client for the shop; connects to nothing.
    ///
    /// # Errors
    /// Where no request could be formed from the options.
    pub fn new(
        options: ShopOptions,
        transport: Arc<dyn Transport>,
        limits: Limits,
        ambient: Ambient,
    ) -> Result<Self, BadShop> {
        let key_header = HeaderName::try_from(&options.key_header).map_err(|_| BadShop::KeyHeader)?;
        let mut key = HeaderValue::try_from(options.secret_key.expose_secret()).map_err(|_| BadShop::SecretKey)?;
        key.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let headers = [(header::CONTENT_TYPE, json.clone()), (header::ACCEPT, json), (key_header, key)];
        Ok(Self {
            client: Client::with(&format!("shop {}", options.name), transport, limits, ambient),
            base: base(&options)?,
            headers: headers.into_iter().collect(),
            name: options.name,
            page_size: options.page_size.max(1),
            timeout: options.timeout,
        })
    }

    /// The contacts after `after`, by rising id, with these fields (`id` is always asked for): one page of a reading.
    ///
    /// # Errors
    /// Where the call fails, or the page does not advance ([`Verdict::Stop`]).
    pub async fn page(&self, after: i64, fields: &[Field]) -> Result<Page, CallError> {
        let after = after.max(0);
        let query = FindQuery {
            conditions: Conditions { customer: None, after: Some(after) },
            fields: Field::with_id(fields),
            order: vec![Order { by: Field::Id, descending: false }],
            limit: self.page_size,
            first: None,
        };
        let records = self.find(&query).await?;
        page::page(records, after).map_err(|disorder| self.untrusted(FIND, disorder.to_string()))
    }

    /// The contacts that meet the conditions, as the shop orders them.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn find(&self, query: &FindQuery) -> Result<Vec<Record>, CallError> {
        let answer = self.call(FIND, query).await?;
        let body = Body::of(&answer.body);
        let member = member(&body, "contacts");
        let records = member.and_then(|raw| page::records(raw, body.corrupt()));
        records.ok_or_else(|| self.lacking(FIND, "contacts"))
    }

    /// The contact with this id; `None` only where the shop says `null`.
    ///
    /// # Errors
    /// Where the call fails, or another contact comes back.
    pub async fn get(&self, id: ContactId) -> Result<Option<Record>, CallError> {
        self.get_fields(id, &Field::ALL).await
    }

    /// The same with these fields only (`id` is always asked for); the others are blank.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn get_fields(&self, id: ContactId, fields: &[Field]) -> Result<Option<Record>, CallError> {
        let answer = self.call(GET, &Get { id, fields: &Field::with_id(fields) }).await?;
        let body = Body::of(&answer.body);
        // A missing member is not a missing contact: a deletion may be concluded from this.
        let raw = member(&body, "contact").ok_or_else(|| self.lacking(GET, "contact"))?;
        if raw.get() == "null" {
            return Ok(None);
        }
        let record = page::record(raw.get(), body.corrupt());
        match record.id() {
            Some(other) if other != id => {
                Err(self
                    .untrusted(GET, format!("contact {id} was asked for, and {other} came: no answer can be trusted")))
            }
            Some(_) | None => Ok(Some(record)),
        }
    }

    /// How many contacts meet the conditions; without any, how many there are.
    ///
    /// # Errors
    /// Where the call fails.
    pub async fn count(&self, conditions: Conditions) -> Result<u64, CallError> {
        let conditions = (conditions != Conditions::default()).then_some(conditions);
        let answer = self.call(COUNT, &Count { conditions }).await?;
        let body = Body::of(&answer.body);
        let count = member(&body, "count").and_then(|raw| serde_json::from_str(raw.get()).ok());
        count.ok_or_else(|| self.lacking(COUNT, "count"))
    }

    /// Creates a contact.
    ///
    /// # Errors
    /// Where the call fails, or may have succeeded ([`Verdict::Unknown`]).
    pub async fn create(&self, contact: &NewContact) -> Result<ContactId, CallError> {
        let answer = self.call(CREATE, &Create { contact }).await?;
        let body = Body::of(&answer.body);
        let id = member(&body, "id").and_then(|raw| serde_json::from_str(raw.get()).ok());
        id.ok_or_else(|| self.lacking(CREATE, "id"))
    }

    /// Changes the fields that the patch holds.
    ///
    /// # Errors
    /// Where the call fails, or may have succeeded ([`Verdict::Unknown`]).
    pub async fn update(&self, id: ContactId, patch: &ContactPatch) -> Result<(), CallError> {
        self.call(UPDATE, &Update { id, contact: patch }).await.map(drop)
    }

    /// Deletes contacts.
    ///
    /// # Errors
    /// Where the call fails, or may have succeeded ([`Verdict::Unknown`]).
    pub async fn delete(&self, ids: &[ContactId]) -> Result<(), CallError> {
        self.call(DELETE, &Delete { ids }).await.map(drop)
    }

    /// Requests so far, by call name.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.client.calls()
    }

    /// The shop's name.
    #[must_use]
    pub fn name(&self) -> &ShopName {
        &self.name
    }

    async fn call<T: Serialize + Sync>(&self, endpoint: Endpoint, request: &T) -> Result<Answer, CallError> {
        let body = serde_json::to_vec(request).map_err(|_| {
            self.client.failed(endpoint.name, Verdict::Park, Cause::Protocol("the request is not JSON".to_owned()))
        })?;
        let mut url = self.base.clone();
        url.set_path(&format!("{}/commerce.{}", self.base.path(), endpoint.name));
        let call = Call {
            name: endpoint.name,
            safety: endpoint.safety,
            method: Method::POST,
            url,
            headers: self.headers.clone(),
            body: Some(Bytes::from(body)),
            timeout: self.timeout,
            permit: None,
            paid: false,
        };
        self.client.call(call, &|answer| self.judge(endpoint, answer)).await
    }

    /// Only 200 with `"status": "ok"` is success. A 200 without JSON is a page of something in front of the shop, most often
    /// one that says it is being maintained: that passes, so it is tried again, and nothing of it is believed meanwhile. If
    /// it stays (a login page), every run ends with the same words.
    fn judge(&self, endpoint: Endpoint, answer: &Answer) -> Judgement {
        if answer.status != StatusCode::OK {
            return self.judge_status(answer.status);
        }
        match Said::read(&Body::of(&answer.body).text) {
            Said::Ok(_) => Judgement::Good,
            Said::Refused(error) => {
                let verdict = if error.kind == ErrorKind::AccessDenied { Verdict::Stop } else { endpoint.refused };
                Judgement::Fail(verdict, Cause::Refused(refusal(endpoint, &error)))
            }
            Said::Foreign => Judgement::Fail(distrust(endpoint), Cause::Protocol(self.foreign())),
            Said::NotJson => Judgement::Again(Cause::Protocol(format!(
                "answered 200 with something that is not JSON, perhaps a login or maintenance page: open shops.{0}.url in a \
                 browser, and check shops.{0}.api_prefix",
                self.name
            ))),
        }
    }

    fn judge_status(&self, status: StatusCode) -> Judgement {
        let name = &self.name;
        let cause = |meaning| Cause::Status { status: status.as_u16(), meaning };
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Judgement::Fail(
                Verdict::Stop,
                cause(format!("the key was refused: check shops.{name}.secret_key and shops.{name}.key_header")),
            ),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Judgement::Fail(
                Verdict::Stop,
                cause(format!(
                    "no such method or API version there: check shops.{name}.url, shops.{name}.api_prefix and \
                     shops.{name}.api_version"
                )),
            ),
            StatusCode::TOO_MANY_REQUESTS => Judgement::Again(cause(format!(
                "the shop's call limit is reached: lower shops.{name}.rate if this recurs"
            ))),
            _ => Judgement::Again(cause(format!(
                "an outage of the shop, or its call limit: run again later, and lower shops.{name}.rate if this recurs"
            ))),
        }
    }

    fn foreign(&self) -> String {
        format!("answered with JSON that is not Open2b's: check shops.{0}.url and shops.{0}.api_prefix", self.name)
    }

    /// The answer said ok and lacks what the vendor's page promises.
    fn lacking(&self, endpoint: Endpoint, member: &str) -> CallError {
        self.untrusted(
            endpoint,
            format!("answered ok, but without a readable `{member}`: is shops.{}.api_version right?", self.name),
        )
    }

    fn untrusted(&self, endpoint: Endpoint, why: String) -> CallError {
        self.client.failed(endpoint.name, distrust(endpoint), Cause::Protocol(why))
    }
}

impl fmt::Debug for Shop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shop").field("name", &self.name).finish_non_exhaustive()
    }
}

fn refusal(endpoint: Endpoint, error: &ShopError) -> String {
    if error.kind == ErrorKind::AccessDenied {
        format!("AccessDenied: in the shop, grant the app the method commerce.{}", endpoint.name)
    } else {
        error.to_string()
    }
}

/// What an answer that cannot be trusted means. A write was applied all the same, as far as anybody can tell.
fn distrust(endpoint: Endpoint) -> Verdict {
    if endpoint.safety.changes() { Verdict::Unknown } else { Verdict::Stop }
}

fn member<'a>(body: &'a Body<'_>, name: &str) -> Option<&'a RawValue> {
    match Said::read(&body.text) {
        Said::Ok(members) => members.get(name).copied(),
        Said::Refused(_) | Said::Foreign | Said::NotJson => None,
    }
}

fn base(options: &ShopOptions) -> Result<Url, BadShop> {
    let mut url = options.url.clone();
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !bare {
        return Err(BadShop::Url);
    }
    let path = [url.path(), &options.api_prefix, &format!("v{}", options.api_version)]
        .map(|part| part.trim_matches('/'))
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("/");
    url.set_path(&path);
    Ok(url)
}
