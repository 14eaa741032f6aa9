//! What the account's specification says about the assumptions.

use serde_json::{Value, json};

use crate::{
    model::finding::{Finding, Standing},
    vivocha::{Auth, Options, offers_rql, read_openapi, read_target},
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
    Unknown vivocha.auth scope | no scope is mentioned
    Unknown vivocha.rate | no limit of calls is described
    Unknown vivocha.search: parameter limit | how many customers come at once is not mentioned; 100 are asked for
    Unknown vivocha.search: parameter skip | skip is not mentioned
    Unknown vivocha.search: parameter sort | sort is not mentioned
    Unknown vivocha.endpoints.merge_body | what a merge takes is not described
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

/// The specification with one thing more.
fn with(pointer: &str, key: &str, value: Value) -> Value {
    let mut document = specification();
    document.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
    document
}

const MERGE: &str = "/paths/~1customers~1{id}~1actions~1merge/post";

#[test]
fn scopes_that_are_needed_and_not_asked_for_are_told() {
    let document = with(MERGE, "security", json!([{"client": ["Customer.merge", "Customer.update"]}]));
    let told = table(&document, &options());
    assert!(told.contains("Unknown vivocha.auth scope | search, get, update and merge need Customer.merge"), "{told}");
    let mut options = options();
    let scope = vec!["Customer.update".to_owned()];
    options.auth = Auth::OAuth { client_id: "i".into(), secret: "s".to_owned().into(), scope };
    let found = read_openapi(&document, &options);
    let scope = found.iter().find(|found| found.subject == "vivocha.auth scope").unwrap();
    assert_eq!(scope.verdict, Standing::Contradicted);
    assert_eq!(scope.advice.as_deref(), Some("add Customer.merge to vivocha.auth.scope"));
}

#[test]
fn a_page_shorter_than_we_ask_for_is_contradicted_wherever_the_number_stands() {
    for limit in [json!({"maximum": 50}), json!({"schema": {"maximum": 50}})] {
        let mut parameter = json!({"name": "limit", "in": "query"});
        parameter.as_object_mut().unwrap().extend(limit.as_object().unwrap().clone());
        let told = table(&with("/paths/~1customers/get", "parameters", json!([parameter])), &options());
        assert!(told.contains("Contradicted vivocha.search: parameter limit | at most 50"), "{told}");
    }
}

#[test]
fn a_limit_of_calls_is_told_where_it_is_described() {
    let told = table(&with(MERGE, "responses", json!({"429": {}})), &options());
    assert!(told.contains("Unknown vivocha.rate | a limit of calls is described (429)"), "{told}");
}

#[test]
fn the_body_of_a_merge_is_held_against_what_is_described() {
    let body = |schema: Value| json!({"content": {"application/json": {"schema": schema}}});
    for (schema, expected) in [
        (json!({"properties": {"id": {"type": "string"}}}), "Confirmed vivocha.endpoints.merge_body | a merge takes"),
        (
            json!({"properties": {"id": {}, "force": {}}, "required": ["force"]}),
            "Contradicted vivocha.endpoints.merge_body | a merge needs force",
        ),
        (json!({"properties": {"with": {}}}), "Contradicted vivocha.endpoints.merge_body | a merge does not take id"),
    ] {
        let told = table(&with(MERGE, "requestBody", body(schema)), &options());
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_field_of_our_own_is_confirmed_only_where_it_is_described_as_what_it_is_to_hold() {
    let told = |document: &Value| read_target(document, &options(), "ids", "open2b", true).verdict;
    let held_as = |kind: &str| with("/components/schemas/customer/properties", "open2b", json!({"type": kind}));
    assert_eq!(told(&specification()), Standing::Unknown);
    assert_eq!(told(&held_as("object")), Standing::Confirmed);
    assert_eq!(told(&held_as("string")), Standing::Contradicted);
    let closed = with("/components/schemas/customer", "additionalProperties", json!(false));
    assert_eq!(told(&closed), Standing::Contradicted);
    assert_eq!(told(&json!({"paths": {}})), Standing::Unknown);
}
