//! What the account's own specification (`openapi.json`) says about what we assume: each assumption is confirmed,
//! contradicted, or not mentioned. Pure: it reads a document. What to do about it is the operator's business, save that
//! [`offers_rql`] decides for `vivocha.search = "auto"`.

mod demands;

use http::Method;
use serde_json::Value;

use super::{
    auth::Auth,
    options::{Endpoint, Options, SearchMode},
};
use crate::model::finding::{Finding, Standing};

/// Reads the specification (`OpenAPI` 3) against the options.
#[must_use]
pub fn read_openapi(document: &Value, options: &Options) -> Vec<Finding> {
    let doc = Doc { root: document, options };
    if document.get("paths").and_then(Value::as_object).is_none() {
        let text = "openapi.json describes no paths";
        return vec![Finding::new(
            "openapi.json",
            Standing::Unknown,
            text,
            "ask Vivocha for the account's specification",
        )];
    }
    let endpoints = &options.endpoints;
    let mut out: Vec<Finding> = [
        ("search", &endpoints.search),
        ("get", &endpoints.get),
        ("update", &endpoints.update),
        ("merge", &endpoints.merge),
        ("history", &endpoints.history),
    ]
    .into_iter()
    .map(|(key, endpoint)| doc.endpoint(key, endpoint))
    .collect();
    out.extend(doc.search());
    out.extend(doc.fields());
    out.push(doc.security());
    out.extend(doc.demands());
    out
}

/// What the specification says of a field that `[fields]` writes besides the customer's own: `key` is the rule's, `name`
/// the field's, which is to hold an object or a text.
#[must_use]
pub fn read_target(document: &Value, options: &Options, key: &str, name: &str, object: bool) -> Finding {
    Doc { root: document, options }.target(key, name, object)
}

/// Whether the search endpoint takes an RQL query.
#[must_use]
pub fn offers_rql(document: &Value, options: &Options) -> bool {
    let doc = Doc { root: document, options };
    doc.operation(&options.endpoints.search).is_some_and(|operation| doc.parameters(&operation).contains(&"q"))
}

/// A path of the specification and one verb of it.
struct Operation<'a> {
    path: &'a Value,
    verb: &'a Value,
}

struct Doc<'a> {
    root: &'a Value,
    options: &'a Options,
}

impl<'a> Doc<'a> {
    /// Follows references within the document; one that leads elsewhere, or round in circles, stays what it is.
    fn resolve(&self, mut value: &'a Value) -> &'a Value {
        for _ in 0..8 {
            let target = value.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix('#'));
            match target.and_then(|at| self.root.pointer(at)) {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    fn paths(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.root.get("paths").and_then(Value::as_object).into_iter().flatten()
    }

    /// The path of the specification that an endpoint means: whatever its placeholders are called, and whether or not the
    /// specification repeats the base's path.
    fn path(&self, endpoint: &Endpoint) -> Option<(&'a String, &'a Value)> {
        let bare = endpoint.path.split('?').next().unwrap_or_default();
        let based = format!("{}/{bare}", self.options.base_url.path().trim_end_matches('/'));
        self.paths().find(|(path, _)| same_path(path, bare) || same_path(path, &based))
    }

    fn operation(&self, endpoint: &Endpoint) -> Option<Operation<'a>> {
        let (_, path) = self.path(endpoint)?;
        let verb = path.get(endpoint.method.as_str().to_ascii_lowercase())?;
        Some(Operation { path, verb })
    }

    fn endpoint(&self, key: &str, endpoint: &Endpoint) -> Finding {
        let subject = format!("vivocha.endpoints.{key}");
        let wanted = format!("{} {}", endpoint.method, endpoint.path);
        let Some((path, item)) = self.path(endpoint) else {
            let near: Vec<&str> =
                self.paths().map(|(path, _)| path.as_str()).filter(|path| near(path)).take(8).collect();
            let text = format!("{wanted} is not mentioned");
            return if near.is_empty() {
                Finding::new(
                    subject,
                    Standing::Unknown,
                    text,
                    "ask Vivocha whether the account has a customers resource",
                )
            } else {
                let advice = format!("compare with what is: {}", near.join(", "));
                Finding::new(subject, Standing::Unknown, text, &advice)
            };
        };
        if item.get(endpoint.method.as_str().to_ascii_lowercase()).is_some() {
            return Finding::new(subject, Standing::Confirmed, format!("{wanted}: described as {path}"), "");
        }
        let verbs = [Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
        let offered: Vec<&str> =
            verbs.iter().map(Method::as_str).filter(|verb| item.get(verb.to_ascii_lowercase()).is_some()).collect();
        let text = format!("{path} is described, but not with {}; it takes {}", endpoint.method, offered.join(", "));
        Finding::new(subject, Standing::Contradicted, text, "change the verb in [vivocha.endpoints], or ask Vivocha")
    }

    /// The names of the query parameters of an operation, its path's included.
    fn parameters(&self, operation: &Operation<'a>) -> Vec<&'a str> {
        [operation.path, operation.verb]
            .into_iter()
            .filter_map(|holder| holder.get("parameters").and_then(Value::as_array))
            .flatten()
            .map(|parameter| self.resolve(parameter))
            .filter(|parameter| parameter.get("in").and_then(Value::as_str) == Some("query"))
            .filter_map(|parameter| parameter.get("name").and_then(Value::as_str))
            .collect()
    }

    fn search(&self) -> Vec<Finding> {
        let subject = |name: &str| format!("vivocha.search: parameter {name}");
        let Some(operation) = self.operation(&self.options.endpoints.search) else {
            let text = "the search endpoint is not described, so its parameters are not known";
            let advice = "ask Vivocha how customers are searched";
            return vec![Finding::new("vivocha.search", Standing::Unknown, text, advice)];
        };
        let offered = self.parameters(&operation);
        let rql = offered.contains(&"q");
        let needed = match self.options.search {
            SearchMode::Rql => true,
            SearchMode::Params => false,
            SearchMode::Auto => rql,
        };
        let finding = |name: &str, used: bool, advice: &str| {
            if offered.contains(&name) {
                Finding::new(subject(name), Standing::Confirmed, format!("{name} is offered"), "")
            } else if used {
                Finding::new(subject(name), Standing::Contradicted, format!("{name} is not offered"), advice)
            } else {
                let text = format!("{name} is not offered, and not used");
                Finding::new(subject(name), Standing::Unknown, text, "nothing is to be done while it is not used")
            }
        };
        vec![
            finding("q", needed, "set vivocha.search = \"params\""),
            finding("email", !needed, "ask Vivocha how customers are searched by e-mail"),
            finding("telnum", !needed, "ask Vivocha how customers are searched by telephone"),
        ]
    }

    /// The schema of a customer: what reading one answers, else the members of what a search answers.
    fn schema(&self) -> Option<&'a Value> {
        let answer = |endpoint| {
            let operation = self.operation(endpoint)?;
            let ok = self.resolve(operation.verb.pointer("/responses/200")?);
            Some(self.resolve(ok.pointer("/content/application~1json/schema")?))
        };
        let endpoints = &self.options.endpoints;
        answer(&endpoints.get).or_else(|| answer(&endpoints.search)?.get("items").map(|items| self.resolve(items)))
    }

    /// A property of a schema, wherever it is composed from.
    fn property(&self, schema: &'a Value, name: &str, depth: u8) -> Option<&'a Value> {
        let schema = self.resolve(schema);
        if let Some(property) = schema.get("properties").and_then(|properties| properties.get(name)) {
            return Some(self.resolve(property));
        }
        if depth == 0 {
            return None;
        }
        let parts = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
        parts.into_iter().find_map(|part| self.property(part, name, depth - 1))
    }

    fn fields(&self) -> Vec<Finding> {
        let Some(schema) = self.schema() else {
            let text = "no schema of a customer is described, so names and lengths of its fields are not known";
            return vec![Finding::new("vivocha.fields", Standing::Unknown, text, "read one customer and compare")];
        };
        let naming = &self.options.naming;
        [
            ("id", &naming.id),
            ("email", &naming.email),
            ("telnum", &naming.telnum),
            ("vvcu", &naming.vvcu),
            ("first_name", &naming.first_name),
            ("last_name", &naming.last_name),
            ("nickname", &naming.nickname),
        ]
        .into_iter()
        .map(|(key, name)| self.field(schema, key, name))
        .collect()
    }

    fn field(&self, schema: &'a Value, key: &str, name: &str) -> Finding {
        let subject = format!("vivocha.fields.{key}");
        let Some(property) = self.property(schema, name, 4) else {
            let text = format!("a customer's `{name}` is not described");
            // Whoever forbids all other fields has contradicted this one.
            return if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
                Finding::new(subject, Standing::Contradicted, text, "name the field as the specification does")
            } else {
                Finding::new(subject, Standing::Unknown, text, "read one customer and compare")
            };
        };
        if !is_text(property) {
            let text = format!("a customer's `{name}` is described, but not as a text");
            return Finding::new(subject, Standing::Contradicted, text, "name the field that holds the text");
        }
        let longest = property.get("maxLength").and_then(Value::as_u64);
        let longest = longest.map_or_else(String::new, |longest| format!(" of at most {longest} characters"));
        let mut text = format!("a customer's `{name}` is a text{longest}");
        if property.get("readOnly") == Some(&Value::Bool(true)) && !matches!(key, "id" | "vvcu") {
            text.push_str(", and read-only");
            return Finding::new(subject, Standing::Contradicted, text, "set its rule in [fields] to \"never\"");
        }
        Finding::new(subject, Standing::Confirmed, text, "")
    }

    fn security(&self) -> Finding {
        const SUBJECT: &str = "vivocha.auth";
        let schemes: Vec<&Value> = self
            .root
            .pointer("/components/securitySchemes")
            .and_then(Value::as_object)
            .map(|schemes| schemes.values().map(|scheme| self.resolve(scheme)).collect())
            .unwrap_or_default();
        let mode = format!("{:?}", self.options.auth);
        if schemes.is_empty() {
            let advice = "ask Vivocha which way is meant, should the credentials be refused";
            return Finding::new(SUBJECT, Standing::Unknown, "no way of getting in is described", advice);
        }
        if schemes.iter().any(|scheme| fits(&self.options.auth, scheme)) {
            return Finding::new(SUBJECT, Standing::Confirmed, format!("mode \"{mode}\" is described"), "");
        }
        let kinds: Vec<String> = schemes.iter().map(|scheme| kind(scheme)).collect();
        let text = format!("mode \"{mode}\" is not among what is described: {}", kinds.join(", "));
        Finding::new(SUBJECT, Standing::Contradicted, text, "choose another vivocha.auth.mode, or ask Vivocha")
    }
}

fn near(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.contains("customer") || path.contains("contact")
}

fn same_path(described: &str, wanted: &str) -> bool {
    let segments = |path: &'_ str| path.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    let hole = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
    let (described, wanted) = (segments(described), segments(wanted));
    described.len() == wanted.len() && described.iter().zip(&wanted).all(|(a, b)| a == b || (hole(a) && hole(b)))
}

/// A type of "string", alone or beside "null"; an undescribed type is left open and passes.
fn is_text(property: &Value) -> bool {
    match property.get("type") {
        Some(Value::String(kind)) => kind == "string",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "string"),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => true,
    }
}

fn fits(auth: &Auth, scheme: &Value) -> bool {
    let text = |key| scheme.get(key).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    match auth {
        Auth::Client { .. } | Auth::Basic { .. } => text("type") == "http" && text("scheme") == "basic",
        Auth::Jwt { .. } => text("type") == "http" && text("scheme") == "bearer",
        Auth::OAuth { .. } => text("type") == "oauth2" && scheme.pointer("/flows/clientCredentials").is_some(),
    }
}

fn kind(scheme: &Value) -> String {
    let text = |key| scheme.get(key).and_then(Value::as_str).unwrap_or_default();
    format!("{} {}", text("type"), text("scheme")).trim().to_owned()
}
