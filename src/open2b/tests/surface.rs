//! Every method, against a small server written from the vendor's page.

use std::sync::Mutex;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde_json::{Value, json};

use super::*;

/// The shop: its contacts by rising id, and what it was asked, word by word.
#[derive(Default)]
struct Vendor {
    contacts: Mutex<Vec<Value>>,
    heard: Mutex<Vec<String>>,
}

impl Vendor {
    fn last_heard(&self) -> String {
        self.heard.lock().unwrap().last().unwrap().clone()
    }
}

fn error(field: &str, kind: &str, description: &str) -> Value {
    json!({"status": "error", "error": {"field": field, "type": kind, "description": description}})
}

fn meets(contact: &Value, conditions: &Value) -> bool {
    let after = conditions["after"].as_i64().is_none_or(|after| contact["id"].as_i64().unwrap() > after);
    after && (conditions["customer"].is_null() || contact["customer"] == conditions["customer"])
}

fn only(contact: &Value, fields: &Value) -> Value {
    let wanted = |name: &str| fields.as_array().unwrap().iter().any(|f| f == name);
    contact.as_object().unwrap().iter().filter(|(name, _)| wanted(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn refused(contact: &Value) -> Option<Value> {
    if contact["customer"] == json!(404) {
        return Some(error("customer", "NotFound", "Customer 404 does not exist"));
    }
    let email = contact["email"].as_str()?;
    let description = format!("'{email}' is not a well formed email address");
    (!email.contains('@')).then(|| error("email", "InvalidValue", &description))
}

async fn answer(
    State(vendor): State<Arc<Vendor>>,
    Path((version, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    if headers.get("x-secret-key").is_none_or(|key| key != KEY) {
        return (StatusCode::FORBIDDEN, "Forbidden").into_response();
    }
    assert_eq!(headers["content-type"], "application/json");
    vendor.heard.lock().unwrap().push(body.clone());
    let request: Value = serde_json::from_str(&body).unwrap();
    let mut contacts = vendor.contacts.lock().unwrap();
    let meets = |contact: &&Value| meets(contact, &request["conditions"]);
    let at = contacts.iter().position(|c| c["id"] == request["id"]);
    let said = match (version.as_str(), method.as_str()) {
        ("v10", "commerce.contacts.find") => {
            let mut found: Vec<Value> = contacts.iter().filter(meets).map(|c| only(c, &request["fields"])).collect();
            match request["order"][0].as_str().unwrap() {
                "id" => {}
                "-id" => found.reverse(),
                other => panic!("this shop does not sort by {other}"),
            }
            let first = usize::try_from(request["first"].as_u64().unwrap_or(0)).unwrap();
            let limit = usize::try_from(request["limit"].as_u64().unwrap()).unwrap();
            json!({"status": "ok", "contacts": found.into_iter().skip(first).take(limit).collect::<Vec<_>>()})
        }
        ("v10", "commerce.contacts.get") => {
            json!({"status": "ok", "contact": at.map(|at| only(&contacts[at], &request["fields"]))})
        }
        ("v10", "commerce.contacts.count") => json!({"status": "ok", "count": contacts.iter().filter(meets).count()}),
        ("v10", "commerce.contacts.create") => refused(&request["contact"]).unwrap_or_else(|| {
            let mut contact = request["contact"].clone();
            contact["id"] = json!(contacts.last().map_or(1, |c| c["id"].as_i64().unwrap() + 1));
            contacts.push(contact.clone());
            json!({"status": "ok", "id": contact["id"]})
        }),
        ("v10", "commerce.contacts.update") => match (at, refused(&request["contact"])) {
            (None, _) => error("id", "NotFound", "Contact does not exist"),
            (Some(_), Some(refused)) => refused,
            (Some(at), None) => {
                for (field, value) in request["contact"].as_object().unwrap() {
                    contacts[at][field] = value.clone();
                }
                json!({"status": "ok"})
            }
        },
        ("v10", "commerce.contacts.delete") => {
            contacts.retain(|c| !request["ids"].as_array().unwrap().contains(&c["id"]));
            json!({"status": "ok"})
        }
        _ => return (StatusCode::NOT_FOUND, "Not Found").into_response(),
    };
    said.to_string().into_response()
}

async fn vendor(contacts: Vec<Value>) -> (Arc<Vendor>, Url) {
    let vendor = Arc::new(Vendor { contacts: Mutex::new(contacts), ..Vendor::default() });
    let router = Router::new().route("/api/{version}/{method}", post(answer)).with_state(Arc::clone(&vendor));
    (vendor, serve(router).await)
}

fn john(id: i64) -> Value {
    json!({"id": id, "customer": 37091, "name": "John Smith", "phone": "", "email": "j@example.com", "note": ""})
}

#[tokio::test]
async fn a6_a_reading_goes_from_page_to_page_and_ends_at_the_empty_one() {
    let (vendor, url) = vendor([3, 5, 8, 2_000_000_000, 5_000_000_000].map(john).to_vec()).await;
    let shop = shop(options(url));
    let (mut after, mut read) = (0, Vec::new());
    loop {
        let page = shop.page(after, &[Field::Name, Field::Email, Field::Phone]).await.unwrap();
        if page.records.is_empty() {
            assert_eq!(page.last, after);
            break;
        }
        read.extend(page.records.iter().map(|r| r.id().unwrap().get()));
        after = page.last;
    }
    assert_eq!(read, [3, 5, 8, 2_000_000_000, 5_000_000_000]);
    assert_eq!(shop.calls(), [("contacts.find", 4)].into());
    insta::assert_snapshot!(vendor.last_heard(), @r#"{"conditions":{"after":5000000000},"fields":["id","name","email","phone"],"order":["id"],"limit":2}"#);
}

#[tokio::test]
async fn find_sends_what_the_vendors_page_shows() {
    let (vendor, url) = vendor([3, 5, 8].map(john).to_vec()).await;
    let query = FindQuery {
        conditions: Conditions { customer: Some(owner(37091)), after: Some(3) },
        fields: Field::ALL.to_vec(),
        order: vec![Order { by: Field::Id, descending: true }],
        limit: 10,
        first: Some(1),
    };
    let found = shop(options(url)).find(&query).await.unwrap();
    assert_eq!(found.iter().map(Record::id).collect::<Vec<_>>(), [Some(id(5))]);
    insta::assert_snapshot!(vendor.last_heard(), @r#"{"conditions":{"customer":37091,"after":3},"fields":["id","customer","name","phone","email","note"],"order":["-id"],"limit":10,"first":1}"#);
}

#[tokio::test]
async fn get_tells_a_contact_from_none() {
    let (vendor, url) = vendor(vec![john(3)]).await;
    let shop = shop(options(url));
    let Some(Record::Whole(contact)) = shop.get(id(3)).await.unwrap() else { panic!("it is there") };
    assert_eq!((contact.owner, contact.name.as_str()), (Some(owner(37091)), "John Smith"));
    assert_eq!(shop.get(id(4)).await.unwrap(), None);
    insta::assert_snapshot!(vendor.last_heard(), @r#"{"id":4,"fields":["id","customer","name","phone","email","note"]}"#);
}

#[tokio::test]
async fn count_counts_all_without_conditions() {
    let (vendor, url) = vendor([3, 5, 8].map(john).to_vec()).await;
    let shop = shop(options(url));
    assert_eq!(shop.count(Conditions { customer: None, after: Some(3) }).await.unwrap(), 2);
    insta::assert_snapshot!(vendor.last_heard(), @r#"{"conditions":{"after":3}}"#);
    assert_eq!(shop.count(Conditions::default()).await.unwrap(), 3);
    insta::assert_snapshot!(vendor.last_heard(), @r#"{"conditions":null}"#);
}

#[tokio::test]
async fn create_update_and_delete_do_what_they_say_and_leave_out_what_is_not_given() {
    let (vendor, url) = vendor(vec![john(3)]).await;
    let shop = shop(options(url));
    let new = NewContact {
        owner: owner(9),
        name: "Anna".into(),
        phone: None,
        email: Some("a@example.com".into()),
        note: None,
    };
    assert_eq!(shop.create(&new).await.unwrap(), id(4));
    insta::assert_snapshot!(vendor.last_heard(), @r#"{"contact":{"customer":9,"name":"Anna","email":"a@example.com"}}"#);
    let patch = ContactPatch { email: Some(String::new()), ..ContactPatch::default() };
    shop.update(id(4), &patch).await.unwrap();
    insta::assert_snapshot!(vendor.last_heard(), @r#"{"id":4,"contact":{"email":null}}"#);
    shop.delete(&[id(3), id(4)]).await.unwrap();
    insta::assert_snapshot!(vendor.last_heard(), @r#"{"ids":[3,4]}"#);
    assert_eq!(shop.count(Conditions::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn g1_a_refusal_names_the_field_and_never_the_value() {
    let (_vendor, url) = vendor(vec![john(3)]).await;
    let shop = shop(options(url));
    let patch = ContactPatch { email: Some("anna.example.com".into()), ..ContactPatch::default() };
    let email = shop.update(id(3), &patch).await.unwrap_err();
    assert_eq!(email.verdict, Verdict::Park);
    insta::assert_snapshot!(email, @"shop main: contacts.update: refused: field email: InvalidValue: the shop does not accept this value");
    let unknown = shop.update(id(4), &patch).await.unwrap_err();
    insta::assert_snapshot!(unknown, @"shop main: contacts.update: refused: field id: NotFound: what it names does not exist in the shop");
    let patch = ContactPatch { owner: Some(owner(404)), ..ContactPatch::default() };
    let owner = shop.update(id(3), &patch).await.unwrap_err();
    insta::assert_snapshot!(owner, @"shop main: contacts.update: refused: field customer: NotFound: what it names does not exist in the shop");
    let said = format!("{email:?} {unknown:?} {owner:?} {patch:?} {shop:?}");
    assert!(!said.contains("anna") && !said.contains(KEY), "{said}");
}

#[tokio::test]
async fn a_wrong_key_or_header_says_which_keys_to_check() {
    let (_vendor, url) = vendor(vec![]).await;
    let wrong = [
        ShopOptions { secret_key: "other".into(), ..options(url.clone()) },
        ShopOptions { key_header: "X-Key".into(), ..options(url) },
    ];
    for options in wrong {
        let shop = shop(options);
        let error = shop.page(0, &Field::ALL).await.unwrap_err();
        assert_eq!((error.verdict, shop.calls()["contacts.find"]), (Verdict::Stop, 1));
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"shop main: contacts.find: HTTP 403: the key was refused: check shops.main.secret_key and shops.main.key_header");
        }
    }
}

#[tokio::test]
async fn a_wrong_version_or_prefix_says_what_to_check() {
    let (_vendor, url) = vendor(vec![]).await;
    let wrong = [
        ShopOptions { api_version: 99, ..options(url.clone()) },
        ShopOptions { api_prefix: "/open2b/api".into(), ..options(url) },
    ];
    for options in wrong {
        let shop = shop(options);
        let error = shop.page(0, &Field::ALL).await.unwrap_err();
        assert_eq!((error.verdict, shop.calls()["contacts.find"]), (Verdict::Stop, 1));
        insta::allow_duplicates! {
            insta::assert_snapshot!(error, @"shop main: contacts.find: HTTP 404: no such method or API version there: check shops.main.url, shops.main.api_prefix and shops.main.api_version");
        }
    }
}
