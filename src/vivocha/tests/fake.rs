//! The vendor's API as its framework was seen to behave, on a real socket: what it forgives and what it does not.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, Method, Response, StatusCode, Uri, header},
    routing::{any, get, post},
};
use serde_json::{Map, Value, json};

use super::rql;

/// What it holds, how it misbehaves, what it was asked.
pub struct Fake {
    pub customers: BTreeMap<String, Map<String, Value>>,
    /// What its specification says.
    pub openapi: Value,
    /// Answered instead, one per request to the customers resource.
    pub faults: VecDeque<u16>,
    /// Answers no more rows than this, whatever was asked.
    pub clamp: usize,
    /// Sends `Results-Matching`.
    pub counts: bool,
    /// Pays attention to `q`, or to `email`, `telnum`, `vvcu`, or to none.
    pub filters: [bool; 2],
    /// A search that holds this is an internal error.
    pub poison: Option<String>,
    /// The only `Authorization` let in.
    pub lets_in: Option<String>,
    /// How many tokens it gave; the last is the one it takes.
    pub tokens: u32,
    pub expires_in: i64,
    /// Answered to an update that is made all the same.
    pub update_says: Option<(u16, Value)>,
    /// Every request: verb, path and query as they came, content type, body.
    pub seen: Vec<(Method, String, Option<String>, String)>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            customers: BTreeMap::new(),
            openapi: json!({"paths": {}}),
            faults: VecDeque::new(),
            clamp: usize::MAX,
            counts: true,
            filters: [true, true],
            poison: None,
            lets_in: None,
            tokens: 0,
            expires_in: 3600,
            update_says: None,
            seen: Vec::new(),
        }
    }
}

#[derive(Clone, Default)]
pub struct Server {
    fake: Arc<Mutex<Fake>>,
}

impl Server {
    pub fn lock(&self) -> MutexGuard<'_, Fake> {
        self.fake.lock().unwrap()
    }

    pub fn put(&self, document: Value) {
        let Value::Object(document) = document else { panic!("not a document") };
        let id = document["id"].as_str().unwrap().to_owned();
        self.lock().customers.insert(id, document);
    }

    /// Paths and queries of the requests to the customers resource, as they came.
    pub fn searches(&self) -> Vec<String> {
        let seen = self.lock();
        let calls = seen.seen.iter().filter(|call| call.1.contains("/customers?"));
        calls.map(|call| call.1.split_once('?').unwrap().1.to_owned()).collect()
    }

    /// Serves on a port of its own; answers where.
    pub async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", listener.local_addr().unwrap());
        let base = "/a/acme/api/v3";
        let app = Router::new()
            .route(&format!("{base}/openapi.json"), get(openapi))
            .route(&format!("{base}/token"), post(token))
            .route(&format!("{base}/customers"), any(search))
            .route(&format!("{base}/customers/{{id}}"), any(one))
            .route(&format!("{base}/customers/{{id}}/history"), any(history))
            .route(&format!("{base}/customers/{{id}}/actions/merge"), any(merge))
            .fallback(|| async { error(404, "Not Found", json!("check the endpoint URL")) })
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        at
    }

    fn admit(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Result<(), Response<Body>> {
        let text = |name| headers.get(name).map(|value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned());
        let mut fake = self.lock();
        let kind = text(header::CONTENT_TYPE);
        let said = String::from_utf8_lossy(body).into_owned();
        fake.seen.push((method.clone(), uri.path_and_query().unwrap().to_string(), kind, said));
        if let Some(wanted) = &fake.lets_in
            && text(header::AUTHORIZATION).as_ref() != Some(wanted)
        {
            return Err(error(401, "no scope", Value::Null));
        }
        match fake.faults.pop_front() {
            Some(status) => Err(error(status, "internal", Value::Null)),
            None if body.len() > 102_400 => Err(error(500, "internal", Value::Null)),
            None => Ok(()),
        }
    }
}

pub fn error(status: u16, message: &str, info: Value) -> Response<Body> {
    let mut body = json!({"error": status, "message": message});
    if !info.is_null() {
        body["info"] = info;
    }
    answer(status, &body)
}

fn answer(status: u16, body: &Value) -> Response<Body> {
    let builder = Response::builder().status(StatusCode::from_u16(status).unwrap());
    builder.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}

async fn openapi(State(server): State<Server>) -> Response<Body> {
    answer(200, &server.lock().openapi)
}

async fn token(State(server): State<Server>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    // Long enough for others to arrive meanwhile.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) == Some("Basic aWQ6c2VjcmV0");
    let form = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let wanted = body.starts_with(b"grant_type=client_credentials&scope=Customer.query%20Customer.read");
    if !basic || !wanted || form != Some("application/x-www-form-urlencoded") {
        return error(401, "invalid_client", Value::Null);
    }
    let mut fake = server.lock();
    fake.tokens += 1;
    let token = format!("t{}", fake.tokens);
    fake.lets_in = Some(format!("Bearer {token}"));
    answer(200, &json!({"access_token": token, "token_type": "bearer", "expires_in": fake.expires_in}))
}

async fn search(
    State(server): State<Server>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Err(refused) = server.admit(&method, &uri, &headers, &body) {
        return refused;
    }
    let pairs: BTreeMap<String, String> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let number = |name: &str, default: usize| pairs.get(name).map_or(Ok(default), |text| text.parse::<usize>());
    let (Ok(limit), Ok(skip)) = (number("limit", 20), number("skip", 0)) else {
        return error(400, "ValidationError", json!({"type": "type", "path": "query.limit", "scope": "#"}));
    };
    if !(1..=100).contains(&limit) {
        return error(400, "ValidationError", json!({"type": "maximum", "path": "query.limit", "scope": "#"}));
    }
    let fake = server.lock();
    if fake.poison.as_ref().is_some_and(|poison| uri.query().unwrap_or_default().contains(poison.as_str())) {
        return error(500, "internal", Value::Null);
    }
    let Ok(rql) = pairs.get("q").filter(|_| fake.filters[0]).map(|text| rql::parse(text)).transpose() else {
        return error(500, "internal", Value::Null);
    };
    let asked: Vec<&str> = ["email", "telnum", "vvcu"].into_iter().filter(|name| pairs.contains_key(*name)).collect();
    let by_params = fake.filters[1] && !asked.is_empty();
    let holds = |document: &Map<String, Value>| {
        rql.as_ref().is_none_or(|rql| rql.holds(document))
            && (!by_params
                || asked.iter().any(|name| document.get(*name).and_then(Value::as_str) == Some(&pairs[*name])))
    };
    let mut rows: Vec<&Map<String, Value>> = fake.customers.values().filter(|document| holds(document)).collect();
    if pairs.get("sort").map(String::as_str) != Some("+id") {
        // Unsorted pages need not agree with each other.
        let by = skip % rows.len().max(1);
        rows.rotate_left(by);
    }
    let matching = rows.len();
    let page: Vec<_> = rows.into_iter().skip(skip).take(limit.min(fake.clamp)).collect();
    let mut out = answer(200, &json!(page));
    let set = |out: &mut Response<Body>, name: &'static str, value: String| {
        out.headers_mut().insert(name, value.parse().unwrap());
    };
    if fake.counts {
        set(&mut out, "results-matching", matching.to_string());
    }
    if skip > 0 {
        set(&mut out, "results-skipped", skip.to_string());
    }
    if skip + limit < matching {
        set(
            &mut out,
            "link",
            format!("<http://{}//?skip={}>; rel=\"next\"", "x/a/acme/api/v3/customers", skip + limit),
        );
    }
    out
}

async fn one(
    State(server): State<Server>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Err(refused) = server.admit(&method, &uri, &headers, &body) {
        return refused;
    }
    let mut fake = server.lock();
    let instead = fake.update_says.clone().filter(|_| method == Method::PUT);
    let Some(document) = fake.customers.get_mut(&id) else { return error(404, "not_found", Value::Null) };
    match method.as_str() {
        "GET" => {}
        // Without the content type the body is not read: success, and nothing written.
        "PUT" if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/json") => {}
        "PUT" => match serde_json::from_slice::<Map<String, Value>>(&body) {
            Ok(fields) => document.extend(fields),
            Err(_) => return error(500, "internal", Value::Null),
        },
        "PATCH" => {
            for operation in serde_json::from_slice::<Vec<Value>>(&body).unwrap() {
                assert_eq!(operation["op"], "add");
                let field = operation["path"].as_str().unwrap().trim_start_matches('/').to_owned();
                document.insert(field, operation["value"].clone());
            }
        }
        _ => return error(405, "Method Not Allowed", json!("no such verb")),
    }
    instead.map_or_else(|| answer(200, &json!(document)), |(status, body)| answer(status, &body))
}

async fn history(
    State(server): State<Server>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Err(refused) = server.admit(&method, &uri, &headers, &body) {
        return refused;
    }
    match server.lock().customers.contains_key(&id) {
        true => answer(200, &json!({"contacts": [id]})),
        false => error(404, "not_found", Value::Null),
    }
}

async fn merge(
    State(server): State<Server>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if let Err(refused) = server.admit(&method, &uri, &headers, &body) {
        return refused;
    }
    let absorbed: Value = serde_json::from_slice(&body).unwrap();
    let absorbed = absorbed["id"].as_str().unwrap();
    let mut fake = server.lock();
    if !fake.customers.contains_key(&id) {
        return error(404, "not_found", Value::Null);
    }
    let Some(gone) = fake.customers.remove(absorbed) else { return error(404, "not_found", Value::Null) };
    let survivor = fake.customers.get_mut(&id).unwrap();
    for (field, value) in gone {
        survivor.entry(field).or_insert(value);
    }
    answer(200, &json!(survivor))
}
