//! The framework's errors: `{"error": status, "message", "info"?}`.

use serde_json::{Map, Value, json};

use crate::sandbox::wire::Reply;

fn error(status: u16, message: &str, info: Option<Value>) -> Reply {
    let mut body = Map::new();
    body.insert("error".into(), status.into());
    body.insert("message".into(), message.into());
    if let Some(info) = info {
        body.insert("info".into(), info);
    }
    Reply::json(status, Value::Object(body))
}

pub(super) fn not_found() -> Reply {
    error(404, "not_found", None)
}

/// Was there, and was merged away.
pub(super) fn gone() -> Reply {
    error(410, "gone", None)
}

pub(super) fn no_such_path(path: &str) -> Reply {
    error(404, "not_found", Some(format!("no handler for {path}").into()))
}

pub(super) fn no_such_verb(method: &str, allowed: &str) -> Reply {
    error(405, "method not allowed", Some(format!("{method} is not allowed").into())).with("allow", allowed)
}

pub(super) fn validation(kind: &str, path: &str, scope: &str) -> Reply {
    error(400, "ValidationError", Some(json!({ "type": kind, "path": path, "scope": scope })))
}

pub(super) fn unauthorized(info: &str) -> Reply {
    error(401, "unauthorized", Some(info.into()))
}

pub(super) fn missing_scope(status: u16, scope: &str) -> Reply {
    error(status, "insufficient privileges", Some(format!("missing scope {scope}").into()))
}

/// Whatever throws: a body too long, JSON or a query that cannot be parsed. The caller's fault, and yet a 500.
pub(super) fn internal() -> Reply {
    error(500, "internal", None)
}
