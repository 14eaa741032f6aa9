//! The sandbox is held to the vendors' pages over real HTTP, and the population to what it says of itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that finds nothing must fail")]

mod drift;
mod faults;
mod open2b;
mod population;
mod vivocha;

use std::{path::Path, time::Duration};

use serde_json::{Map, Value, json};

use super::{Fault, FaultKind, Options, Sandbox, population::Population};

/// A reply as it came over the wire.
struct Got {
    status: u16,
    headers: http::HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

thread_local! {
    /// One per thread, since making one reads every root certificate; without a pool, since a thread may run several
    /// tests and a pooled connection would belong to the runtime of another.
    static CLIENT: reqwest::Client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
}

fn client() -> reqwest::Client {
    CLIENT.with(Clone::clone)
}

async fn got(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Got { status, headers, text: response.text().await.unwrap() }
}

async fn start(population: Population) -> Sandbox {
    Sandbox::start(population, Options::default()).await.unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { panic!("not an object") }
}

#[tokio::test]
async fn the_configuration_points_at_the_running_systems() {
    let sandbox = start(Population::default()).await;
    let text = sandbox.configuration(Path::new("/tmp/with \"quotes\""));
    let configuration: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(configuration["store"]["state_dir"].as_str(), Some("/tmp/with \"quotes\""));
    assert_eq!(configuration["vivocha"]["base_url"].as_str(), Some(sandbox.vivocha_base_url().as_str()));
    assert_eq!(configuration["shops"]["main"]["url"].as_str(), Some(sandbox.shop_url().as_str()));
}

#[tokio::test]
async fn what_was_asked_stands_in_the_journal_and_the_control_port_shows_it() {
    let sandbox = start(Population::default()).await;
    let control = |path: &str| format!("{}/{path}", sandbox.control_url());
    let added = got(client().post(control("contacts")).json(&json!({ "name": "Anna Rossi" }))).await;
    assert_eq!((added.status, added.json()), (201, json!({ "id": 1 })));
    let found = got(open2b::call(&sandbox, "contacts.get", &json!({ "id": 1, "fields": ["name"] }))).await;
    assert_eq!(found.json()["contact"]["name"], "Anna Rossi");
    let journal = got(client().get(control("journal"))).await.json();
    let entry = json!([journal[0]["system"], journal[0]["call"], journal[0]["status"], journal[0]["sent"]["id"]]);
    assert_eq!(entry, json!(["open2b", "contacts.get", 200, 1]));
    got(client().delete(control("journal"))).await;
    assert_eq!(sandbox.journal(), []);
}

#[tokio::test]
async fn a_person_plays_chats_agents_and_faults_by_the_control_port() {
    let sandbox = start(Population::default()).await;
    let control = |path: &str| format!("{}/{path}", sandbox.control_url());
    let chat = got(client().post(control("customers")).json(&json!({ "email": "anna@x.it" }))).await.json();
    let id = chat["id"].as_str().unwrap().to_owned();
    let other = sandbox.vivocha.add_customer(object(json!({ "telnum": "3331234567" })));
    got(client().patch(control(&format!("customers/{id}"))).json(&json!({ "nickname": "nina" }))).await;
    assert_eq!(got(client().post(control(&format!("customers/{id}/absorbs/{other}")))).await.status, 204);
    let held = sandbox.vivocha.customer(&id).unwrap();
    assert_eq!((&held["nickname"], &held["telnum"]), (&json!("nina"), &json!("3331234567")));
    let fault = json!({ "call": "customers.get", "times": 1, "kind": { "status": { "status": 503 } } });
    assert_eq!(got(client().post(control("faults")).json(&fault)).await.status, 201);
    assert_eq!(got(vivocha::get(&sandbox, &format!("customers/{id}"))).await.status, 503);
    assert_eq!(got(vivocha::get(&sandbox, &format!("customers/{id}"))).await.status, 200);
}

#[tokio::test]
async fn a_late_contact_is_shown_by_the_control_port() {
    let sandbox = start(Population::default()).await;
    let control = |path: &str| format!("{}/{path}", sandbox.control_url());
    let late = got(client().post(control("contacts/late")).json(&json!({ "name": "Late" }))).await.json();
    let count = async || got(open2b::call(&sandbox, "contacts.count", &json!({}))).await.json()["count"].clone();
    assert_eq!(count().await, 0);
    let show = control(&format!("contacts/{}/visible", late["id"]));
    assert_eq!((got(client().post(&show)).await.status, got(client().post(&show)).await.status), (204, 404));
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn shutdown_does_not_wait_for_an_answer_that_never_comes() {
    let sandbox = start(Population::default()).await;
    sandbox.faults().set(Fault::always("*", FaultKind::HangBefore));
    let hanging = tokio::spawn(open2b::call(&sandbox, "contacts.count", &json!({})).send());
    while sandbox.journal().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(Duration::from_secs(2), sandbox.shutdown()).await.unwrap();
    assert!(!hanging.await.unwrap().unwrap_err().is_timeout(), "cut, not given up on");
}

#[tokio::test]
async fn after_shutdown_nobody_answers() {
    let sandbox = start(Population::default()).await;
    let url = format!("{}/openapi.json", sandbox.vivocha_base_url());
    assert_eq!(got(client().get(&url)).await.status, 200);
    sandbox.shutdown().await;
    assert!(client().get(&url).send().await.unwrap_err().is_connect());
}
