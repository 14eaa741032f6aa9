//! What the specification demands of a call beyond its address: scopes, the length of a page, the members of a body, and
//! whether it says anything about a limit of calls. Pure, as the rest of the preflight.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Doc, Operation};
use crate::{
    model::finding::{Finding, Standing},
    vivocha::{auth::Auth, options::Endpoint, search::LIMIT},
};

/// What a client of ours is given.
const OURS: [&str; 3] = ["Customer.query", "Customer.read", "Customer.update"];

impl<'a> Doc<'a> {
    pub(super) fn demands(&self) -> Vec<Finding> {
        let mut out = vec![self.scopes(), self.call_limit()];
        out.extend(self.paging());
        out.extend(self.merge_body());
        out
    }

    fn operations(&self) -> impl Iterator<Item = Operation<'a>> + '_ {
        let endpoints = &self.options.endpoints;
        [&endpoints.search, &endpoints.get, &endpoints.update, &endpoints.merge]
            .into_iter()
            .filter_map(|endpoint| self.operation(endpoint))
    }

    /// The scopes that the calls of a sync need.
    fn scopes(&self) -> Finding {
        const SUBJECT: &str = "vivocha.auth scope";
        let general = self.root.get("security");
        let needed: BTreeSet<&str> = self
            .operations()
            .filter_map(|operation| operation.verb.get("security").or(general)?.as_array())
            .flatten()
            .filter_map(Value::as_object)
            .flat_map(|ways| ways.values().filter_map(Value::as_array).flatten())
            .filter_map(Value::as_str)
            .collect();
        if needed.is_empty() {
            let advice = format!("ask Vivocha which scopes these calls need; {} are assumed", OURS.join(", "));
            return Finding::new(SUBJECT, Standing::Unknown, "no scope is mentioned", &advice);
        }
        let listed = needed.iter().copied().collect::<Vec<_>>().join(", ");
        let asked: Vec<&str> = match &self.options.auth {
            Auth::OAuth { scope, .. } => scope.iter().map(String::as_str).collect(),
            Auth::Client { .. } | Auth::Jwt { .. } | Auth::Basic { .. } => OURS.to_vec(),
        };
        let missing: Vec<&str> = needed.iter().filter(|scope| !asked.contains(scope)).copied().collect();
        let text = format!("search, get, update and merge need {listed}");
        match (missing.is_empty(), &self.options.auth) {
            (true, _) => Finding::new(SUBJECT, Standing::Confirmed, text, ""),
            (false, Auth::OAuth { .. }) => {
                let advice = format!("add {} to vivocha.auth.scope", missing.join(", "));
                Finding::new(SUBJECT, Standing::Contradicted, text, &advice)
            }
            (false, Auth::Client { .. } | Auth::Jwt { .. } | Auth::Basic { .. }) => {
                let advice = format!("see to it that the credentials were given {}", missing.join(", "));
                Finding::new(SUBJECT, Standing::Unknown, text, &advice)
            }
        }
    }

    fn call_limit(&self) -> Finding {
        const SUBJECT: &str = "vivocha.rate";
        let throttles = |operation: Operation<'a>| {
            operation.verb.get("responses").is_some_and(|answers| answers.get("429").is_some())
        };
        let text = if self.operations().any(throttles) {
            "a limit of calls is described (429), and not which"
        } else {
            "no limit of calls is described"
        };
        let advice = "ask Vivocha how many calls an account may make, and lower vivocha.rate if fewer than set; a 429 and its \
                      Retry-After are obeyed either way";
        Finding::new(SUBJECT, Standing::Unknown, text, advice)
    }

    /// Whether a page may be as long as we ask for, and can be followed by another.
    fn paging(&self) -> Vec<Finding> {
        let Some(operation) = self.operation(&self.options.endpoints.search) else { return Vec::new() };
        let offered = self.parameters(&operation);
        let finding = |name: &str, verdict, text: String, advice: &str| {
            Finding::new(format!("vivocha.search: parameter {name}"), verdict, text, advice)
        };
        let most = self.parameter(&operation, "limit").and_then(|limit| {
            let schema = limit.get("schema").map(|schema| self.resolve(schema));
            [schema, Some(limit)].into_iter().flatten().find_map(|holder| holder.get("maximum")?.as_u64())
        });
        let ours = LIMIT as u64;
        let limit = match most {
            Some(most) if most < ours => finding(
                "limit",
                Standing::Contradicted,
                format!("at most {most} customers come at once, and {ours} are asked for"),
                "ask Vivocha whether more can be had; a search that asks for too many is refused",
            ),
            Some(most) => finding("limit", Standing::Confirmed, format!("up to {most} customers come at once"), ""),
            None => finding(
                "limit",
                Standing::Unknown,
                format!("how many customers come at once is not mentioned; {ours} are asked for"),
                "ask Vivocha; the search below shows whether so many may be asked for",
            ),
        };
        let follows = ["skip", "sort"].map(|name| {
            if offered.contains(&name) {
                finding(name, Standing::Confirmed, format!("{name} is offered"), "")
            } else {
                let advice =
                    "ask Vivocha how an answer that is not whole is read on; such answers are taken for no evidence";
                finding(name, Standing::Unknown, format!("{name} is not mentioned"), advice)
            }
        });
        [limit].into_iter().chain(follows).collect()
    }

    fn parameter(&self, operation: &Operation<'a>, name: &str) -> Option<&'a Value> {
        [operation.path, operation.verb]
            .into_iter()
            .filter_map(|holder| holder.get("parameters").and_then(Value::as_array))
            .flatten()
            .map(|parameter| self.resolve(parameter))
            .find(|parameter| parameter.get("name").and_then(Value::as_str) == Some(name))
    }

    /// The schema of what a call takes.
    fn body(&self, endpoint: &Endpoint) -> Option<&'a Value> {
        let body = self.resolve(self.operation(endpoint)?.verb.get("requestBody")?);
        Some(self.resolve(body.pointer("/content/application~1json/schema")?))
    }

    /// Whether a merge takes what we send.
    fn merge_body(&self) -> Vec<Finding> {
        const SUBJECT: &str = "vivocha.endpoints.merge_body";
        let endpoints = &self.options.endpoints;
        if self.operation(&endpoints.merge).is_none() {
            return Vec::new();
        }
        let Some(schema) = self.body(&endpoints.merge) else {
            let advice = "ask Vivocha what a merge takes, and which of the two ids survives it";
            return vec![Finding::new(SUBJECT, Standing::Unknown, "what a merge takes is not described", advice)];
        };
        let sent: Value = serde_json::from_str(&endpoints.merge_body).unwrap_or_default();
        let sent: BTreeSet<&str> =
            sent.as_object().map(|sent| sent.keys().map(String::as_str).collect()).unwrap_or_default();
        let required: BTreeSet<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let missing: Vec<&str> = required.difference(&sent).copied().collect();
        let strange: Vec<&str> = sent.iter().filter(|name| self.property(schema, name, 4).is_none()).copied().collect();
        let (verdict, text) = if !missing.is_empty() {
            (Standing::Contradicted, format!("a merge needs {}, which is not sent", missing.join(", ")))
        } else if !strange.is_empty() {
            (Standing::Contradicted, format!("a merge does not take {}", strange.join(", ")))
        } else {
            (Standing::Confirmed, "a merge takes what is sent".to_owned())
        };
        let advice =
            if verdict == Standing::Confirmed { "" } else { "set vivocha.endpoints.merge_body as it is described" };
        vec![Finding::new(SUBJECT, verdict, text, advice)]
    }

    /// Whether an update takes a field that `[fields]` writes besides the customer's own: a text, or an object of ours.
    pub(super) fn target(&self, key: &str, name: &str, object: bool) -> Finding {
        let subject = format!("fields.{key}");
        let ask = format!(
            "ask Vivocha whether a customer can hold {} of ours in `{name}`; until then leave its rule at \"never\"",
            if object { "an object" } else { "a text" }
        );
        let schema = self.body(&self.options.endpoints.update).or_else(|| self.schema());
        let Some(schema) = schema else {
            let text = format!("no schema of a customer is described, so whether there is a `{name}` is not known");
            return Finding::new(subject, Standing::Unknown, text, &ask);
        };
        let Some(property) = self.property(schema, name, 4) else {
            let text = format!("a customer's `{name}` is not described");
            let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
            let verdict = if closed { Standing::Contradicted } else { Standing::Unknown };
            return Finding::new(subject, verdict, text, &ask);
        };
        let wanted = if object { "object" } else { "string" };
        let fits = match property.get("type") {
            Some(Value::String(kind)) => kind == wanted,
            Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == wanted),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => true,
        };
        if fits {
            let what = if object { "an object" } else { "a text" };
            Finding::new(subject, Standing::Confirmed, format!("a customer's `{name}` is {what}"), "")
        } else {
            let text = format!("a customer's `{name}` is described, but not as {wanted}");
            Finding::new(
                subject,
                Standing::Contradicted,
                text,
                "name another field in `to`, or leave its rule at \"never\"",
            )
        }
    }
}
