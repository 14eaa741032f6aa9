//! The six methods of contacts, as the vendor's page for 7.5 (API v10) gives them.

use serde_json::{Map, Value, json};

use super::{
    ShopOptions,
    checks::{Checked, Refusal, fields, integer, object, order, owner, texts_of},
    records::{FIELDS, Key, Records, answered, by, somebody_else},
};
use crate::sandbox::{
    population::ShopContact,
    wire::{Reply, Request},
};

/// Runs one method.
pub(super) fn run(records: &mut Records, options: &ShopOptions, request: &Request, body: &Value) -> Checked<Reply> {
    match request.call {
        "contacts.find" => find(records, options, request, body),
        "contacts.get" => get(records, request, body),
        "contacts.count" => count(records, request, body),
        "contacts.create" => create(records, body),
        "contacts.update" => update(records, body),
        _ => delete(records, body),
    }
}

/// The request's own object: here nothing may be missing, since even an empty request is `{}`.
fn arguments<'a>(body: &'a Value, known: &[&str]) -> Checked<&'a Map<String, Value>> {
    object(Some(body), "request", known)?.ok_or_else(|| Refusal::malformed("request"))
}

fn ok(key: &str, value: impl Into<Value>) -> Reply {
    let mut answer = Map::new();
    answer.insert("status".into(), "ok".into());
    answer.insert(key.into(), value.into());
    Reply::json(200, Value::Object(answer))
}

fn find(records: &Records, options: &ShopOptions, request: &Request, body: &Value) -> Checked<Reply> {
    let arguments = arguments(body, &["conditions", "fields", "order", "limit", "first"])?;
    let (customer, after) = conditions(arguments, request)?;
    let fields = fields(arguments)?;
    let order = order(arguments)?;
    let limit = integer(arguments, "limit", 1)?.map_or(options.default_limit, size);
    let limit = options.max_page.map_or(limit, |most| limit.min(most));
    let first = integer(arguments, "first", 0)?.map_or(0, size);
    let matching = records.matching(customer, after).filter(|contact| visible(contact.id, request));
    let row = |contact: &ShopContact| seen(contact, &fields, request);
    let rows: Vec<Value> = if order == [Key { field: "id", descending: false }] {
        matching.skip(first).take(limit).map(row).collect()
    } else {
        let mut sorted: Vec<&ShopContact> = matching.collect();
        sorted.sort_by(|one, other| by(&order, one, other));
        sorted.into_iter().skip(first).take(limit).map(row).collect()
    };
    Ok(ok("contacts", rows))
}

/// A contact as this installation has it, or as another would have it under the same id.
fn seen(contact: &ShopContact, fields: &[&'static str], request: &Request) -> Value {
    if request.quirks.other_people { answered(&somebody_else(contact.id), fields) } else { answered(contact, fields) }
}

/// Whether the transaction that gave this id has been committed.
fn visible(id: i64, request: &Request) -> bool {
    request.quirks.late_ids.is_none_or(|every| id % every != 0)
}

fn get(records: &Records, request: &Request, body: &Value) -> Checked<Reply> {
    let arguments = arguments(body, &["id", "fields"])?;
    let fields = fields(arguments)?;
    let id = integer(arguments, "id", 1)?.ok_or_else(|| Refusal::missing("id"))?;
    let found = records.get(id).filter(|contact| visible(contact.id, request));
    Ok(ok("contact", found.map_or(Value::Null, |contact| seen(contact, &fields, request))))
}

fn count(records: &Records, request: &Request, body: &Value) -> Checked<Reply> {
    let arguments = arguments(body, &["conditions"])?;
    let (customer, after) = conditions(arguments, request)?;
    let all = customer.is_none() && request.quirks.late_ids.is_none();
    let counted = || records.matching(customer, after).filter(|contact| visible(contact.id, request)).count();
    Ok(ok("count", if all { records.count(after) } else { counted() }))
}

/// `customer` and `after`, or neither where the filter is not honoured.
fn conditions(arguments: &Map<String, Value>, request: &Request) -> Checked<(Option<i64>, i64)> {
    let Some(conditions) = object(arguments.get("conditions"), "conditions", &["customer", "after"])? else {
        return Ok((None, 0));
    };
    let customer = integer(conditions, "customer", 1)?;
    let after = integer(conditions, "after", 0)?.unwrap_or(0);
    Ok(if request.quirks.ignored_filter { (None, 0) } else { (customer, after) })
}

/// The contact sent; the id is no field of it.
fn contact(arguments: &Map<String, Value>) -> Checked<&Map<String, Value>> {
    let settable: Vec<&str> = FIELDS.into_iter().filter(|field| *field != "id").collect();
    object(arguments.get("contact"), "contact", &settable)?.ok_or_else(|| Refusal::missing("contact"))
}

fn create(records: &mut Records, body: &Value) -> Checked<Reply> {
    let arguments = arguments(body, &["contact"])?;
    let contact = contact(arguments)?;
    let texts = texts_of(contact)?;
    let name = texts.name.ok_or_else(|| Refusal::missing("name"))?;
    let customer = owner(contact, records)?.ok_or_else(|| Refusal::missing("customer"))?;
    let id = records.add(
        ShopContact {
            id: 0,
            customer,
            name,
            phone: texts.phone.unwrap_or_default(),
            email: texts.email.filter(|email| !email.is_empty()),
            note: texts.note.unwrap_or_default(),
        },
        true,
    );
    Ok(ok("id", id).wrote(&id))
}

fn update(records: &mut Records, body: &Value) -> Checked<Reply> {
    let arguments = arguments(body, &["id", "contact"])?;
    let id = integer(arguments, "id", 1)?.ok_or_else(|| Refusal::missing("id"))?;
    let contact = contact(arguments)?;
    if contact.is_empty() {
        return Err(Refusal::missing_combination("contact"));
    }
    let texts = texts_of(contact)?;
    let customer = owner(contact, records)?;
    if records.get(id).is_none() {
        return Err(Refusal::not_found("id", "Contact", id));
    }
    records.edit(id, |held| {
        held.customer = customer.unwrap_or(held.customer);
        held.name = texts.name.unwrap_or_else(|| held.name.clone());
        held.phone = texts.phone.unwrap_or_else(|| held.phone.clone());
        held.email = texts.email.or_else(|| held.email.clone()).filter(|email| !email.is_empty());
        held.note = texts.note.unwrap_or_else(|| held.note.clone());
    });
    Ok(Reply::json(200, json!({ "status": "ok" })).wrote(&id))
}

/// Ids that do not exist are no error: the vendor's page lists none.
fn delete(records: &mut Records, body: &Value) -> Checked<Reply> {
    let arguments = arguments(body, &["ids"])?;
    let ids = arguments.get("ids").ok_or_else(|| Refusal::missing("ids"))?;
    let ids = ids.as_array().ok_or_else(|| Refusal::malformed("ids"))?;
    let valid = |id: &Value| id.as_i64().filter(|id| *id >= 1).ok_or_else(|| Refusal::malformed("ids"));
    let ids: Vec<i64> = ids.iter().map(valid).collect::<Checked<_>>()?;
    let deleted: Vec<String> = ids.into_iter().filter(|id| records.delete(*id)).map(|id| id.to_string()).collect();
    let reply = Reply::json(200, json!({ "status": "ok" }));
    Ok(if deleted.is_empty() { reply } else { reply.wrote(&deleted.join(",")) })
}

/// A count of rows; what does not fit is more than there are.
fn size(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
