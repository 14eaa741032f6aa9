//! Updating, saving, merging.

use serde_json::{Map, Value, json};

use super::{fake::Server, id, started};
use crate::{
    http::Verdict,
    vivocha::{UPDATE, Writer},
};

fn fields(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { panic!("not an object") };
    fields
}

async fn writer(server: &Server) -> Writer {
    Writer::new(started(server, |_| ()).await)
}

#[tokio::test]
async fn an_update_is_written_and_answered_whole() {
    let server = Server::default();
    server.put(json!({"id": "c1", "email": "anna@x.it", "other": 7}));
    let customer = writer(&server).await.update(&id("c1"), fields(json!({"telnum": "+39333"}))).await.unwrap();
    assert_eq!(
        Value::Object(customer.document),
        json!({"id": "c1", "email": "anna@x.it", "other": 7, "telnum": "+39333"})
    );
    // The server writes nothing without the content type, and says success all the same.
    assert_eq!(server.lock().customers["c1"]["telnum"], "+39333");
}

#[tokio::test]
async fn an_update_answered_without_the_customer_is_read_back() {
    let whole = json!({"id": "c1", "email": "anna@x.it", "telnum": "1"});
    for (status, body) in
        [(204, json!(null)), (202, json!({})), (200, json!({"ok": true})), (200, json!({"telnum": "1"}))]
    {
        let server = Server::default();
        server.put(json!({"id": "c1", "email": "anna@x.it"}));
        let writer = writer(&server).await;
        server.lock().update_says = Some((status, body));
        let customer = writer.update(&id("c1"), fields(json!({"telnum": "1"}))).await.unwrap();
        assert_eq!(Value::Object(customer.document), whole, "{status}");
        let verbs: Vec<String> = server.lock().seen.iter().map(|call| call.0.to_string()).collect();
        assert_eq!(verbs, ["PUT", "GET"], "{status}");
    }
}

#[tokio::test]
async fn an_update_that_cannot_be_read_back_stays_in_doubt() {
    let server = Server::default();
    server.put(json!({"id": "c1"}));
    let writer = writer(&server).await;
    server.lock().faults.extend([204, 404]);
    let told = writer.update(&id("c1"), fields(json!({"telnum": "1"}))).await.unwrap_err();
    assert_eq!(told.verdict, Verdict::Unknown);
}

#[tokio::test]
async fn a_patch_endpoint_gets_a_json_patch() {
    let server = Server::default();
    server.put(json!({"id": "c1", "email": "anna@x.it"}));
    let reader = started(&server, |options| options.endpoints.update = "PATCH customers/{cid}".parse().unwrap()).await;
    let customer = Writer::new(reader).update(&id("c1"), fields(json!({"telnum": "1"}))).await.unwrap();
    assert_eq!(Value::Object(customer.document), json!({"id": "c1", "email": "anna@x.it", "telnum": "1"}));
}

#[tokio::test]
async fn saving_what_did_not_change_calls_nobody() {
    let server = Server::default();
    server.put(json!({"id": "c1", "email": "anna@x.it", "other": 7}));
    let reader = started(&server, |_| ()).await;
    let before = reader.get(&id("c1")).await.unwrap().unwrap();
    let writer = Writer::new(reader);
    assert_eq!(writer.save(&before, &before.clone()).await.unwrap(), None);
    assert_eq!(server.lock().seen.len(), 1, "the read alone");
    let mut after = before.clone();
    after.document.insert("email".into(), json!("anna@y.it"));
    assert_eq!(writer.save(&before, &after).await.unwrap(), Some(after));
    assert_eq!(server.lock().seen.last().unwrap().3, r#"{"email":"anna@y.it"}"#);
}

#[tokio::test]
async fn a_merge_names_both_and_answers_the_survivor() {
    let server = Server::default();
    server.put(json!({"id": "c/1", "email": "anna@x.it"}));
    server.put(json!({"id": "c\"2", "telnum": "333"}));
    let writer = writer(&server).await;
    let survivor = writer.merge(&id("c/1"), &id("c\"2")).await.unwrap();
    assert_eq!((survivor.id, survivor.document["telnum"].clone()), (id("c/1"), json!("333")));
    let again = writer.merge(&id("c/1"), &id("c\"2")).await.unwrap_err();
    assert_eq!(again.verdict, Verdict::Park);
}

#[tokio::test]
async fn a_write_that_failed_on_their_side_is_in_doubt_and_is_not_sent_again() {
    for status in [500, 502, 503, 504] {
        let server = Server::default();
        server.put(json!({"id": "c1"}));
        server.put(json!({"id": "c2"}));
        let writer = writer(&server).await;
        server.lock().faults.push_back(status);
        assert_eq!(writer.merge(&id("c1"), &id("c2")).await.unwrap_err().verdict, Verdict::Unknown, "{status}");
        assert_eq!(server.lock().seen.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_throttled_write_was_not_applied_and_is_sent_again_by_who_looked_again() {
    let server = Server::default();
    server.put(json!({"id": "c1"}));
    server.lock().faults.push_back(429);
    let writer = writer(&server).await;
    let error = writer.update(&id("c1"), fields(json!({"a": 1}))).await.unwrap_err();
    assert_eq!((error.verdict, error.call), (Verdict::Retry, UPDATE));
    assert_eq!(server.lock().customers["c1"].get("a"), None);
    let again = writer.again(1).await.unwrap();
    assert!(again.update(&id("c1"), fields(json!({"a": 1}))).await.is_ok());
    assert!(writer.again(4).await.is_none());
}

#[tokio::test]
async fn what_cannot_go_well_is_refused_before_it_is_sent() {
    let server = Server::default();
    server.put(json!({"id": "c1"}));
    let writer = writer(&server).await;
    let refused = [
        writer.update(&id("c1"), fields(json!({"note": "x".repeat(100_001)}))).await,
        writer.update(&id("c1"), Map::new()).await,
        writer.update(&id("c1"), fields(json!({"id": "c2"}))).await,
        writer.update(&id(".."), fields(json!({"a": 1}))).await,
        writer.merge(&id("c1"), &id("c1")).await,
    ];
    for result in refused {
        assert_eq!(result.unwrap_err().verdict, Verdict::Park);
    }
    assert!(server.lock().seen.is_empty());
}
