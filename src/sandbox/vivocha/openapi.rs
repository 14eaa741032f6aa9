//! The account's own specification, saying what the account does: no more than its options allow.

use serde_json::{Map, Value, json};

use super::{AccountOptions, Specification, customers, errors};
use crate::sandbox::wire::Reply;

/// `GET {base}/openapi.json`; needs no authentication.
pub(super) fn answer(options: &AccountOptions) -> Reply {
    let mut paths = Map::new();
    paths.insert("/clients".into(), json!({ "post": operation("Client.create", &[], "Client.create") }));
    match options.specification {
        Specification::Missing => return errors::no_such_path("openapi.json"),
        Specification::Silent => {}
        Specification::Faithful => paths.extend(customers_paths(options)),
    }
    let base = format!("/a/{}/api/v3", options.account);
    Reply::json(
        200,
        json!({
            "openapi": "3.0.2",
            "info": { "title": "Vivocha in miniature", "version": "3.0.0" },
            "servers": [{ "url": base }],
            "components": { "schemas": { "customer": schema() } },
            "paths": paths,
        }),
    )
}

fn customers_paths(options: &AccountOptions) -> Map<String, Value> {
    let mut search = vec!["limit", "skip", "fields", "sort"];
    if options.offers_q {
        search.push("q");
    }
    if options.offers_params {
        search.extend(["email", "telnum", "vvcu"]);
    }
    let search: Vec<Value> = search.into_iter().map(query_parameter).collect();
    let cid = || json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } });
    let read = || operation("Customer.read", &[cid()], "Customer.read");
    let write = |id| operation(id, &[cid()], "Customer.update");
    let paths = json!({
        "/customers": { "get": operation("Customer.query", &search, "Customer.query") },
        "/customers/{id}": { "get": read(), "put": write("Customer.update"), "patch": write("Customer.patch") },
        "/customers/{id}/history": { "get": read() },
        "/customers/{id}/actions/merge": { "post": write("Customer.merge") },
    });
    if let Value::Object(paths) = paths { paths } else { Map::new() }
}

fn operation(id: &str, parameters: &[Value], scope: &str) -> Value {
    json!({
        "operationId": id,
        "parameters": parameters,
        "security": [{ "client": [scope] }],
        "responses": { "default": { "description": "see the specification of the framework" } },
    })
}

fn query_parameter(name: &str) -> Value {
    let schema = match name {
        "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 100 }),
        "skip" => json!({ "type": "integer", "minimum": 0 }),
        _ => json!({ "type": "string" }),
    };
    json!({ "name": name, "in": "query", "schema": schema })
}

fn schema() -> Value {
    let kind = |field: &str| match field {
        "tags" => json!({ "type": "array", "items": { "type": "string" } }),
        "data" => json!({ "type": "object" }),
        _ => json!({ "type": "string" }),
    };
    let properties: Map<String, Value> =
        customers::FIELDS.iter().map(|field| ((*field).to_owned(), kind(field))).collect();
    json!({ "type": "object", "properties": properties })
}
