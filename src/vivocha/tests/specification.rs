//! What the account's specification says about the assumptions.

use serde_json::{Value, json};

use crate::{
    model::finding::{Finding, Standing},
    vivocha::{Auth, Options, offers_rql, read_openapi},
};

fn options() -> Options {
    let auth = Auth::Client { id: "i".into(), secret: "s".to_owned().into() };
    Options::new("https://w.example/a/acme/api/v3".parse().unwrap(), "acme".parse().unwrap(), auth)
}

/// As their framework writes one: parameters and schemas by reference, verbs in small letters.
fn specification() -> Value {
    let query = |name: &str| json!({"name": name, "in": "query"});
    let customer = json!({"content": {"application/json": {"schema": {"$ref": "#/components/schemas/customer"}}}});
    json!({
        "paths": {
            "/customers": {"get": {"parameters": [{"$ref": "#/components/parameters/query"}, query("email")]}},
            "/customers/{id}": {
                "parameters": [{"name": "id", "in": "path"}],
                "get": {"responses": {"200": customer}},
                "patch": {}
            },
            "/customers/{id}/actions/merge": {"post": {}}
        },
        "components": {
            "parameters": {"query": query("q")},
            "securitySchemes": {"a": {"type": "http", "scheme": "basic"}, "b": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "base": {"properties": {"id": {"type": "string"}, "email": {"type": "string", "maxLength": 80}}},
                "customer": {
                    "allOf": [{"$ref": "#/components/schemas/base"}],
                    "properties": {
                        "telnum": {"type": "integer"},
                        "vvcu": {"type": "string", "readOnly": true},
                            "lastname": {"type": "string", "readOnly": true},
                        "nickname": {"type": ["string", "null"]}
                    }
                }
            }
        }
    })
}

fn table(document: &Value, options: &Options) -> String {
    let line = |finding: Finding| format!("{:?} {} | {}\n", finding.verdict, finding.subject, finding.text);
    read_openapi(document, options).into_iter().map(line).collect()
}

#[test]
fn each_assumption_is_confirmed_contradicted_or_not_mentioned() {
    insta::assert_snapshot!(table(&specification(), &options()), @r#"
    Confirmed vivocha.endpoints.search | GET customers: described as /customers
    Confirmed vivocha.endpoints.get | GET customers/{cid}: described as /customers/{id}
    Contradicted vivocha.endpoints.update | /customers/{id} is described, but not with PUT; it takes GET, PATCH
    Confirmed vivocha.endpoints.merge | POST customers/{cid1}/actions/merge: described as /customers/{id}/actions/merge
    Unknown vivocha.endpoints.history | GET customers/{cid}/history is not mentioned
    Confirmed vivocha.search: parameter q | q is offered
    Confirmed vivocha.search: parameter email | email is offered
    Unknown vivocha.search: parameter telnum | telnum is not offered, and not used
    Confirmed vivocha.fields.id | a customer's `id` is a text
    Confirmed vivocha.fields.email | a customer's `email` is a text of at most 80 characters
    Contradicted vivocha.fields.telnum | a customer's `telnum` is described, but not as a text
    Confirmed vivocha.fields.vvcu | a customer's `vvcu` is a text
    Unknown vivocha.fields.first_name | a customer's `firstname` is not described
    Contradicted vivocha.fields.last_name | a customer's `lastname` is a text, and read-only
    Confirmed vivocha.fields.nickname | a customer's `nickname` is a text
    Confirmed vivocha.auth | mode "client" is described
    "#);
}

#[test]
fn a_specification_without_customers_says_what_comes_near() {
    let document = json!({"paths": {"/contacts/{id}": {"get": {}}}});
    let findings = read_openapi(&document, &options());
    let search = findings.first().unwrap();
    assert_eq!(search.verdict, Standing::Unknown);
    assert_eq!(search.advice.as_deref(), Some("compare with what is: /contacts/{id}"));
    assert!(findings.iter().all(|finding| finding.verdict == Standing::Unknown));
    assert_eq!(read_openapi(&json!([]), &options()).len(), 1);
}

#[test]
fn fields_that_are_forbidden_are_contradicted() {
    let mut document = specification();
    *document.pointer_mut("/components/schemas/customer").unwrap() =
        json!({"additionalProperties": false, "properties": {"id": {"type": "string"}}});
    let told = table(&document, &options());
    assert_eq!(told.matches("Contradicted vivocha.fields").count(), 6, "{told}");
}

#[test]
fn rql_is_offered_where_the_search_has_q_whether_or_not_paths_repeat_the_base() {
    let mut document = specification();
    assert!(offers_rql(&document, &options()));
    let get = document.pointer("/paths/~1customers").unwrap().clone();
    *document.pointer_mut("/paths").unwrap() = json!({"/a/acme/api/v3/customers": get});
    assert!(offers_rql(&document, &options()));
    *document.pointer_mut("/components/parameters/query").unwrap() = json!({"$ref": "#/components/parameters/query"});
    assert!(!offers_rql(&document, &options()), "a reference in a circle ends");
}

#[test]
fn a_way_in_that_is_not_described_is_contradicted() {
    let mut options = options();
    options.auth = Auth::OAuth { client_id: "i".into(), secret: "s".to_owned().into(), scope: vec![] };
    let told = table(&specification(), &options);
    assert!(told.contains(
        "Contradicted vivocha.auth | mode \"oauth\" is not among what is described: http basic, http bearer"
    ));
}
