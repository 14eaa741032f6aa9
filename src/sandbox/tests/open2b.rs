//! The vendor's page of contacts, rule by rule.

use super::{
    super::{
        CallLimit, RetryForm, Sandbox,
        population::{Population, ShopContact},
    },
    Duration, Got, Value, client, got, json, start,
};

pub(super) fn call(sandbox: &Sandbox, method: &str, body: &Value) -> reqwest::RequestBuilder {
    let key = sandbox.open2b.options().secret_key;
    let url = format!("{}/api/v10/commerce.{method}", sandbox.shop_url());
    client().post(url).header("X-Secret-Key", key).json(body)
}

fn contact(id: i64, customer: i64, name: &str) -> ShopContact {
    ShopContact { id, customer, name: name.into(), phone: "333 1234567".into(), ..ShopContact::default() }
}

/// Three contacts: by id 3, 5, 9, by name Carla, Anna, Bruno.
async fn shop() -> Sandbox {
    let contacts = vec![contact(3, 7, "Carla"), contact(5, 8, "Anna"), contact(9, 7, "Bruno")];
    start(Population { contacts, ..Population::default() }).await
}

async fn ids(sandbox: &Sandbox, find: Value) -> Vec<i64> {
    let answer = got(call(sandbox, "contacts.find", &find)).await.json();
    answer["contacts"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

async fn refused(sandbox: &Sandbox, method: &str, body: Value) -> (u16, Value, Value) {
    let answer: Got = got(call(sandbox, method, &body)).await;
    let error = answer.json()["error"].clone();
    (answer.status, error["field"].clone(), error["type"].clone())
}

#[tokio::test]
async fn contacts_are_found_by_condition_in_the_order_asked_for() {
    let sandbox = shop().await;
    for (find, expected) in [
        (json!({ "order": ["id"] }), vec![3, 5, 9]),
        (json!({ "order": ["-id"] }), vec![9, 5, 3]),
        (json!({ "order": ["customer", "-id"] }), vec![9, 3, 5]),
        (json!({ "order": ["phone", "name"] }), vec![5, 9, 3]),
        (json!({ "order": ["id"], "conditions": { "after": 3 } }), vec![5, 9]),
        (json!({ "order": ["id"], "conditions": { "after": 0, "customer": 7 } }), vec![3, 9]),
        (json!({ "order": ["id"], "conditions": null }), vec![3, 5, 9]),
        (json!({ "order": ["id"], "limit": 1, "first": 1 }), vec![5]),
    ] {
        assert_eq!(ids(&sandbox, find.clone()).await, expected, "{find}");
    }
}

#[tokio::test]
async fn without_an_order_contacts_do_not_come_by_id_and_without_a_limit_not_all_come() {
    let sandbox = shop().await;
    assert_eq!(ids(&sandbox, json!({})).await, [5, 9, 3]);
    sandbox.open2b.set_options(|options| options.default_limit = 2);
    assert_eq!(ids(&sandbox, json!({})).await, [5, 9]);
}

#[tokio::test]
async fn a_shop_may_give_fewer_rows_than_asked_for() {
    let sandbox = shop().await;
    sandbox.open2b.set_options(|options| options.max_page = Some(2));
    assert_eq!(ids(&sandbox, json!({ "order": ["id"], "limit": 1000 })).await, [3, 5]);
}

#[tokio::test]
async fn a_missing_email_is_null_empty_or_absent() {
    let sandbox = shop().await;
    sandbox.open2b.add_contact(contact(0, 7, "Dino"));
    let find = json!({ "order": ["id"], "fields": ["id", "email"] });
    let rows = got(call(&sandbox, "contacts.find", &find)).await.json()["contacts"].clone();
    assert_eq!(
        rows,
        json!([{ "id": 3, "email": null }, { "id": 5 }, { "id": 9, "email": null }, { "id": 10, "email": "" }])
    );
}

#[tokio::test]
async fn a_contact_is_created_read_counted_updated_and_deleted() {
    let sandbox = shop().await;
    let new = json!({ "contact": { "customer": 8, "name": "Elsa", "email": "elsa@x.it", "note": "nuova" } });
    let created = got(call(&sandbox, "contacts.create", &new)).await.json();
    assert_eq!(created, json!({ "status": "ok", "id": 10 }));
    let update = json!({ "id": 10, "contact": { "phone": "06 1234567", "email": null } });
    assert_eq!(got(call(&sandbox, "contacts.update", &update)).await.json(), json!({ "status": "ok" }));
    let held = sandbox.open2b.contacts().pop().unwrap();
    let expected = ("Elsa", "06 1234567", None, "nuova");
    assert_eq!((held.name.as_str(), held.phone.as_str(), held.email, held.note.as_str()), expected);
    let count = json!({ "conditions": { "customer": 8 } });
    assert_eq!(got(call(&sandbox, "contacts.count", &count)).await.json()["count"], 2);
    assert_eq!(got(call(&sandbox, "contacts.count", &json!({ "conditions": null }))).await.json()["count"], 4);
    let delete = json!({ "ids": [10, 3, 777] });
    assert_eq!(got(call(&sandbox, "contacts.delete", &delete)).await.json(), json!({ "status": "ok" }));
    let gone = got(call(&sandbox, "contacts.get", &json!({ "id": 10 }))).await.json();
    assert_eq!(gone, json!({ "status": "ok", "contact": null }));
    let wrote: Vec<_> = sandbox.journal().into_iter().filter_map(|entry| entry.wrote).collect();
    assert_eq!(wrote, ["10", "10", "10,3"]);
}

#[tokio::test]
async fn a_request_that_is_understood_and_wrong_is_refused_with_status_200() {
    let sandbox = shop().await;
    let long = "x".repeat(51);
    let create = |contact: Value| ("contacts.create", json!({ "contact": contact }));
    let named = |field: &str, value: Value| {
        let mut contact = json!({ "customer": 7, "name": "A" });
        contact[field] = value;
        create(contact)
    };
    for ((method, body), field, kind) in [
        (("contacts.find", json!({ "colour": 1 })), "colour", "UnknownField"),
        (("contacts.find", json!({ "conditions": { "name": "A" } })), "name", "UnknownField"),
        (("contacts.find", json!({ "fields": ["id", "age"] })), "fields", "UnknownField"),
        (("contacts.find", json!({ "limit": 0 })), "limit", "Malformed"),
        (("contacts.find", json!({ "limit": "10" })), "limit", "Malformed"),
        (("contacts.find", json!({ "first": -1 })), "first", "Malformed"),
        (("contacts.find", json!({ "order": ["age"] })), "order", "Malformed"),
        (("contacts.find", json!({ "order": ["id", "-id"] })), "order", "InvalidCombination"),
        (("contacts.find", json!({ "conditions": { "after": -1 } })), "after", "Malformed"),
        (("contacts.get", json!({})), "id", "Missing"),
        (("contacts.get", json!({ "id": 0 })), "id", "Malformed"),
        (("contacts.delete", json!({})), "ids", "Missing"),
        (("contacts.delete", json!({ "ids": ["1"] })), "ids", "Malformed"),
        (("contacts.create", json!({})), "contact", "Missing"),
        (create(json!({ "customer": 7 })), "name", "Missing"),
        (create(json!({ "name": "A" })), "customer", "Missing"),
        (create(json!({ "name": "A", "customer": 4444 })), "customer", "NotFound"),
        (named("id", json!(1)), "id", "UnknownField"),
        (named("name", json!("")), "name", "Malformed"),
        (named("name", json!(long)), "name", "Malformed"),
        (named("phone", json!("+39 333 12345678")), "phone", "Malformed"),
        (named("email", json!("a@")), "email", "Malformed"),
        (named("email", json!("anna.x.it")), "email", "InvalidValue"),
        (named("note", json!("x".repeat(256))), "note", "Malformed"),
        (("contacts.update", json!({ "id": 3, "contact": {} })), "contact", "MissingCombination"),
        (("contacts.update", json!({ "id": 4, "contact": { "name": "A" } })), "id", "NotFound"),
    ] {
        let got = refused(&sandbox, method, body.clone()).await;
        assert_eq!(got, (200, field.into(), kind.into()), "{method} {body}");
    }
    assert_eq!(sandbox.open2b.contacts().len(), 3);
}

#[tokio::test]
async fn what_is_not_understood_has_another_status_and_a_body_that_is_no_json() {
    let sandbox = shop().await;
    let at = |path: &str| format!("{}{path}", sandbox.shop_url());
    let find = "/api/v10/commerce.contacts.find";
    let with = |request: reqwest::RequestBuilder, key: &str| request.header("X-Secret-Key", key.to_owned());
    let key = sandbox.open2b.options().secret_key;
    for (request, status) in [
        (with(client().post(at(find)).body("{}"), &key), 200),
        (with(client().post(at("/api/v6/commerce.contacts.find")).body("{}"), &key), 200),
        (with(client().post(at("/api/v13/commerce.contacts.find")).body("{}"), &key), 200),
        (with(client().post(at("/api/v5/commerce.contacts.find")).body("{}"), &key), 404),
        (with(client().post(at("/api/v14/commerce.contacts.find")).body("{}"), &key), 404),
        (with(client().post(at("/api/v10/commerce.contacts.list")).body("{}"), &key), 404),
        (with(client().get(at(find)), &key), 405),
        (with(client().post(at(find)).body("{}"), "wrong"), 403),
        (client().post(at(find)).body("{}"), 403),
        (with(client().post(at(find)).body("{"), &key), 400),
    ] {
        let answer = got(request).await;
        assert_eq!(answer.status, status);
        assert_eq!(serde_json::from_str::<Value>(&answer.text).is_ok(), status == 200, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_method_that_was_not_granted_is_denied() {
    let sandbox = shop().await;
    sandbox.open2b.set_options(|options| options.granted.retain(|method| method != "contacts.delete"));
    let (status, _, kind) = refused(&sandbox, "contacts.delete", json!({ "ids": [3] })).await;
    assert_eq!((status, kind), (200, json!("AccessDenied")));
}

#[tokio::test]
async fn the_header_of_the_key_is_what_the_shop_says() {
    let sandbox = shop().await;
    sandbox.open2b.set_options(|options| options.key_header = "x-key".into());
    assert_eq!(got(call(&sandbox, "contacts.count", &json!({}))).await.status, 403);
    let key = sandbox.open2b.options().secret_key;
    assert_eq!(got(call(&sandbox, "contacts.count", &json!({})).header("X-Key", key)).await.status, 200);
}

#[tokio::test]
async fn beyond_the_call_limit_calls_are_refused_until_the_window_has_passed() {
    let sandbox = shop().await;
    for (form, status) in [(None, 503), (Some(RetryForm::Seconds), 429), (Some(RetryForm::Date), 429)] {
        let per = Duration::from_millis(300);
        let limit = CallLimit { calls: 2, per, status, retry_after: form };
        sandbox.open2b.set_options(|options| options.call_limit = Some(limit));
        tokio::time::sleep(per).await;
        let count = || call(&sandbox, "contacts.count", &json!({}));
        assert_eq!([got(count()).await.status, got(count()).await.status], [200, 200]);
        let refusal = got(count()).await;
        assert_eq!(refusal.status, status);
        let after = refusal.header("retry-after");
        match form {
            None => assert_eq!(after, None),
            Some(RetryForm::Seconds) => assert_eq!(after, Some("1")),
            Some(RetryForm::Date) => assert!(httpdate::parse_http_date(after.unwrap()).is_ok()),
        }
        tokio::time::sleep(per).await;
        assert_eq!(got(count()).await.status, 200);
    }
}

#[tokio::test]
async fn an_id_may_become_visible_late() {
    let sandbox = shop().await;
    let late = sandbox.open2b.add_late_contact(contact(0, 7, "Late"));
    let early = sandbox.open2b.add_contact(contact(0, 7, "Early"));
    let after = json!({ "order": ["id"], "conditions": { "after": 9 } });
    assert!(late < early);
    assert_eq!(ids(&sandbox, after.clone()).await, [early]);
    let get = json!({ "id": late, "fields": ["id"] });
    assert_eq!(got(call(&sandbox, "contacts.get", &get)).await.json()["contact"], Value::Null);
    assert!(sandbox.open2b.show_contact(late));
    assert_eq!(ids(&sandbox, after).await, [late, early]);
}

#[tokio::test]
async fn staff_edit_and_delete_under_the_programs_feet() {
    let sandbox = shop().await;
    assert!(sandbox.open2b.edit_contact(5, |contact| contact.name = "Anna Maria".into()));
    let get = json!({ "id": 5, "fields": ["name"] });
    assert_eq!(got(call(&sandbox, "contacts.get", &get)).await.json()["contact"], json!({ "name": "Anna Maria" }));
    assert!(sandbox.open2b.delete_contact(9));
    assert!(!sandbox.open2b.delete_contact(9));
    let next = sandbox.open2b.add_contact(contact(0, 7, "New"));
    assert_eq!(next, 10, "an id is never given twice");
}
