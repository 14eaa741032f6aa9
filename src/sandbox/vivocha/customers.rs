//! The customers' endpoints. Every row here is in the vendor's pages or was seen of its framework: writes without a
//! content type that write nothing, a `PUT` that replaces nested objects whole, searches that answer short.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{
    Absorbed, AccountOptions, Survivor,
    directory::{Directory, Document},
    errors, patch,
    rql::{self, Query},
};
use crate::sandbox::wire::{Reply, Request, parameter};

/// The longest body the framework reads.
const LONGEST_BODY: usize = 100 * 1024;
/// What the specification names; the strict-schema fault refuses the rest.
pub(super) const FIELDS: [&str; 9] =
    ["id", "email", "telnum", "vvcu", "firstname", "lastname", "nickname", "tags", "data"];

/// The scope a call needs. A merge has none of its own: it updates.
pub(super) fn scope(call: &str) -> &'static str {
    match call {
        "customers.search" => "Customer.query",
        "customers.get" | "customers.history" => "Customer.read",
        _ => "Customer.update",
    }
}

/// Answers one call on customers; `id` is the path's.
pub(super) fn answer(directory: &mut Directory, options: &AccountOptions, request: &Request, id: &str) -> Reply {
    if request.call == "customers.search" {
        return search(directory, options, request).unwrap_or_else(|refusal| refusal);
    }
    let asked = id;
    let Some(id) = resolve(directory, options, asked) else {
        let merged_away = options.absorbed == Absorbed::Gone && directory.survivor_of(asked).is_some();
        return if merged_away { errors::gone() } else { errors::not_found() };
    };
    let answered = match request.call {
        "customers.get" => Ok(directory.get(&id).map_or_else(errors::not_found, |held| under(asked, held, options))),
        "customers.history" => Ok(Reply::json(200, json!({ "id": id, "events": directory.events(&id) }))),
        "customers.update" => update(directory, options, request, &id),
        "customers.patch" => patched(directory, options, request, &id),
        _ => merge(directory, options, request, &id),
    };
    answered.unwrap_or_else(|refusal| refusal)
}

/// The customer an id stands for now.
fn resolve(directory: &Directory, options: &AccountOptions, id: &str) -> Option<String> {
    if directory.get(id).is_some() {
        return Some(id.to_owned());
    }
    match options.absorbed {
        Absorbed::NotFound | Absorbed::Gone => None,
        Absorbed::AnswersAsSurvivor | Absorbed::AnswersUnderItsId => directory.survivor_of(id).map(str::to_owned),
    }
}

/// A document as its id, or the id of one it absorbed, answers.
fn under(asked: &str, held: &Document, options: &AccountOptions) -> Reply {
    let mut held = held.clone();
    if options.absorbed == Absorbed::AnswersUnderItsId {
        held.insert("id".into(), asked.into());
    }
    document(&held)
}

fn document(document: &Document) -> Reply {
    Reply::json(200, Value::Object(document.clone()))
}

fn search(directory: &mut Directory, options: &AccountOptions, request: &Request) -> Result<Reply, Reply> {
    let parameters = request.parameters();
    let limit = limit(parameter(&parameters, "limit"), options)?;
    let skip = whole(parameter(&parameters, "skip"), "skip")?.unwrap_or(0);
    let sort = parameter(&parameters, "sort").map(|sort| sort.trim_start_matches(['+', ' ']).to_owned());
    let query = query(&parameters, options, request)?;
    let mut found = directory.search(&query, sort.as_deref() == Some("id"));
    if let Some(field) = sort.as_deref().filter(|field| *field != "id") {
        sort_by(&mut found, field);
    }
    let matching = found.len();
    let fields = parameter(&parameters, "fields").filter(|fields| !fields.is_empty());
    let rows: Vec<Value> = found.into_iter().skip(skip).take(limit).map(|found| projected(found, fields)).collect();
    let after = skip + rows.len();
    let mut reply = Reply::json(200, Value::Array(rows)).with("results-matching", matching.to_string());
    if skip > 0 {
        reply = reply.with("results-skipped", skip.to_string());
    }
    let both_sent = parameter(&parameters, "limit").is_some() && parameter(&parameters, "skip").is_some();
    if both_sent && after < matching {
        // The doubled slash is the framework's: who follows this link asks for a path that is not there.
        let path = request.path.replace("/customers", "//customers");
        reply = reply.with("link", format!("<{path}?limit={limit}&skip={after}>; rel=\"next\""));
    }
    Ok(reply)
}

/// What is to be found: `q`, and one of the three documented parameters, each if sent, known and honoured.
fn query(parameters: &[(String, String)], options: &AccountOptions, request: &Request) -> Result<Query, Reply> {
    let mut conditions = Vec::new();
    if let Some(q) = parameter(parameters, "q").filter(|_| options.offers_q) {
        conditions.push(rql::parse(q).map_err(|rql::Unparsable| errors::internal())?);
    }
    if options.offers_params {
        let one = |name: &str| Some(Query::In(name.into(), vec![parameter(parameters, name)?.into()]));
        let any: Vec<Query> = ["vvcu", "email", "telnum"].into_iter().filter_map(one).collect();
        if !any.is_empty() {
            conditions.push(Query::Or(any));
        }
    }
    if request.quirks.ignored_filter {
        conditions.clear();
    }
    Ok(Query::And(conditions))
}

fn limit(sent: Option<&str>, options: &AccountOptions) -> Result<usize, Reply> {
    match whole(sent, "limit")? {
        None => Ok(options.default_limit),
        Some(limit @ 1..=100) => Ok(limit),
        Some(limit) if limit > 100 && options.clamps_limit => Ok(100),
        Some(_) => Err(errors::validation("range", "limit", "query")),
    }
}

fn whole(sent: Option<&str>, name: &str) -> Result<Option<usize>, Reply> {
    let Some(text) = sent else { return Ok(None) };
    text.parse().map(Some).map_err(|_| errors::validation("type", name, "query"))
}

fn sort_by(found: &mut [&Document], field: &str) {
    let (name, descending) = field.strip_prefix('-').map_or((field, false), |name| (name, true));
    // Absent before any text, as the database has it; other types by how they are written.
    let key = |document: &Document| {
        document.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    found.sort_by_cached_key(|document| key(document));
    if descending {
        found.reverse();
    }
}

fn projected(found: &Document, fields: Option<&str>) -> Value {
    let Some(fields) = fields else { return Value::Object(found.clone()) };
    let wanted = |name: &str| fields.split(',').any(|field| field.trim() == name);
    Value::Object(
        found.iter().filter(|(name, _)| wanted(name)).map(|(name, value)| (name.clone(), value.clone())).collect(),
    )
}

/// The body, where the content type says that there is one.
fn body(request: &Request) -> Result<Option<Value>, Reply> {
    if !request.says_json() {
        return Ok(None);
    }
    if request.body.len() > LONGEST_BODY {
        return Err(errors::internal());
    }
    serde_json::from_slice(&request.body).map(Some).map_err(|_| errors::internal())
}

fn update(directory: &mut Directory, options: &AccountOptions, request: &Request, id: &str) -> Result<Reply, Reply> {
    let sent = match body(request)? {
        // Success, and nothing written: the framework's parser skipped the body.
        None => Map::new(),
        Some(Value::Object(sent)) => sent,
        Some(_) => return Err(errors::validation("type", "", "body")),
    };
    if let Some(unknown) = sent.keys().find(|field| request.quirks.strict_schema && !FIELDS.contains(&field.as_str())) {
        return Err(errors::validation("additionalProperties", unknown, "body"));
    }
    let held = directory.get(id).cloned().unwrap_or_default();
    let mut new = if request.quirks.overriding_update { Map::new() } else { held.clone() };
    for (field, value) in &sent {
        new.insert(field.clone(), trimmed(value, request.quirks.trimming_update));
    }
    new.insert("id".into(), id.into());
    if sent.is_empty() || request.quirks.silent_update {
        return Ok(document(&held));
    }
    Ok(store(directory, lag(options, request), id, new))
}

fn store(directory: &mut Directory, lag: Duration, id: &str, new: Document) -> Reply {
    let reply = document(&new).wrote(&id);
    directory.put(id, new, lag);
    reply
}

/// How long the search does not see what this request writes.
fn lag(options: &AccountOptions, request: &Request) -> Duration {
    options.search_lag.max(request.quirks.search_lag)
}

fn trimmed(value: &Value, to: Option<usize>) -> Value {
    match (value, to) {
        (Value::String(text), Some(to)) => text.chars().take(to).collect::<String>().into(),
        (value, _) => value.clone(),
    }
}

fn patched(directory: &mut Directory, options: &AccountOptions, request: &Request, id: &str) -> Result<Reply, Reply> {
    let Some(operations) = body(request)? else {
        return Ok(directory.get(id).map_or_else(errors::not_found, document));
    };
    let operations = operations.as_array().ok_or_else(|| errors::validation("type", "", "body"))?;
    let held = Value::Object(directory.get(id).cloned().unwrap_or_default());
    match patch::apply(held, operations) {
        Ok(Value::Object(new)) => Ok(store(directory, lag(options, request), id, new)),
        Ok(_) | Err(patch::Failed::Malformed) => Err(errors::validation("patch", "", "body")),
        // A failed test selects no document, and the framework says so the only way it can.
        Err(patch::Failed::Test) => Err(errors::not_found()),
    }
}

fn merge(directory: &mut Directory, options: &AccountOptions, request: &Request, first: &str) -> Result<Reply, Reply> {
    let body = body(request)?.unwrap_or_default();
    let second = body.get("id").and_then(Value::as_str).ok_or_else(|| errors::validation("required", "id", "body"))?;
    let second = resolve(directory, options, second).ok_or_else(errors::not_found)?;
    if first == second {
        return Err(errors::validation("same", "id", "body"));
    }
    let (survivor, absorbed) = match options.survivor {
        Survivor::First => (first, second.as_str()),
        Survivor::Second => (second.as_str(), first),
    };
    let merged = directory.merge(survivor, absorbed, lag(options, request)).map(document);
    Ok(merged.map_or_else(errors::not_found, |reply| reply.wrote(&survivor)))
}
