//! The rows of what Vivocha's framework does, each over HTTP.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};

use super::{
    super::{Absorbed, AuthMode, Sandbox, Specification, Survivor, population::Population},
    Duration, Value, client, got, json, object, start,
};

fn request(sandbox: &Sandbox, verb: http::Method, path: &str) -> reqwest::RequestBuilder {
    let options = sandbox.vivocha.options();
    let url = format!("{}/{path}", sandbox.vivocha_base_url());
    client().request(verb, url).basic_auth(options.client_id, Some(options.client_secret))
}

pub(super) fn get(sandbox: &Sandbox, path: &str) -> reqwest::RequestBuilder {
    request(sandbox, http::Method::GET, path)
}

fn put(sandbox: &Sandbox, id: &str, body: &Value) -> reqwest::RequestBuilder {
    request(sandbox, http::Method::PUT, &format!("customers/{id}")).json(body)
}

fn merge(sandbox: &Sandbox, first: &str, second: &str) -> reqwest::RequestBuilder {
    request(sandbox, http::Method::POST, &format!("customers/{first}/actions/merge")).json(&json!({ "id": second }))
}

/// Four customers, whose ids are not in the order in which they came.
pub(super) async fn account() -> Sandbox {
    let customers = [
        json!({ "id": "d1", "email": "u3@x.it", "telnum": "+393331234567", "firstname": "Ugo", "data": { "a": 1, "b": 2 } }),
        json!({ "id": "b2", "email": "Anna@x.it", "telnum": "3331234567", "age": 30 }),
        json!({ "id": "c3", "telnum": "00393331234567", "vvcu": "v-1", "nickname": null }),
        json!({ "id": "a4", "email": "", "lastname": "D'Angelo" }),
    ];
    let customers = customers.into_iter().map(object).collect();
    start(Population { customers, ..Population::default() }).await
}

async fn found(sandbox: &Sandbox, query: &str) -> Vec<String> {
    let answer = got(get(sandbox, &format!("customers?{query}"))).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json().as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn queries_find_what_they_say_byte_for_byte() {
    let sandbox = account().await;
    for (q, expected) in [
        ("eq(email,u3%2540x.it)", vec!["d1"]),
        ("eq(email,string:u3%2540x.it)", vec!["d1"]),
        ("eq(email,anna%2540x.it)", vec![]),
        ("eq(email,Anna%2540x.it)", vec!["b2"]),
        // Digits turn into a number, and a number equals no text.
        ("eq(telnum,3331234567)", vec![]),
        ("eq(telnum,string:3331234567)", vec!["b2"]),
        ("eq(age,30)", vec!["b2"]),
        ("eq(age,string:30)", vec![]),
        ("in(telnum,string:3331234567,%252B393331234567)", vec!["d1", "b2"]),
        // The list form nests its values and finds nothing.
        ("in(telnum,(string:3331234567,%252B393331234567))", vec![]),
        ("or(in(email,u3%2540x.it),in(telnum,string:00393331234567))", vec!["d1", "c3"]),
        ("and(eq(email,u3%2540x.it),eq(firstname,Ugo))", vec!["d1"]),
        ("and(eq(email,u3%2540x.it),eq(firstname,Ada))", vec![]),
        ("eq(lastname,D%2527Angelo)", vec!["a4"]),
        ("ne(lastname,D%2527Angelo)", vec!["d1", "b2", "c3"]),
        ("ge(age,30)", vec!["b2"]),
        ("gt(age,30)", vec![]),
        ("lt(firstname,V)", vec!["d1"]),
        ("le(firstname,Ugo)", vec!["d1"]),
        ("eq(data.a,1)", vec!["d1"]),
        ("matches(email,%255Eu3.*it$)", vec!["d1"]),
        ("matches(telnum,39333)", vec!["d1", "c3"]),
        ("", vec!["d1", "b2", "c3", "a4"]),
    ] {
        assert_eq!(found(&sandbox, &format!("q={q}")).await, expected, "{q}");
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_parsed_is_a_500() {
    let sandbox = account().await;
    for q in [
        "eq(email,u3@x.it)",
        "eq(email,u3%40x.it)",
        "eq(lastname,D'Angelo)",
        "eq(lastname,D%27Angelo)",
        "eq(email,a:b)",
        "eq(email,a%3Ab)",
        "eq(email,a%25zz)",
        "eq(email",
        "eq(email,a))",
        "like(email,a)",
        "eq(email)",
        "a%20b",
    ] {
        let answer = got(get(&sandbox, &format!("customers?q={q}"))).await;
        assert_eq!((answer.status, answer.json()), (500, json!({ "error": 500, "message": "internal" })), "{q}");
    }
}

#[tokio::test]
async fn of_the_documented_parameters_one_need_match() {
    let sandbox = account().await;
    assert_eq!(found(&sandbox, "email=u3%40x.it").await, ["d1"]);
    assert_eq!(found(&sandbox, "telnum=3331234567").await, ["b2"]);
    assert_eq!(found(&sandbox, "email=u3%40x.it&telnum=3331234567&vvcu=v-1").await, ["d1", "b2", "c3"]);
    assert_eq!(found(&sandbox, "telnum=%2B393331234567").await, ["d1"]);
    assert_eq!(found(&sandbox, "telnum=+393331234567").await.len(), 0, "a bare plus is a space");
}

#[tokio::test]
async fn a_parameter_that_is_not_offered_is_ignored() {
    let sandbox = account().await;
    assert_eq!(found(&sandbox, "phone=none").await.len(), 4);
    sandbox.vivocha.set_options(|options| options.offers_q = false);
    assert_eq!(found(&sandbox, "q=eq(email,nobody)").await.len(), 4);
    sandbox.vivocha.set_options(|options| options.offers_params = false);
    assert_eq!(found(&sandbox, "email=nobody").await.len(), 4);
}

#[tokio::test]
async fn an_answer_is_paged_sorted_and_cut_to_fields() {
    let sandbox = account().await;
    assert_eq!(found(&sandbox, "sort=%2Bid").await, ["a4", "b2", "c3", "d1"]);
    assert_eq!(found(&sandbox, "sort=-id").await, ["d1", "c3", "b2", "a4"]);
    assert_eq!(found(&sandbox, "sort=id&limit=2&skip=1").await, ["b2", "c3"]);
    let cut = got(get(&sandbox, "customers?fields=id,email&limit=1")).await.json();
    assert_eq!(cut, json!([{ "id": "d1", "email": "u3@x.it" }]));
    sandbox.vivocha.set_options(|options| options.default_limit = 3);
    assert_eq!(found(&sandbox, "sort=id").await.len(), 3);
}

#[tokio::test]
async fn headers_tell_the_total_and_the_next_page_only_sometimes() {
    let sandbox = account().await;
    let headers = async |query: &str| {
        let answer = got(get(&sandbox, &format!("customers?{query}"))).await;
        let header = |name: &str| answer.header(name).map(str::to_owned);
        (header("results-matching").unwrap(), header("results-skipped"), header("link"))
    };
    assert_eq!(headers("limit=2").await, ("4".into(), None, None));
    assert_eq!(headers("skip=1").await, ("4".into(), Some("1".into()), None));
    let (matching, skipped, link) = headers("limit=2&skip=0").await;
    assert_eq!((matching.as_str(), skipped), ("4", None));
    let link = link.unwrap();
    assert!(link.contains("v3//customers?") && link.ends_with("rel=\"next\""), "{link}");
    assert_eq!(headers("limit=2&skip=2").await, ("4".into(), Some("2".into()), None));
}

#[tokio::test]
async fn a_limit_is_from_1_to_100_or_clamped() {
    let sandbox = account().await;
    for (limit, status) in [("1", 200), ("100", 200), ("0", 400), ("101", 400), ("x", 400), ("-1", 400)] {
        let answer = got(get(&sandbox, &format!("customers?limit={limit}"))).await;
        assert_eq!(answer.status, status, "{limit}");
        if status == 400 {
            let body = answer.json();
            assert_eq!((&body["error"], &body["message"]), (&json!(400), &json!("ValidationError")));
            assert_eq!(body["info"]["path"], "limit");
        }
    }
    sandbox.vivocha.set_options(|options| options.clamps_limit = true);
    for _ in 0..120 {
        sandbox.vivocha.add_customer(object(json!({})));
    }
    assert_eq!(found(&sandbox, "limit=1000").await.len(), 100);
}

#[tokio::test]
async fn paths_verbs_and_ids_that_are_not_there_are_told_apart() {
    let sandbox = account().await;
    assert_eq!(got(get(&sandbox, "customers/none")).await.json(), json!({ "error": 404, "message": "not_found" }));
    let path = got(get(&sandbox, "people")).await;
    assert_eq!((path.status, path.json()["info"].is_string()), (404, true));
    let verb = got(request(&sandbox, http::Method::DELETE, "customers/d1")).await;
    assert_eq!((verb.status, verb.json()["error"].clone()), (405, json!(405)));
    assert_eq!(got(request(&sandbox, http::Method::POST, "customers").json(&json!({}))).await.status, 405);
    let elsewhere = sandbox.vivocha_base_url().replace("/a/acme/", "/a/other/");
    assert_eq!(got(client().get(format!("{elsewhere}/customers"))).await.status, 404);
}

#[tokio::test]
async fn put_sets_what_was_sent_replaces_what_is_nested_and_stores_nulls() {
    let sandbox = account().await;
    let sent = json!({ "telnum": null, "data": { "c": 3 }, "id": "other" });
    let answer = got(put(&sandbox, "d1", &sent)).await;
    let whole = json!({ "id": "d1", "email": "u3@x.it", "telnum": null, "firstname": "Ugo", "data": { "c": 3 } });
    assert_eq!((answer.status, answer.json()), (200, whole.clone()));
    assert_eq!(got(get(&sandbox, "customers/d1")).await.json(), whole);
    assert_eq!(sandbox.journal()[0].wrote.as_deref(), Some("d1"));
}

#[tokio::test]
async fn a_write_without_its_content_type_succeeds_and_writes_nothing() {
    let sandbox = account().await;
    let silent = request(&sandbox, http::Method::PUT, "customers/d1").body(r#"{"firstname":"Ada"}"#);
    let answer = got(silent).await;
    assert_eq!((answer.status, &answer.json()["firstname"]), (200, &json!("Ugo")));
    assert_eq!(sandbox.vivocha.customer("d1").unwrap()["firstname"], "Ugo");
    assert_eq!(sandbox.journal()[0].wrote, None);
}

#[tokio::test]
async fn bodies_that_are_broken_or_too_long_are_a_500() {
    let sandbox = account().await;
    let broken =
        request(&sandbox, http::Method::PUT, "customers/d1").header("content-type", "application/json").body("{");
    assert_eq!(got(broken).await.status, 500);
    assert_eq!(got(put(&sandbox, "d1", &json!({ "note": "x".repeat(99 << 10) }))).await.status, 200);
    assert_eq!(got(put(&sandbox, "d1", &json!({ "note": "x".repeat(100 << 10) }))).await.status, 500);
    assert_eq!(got(put(&sandbox, "d1", &json!([]))).await.status, 400);
    assert_eq!(got(put(&sandbox, "none", &json!({}))).await.status, 404);
}

#[tokio::test]
async fn a_request_with_8_kib_before_its_body_is_refused() {
    let sandbox = account().await;
    let long = |length: usize| get(&sandbox, &format!("customers?q=eq(email,{})", "x".repeat(length)));
    assert_eq!(got(long(7_000)).await.status, 200);
    assert_eq!(got(long(8_192)).await.status, 431);
}

#[tokio::test]
async fn patch_tests_before_it_sets() {
    let sandbox = account().await;
    let patch = |body: Value| request(&sandbox, http::Method::PATCH, "customers/d1").json(&body);
    let test = |value: &str| json!({ "op": "test", "path": "/firstname", "value": value });
    let set = json!({ "op": "replace", "path": "/data/a", "value": 9 });
    let add = json!({ "op": "add", "path": "/lastname", "value": "Neri" });
    let remove = json!({ "op": "remove", "path": "/telnum" });
    assert_eq!(got(patch(json!([test("Ada"), set]))).await.status, 404);
    assert_eq!(got(patch(json!([{ "op": "replace", "path": "/none", "value": 1 }]))).await.status, 400);
    assert_eq!(sandbox.vivocha.customer("d1").unwrap()["data"]["a"], 1);
    let patched = got(patch(json!([test("Ugo"), set, add, remove]))).await.json();
    let whole =
        json!({ "id": "d1", "email": "u3@x.it", "firstname": "Ugo", "data": { "a": 9, "b": 2 }, "lastname": "Neri" });
    assert_eq!(patched, whole);
}

#[tokio::test]
async fn a_merge_makes_one_customer_out_of_two() {
    let sandbox = account().await;
    let merged = got(merge(&sandbox, "d1", "c3")).await.json();
    assert_eq!(json!([merged["id"], merged["telnum"], merged["vvcu"]]), json!(["d1", "+393331234567", "v-1"]));
    assert_eq!(got(get(&sandbox, "customers/c3")).await.status, 404);
    assert_eq!(found(&sandbox, "q=in(telnum,string:00393331234567)").await.len(), 0);
    assert_eq!(got(merge(&sandbox, "d1", "c3")).await.status, 404);
    assert_eq!(got(merge(&sandbox, "d1", "d1")).await.status, 400);
    let history = got(get(&sandbox, "customers/d1/history")).await.json();
    assert_eq!(history["events"].as_array().unwrap().last().unwrap()["absorbed"], "c3");
}

#[tokio::test]
async fn the_second_may_survive_and_the_absorbed_may_answer_as_the_survivor() {
    let sandbox = account().await;
    sandbox.vivocha.set_options(|options| {
        options.survivor = Survivor::Second;
        options.absorbed = Absorbed::AnswersAsSurvivor;
    });
    assert_eq!(got(merge(&sandbox, "d1", "c3")).await.json()["id"], "c3");
    assert_eq!(got(get(&sandbox, "customers/d1")).await.json()["id"], "c3");
    assert_eq!(got(merge(&sandbox, "c3", "b2")).await.json()["id"], "b2");
    assert_eq!(got(get(&sandbox, "customers/d1")).await.json()["id"], "b2", "followed to the end");
    assert_eq!(sandbox.vivocha.customers().len(), 2);
}

#[tokio::test]
async fn the_search_may_lag_behind_what_get_knows() {
    let sandbox = account().await;
    sandbox.vivocha.set_options(|options| options.search_lag = Duration::from_millis(300));
    got(put(&sandbox, "d1", &json!({ "email": "new@x.it" }))).await;
    assert_eq!(got(get(&sandbox, "customers/d1")).await.json()["email"], "new@x.it");
    assert_eq!(found(&sandbox, "q=eq(email,new%2540x.it)").await.len(), 0);
    assert_eq!(found(&sandbox, "q=eq(email,u3%2540x.it)").await, ["d1"]);
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(found(&sandbox, "q=eq(email,new%2540x.it)").await, ["d1"]);
}

fn jwt(secret: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let content = format!("{}.{}", part(&json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(content.as_bytes());
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn each_way_of_authentication_is_checked() {
    let sandbox = account().await;
    let options = sandbox.vivocha.options();
    let url = format!("{}/customers/d1", sandbox.vivocha_base_url());
    let ask = || client().get(&url);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let token = |secret: &str, exp: u64| jwt(secret, &json!({ "uid": "anagrafe", "exp": exp }));
    let secret = options.secret_token.as_str();
    for (what, request, status) in [
        ("nothing", ask(), 401),
        ("client", ask().basic_auth(&options.client_id, Some(&options.client_secret)), 200),
        ("wrong secret", ask().basic_auth(&options.client_id, Some("wrong")), 401),
        ("account", ask().basic_auth(&options.account, Some(secret)), 200),
        ("jwt", ask().bearer_auth(token(secret, now + 60)), 200),
        ("expired jwt", ask().bearer_auth(token(secret, now - 60)), 401),
        ("forged jwt", ask().bearer_auth(token("another", now + 60)), 401),
        ("jwt without uid", ask().bearer_auth(jwt(secret, &json!({ "exp": now + 60 }))), 401),
    ] {
        assert_eq!(got(request).await.status, status, "{what}");
    }
    sandbox.vivocha.set_options(|options| options.accepts = vec![AuthMode::Jwt]);
    assert_eq!(got(get(&sandbox, "customers/d1")).await.status, 401);
    assert_eq!(got(ask().bearer_auth(token(secret, now + 60))).await.status, 200);
}

#[tokio::test]
async fn a_token_is_given_for_client_credentials_until_it_expires() {
    let sandbox = account().await;
    let options = sandbox.vivocha.options();
    let url = format!("{}/token", sandbox.vivocha_base_url());
    let ask =
        |form: &'static str| client().post(&url).header("content-type", "application/x-www-form-urlencoded").body(form);
    let basic = |request: reqwest::RequestBuilder| request.basic_auth(&options.client_id, Some(&options.client_secret));
    assert_eq!(got(ask("grant_type=client_credentials")).await.status, 401);
    assert_eq!(got(basic(ask("grant_type=password"))).await.status, 400);
    let given = got(basic(ask("grant_type=client_credentials&scope=Customer.read"))).await.json();
    assert_eq!((&given["token_type"], &given["expires_in"]), (&json!("Bearer"), &json!(3600)));
    let bearer = |path: &str| {
        let url = format!("{}/{path}", sandbox.vivocha_base_url());
        client().get(url).bearer_auth(given["access_token"].as_str().unwrap())
    };
    assert_eq!(got(bearer("customers/d1")).await.status, 200);
    assert_eq!(got(bearer("customers")).await.status, 403, "only reading was asked for");
    sandbox.vivocha.revoke_tokens();
    assert_eq!(got(bearer("customers/d1")).await.status, 401);
}

#[tokio::test]
async fn an_operator_creates_and_revokes_clients_and_scopes_hold() {
    let sandbox = account().await;
    let options = sandbox.vivocha.options();
    let clients = format!("{}/clients", sandbox.vivocha_base_url());
    let operator = |request: reqwest::RequestBuilder| request.basic_auth(&options.user, Some(&options.password));
    let body = json!({ "scope": ["Customer.read"], "user_id": "u" });
    assert_eq!(got(client().post(&clients).json(&body)).await.status, 401);
    let created = got(operator(client().post(&clients).json(&body))).await;
    assert_eq!(created.status, 201);
    let created = created.json();
    let (id, secret) = (created["id"].as_str().unwrap(), created["secret"].as_str());
    let at = |path: &str| format!("{}/{path}", sandbox.vivocha_base_url());
    assert_eq!(got(client().get(at("customers/d1")).basic_auth(id, secret)).await.status, 200);
    assert_eq!(got(client().put(at("customers/d1")).basic_auth(id, secret).json(&json!({}))).await.status, 403);
    assert_eq!(got(operator(client().delete(format!("{clients}/{id}")))).await.status, 200);
    assert_eq!(got(client().get(at("customers/d1")).basic_auth(id, secret)).await.status, 401);
}

#[tokio::test]
async fn the_specification_says_what_the_account_offers() {
    let sandbox = account().await;
    let specification = async || got(client().get(format!("{}/openapi.json", sandbox.vivocha_base_url()))).await;
    let names = |specification: &Value| {
        let parameters = specification["paths"]["/customers"]["get"]["parameters"].as_array().unwrap();
        parameters.iter().map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let faithful = specification().await.json();
    assert!(names(&faithful).contains(&"q".to_owned()));
    assert!(faithful["paths"]["/customers/{id}/actions/merge"]["post"].is_object());
    sandbox.vivocha.set_options(|options| options.offers_q = false);
    assert!(!names(&specification().await.json()).contains(&"q".to_owned()));
    sandbox.vivocha.set_options(|options| options.specification = Specification::Silent);
    assert!(specification().await.json()["paths"]["/customers"].is_null());
    sandbox.vivocha.set_options(|options| options.specification = Specification::Missing);
    assert_eq!(specification().await.status, 404);
}

#[tokio::test]
async fn www_knows_the_world_of_an_account() {
    let sandbox = account().await;
    let head = |account: &str| client().head(format!("{}/a/{account}/api/v3/openapi.json", sandbox.www_url()));
    let answer = got(head("acme")).await;
    let location = format!("{}/openapi.json", sandbox.vivocha_base_url());
    assert_eq!((answer.status, answer.header("location")), (302, Some(location.as_str())));
    assert_eq!(got(head("nobody")).await.status, 404);
}
