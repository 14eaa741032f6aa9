//! Vivocha's JSON and Vivocha's errors: what a document is, and what to do about each failure. Pure.
//!
//! Their framework answers an error as `{"error", "message", "info"}`. Neither text is repeated: both may quote what was
//! sent. Of a validation error the path and the kind are told, and only where they look like names of fields.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};

use crate::{
    http::{Answer, Cause, Judgement, Verdict},
    model::{Customer, CustomerId, Naming},
};

/// What was asked, as far as the meaning of an answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Something without an id in it that could be unknown: a search, the specification.
    Place,
    /// One customer, which may be gone: that is an answer, not an error.
    MayBeGone,
    /// Something of one customer, or of none.
    One,
    /// A change of one or two customers.
    Write,
}

/// How often an internal error of theirs is worth another try of a read.
#[derive(Debug)]
pub(super) struct Patience(AtomicU32);

impl Patience {
    pub(super) const fn of(tries: u32) -> Self {
        Self(AtomicU32::new(tries))
    }

    fn left(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// What to make of an answer. A 500 may be our own fault (a body or query they cannot parse), so reads are tried again
/// only while `patience` lasts. After any 5xx a write may have been applied.
pub(super) fn judge(asked: Asked, patience: &Patience, answer: &Answer) -> Judgement {
    let write = asked == Asked::Write;
    let failed = |verdict, meaning: &str| Judgement::Fail(verdict, status(answer.status, meaning));
    match answer.status.as_u16() {
        200 | 201 => Judgement::Good,
        // Nothing to read: a write may well have been applied.
        202..=299 if write => failed(Verdict::Unknown, "accepted, but without the customer in the answer"),
        202..=299 => failed(Verdict::Stop, "success without the expected document: check [vivocha.endpoints]"),
        300..=399 => Judgement::Fail(Verdict::Stop, Cause::Redirect(answer.status.as_u16())),
        400 => failed(Verdict::Park, &refusal(&answer.body)),
        401 => failed(
            Verdict::Stop,
            "the credentials are refused, or carry no scope for this: check [vivocha.auth], and that the client was given \
             Customer.query, Customer.read and Customer.update",
        ),
        403 => failed(
            Verdict::Stop,
            "the credentials lack the scope or privilege for this: give the client Customer.query, Customer.read and \
             Customer.update",
        ),
        404 if !unknown_id(&answer.body) || asked == Asked::Place => failed(
            Verdict::Stop,
            "no such address at Vivocha: check vivocha.base_url and [vivocha.endpoints]; `anagrafe check` compares them with \
             the account's specification",
        ),
        404 if asked == Asked::MayBeGone => Judgement::Good,
        410 if asked == Asked::Place => failed(
            Verdict::Stop,
            "that address is no more: check vivocha.base_url and [vivocha.endpoints]; `anagrafe check` compares them with the \
             account's specification",
        ),
        404 => failed(Verdict::Park, "no such customer: it was merged or removed since it was found"),
        // Unlike a 404 it cannot be an address that never was; only theirs speaks of customers.
        410 if asked == Asked::MayBeGone && is_theirs(&answer.body) => Judgement::Good,
        410 => failed(Verdict::Park, "no such customer any more: it was merged or removed since it was found"),
        405 => failed(Verdict::Stop, "the address exists but not with this verb: check [vivocha.endpoints]"),
        408 if write => failed(Verdict::Unknown, "their side gave up waiting"),
        408 => Judgement::Again(status(answer.status, "their side gave up waiting")),
        413 => failed(Verdict::Park, "the body is too long for them"),
        414 | 431 => failed(Verdict::Park, "the address is too long for them: lower vivocha.search_batch"),
        429 => Judgement::Again(status(answer.status, "too many calls: lower vivocha.rate")),
        500..=599 if write => {
            failed(Verdict::Unknown, "failed on their side; the change may have been made all the same")
        }
        502..=504 => Judgement::Again(status(answer.status, "not available at the moment")),
        500 if patience.left() => Judgement::Again(status(answer.status, INTERNAL)),
        500 => failed(Verdict::Park, INTERNAL),
        501..=599 => failed(Verdict::Park, "failed on their side"),
        _ => failed(Verdict::Park, "refused without a reason we know"),
    }
}

const INTERNAL: &str = "an internal error on their side; a request they cannot parse is answered like this too";

fn status(status: StatusCode, meaning: &str) -> Cause {
    Cause::Status { status: status.as_u16(), meaning: meaning.to_owned() }
}

/// Whether a 404 is about the id. An unknown path explains itself in `info`, and what is not theirs (a proxy's page) says
/// nothing about a customer.
pub(super) fn unknown_id(body: &[u8]) -> bool {
    let Ok(Value::Object(error)) = serde_json::from_slice::<Value>(body) else { return false };
    let info = error.get("info").is_some_and(|info| !info.is_null());
    !info && error.get("message").and_then(Value::as_str) == Some("not_found")
}

/// Whether an error is in their form, and not a proxy's page.
fn is_theirs(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|error| error.get("error").is_some_and(Value::is_number))
}

/// What a 400 says, in our words.
fn refusal(body: &[u8]) -> String {
    const NEXT: &str = "compare [fields] and [vivocha.fields] with the account's specification";
    let Ok(Value::Object(error)) = serde_json::from_slice::<Value>(body) else {
        return format!("refused without their usual explanation: {NEXT}");
    };
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    if message.to_ascii_lowercase().contains("duplicate key") {
        return "another customer already holds a value that must be unique".to_owned();
    }
    let places: Vec<String> = match error.get("info") {
        Some(Value::Object(info)) => {
            let inner = info.get("errors").and_then(Value::as_array).into_iter().flatten().take(3);
            let inner = inner.filter_map(|error| error.as_object().and_then(place));
            place(info).into_iter().chain(inner).collect()
        }
        // Older versions: the path itself.
        Some(Value::String(path)) => field_like(path).map(str::to_owned).into_iter().collect(),
        None | Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => Vec::new(),
    };
    let at = if places.is_empty() { String::new() } else { format!(" at {}", places.join(", ")) };
    format!("not valid for the account{at}: {NEXT}")
}

/// `body.email (maxLength)`.
fn place(info: &Map<String, Value>) -> Option<String> {
    let text = |key| info.get(key).and_then(Value::as_str).and_then(field_like);
    match (text("path"), text("type")) {
        (Some(path), Some(kind)) => Some(format!("{path} ({kind})")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) => None,
    }
}

/// A text that is the name of a field or of a rule, and not somebody's e-mail or number.
fn field_like(text: &str) -> Option<&str> {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '[' | ']' | '$' | '-');
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '_' | '$' | '.'));
    (starts && text.len() <= 60 && digits < 5 && text.chars().all(name)).then_some(text)
}

/// The document of one customer.
pub(super) fn customer(naming: &Naming, value: Value) -> Result<Customer, Cause> {
    let Value::Object(document) = value else {
        return Err(Cause::Protocol("the answer is not a customer (no JSON object): check [vivocha.endpoints]".into()));
    };
    let id = match document.get(&naming.id) {
        Some(Value::String(id)) => id.parse::<CustomerId>().ok(),
        // Ids are opaque; an account that counts its customers means the same by 7 and by "7".
        Some(Value::Number(id)) if id.is_u64() => id.to_string().parse().ok(),
        _ => None,
    };
    match id {
        Some(id) => Ok(Customer { id, document }),
        None => Err(Cause::Protocol(format!(
            "a customer without a usable id in its field `{}`: check vivocha.fields.id",
            naming.id
        ))),
    }
}

/// A list of customers.
pub(super) fn customers(naming: &Naming, body: &Bytes) -> Result<Vec<Customer>, Cause> {
    match json(body)? {
        Value::Array(rows) => rows.into_iter().map(|row| customer(naming, row)).collect(),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(Cause::Protocol("the search was not answered with a list: check vivocha.endpoints.search".into()))
        }
    }
}

/// Any JSON.
pub(super) fn json(body: &Bytes) -> Result<Value, Cause> {
    serde_json::from_slice(body)
        .map_err(|_| Cause::Protocol("the answer is not JSON: check vivocha.base_url, and what stands between".into()))
}

/// The fields of `after` that differ from `before`: what `save` sends.
pub(super) fn changed(before: &Customer, after: &Customer, naming: &Naming) -> Result<Map<String, Value>, Cause> {
    if before.id != after.id || before.document.get(&naming.id) != after.document.get(&naming.id) {
        return Err(Cause::Protocol("the two documents are of different customers: read the customer again".into()));
    }
    if let Some(field) = before.document.keys().find(|field| !after.document.contains_key(*field)) {
        // An omitted field stays as it is, so leaving it out would change nothing and say nothing.
        return Err(Cause::Protocol(format!("the field `{field}` cannot be removed: set it to null or leave it in")));
    }
    let differs = |(field, value): &(&String, &Value)| before.document.get(*field) != Some(*value);
    Ok(after.document.iter().filter(differs).map(|(field, value)| (field.clone(), value.clone())).collect())
}

/// The body of an update by `PATCH`: a JSON Patch that sets whole fields.
pub(super) fn json_patch(fields: &Map<String, Value>) -> Value {
    let set = |(field, value): (&String, &Value)| {
        let path = format!("/{}", field.replace('~', "~0").replace('/', "~1"));
        serde_json::json!({"op": "add", "path": path, "value": value})
    };
    fields.iter().map(set).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from(body.to_string()),
        }
    }

    fn told(asked: Asked, status: u16, body: &Value) -> &'static str {
        match judge(asked, &Patience::of(0), &answer(status, body)) {
            Judgement::Good => "good",
            Judgement::Again(_) => "again",
            Judgement::Fail(Verdict::Retry, _) => "retry",
            Judgement::Fail(Verdict::Park, _) => "park",
            Judgement::Fail(Verdict::Stop, _) => "stop",
            Judgement::Fail(Verdict::Unknown, _) => "unknown",
        }
    }

    #[test]
    fn every_status_has_one_consequence_for_each_kind_of_call() {
        let gone = json!({"error": 404, "message": "not_found"});
        let no_path = json!({"error": 404, "message": "Not Found", "info": "check the endpoint URL"});
        let plain = json!({"error": 0, "message": "x"});
        let page = json!("<html>");
        let table = [
            // status, body, search, may be gone, one, write
            (200, &plain, ["good", "good", "good", "good"]),
            (201, &plain, ["good", "good", "good", "good"]),
            (204, &plain, ["stop", "stop", "stop", "unknown"]),
            (302, &plain, ["stop", "stop", "stop", "stop"]),
            (400, &plain, ["park", "park", "park", "park"]),
            (401, &plain, ["stop", "stop", "stop", "stop"]),
            (403, &plain, ["stop", "stop", "stop", "stop"]),
            (404, &gone, ["stop", "good", "park", "park"]),
            (404, &no_path, ["stop", "stop", "stop", "stop"]),
            (405, &plain, ["stop", "stop", "stop", "stop"]),
            (408, &plain, ["again", "again", "again", "unknown"]),
            (409, &plain, ["park", "park", "park", "park"]),
            (410, &plain, ["stop", "good", "park", "park"]),
            (410, &page, ["stop", "park", "park", "park"]),
            (413, &plain, ["park", "park", "park", "park"]),
            (414, &plain, ["park", "park", "park", "park"]),
            (429, &plain, ["again", "again", "again", "again"]),
            (500, &plain, ["park", "park", "park", "unknown"]),
            (501, &plain, ["park", "park", "park", "unknown"]),
            (502, &plain, ["again", "again", "again", "unknown"]),
            (503, &plain, ["again", "again", "again", "unknown"]),
            (504, &plain, ["again", "again", "again", "unknown"]),
        ];
        for (status, body, expected) in table {
            let got = [Asked::Place, Asked::MayBeGone, Asked::One, Asked::Write].map(|asked| told(asked, status, body));
            assert_eq!(got, expected, "{status}");
        }
    }

    #[test]
    fn an_internal_error_is_tried_again_only_while_patience_lasts() {
        let patience = Patience::of(2);
        let again = |_| {
            judge(Asked::One, &patience, &answer(500, &json!({})))
                == Judgement::Again(status(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL))
        };
        assert_eq!([0; 4].map(again), [true, true, false, false]);
    }

    #[test]
    fn a_refusal_names_fields_and_never_values() {
        let table = [
            (
                json!({"message": "ValidationError", "info": {"type": "maxLength", "path": "body.email", "scope": "#/x"}}),
                "body.email (maxLength)",
            ),
            (json!({"message": "ValidationError", "info": "query.limit"}), "query.limit"),
            (
                json!({"message": "ValidationError", "info": {"path": "body", "errors": [{"type": "type", "path": "body.note"}]}}),
                "body, body.note (type)",
            ),
            (json!({"message": "ValidationError"}), "not valid for the account:"),
            (json!({"message": "E11000 duplicate key error: anna@x.it"}), "must be unique"),
        ];
        for (body, expected) in table {
            let told = refusal(body.to_string().as_bytes());
            assert!(told.contains(expected), "{told}");
        }
        for personal in ["anna@x.it", "3331234567", "+39 333 1234567", "Anna Rossi", "a3331234567"] {
            let body = json!({"message": personal, "info": {"type": personal, "path": personal, "errors": [{"path": personal}]}});
            assert!(!refusal(body.to_string().as_bytes()).contains(personal));
            assert!(!refusal(json!({"info": personal}).to_string().as_bytes()).contains(personal));
        }
        assert!(refusal(b"<html>").contains("usual explanation"));
    }

    #[test]
    fn a_page_that_is_not_theirs_says_nothing_about_a_customer() {
        assert!(unknown_id(br#"{"error":404,"message":"not_found"}"#));
        assert!(!unknown_id(br#"{"error":404,"message":"not_found","info":"/customer"}"#));
        assert!(!unknown_id(b"<html>404</html>"));
    }

    fn document(value: Value) -> Customer {
        customer(&Naming::default(), value).unwrap()
    }

    #[test]
    fn saving_sends_the_fields_that_changed_and_nothing_else() {
        let before = document(json!({"id": "c1", "email": "a@x.it", "tags": {"a": 1, "b": 2}, "n": null}));
        let after = document(json!({"id": "c1", "email": "a@x.it", "tags": {"a": 1}, "n": null, "new": ""}));
        let sent = changed(&before, &after, &Naming::default()).unwrap();
        assert_eq!(Value::Object(sent), json!({"tags": {"a": 1}, "new": ""}));
        assert!(changed(&before, &before, &Naming::default()).unwrap().is_empty());
    }

    #[test]
    fn saving_neither_removes_a_field_nor_crosses_customers() {
        let before = document(json!({"id": "c1", "email": "a@x.it"}));
        assert!(changed(&before, &document(json!({"id": "c1"})), &Naming::default()).is_err());
        assert!(changed(&before, &document(json!({"id": "c2", "email": "a@x.it"})), &Naming::default()).is_err());
    }

    #[test]
    fn a_patch_sets_whole_fields_and_escapes_their_names() {
        let Value::Object(fields) = json!({"a/b~c": 1}) else { return };
        assert_eq!(json_patch(&fields), json!([{"op": "add", "path": "/a~1b~0c", "value": 1}]));
    }

    #[test]
    fn a_customer_is_an_object_with_an_id() {
        for bad in [json!([]), json!({}), json!({"id": 7.5}), json!({"id": null}), json!({"id": ""}), json!("c1")] {
            assert!(customer(&Naming::default(), bad).is_err());
        }
        let list = |text: &'static str| customers(&Naming::default(), &Bytes::from(text));
        assert_eq!(list(r#"[{"id":"c1"}]"#).unwrap().len(), 1);
        for bad in [r#"{"items":[]}"#, "null", "<html>", r#"[{"_id":"c1"}]"#] {
            assert!(list(bad).is_err(), "{bad}");
        }
    }
}
