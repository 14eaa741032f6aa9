//! `www.vivocha.com` in miniature: tells, by a redirect, in which world an account lives.

use std::sync::Mutex;

use http::Method;

use super::parts;
use crate::sandbox::wire::{Reply, Request, System, lock};

/// The host that knows every account: here, one.
pub(in crate::sandbox) struct World {
    account: String,
    /// Scheme, host and port of the account's world; known once that is served.
    origin: Mutex<String>,
}

impl World {
    pub(in crate::sandbox) fn new(account: String) -> Self {
        Self { account, origin: Mutex::default() }
    }

    pub(in crate::sandbox) fn set_origin(&self, origin: String) {
        *lock(&self.origin) = origin;
    }
}

impl System for World {
    fn name(&self) -> &'static str {
        "www"
    }

    fn call(&self, _: &Method, _: &str) -> &'static str {
        "world"
    }

    fn answer(&self, request: &Request) -> Reply {
        let known =
            parts(&request.path).is_some_and(|(account, parts)| account == self.account && parts == ["openapi.json"]);
        if known && matches!(request.method.as_str(), "HEAD" | "GET") {
            return Reply::empty(302).with("location", format!("{}{}", lock(&self.origin), request.path));
        }
        Reply::text(404, "Not Found")
    }
}
