//! Each fault, as a client meets it.

use std::time::Instant;

use super::{
    super::{
        Fault, FaultKind, Malformed, RetryAfter, Sandbox,
        population::{OtherShop, ShopContact},
    },
    Duration, Value, client, got, json,
    open2b::call,
    vivocha::{account, get},
};

async fn both() -> Sandbox {
    let sandbox = account().await;
    for name in ["Anna", "Bruno", "Carla", "Dino"] {
        sandbox.open2b.add_contact(ShopContact { customer: 1, name: name.into(), ..ShopContact::default() });
    }
    sandbox
}

fn find(sandbox: &Sandbox, after: i64) -> reqwest::RequestBuilder {
    let find = json!({ "order": ["id"], "limit": 2, "fields": ["id", "name"], "conditions": { "after": after } });
    call(sandbox, "contacts.find", &find)
}

fn put(sandbox: &Sandbox, body: &Value) -> reqwest::RequestBuilder {
    let options = sandbox.vivocha.options();
    let url = format!("{}/customers/d1", sandbox.vivocha_base_url());
    client().put(url).basic_auth(options.client_id, Some(options.client_secret)).json(body)
}

fn first_name(sandbox: &Sandbox) -> Value {
    sandbox.vivocha.customer("d1").unwrap()["firstname"].clone()
}

/// What a page of contacts looks like under a fault.
async fn page(kind: FaultKind) -> Value {
    let sandbox = both().await;
    sandbox.faults().set(Fault::always("contacts.find", kind));
    got(find(&sandbox, 0)).await.json()["contacts"].clone()
}

#[tokio::test]
async fn a_fault_hits_its_call_after_so_many_and_so_often() {
    let sandbox = both().await;
    let status = FaultKind::Status { status: 503, retry_after: None, body: None };
    sandbox.faults().set(Fault::next("contacts.find", 2, status).after(1));
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(got(find(&sandbox, 0)).await.status);
        assert_eq!(got(get(&sandbox, "customers/d1")).await.status, 200);
    }
    assert_eq!(seen, [200, 503, 503, 200, 200]);
    assert_eq!(sandbox.faults().pending(), []);
    let struck: Vec<_> = sandbox.journal().into_iter().filter(|entry| entry.faults == ["status"]).collect();
    assert_eq!(struck.len(), 2);
}

#[tokio::test]
async fn retry_after_comes_in_both_forms() {
    let sandbox = both().await;
    for form in [RetryAfter::Seconds(7), RetryAfter::Date(7)] {
        let status = FaultKind::Status { status: 429, retry_after: Some(form), body: None };
        sandbox.faults().set(Fault::next("*", 1, status));
        let answer = got(find(&sandbox, 0)).await;
        let after = answer.header("retry-after").unwrap();
        match form {
            RetryAfter::Seconds(_) => assert_eq!(after, "7"),
            RetryAfter::Date(_) => assert!(httpdate::parse_http_date(after).is_ok()),
        }
    }
}

#[tokio::test]
async fn a_reset_or_a_hang_comes_before_or_after_the_write() {
    for (kind, applied) in [
        (FaultKind::ResetBefore, false),
        (FaultKind::ResetAfter, true),
        (FaultKind::HangBefore, false),
        (FaultKind::HangAfter, true),
    ] {
        let sandbox = both().await;
        sandbox.faults().set(Fault::next("customers.update", 1, kind.clone()));
        let write = put(&sandbox, &json!({ "firstname": "Ada" })).timeout(Duration::from_millis(300));
        let error = write.send().await.unwrap_err();
        let hangs = matches!(kind, FaultKind::HangBefore | FaultKind::HangAfter);
        assert_eq!((error.is_timeout(), first_name(&sandbox) == "Ada"), (hangs, applied), "{kind:?}");
        let entry = sandbox.journal().pop().unwrap();
        assert_eq!((entry.status, entry.wrote.is_some()), (0, applied), "{kind:?}");
        assert_eq!(got(put(&sandbox, &json!({}))).await.status, 200, "only the one connection broke");
    }
}

#[tokio::test]
async fn a_late_write_is_applied_when_its_sender_has_given_up() {
    let sandbox = both().await;
    sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::LateApply { ms: 400 }));
    let write = put(&sandbox, &json!({ "firstname": "Ada" })).timeout(Duration::from_millis(100));
    assert!(write.send().await.unwrap_err().is_timeout());
    assert_eq!(first_name(&sandbox), "Ugo");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(first_name(&sandbox), "Ada");
}

#[tokio::test]
async fn an_answer_may_be_late() {
    let sandbox = both().await;
    sandbox.faults().set(Fault::always("contacts.find", FaultKind::Latency { ms: 150 }));
    let before = Instant::now();
    got(find(&sandbox, 0)).await;
    assert!(before.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_body_may_be_anything_but_the_answer() {
    let sandbox = both().await;
    let under = async |kind: FaultKind| {
        sandbox.faults().clear();
        sandbox.faults().set(Fault::always("contacts.find", kind));
        let response = find(&sandbox, 0).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        response.bytes().await
    };
    assert!(under(FaultKind::Truncated).await.is_err());
    assert!(under(FaultKind::NotJson).await.unwrap().starts_with(b"<!doctype"));
    assert!(std::str::from_utf8(&under(FaultKind::InvalidUtf8).await.unwrap()).is_err());
    assert_eq!(under(FaultKind::Nested { depth: 1000 }).await.unwrap().as_ref(), [b'['; 1000]);
    assert!(under(FaultKind::Huge { bytes: 3_000_000 }).await.unwrap().len() > 3_000_000);
    assert_eq!(under(FaultKind::Bomb { bytes: 3_000_000 }).await.unwrap().len(), 3_000_000);
}

#[tokio::test]
async fn a_redirect_leads_elsewhere() {
    let sandbox = both().await;
    sandbox.faults().set(Fault::always("*", FaultKind::Redirect { location: "http://127.0.0.1:9/".into() }));
    let answer = got(find(&sandbox, 0)).await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://127.0.0.1:9/")));
}

#[tokio::test]
async fn pages_come_reversed_empty_or_with_a_record_that_is_none() {
    let (one, two) = (json!({ "id": 1, "name": "Anna" }), json!({ "id": 2, "name": "Bruno" }));
    assert_eq!(page(FaultKind::ReversedPage).await, json!([two, one]));
    assert_eq!(page(FaultKind::EmptyPage).await, json!([]));
    let malformed = async |how| page(FaultKind::MalformedRecord { how }).await;
    assert_eq!(malformed(Malformed::Null).await, json!([one, null]));
    assert_eq!(malformed(Malformed::Id).await, json!([one, { "id": { "no": "id" }, "name": "Bruno" }]));
    assert_eq!(malformed(Malformed::Types).await, json!([one, { "id": 2, "name": { "not": "name" } }]));
}

#[tokio::test]
async fn a_page_may_come_twice() {
    let sandbox = both().await;
    sandbox.faults().set(Fault::next("contacts.find", 1, FaultKind::RepeatedPage).after(1));
    let first = got(find(&sandbox, 0)).await.json();
    assert_eq!(got(find(&sandbox, 2)).await.json(), first);
    assert_eq!(got(find(&sandbox, 2)).await.json()["contacts"][0]["id"], 3);
}

#[tokio::test]
async fn a_write_may_be_late_in_the_search_only() {
    let sandbox = both().await;
    sandbox.faults().set(Fault::always("customers.update", FaultKind::SearchLag { ms: 300 }));
    got(put(&sandbox, &json!({ "firstname": "Ada" }))).await;
    let found = async || got(get(&sandbox, "customers?q=eq(firstname,Ada)")).await.json().as_array().unwrap().len();
    assert_eq!((found().await, first_name(&sandbox)), (0, json!("Ada")));
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(found().await, 1);
}

#[tokio::test]
async fn a_filter_may_be_ignored() {
    let sandbox = both().await;
    sandbox.faults().set(Fault::always("*", FaultKind::IgnoredFilter));
    assert_eq!(got(find(&sandbox, 2)).await.json()["contacts"][0]["id"], 1);
    let rows = got(get(&sandbox, "customers?q=eq(email,nobody)&email=nobody")).await.json();
    assert_eq!(rows.as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn an_update_may_override_trim_keep_silent_or_be_strict() {
    let under = async |kind: FaultKind, body: Value| {
        let sandbox = both().await;
        sandbox.faults().set(Fault::always("customers.update", kind));
        let answer = got(put(&sandbox, &body)).await;
        (answer.status, answer.json(), Value::Object(sandbox.vivocha.customer("d1").unwrap()))
    };
    let ada = json!({ "firstname": "Ada" });
    let (_, answered, held) = under(FaultKind::OverridingUpdate, ada.clone()).await;
    assert_eq!((&answered, &held), (&json!({ "firstname": "Ada", "id": "d1" }), &answered));
    let (_, answered, held) = under(FaultKind::TrimmingUpdate { to: 2 }, ada.clone()).await;
    assert_eq!((&answered["firstname"], &held["firstname"]), (&json!("Ad"), &json!("Ad")));
    let (status, answered, held) = under(FaultKind::SilentUpdate, ada).await;
    assert_eq!((status, &answered["firstname"], &held["firstname"]), (200, &json!("Ugo"), &json!("Ugo")));
    let (status, answered, _) = under(FaultKind::StrictSchema, json!({ "open2b": {} })).await;
    assert_eq!((status, &answered["info"]["path"]), (400, &json!("open2b")));
}

#[tokio::test]
async fn ids_may_become_visible_late_and_a_count_may_be_wrong() {
    let sandbox = both().await;
    sandbox.faults().set(Fault::always("*", FaultKind::LateIds { every: 2 }));
    let ids = got(call(&sandbox, "contacts.find", &json!({ "order": ["id"], "fields": ["id"] }))).await.json();
    assert_eq!(ids["contacts"], json!([{ "id": 1 }, { "id": 3 }]));
    assert_eq!(got(call(&sandbox, "contacts.count", &json!({}))).await.json()["count"], 2);
    assert_eq!(got(call(&sandbox, "contacts.get", &json!({ "id": 2 }))).await.json()["contact"], Value::Null);
    sandbox.faults().clear();
    assert_eq!(
        got(call(&sandbox, "contacts.count", &json!({ "conditions": { "after": 1 } }))).await.json()["count"],
        3
    );
    sandbox.faults().set(Fault::always("*", FaultKind::WrongCount { to: 77 }));
    assert_eq!(got(call(&sandbox, "contacts.count", &json!({}))).await.json()["count"], 77);
    assert_eq!(got(get(&sandbox, "customers?q=eq(email,nobody)")).await.header("results-matching"), Some("77"));
}

#[tokio::test]
async fn known_ids_may_be_other_people_and_a_record_may_come_under_another_id() {
    let sandbox = both().await;
    sandbox.faults().set(Fault::always("*", FaultKind::OtherPeople));
    let there = got(find(&sandbox, 0)).await.json()["contacts"].clone();
    assert_eq!((&there[0]["id"], there[0]["name"] == "Anna"), (&json!(1), false));
    let again = got(call(&sandbox, "contacts.get", &json!({ "id": 1, "fields": ["id", "name"] }))).await.json();
    assert_eq!(again["contact"], there[0], "the same somebody else");
    sandbox.faults().clear();
    sandbox.faults().set(Fault::always("*", FaultKind::AnotherId));
    assert_eq!(got(call(&sandbox, "contacts.get", &json!({ "id": 1 }))).await.json()["contact"]["id"], 2);
    assert_eq!(got(get(&sandbox, "customers/d1")).await.json()["id"], "x1d");
}

#[tokio::test]
async fn a_fault_may_be_one_shops_alone() {
    let contacts = vec![ShopContact { id: 1, customer: 1, name: "Anna".into(), ..ShopContact::default() }];
    let others = vec![OtherShop { name: "second".into(), contacts }];
    let sandbox = super::start(super::Population { others, ..super::Population::default() }).await;
    let status = FaultKind::Status { status: 503, retry_after: None, body: None };
    sandbox.faults().set(Fault::always("second:contacts.count", status));
    let (url, key) = (sandbox.other_shop_url("second").unwrap(), sandbox.others["second"].options().secret_key);
    let ask = |url: String, key: &str| {
        client().post(format!("{url}/api/v10/commerce.contacts.count")).header("X-Secret-Key", key).json(&json!({}))
    };
    assert_eq!(got(ask(url.clone(), &key)).await.status, 503);
    assert_eq!(got(call(&sandbox, "contacts.count", &json!({}))).await.json()["count"], 0);
    sandbox.faults().clear();
    assert_eq!(got(ask(url.clone(), &key)).await.json()["count"], 1);
    assert_eq!(got(ask(url, &sandbox.open2b.options().secret_key)).await.status, 403, "each shop has its own key");
    let shops: Vec<_> = sandbox.journal().into_iter().filter_map(|entry| entry.shop).collect();
    assert_eq!(shops, ["second", "main", "second", "second"]);
    let written: toml::Table = toml::from_str(&sandbox.configuration(std::path::Path::new("/tmp/x"))).unwrap();
    assert_eq!(written["shops"]["second"]["secret_key"].as_str(), Some(key.as_str()));
}
