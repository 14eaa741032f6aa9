//! Who is calling: the four ways of authentication that the vendor's public code shows, each checked for real, and the
//! scopes of what they authenticate.

use std::{
    collections::HashMap,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{AccountOptions, errors};
use crate::sandbox::wire::{Reply, Request, form, parameter};

/// A way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMode {
    /// Basic, id and secret of an API client.
    Client,
    /// Bearer, a token signed with the account's secret token.
    Jwt,
    /// Bearer, a token from `{base}/token`.
    Oauth,
    /// Basic, the account's name and its secret token.
    Basic,
}

/// An API client.
#[derive(Debug, Clone)]
pub(super) struct Client {
    secret: String,
    scopes: Vec<String>,
}

/// A token given out.
struct Token {
    until: Instant,
    scopes: Vec<String>,
}

/// Everybody who may call.
pub(super) struct Callers {
    clients: HashMap<String, Client>,
    tokens: HashMap<String, Token>,
    given: u64,
}

impl Callers {
    pub(super) fn new(options: &AccountOptions) -> Self {
        let client = Client { secret: options.client_secret.clone(), scopes: options.scopes.clone() };
        Self { clients: HashMap::from([(options.client_id.clone(), client)]), tokens: HashMap::new(), given: 0 }
    }

    /// Nothing, or the refusal of a request that lacks what `scope` stands for.
    pub(super) fn admit(&self, request: &Request, options: &AccountOptions, scope: &str) -> Result<(), Reply> {
        let scopes = self.scopes(request, options).ok_or_else(|| errors::unauthorized("invalid credentials"))?;
        let held = scopes.iter().any(|held| held == scope || held == "*");
        if held { Ok(()) } else { Err(errors::missing_scope(options.missing_scope, scope)) }
    }

    fn scopes(&self, request: &Request, options: &AccountOptions) -> Option<Vec<String>> {
        let accepts = |mode: AuthMode| options.accepts.contains(&mode);
        let header = request.header("authorization")?;
        if let Some(token) = header.strip_prefix("Bearer ") {
            let given = self.tokens.get(token).filter(|token| accepts(AuthMode::Oauth) && Instant::now() < token.until);
            if let Some(given) = given {
                return Some(given.scopes.clone());
            }
            return (accepts(AuthMode::Jwt) && signed(token, &options.secret_token)).then(everything);
        }
        let (user, password) = basic(header)?;
        let client = self.clients.get(&user).filter(|client| accepts(AuthMode::Client) && client.secret == password);
        if let Some(client) = client {
            return Some(client.scopes.clone());
        }
        let account = user == options.account && password == options.secret_token;
        (accepts(AuthMode::Basic) && account).then(everything)
    }

    /// `POST {base}/token`: client credentials, in the header or in the form.
    pub(super) fn token(&mut self, request: &Request, options: &AccountOptions) -> Reply {
        let fields = form(&String::from_utf8_lossy(&request.body));
        let field = |name| parameter(&fields, name).map(str::to_owned);
        let in_form = || field("client_id").zip(field("client_secret"));
        let refuse = |status, error: &str| Reply::json(status, json!({ "error": error }));
        if field("grant_type").as_deref() != Some("client_credentials") {
            return refuse(400, "unsupported_grant_type");
        }
        let Some((id, secret)) = request.header("authorization").and_then(basic).or_else(in_form) else {
            return refuse(401, "invalid_client");
        };
        let Some(client) = self.clients.get(&id).filter(|client| client.secret == secret) else {
            return refuse(401, "invalid_client");
        };
        let asked = field("scope");
        let wanted = |scope: &&String| asked.as_deref().is_none_or(|asked| asked.split(' ').any(|one| one == *scope));
        let scopes: Vec<String> = client.scopes.iter().filter(wanted).cloned().collect();
        let token = self.secret("token");
        let scope = scopes.join(" ");
        self.tokens.insert(token.clone(), Token { until: Instant::now() + options.token_life, scopes });
        let life = options.token_life.as_secs();
        Reply::json(200, json!({ "access_token": token, "token_type": "Bearer", "expires_in": life, "scope": scope }))
    }

    /// Takes every token given out back, as a vendor may at any time.
    pub(super) fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    /// `POST {base}/clients`, by an operator.
    pub(super) fn create_client(&mut self, request: &Request, options: &AccountOptions) -> Reply {
        if !operator(request, options) {
            return errors::unauthorized("invalid credentials");
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let Some(scopes) = body.get("scope").and_then(Value::as_array) else {
            return errors::validation("required", "scope", "body");
        };
        let scopes = scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let (id, secret) = (self.secret("client"), self.secret("secret"));
        self.clients.insert(id.clone(), Client { secret: secret.clone(), scopes });
        Reply::json(201, json!({ "id": id, "secret": secret })).wrote(&id)
    }

    /// `DELETE {base}/clients/{id}`, by an operator.
    pub(super) fn delete_client(&mut self, request: &Request, options: &AccountOptions, id: &str) -> Reply {
        if !operator(request, options) {
            return errors::unauthorized("invalid credentials");
        }
        if self.clients.remove(id).is_none() { errors::not_found() } else { Reply::empty(200).wrote(&id) }
    }

    /// Unlike the others, and not to be guessed from them; no more secret than a sandbox needs.
    fn secret(&mut self, of: &str) -> String {
        self.given += 1;
        let mut text = hex::encode(Sha256::digest(format!("{of} {} {:?}", self.given, SystemTime::now())));
        text.truncate(32);
        text
    }
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

fn operator(request: &Request, options: &AccountOptions) -> bool {
    let expected = (options.user.clone(), options.password.clone());
    request.header("authorization").and_then(basic) == Some(expected)
}

fn basic(header: &str) -> Option<(String, String)> {
    let decoded = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// A token of three parts, HS256, with `uid` and an `exp` that has not come.
fn signed(token: &str, secret: &str) -> bool {
    let Some((content, signature)) = token.rsplit_once('.') else { return false };
    let Some((header, claims)) = content.split_once('.') else { return false };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(content.as_bytes());
    let genuine = URL_SAFE_NO_PAD.decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok());
    let part = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        serde_json::from_slice::<Value>(&bytes).unwrap_or_default()
    };
    let (header, claims) = (part(header), part(claims));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let lives = claims.get("exp").and_then(Value::as_u64).is_some_and(|exp| exp > now);
    let named = claims.get("uid").and_then(Value::as_str).is_some_and(|uid| !uid.is_empty());
    genuine && lives && named && header.get("alg").and_then(Value::as_str) == Some("HS256")
}
