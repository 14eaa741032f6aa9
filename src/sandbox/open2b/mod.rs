//! Open2b in miniature: `POST /api/v{6..13}/commerce.contacts.{method}`, from the vendor's page for 7.5 and its pages on
//! calling and failing. What those pages leave open is an option, and answers in the least convenient way by default:
//! the default order is not by id, the default limit is small, a missing e-mail is `null`, `""` or absent.

mod checks;
mod methods;
mod records;

use std::{
    collections::VecDeque,
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use http::Method;

use super::{
    population::ShopContact,
    wire::{Reply, Request, System, lock},
};
use records::Records;

/// The versions of the API that are served.
const VERSIONS: std::ops::RangeInclusive<u8> = 6..=13;
/// The methods of contacts.
pub(super) const METHODS: [&str; 6] =
    ["contacts.find", "contacts.get", "contacts.count", "contacts.create", "contacts.update", "contacts.delete"];

/// How this shop behaves where the vendor's pages leave it open.
#[derive(Debug, Clone)]
pub struct ShopOptions {
    /// The key it accepts.
    pub secret_key: String,
    /// The header the key comes in: the vendor's pages name two.
    pub key_header: String,
    /// The methods the key is granted (`contacts.find`, …).
    pub granted: Vec<String>,
    /// The most rows of an answer, whatever was asked for.
    pub max_page: Option<usize>,
    /// The rows of an answer where no limit was sent.
    pub default_limit: usize,
    /// The limit of calls.
    pub call_limit: Option<CallLimit>,
}

impl Default for ShopOptions {
    fn default() -> Self {
        Self {
            secret_key: "sandbox-secret-key".into(),
            key_header: "x-secret-key".into(),
            granted: METHODS.map(str::to_owned).to_vec(),
            max_page: None,
            default_limit: 10,
            call_limit: None,
        }
    }
}

/// So many calls in any such time. The vendor says 1000 (once 200) per 5 minutes, and not how a refusal looks.
#[derive(Debug, Clone, Copy)]
pub struct CallLimit {
    /// Calls.
    pub calls: usize,
    /// Within.
    pub per: Duration,
    /// The status of a refusal.
    pub status: u16,
    /// Whether a refusal says when to come again: `None`, in seconds, or as a date.
    pub retry_after: Option<RetryForm>,
}

/// The two forms of `Retry-After`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryForm {
    /// Seconds.
    Seconds,
    /// An HTTP date.
    Date,
}

/// The shop.
pub struct Shop {
    options: Mutex<ShopOptions>,
    records: Mutex<Records>,
    recent: Mutex<VecDeque<Instant>>,
}

impl Shop {
    pub(super) fn new(options: ShopOptions, contacts: Vec<ShopContact>) -> Self {
        let records = Mutex::new(Records::new(contacts));
        Self { options: Mutex::new(options), records, recent: Mutex::default() }
    }

    /// Changes how the shop behaves, from the next request on.
    pub fn set_options(&self, change: impl FnOnce(&mut ShopOptions)) {
        change(&mut lock(&self.options));
    }

    /// How it behaves.
    #[must_use]
    pub fn options(&self) -> ShopOptions {
        lock(&self.options).clone()
    }

    /// Every contact, those not yet visible included, by id.
    #[must_use]
    pub fn contacts(&self) -> Vec<ShopContact> {
        lock(&self.records).all()
    }

    /// Adds a contact as the shop's staff would; its id is given, whatever was in it. Nothing is validated: a shop
    /// holds records older than its checks.
    pub fn add_contact(&self, contact: ShopContact) -> i64 {
        lock(&self.records).add(contact, true)
    }

    /// Adds a contact whose id is given now and which becomes visible only by [`Shop::show_contact`]: a transaction
    /// that commits late.
    pub fn add_late_contact(&self, contact: ShopContact) -> i64 {
        lock(&self.records).add(contact, false)
    }

    /// Makes a late contact visible. False if it was not hidden.
    pub fn show_contact(&self, id: i64) -> bool {
        lock(&self.records).show(id)
    }

    /// Adds a contact under an id below the highest that nobody has: it becomes visible only now, though its id was given
    /// long ago. False if there is no such id to be had.
    pub fn add_contact_below(&self, id: i64, contact: ShopContact) -> bool {
        lock(&self.records).add_at(id, contact)
    }

    /// Edits a contact in place. False if there is none.
    pub fn edit_contact(&self, id: i64, edit: impl FnOnce(&mut ShopContact)) -> bool {
        lock(&self.records).edit(id, edit)
    }

    /// Deletes a contact. False if there was none.
    pub fn delete_contact(&self, id: i64) -> bool {
        lock(&self.records).delete(id)
    }

    /// The refusal of a call beyond the limit; counts the call.
    fn throttled(&self, limit: CallLimit) -> Option<Reply> {
        let now = Instant::now();
        let mut recent = lock(&self.recent);
        while recent.front().is_some_and(|then| now.duration_since(*then) >= limit.per) {
            recent.pop_front();
        }
        if recent.len() < limit.calls {
            recent.push_back(now);
            return None;
        }
        let wait = recent.front().map_or(limit.per, |then| limit.per.saturating_sub(now.duration_since(*then)));
        // Rounded up: who comes back after exactly this long must be let in.
        let seconds = wait.as_secs() + 1;
        let refusal = Reply::text(limit.status, "Call limit exceeded");
        Some(match limit.retry_after {
            None => refusal,
            Some(RetryForm::Seconds) => refusal.with("retry-after", seconds.to_string()),
            Some(RetryForm::Date) => {
                let then = SystemTime::now() + Duration::from_secs(seconds);
                refusal.with("retry-after", httpdate::fmt_http_date(then))
            }
        })
    }
}

impl System for Shop {
    fn name(&self) -> &'static str {
        "open2b"
    }

    fn call(&self, _: &Method, path: &str) -> &'static str {
        let Some(name) = method_of(path) else { return "unknown" };
        METHODS.iter().find(|method| **method == name).copied().unwrap_or("unknown")
    }

    /// Whatever is wrong before the request is understood has another status than 200 and a body that is not JSON.
    fn answer(&self, request: &Request) -> Reply {
        let options = self.options();
        if request.call == "unknown" {
            return Reply::text(404, "Not Found");
        }
        if request.method != Method::POST {
            return Reply::text(405, "Method Not Allowed").with("allow", "POST");
        }
        if request.header(&options.key_header) != Some(options.secret_key.as_str()) {
            return Reply::text(403, "Forbidden");
        }
        if let Some(refusal) = options.call_limit.and_then(|limit| self.throttled(limit)) {
            return refusal;
        }
        let Ok(body) = serde_json::from_slice(&request.body) else { return Reply::text(400, "Bad Request") };
        if !options.granted.iter().any(|method| method == request.call) {
            return checks::Refusal::access_denied(request.call).reply();
        }
        let mut records = lock(&self.records);
        methods::run(&mut records, &options, request, &body).unwrap_or_else(|refusal| refusal.reply())
    }
}

/// `/api/v10/commerce.contacts.find` → `contacts.find`, where the version is one that is served.
fn method_of(path: &str) -> Option<&str> {
    let (version, method) = path.strip_prefix("/api/v")?.split_once('/')?;
    VERSIONS.contains(&version.parse().ok()?).then_some(())?;
    method.strip_prefix("commerce.")
}
