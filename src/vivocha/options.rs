//! What an account's API is called: addresses, verbs, field names, limits. Plain values; how they are read from a file
//! is the configuration's business. Everything is checked once, before the first call.

use std::{str::FromStr, time::Duration};

use http::Method;
use url::Url;

use super::{auth::Auth, query::percent};
use crate::{
    http::Cause,
    model::{AccountName, CustomerId, Naming},
};

/// How customers are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchMode {
    /// Asked of the account's specification at the first search: `Rql` where the search endpoint offers `q`, else `Params`.
    Auto,
    /// Many contacts per call, in one RQL query.
    Rql,
    /// One contact per call, by `?email=…&telnum=…`, which means one of them matches.
    Params,
}

/// How to reach one account.
#[derive(Debug, Clone)]
pub struct Options {
    /// `https://{world}.vivocha.com/a/{account}/api/v3`, with or without a slash at its end.
    pub base_url: Url,
    /// The account.
    pub account: AccountName,
    /// How to get in.
    pub auth: Auth,
    /// Verbs and paths.
    pub endpoints: Endpoints,
    /// What the account calls its fields.
    pub naming: Naming,
    /// How customers are looked for.
    pub search: SearchMode,
    /// Contacts per search call, at most; [`Options::max_url_bytes`] bounds them too.
    pub search_batch: usize,
    /// How long one try of a call may take.
    pub timeout: Duration,
    /// The longest address a search may have. Servers of this kind take 8 KiB of address and headers together.
    pub max_url_bytes: usize,
    /// How many pages of one contact's search are read before its identifiers are called crowded.
    pub max_pages: usize,
    /// How many searches of one request are under way at once; the HTTP engine's own limit stands above it.
    pub parallel: usize,
}

impl Options {
    /// The defaults around what has none.
    #[must_use]
    pub fn new(base_url: Url, account: AccountName, auth: Auth) -> Self {
        Self {
            base_url,
            account,
            auth,
            endpoints: Endpoints::default(),
            naming: Naming::default(),
            search: SearchMode::Auto,
            search_batch: 40,
            timeout: Duration::from_secs(30),
            max_url_bytes: 7_500,
            max_pages: 20,
            parallel: 8,
        }
    }

    /// Everything that could not work, at once.
    ///
    /// # Errors
    /// The list of what is wrong, by key.
    pub fn check(&self) -> Result<(), BadOptions> {
        let mut problems = self.endpoints.problems();
        let mut problem = |key: &str, text: &str| problems.push(format!("vivocha.{key}: {text}"));
        if self.base_url.cannot_be_a_base() || self.base_url.query().is_some() || self.base_url.fragment().is_some() {
            problem("base_url", "an address such as https://WORLD.vivocha.com/a/ACCOUNT/api/v3, without '?' or '#'");
        }
        if !self.base_url.username().is_empty() || self.base_url.password().is_some() {
            problem("base_url", "credentials belong to [vivocha.auth], not into the address");
        }
        if let Some(text) = self.auth.problem() {
            problem("auth", text);
        }
        if self.search_batch == 0 || self.max_pages == 0 || self.parallel == 0 {
            problem("search_batch", "batch size, pages and parallel searches are 1 or more");
        }
        if self.max_url_bytes < 500 {
            problem("max_url_bytes", "at least 500, or not even one contact fits");
        }
        if problems.is_empty() { Ok(()) } else { Err(BadOptions(problems)) }
    }

    /// The address of a path below the base; `path` may carry a query of its own, `query` is appended to it.
    pub(super) fn address(&self, path: &str, query: Option<&str>) -> Result<Url, Cause> {
        let mut text = format!("{}/{}", self.base_url.as_str().trim_end_matches('/'), path.trim_start_matches('/'));
        if let Some(query) = query {
            text.push(if text.contains('?') { '&' } else { '?' });
            text.push_str(query);
        }
        Url::parse(&text)
            .map_err(|_| Cause::Protocol("not an address: check vivocha.base_url and [vivocha.endpoints]".into()))
    }
}

/// Options that could not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct BadOptions(pub Vec<String>);

/// A verb, and a path below the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The verb.
    pub method: Method,
    /// The path, with `{cid}`, `{cid1}` or `{cid2}` where an id goes.
    pub path: String,
}

impl Endpoint {
    /// The path with ids in it, percent-encoded.
    pub(super) fn path_for(&self, ids: &[(&str, &CustomerId)]) -> Result<String, Cause> {
        // `.` and `..` would be resolved away, encoded or not, and turn `customers/..` into another resource.
        if ids.iter().any(|(_, id)| matches!(id.as_str(), "." | "..")) {
            return Err(Cause::Protocol(
                "a customer id of dots cannot stand in an address: leave this customer".into(),
            ));
        }
        Ok(fill(&self.path, ids, percent))
    }
}

impl FromStr for Endpoint {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (method, path) = text.trim().split_once(' ').ok_or("a verb and a path, such as \"GET customers/{cid}\"")?;
        let path = path.trim().trim_start_matches('/');
        let method = match method {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            other => return Err(format!("{other}: the verb is GET, POST, PUT or PATCH")),
        };
        if path.is_empty() || path.contains(|c: char| c.is_whitespace() || c == '#') || path.contains("://") {
            return Err("a path below vivocha.base_url, without spaces, '#' or a host".into());
        }
        if path.split(['/', '?']).any(|segment| matches!(segment, "." | "..")) {
            return Err("a path below vivocha.base_url, without '.' or '..'".into());
        }
        let known = PLACES.iter().fold(path.to_owned(), |rest, place| rest.replace(place, ""));
        if known.contains(['{', '}']) {
            return Err("only {cid}, {cid1} and {cid2} stand for something".into());
        }
        Ok(Self { method, path: path.to_owned() })
    }
}

const PLACES: [&str; 3] = ["{cid}", "{cid1}", "{cid2}"];

/// Puts ids where a template names them, in one reading: an id that looks like a placeholder is not one.
fn fill(template: &str, ids: &[(&str, &CustomerId)], encode: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let hit = ids.iter().find_map(|(place, id)| from.strip_prefix(place).map(|after| (after, id)));
        rest = if let Some((after, id)) = hit {
            out.push_str(&encode(id.as_str()));
            after
        } else {
            out.push('{');
            from.get(1..).unwrap_or_default()
        };
    }
    out.push_str(rest);
    out
}

/// The verbs and paths of the customers resource: `[vivocha.endpoints]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Many customers by a filter.
    pub search: Endpoint,
    /// One customer by id.
    pub get: Endpoint,
    /// Changes fields of one. With `PATCH` a JSON Patch is sent, else the fields as an object.
    pub update: Endpoint,
    /// Makes one customer of two: `{cid1}` is meant to survive, `{cid2}` to be absorbed.
    pub merge: Endpoint,
    /// The body of a merge: JSON with `{cid1}` and `{cid2}` inside strings.
    pub merge_body: String,
    /// The chats of one.
    pub history: Endpoint,
}

impl Default for Endpoints {
    fn default() -> Self {
        let endpoint = |method, path: &str| Endpoint { method, path: path.to_owned() };
        Self {
            search: endpoint(Method::GET, "customers"),
            get: endpoint(Method::GET, "customers/{cid}"),
            update: endpoint(Method::PUT, "customers/{cid}"),
            merge: endpoint(Method::POST, "customers/{cid1}/actions/merge"),
            merge_body: r#"{"id":"{cid2}"}"#.to_owned(),
            history: endpoint(Method::GET, "customers/{cid}/history"),
        }
    }
}

impl Endpoints {
    /// The call of a merge: its verb, its path below the base, and its body.
    ///
    /// # Errors
    /// For an id that cannot stand in an address.
    pub fn merge_call(&self, survivor: &CustomerId, absorbed: &CustomerId) -> Result<(Method, String, String), Cause> {
        let ids = [("{cid1}", survivor), ("{cid2}", absorbed)];
        Ok((self.merge.method.clone(), self.merge.path_for(&ids)?, self.merge_body_for(&ids)))
    }

    /// The body of a merge, ids escaped as JSON wants them.
    fn merge_body_for(&self, ids: &[(&str, &CustomerId)]) -> String {
        fill(&self.merge_body, ids, |id| {
            let quoted = serde_json::Value::from(id).to_string();
            quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
        })
    }

    /// What could not work, by key. The verbs matter: a read that is a POST would be repeated as if it changed nothing.
    fn problems(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (key, endpoint, read, places) in [
            ("search", &self.search, true, &[][..]),
            ("get", &self.get, true, &["{cid}"][..]),
            ("update", &self.update, false, &["{cid}"][..]),
            ("merge", &self.merge, false, &[][..]),
            ("history", &self.history, true, &["{cid}"][..]),
        ] {
            if read != (endpoint.method == Method::GET) {
                let wanted = if read { "GET" } else { "PUT, POST or PATCH" };
                out.push(format!("vivocha.endpoints.{key}: the verb is {wanted}"));
            }
            for place in PLACES {
                if endpoint.path.contains(place) != places.contains(&place) && key != "merge" {
                    let says = if places.contains(&place) { "lacks" } else { "has no use for" };
                    out.push(format!("vivocha.endpoints.{key}: the path {says} {place}"));
                }
            }
        }
        let merge = format!("{}\n{}", self.merge.path, self.merge_body);
        if !merge.contains("{cid1}") || !merge.contains("{cid2}") || merge.contains("{cid}") {
            out.push(
                "vivocha.endpoints.merge and merge_body: together they name {cid1} and {cid2}, and not {cid}".into(),
            );
        }
        if !serde_json::from_str::<serde_json::Value>(&self.merge_body).is_ok_and(|body| body.is_object()) {
            out.push("vivocha.endpoints.merge_body: a JSON object, the placeholders inside its strings".into());
        }
        out
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use super::*;

    fn id(text: &str) -> CustomerId {
        text.parse().unwrap()
    }

    #[test]
    fn an_endpoint_is_a_verb_and_a_path_below_the_base() {
        let read: Endpoint = "GET /customers/{cid}".parse().unwrap();
        assert_eq!((read.method, read.path.as_str()), (Method::GET, "customers/{cid}"));
        for bad in [
            "customers",
            "FETCH customers",
            "GET ../x",
            "GET a/../../b",
            "GET https://evil.example/x",
            "GET a b",
            "GET customers/{id}",
            "GET c#x",
            "GET ",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_path() {
        let get: Endpoint = "GET customers/{cid}".parse().unwrap();
        assert_eq!(get.path_for(&[("{cid}", &id("a/../b?c#d é"))]).unwrap(), "customers/a%2F..%2Fb%3Fc%23d%20%C3%A9");
        assert!(get.path_for(&[("{cid}", &id(".."))]).is_err());
        assert!(get.path_for(&[("{cid}", &id("."))]).is_err());
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_the_body_of_a_merge() {
        let endpoints = Endpoints { merge_body: r#"{"keep":"{cid1}","drop":"{cid2}"}"#.into(), ..Endpoints::default() };
        let sly = r#"x","keep":"y\"#;
        let body = endpoints.merge_body_for(&[("{cid1}", &id("{cid2}")), ("{cid2}", &id(sly))]);
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body, serde_json::json!({"keep": "{cid2}", "drop": sly}));
    }

    #[test]
    fn an_address_is_joined_with_one_slash_wherever_the_base_ends() {
        for base in ["https://w.example/a/acme/api/v3", "https://w.example/a/acme/api/v3/"] {
            let auth = Auth::Client { id: "i".into(), secret: "s".to_owned().into() };
            let options = Options::new(base.parse().unwrap(), "acme".parse().unwrap(), auth);
            assert_eq!(
                options.address("customers", Some("q=eq(a,%2540)")).unwrap().as_str(),
                "https://w.example/a/acme/api/v3/customers?q=eq(a,%2540)"
            );
            assert_eq!(options.check(), Ok(()));
        }
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let auth = Auth::Basic { account: "a:b".into(), secret: "s".to_owned().into() };
        let mut options = Options::new("https://w.example/x?y=1".parse().unwrap(), "acme".parse().unwrap(), auth);
        options.endpoints.get = "POST customers".parse().unwrap();
        options.endpoints.merge_body = "{}".into();
        let told = options.check().unwrap_err().to_string();
        for key in ["base_url", "auth", "endpoints.get: the verb", "endpoints.get: the path lacks {cid}", "merge_body"]
        {
            assert!(told.contains(key), "{key} in {told}");
        }
    }
}
