//! Vivocha in miniature: the customers of one account under `/a/{account}/api/v3`, from the vendor's class page and from
//! what its REST framework was seen to do, traps included. What is not known is an option.

mod auth;
mod customers;
mod directory;
mod errors;
mod openapi;
mod patch;
mod pattern;
mod rql;
mod world;

use std::{sync::Mutex, time::Duration};

use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::wire::{Reply, Request, System, lock};
pub use auth::AuthMode;
use auth::Callers;
use directory::Directory;
pub(super) use world::World;

/// How this account behaves where no page says, and what opens it.
#[derive(Debug, Clone)]
pub struct AccountOptions {
    /// The account's name, in every path.
    pub account: String,
    /// The API client that exists from the start.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// The account's secret token: signs tokens, and is the password of basic authentication.
    pub secret_token: String,
    /// An operator, who may create clients.
    pub user: String,
    /// The operator's password.
    pub password: String,
    /// The status of a call that lacks its scope: 401 and 403 were both seen.
    pub missing_scope: u16,
    /// How one may authenticate.
    pub accepts: Vec<AuthMode>,
    /// How long a token of OAuth lives.
    pub token_life: Duration,
    /// The rows of an answer where no limit was sent.
    pub default_limit: usize,
    /// A limit above 100 is cut to 100 instead of refused.
    pub clamps_limit: bool,
    /// The search knows `q`; otherwise it is ignored, like any parameter it does not know.
    pub offers_q: bool,
    /// The search knows `email`, `telnum` and `vvcu`.
    pub offers_params: bool,
    /// What `openapi.json` says.
    pub specification: Specification,
    /// Which id a merge leaves.
    pub survivor: Survivor,
    /// What asking for an absorbed id gives.
    pub absorbed: Absorbed,
    /// How long a search does not see what was written.
    pub search_lag: Duration,
}

/// What the account's own specification says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Specification {
    /// What the account does.
    Faithful,
    /// Everything but customers, as the vendor's public one.
    Silent,
    /// There is none.
    Missing,
}

/// The id that remains of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survivor {
    /// The one in the path.
    First,
    /// The one in the body.
    Second,
}

/// What asking for an absorbed customer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absorbed {
    /// 404.
    NotFound,
    /// 410.
    Gone,
    /// The survivor, under the survivor's id.
    AnswersAsSurvivor,
    /// The survivor, under the id that was asked for.
    AnswersUnderItsId,
}

impl Default for AccountOptions {
    fn default() -> Self {
        Self {
            account: "acme".into(),
            client_id: "sandbox-client".into(),
            client_secret: "sandbox-client-secret".into(),
            scopes: ["Customer.query", "Customer.read", "Customer.update"].map(str::to_owned).to_vec(),
            secret_token: "sandbox-account-secret-token-of-32-bytes".into(),
            user: "operator".into(),
            password: "sandbox-operator-password".into(),
            missing_scope: 403,
            accepts: vec![AuthMode::Client, AuthMode::Jwt, AuthMode::Oauth, AuthMode::Basic],
            token_life: Duration::from_hours(1),
            default_limit: 20,
            clamps_limit: false,
            offers_q: true,
            offers_params: true,
            specification: Specification::Faithful,
            survivor: Survivor::First,
            absorbed: Absorbed::NotFound,
            search_lag: Duration::ZERO,
        }
    }
}

/// What was known of customers once.
pub struct Kept(Directory);

/// The account.
pub struct Account {
    options: Mutex<AccountOptions>,
    directory: Mutex<Directory>,
    callers: Mutex<Callers>,
}

impl Account {
    pub(super) fn new(options: AccountOptions, customers: Vec<Map<String, Value>>) -> Self {
        let callers = Mutex::new(Callers::new(&options));
        Self { options: Mutex::new(options), directory: Mutex::new(Directory::new(customers)), callers }
    }

    /// Changes how the account behaves, from the next request on. Clients and the account's name are as at the start.
    pub fn set_options(&self, change: impl FnOnce(&mut AccountOptions)) {
        change(&mut lock(&self.options));
    }

    /// How it behaves.
    #[must_use]
    pub fn options(&self) -> AccountOptions {
        lock(&self.options).clone()
    }

    /// Every customer, in order of creation.
    #[must_use]
    pub fn customers(&self) -> Vec<Map<String, Value>> {
        lock(&self.directory).all()
    }

    /// One customer.
    #[must_use]
    pub fn customer(&self, id: &str) -> Option<Map<String, Value>> {
        lock(&self.directory).get(id).cloned()
    }

    /// A customer who came to chat. Keeps the `id` it brings, if that is free; answers its id.
    pub fn add_customer(&self, customer: Map<String, Value>) -> String {
        let lag = self.options().search_lag;
        lock(&self.directory).add(customer, lag)
    }

    /// Edits a customer as an agent would. False if there is none.
    pub fn edit_customer(&self, id: &str, edit: impl FnOnce(&mut Map<String, Value>)) -> bool {
        let lag = self.options().search_lag;
        let mut directory = lock(&self.directory);
        let Some(mut document) = directory.get(id).cloned() else { return false };
        edit(&mut document);
        directory.put(id, document, lag)
    }

    /// Takes a customer away. False if there was none.
    pub fn delete_customer(&self, id: &str) -> bool {
        let lag = self.options().search_lag;
        lock(&self.directory).remove(id, lag)
    }

    /// Merges two customers as an agent would. False unless both are there.
    pub fn merge_customers(&self, survivor: &str, absorbed: &str) -> bool {
        let lag = self.options().search_lag;
        survivor != absorbed && lock(&self.directory).merge(survivor, absorbed, lag).is_some()
    }

    /// Who an absorbed customer is now.
    #[must_use]
    pub fn survivor_of(&self, id: &str) -> Option<String> {
        lock(&self.directory).survivor_of(id).map(str::to_owned)
    }

    /// All that is known of customers as it is now, to be put back later.
    #[must_use]
    pub fn keep(&self) -> Kept {
        Kept(lock(&self.directory).clone())
    }

    /// Puts back what was kept: nothing has happened since.
    pub fn put_back(&self, kept: &Kept) {
        lock(&self.directory).clone_from(&kept.0);
    }

    /// Takes back every OAuth token given out.
    pub fn revoke_tokens(&self) {
        lock(&self.callers).revoke_tokens();
    }
}

/// The parts of a path below the account's base, decoded.
fn parts(path: &str) -> Option<(String, Vec<String>)> {
    let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let (account, rest) = path.strip_prefix("/a/")?.split_once('/')?;
    let rest = rest.strip_prefix("api/v3/")?;
    Some((decode(account), rest.split('/').map(decode).collect()))
}

/// Which call these parts and this verb are; and for a known path the verbs it has.
fn route(method: &Method, parts: &[&str]) -> (&'static str, &'static str) {
    let (calls, allowed): (&[(&str, &'static str)], _) = match parts {
        ["openapi.json"] => (&[("GET", "openapi"), ("HEAD", "openapi")], "GET, HEAD"),
        ["token"] => (&[("POST", "token")], "POST"),
        ["clients"] => (&[("POST", "clients.create")], "POST"),
        ["clients", _] => (&[("DELETE", "clients.delete")], "DELETE"),
        ["customers"] => (&[("GET", "customers.search")], "GET"),
        ["customers", _] => {
            let calls = &[("GET", "customers.get"), ("PUT", "customers.update"), ("PATCH", "customers.patch")];
            (calls, "GET, PUT, PATCH")
        }
        ["customers", _, "actions", "merge"] => (&[("POST", "customers.merge")], "POST"),
        ["customers", _, "history"] => (&[("GET", "customers.history")], "GET"),
        _ => (&[], ""),
    };
    let call = calls.iter().find(|(verb, _)| *verb == method.as_str());
    (call.map_or("unknown", |(_, call)| *call), allowed)
}

impl System for Account {
    fn name(&self) -> &'static str {
        "vivocha"
    }

    fn call(&self, method: &Method, path: &str) -> &'static str {
        let Some((_, parts)) = parts(path) else { return "unknown" };
        route(method, &parts.iter().map(String::as_str).collect::<Vec<_>>()).0
    }

    fn answer(&self, request: &Request) -> Reply {
        let options = self.options();
        let Some((account, parts)) = parts(&request.path) else { return errors::no_such_path(&request.path) };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let (call, allowed) = route(&request.method, &parts);
        if account != options.account || allowed.is_empty() {
            return errors::no_such_path(&request.path);
        }
        let id = parts.get(1).copied().unwrap_or_default();
        match call {
            "unknown" => errors::no_such_verb(request.method.as_str(), allowed),
            "openapi" => openapi::answer(&options),
            "token" => lock(&self.callers).token(request, &options),
            "clients.create" => lock(&self.callers).create_client(request, &options),
            "clients.delete" => lock(&self.callers).delete_client(request, &options, id),
            _ => match lock(&self.callers).admit(request, &options, customers::scope(call)) {
                Ok(()) => customers::answer(&mut lock(&self.directory), &options, request, id),
                Err(refusal) => refusal,
            },
        }
    }
}
