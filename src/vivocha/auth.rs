//! Getting in: the `Authorization` of every call, and the tokens behind it. Four ways are known from the vendor's public
//! code; which one an account takes is a setting. Secrets stay in their wrapping until the header is made, and the header
//! is marked sensitive.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderValue, Method, header};
use jsonwebtoken::{EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use super::{options::Options, query::percent};
use crate::http::{Answer, Call, CallError, Cause, Client, Judgement, Safety, Verdict};

/// What time it is; a parameter, so that the life of a token can be tested.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// How to get in: `[vivocha.auth]`.
#[derive(Clone)]
pub enum Auth {
    /// `Basic id:secret` of an API client.
    Client {
        /// The client's id.
        id: String,
        /// The client's secret.
        secret: SecretString,
    },
    /// A bearer token we sign ourselves (HS256) with the account's secret token.
    Jwt {
        /// The user on whose behalf.
        uid: String,
        /// The account's secret token.
        secret: SecretString,
    },
    /// A bearer token from `{base}/token` for client credentials.
    OAuth {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        secret: SecretString,
        /// What to ask for.
        scope: Vec<String>,
    },
    /// `Basic account:secret` as of the first version of the API.
    Basic {
        /// The account.
        account: String,
        /// The account's secret token.
        secret: SecretString,
    },
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Auth::Client { .. } => "client",
            Auth::Jwt { .. } => "jwt",
            Auth::OAuth { .. } => "oauth",
            Auth::Basic { .. } => "basic",
        })
    }
}

impl Auth {
    /// What could not work.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let (id, secret, basic) = match self {
            Auth::Client { id, secret } => (id, secret, true),
            Auth::OAuth { client_id, secret, .. } => (client_id, secret, true),
            Auth::Basic { account, secret } => (account, secret, true),
            Auth::Jwt { uid, secret } => (uid, secret, false),
        };
        if id.is_empty() || secret.expose_secret().is_empty() {
            Some("id and secret are needed")
        } else if basic && id.contains(':') {
            Some("an id with ':' cannot be written in HTTP Basic")
        } else {
            None
        }
    }
}

/// A signed token lives this long, in seconds.
const SIGNED_LIFE: i64 = 300;
/// A token is renewed this long before it ends, in seconds; or a quarter of its life, if that is less.
const MARGIN: i64 = 60;

/// An `Authorization`, and which one it was, so that a refusal of it is not taken for a refusal of its successor.
#[derive(Clone)]
pub(super) struct Issued {
    pub header: HeaderValue,
    serial: u64,
}

struct Token {
    issued: Issued,
    from: DateTime<Utc>,
    renew: DateTime<Utc>,
}

/// The `Authorization` in force. Callers that find it ended wait for one renewal and share it.
pub(super) struct Authority {
    clock: Clock,
    token: Mutex<Option<Token>>,
}

impl Authority {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, token: Mutex::new(None) }
    }

    /// What to send now.
    pub(super) async fn current(&self, client: &Client, options: &Options) -> Result<Issued, CallError> {
        let mut token = self.token.lock().await;
        let now = (self.clock)();
        match &*token {
            // A clock that was set back says nothing about how much of a life is left.
            Some(token) if token.from <= now && now < token.renew => Ok(token.issued.clone()),
            Some(_) | None => self.issue(&mut token, client, options).await,
        }
    }

    /// What to send instead of one that was refused; `None` where asking again would give the same.
    pub(super) async fn instead(
        &self,
        refused: &Issued,
        client: &Client,
        options: &Options,
    ) -> Result<Option<Issued>, CallError> {
        match options.auth {
            Auth::Client { .. } | Auth::Basic { .. } => return Ok(None),
            Auth::Jwt { .. } | Auth::OAuth { .. } => {}
        }
        let mut token = self.token.lock().await;
        match &*token {
            Some(token) if token.issued.serial != refused.serial => Ok(Some(token.issued.clone())),
            Some(_) | None => self.issue(&mut token, client, options).await.map(Some),
        }
    }

    async fn issue(&self, token: &mut Option<Token>, client: &Client, options: &Options) -> Result<Issued, CallError> {
        let from = (self.clock)();
        let failed = |cause| client.failed("token", Verdict::Stop, cause);
        let (text, life) = match &options.auth {
            Auth::Client { id, secret } | Auth::Basic { account: id, secret } => (basic(id, secret), None),
            Auth::Jwt { uid, secret } => {
                let exp = from.timestamp().saturating_add(SIGNED_LIFE);
                (format!("Bearer {}", signed(uid, secret, exp).map_err(failed)?), Some(SIGNED_LIFE))
            }
            Auth::OAuth { client_id, secret, scope } => {
                let grant = ask_token(client, options, basic(client_id, secret), scope).await?;
                (format!("Bearer {}", grant.access_token), Some(grant.life()))
            }
        };
        let mut header = HeaderValue::try_from(text).map_err(|_| {
            failed(Cause::Protocol("the credentials cannot stand in a header: check [vivocha.auth]".into()))
        })?;
        header.set_sensitive(true);
        let serial = token.as_ref().map_or(0, |token| token.issued.serial + 1);
        let issued = Issued { header, serial };
        let renew = life.map_or(DateTime::<Utc>::MAX_UTC, |life| {
            from + TimeDelta::seconds(life.saturating_sub(MARGIN.min(life / 4)))
        });
        *token = Some(Token { issued: issued.clone(), from, renew });
        Ok(issued)
    }
}

fn basic(id: &str, secret: &SecretString) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{}", secret.expose_secret())))
}

#[derive(Serialize)]
struct Claims<'a> {
    uid: &'a str,
    exp: i64,
}

fn signed(uid: &str, secret: &SecretString, exp: i64) -> Result<String, Cause> {
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::default(), &Claims { uid, exp }, &key)
        .map_err(|_| Cause::Protocol("a token could not be signed: check vivocha.auth.secret".into()))
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
    #[serde(default)]
    expires_in: Option<Value>,
}

impl Grant {
    /// Seconds; where they are not told, as short as a token we sign, at most a day.
    fn life(&self) -> i64 {
        let told = match &self.expires_in {
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
        };
        told.filter(|life| *life > 0).unwrap_or(SIGNED_LIFE).min(86_400)
    }
}

async fn ask_token(
    client: &Client,
    options: &Options,
    authorization: String,
    scope: &[String],
) -> Result<Grant, CallError> {
    let failed = |cause| client.failed("token", Verdict::Stop, cause);
    let unfit = || failed(Cause::Protocol("the credentials cannot stand in a header: check [vivocha.auth]".into()));
    let mut headers = HeaderMap::new();
    let mut authorization = HeaderValue::try_from(authorization).map_err(|_| unfit())?;
    authorization.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, authorization);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let mut body = "grant_type=client_credentials".to_owned();
    if !scope.is_empty() {
        body.push_str("&scope=");
        body.push_str(&percent(&scope.join(" ")));
    }
    let call = Call {
        name: "token",
        // It changes no customer: asking twice is harmless.
        safety: Safety::Read,
        method: Method::POST,
        url: options.address("token", None).map_err(failed)?,
        headers,
        body: Some(Bytes::from(body)),
        timeout: options.timeout,
        permit: None,
        paid: false,
    };
    let answer = client.call(call, &judge).await?;
    serde_json::from_slice::<Grant>(&answer.body)
        .map_err(|_| failed(Cause::Protocol("no access_token in the answer: check vivocha.auth.mode".into())))
}

fn judge(answer: &Answer) -> Judgement {
    let status = answer.status.as_u16();
    let cause = |meaning: &str| Cause::Status { status, meaning: meaning.to_owned() };
    match status {
        200 | 201 => Judgement::Good,
        429 | 500 | 502..=504 => Judgement::Again(cause("no token at the moment")),
        400 | 401 | 403 => Judgement::Fail(
            Verdict::Stop,
            cause("the credentials or the scope are refused: check vivocha.auth.id, secret and scope"),
        ),
        _ => Judgement::Fail(Verdict::Stop, cause("no token is given there: check vivocha.auth.mode and base_url")),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use super::*;

    #[test]
    fn a_signed_token_carries_uid_and_end_and_verifies_under_the_secret() {
        #[derive(Deserialize)]
        struct Read {
            uid: String,
            exp: i64,
        }
        let secret = SecretString::from("s3cret".to_owned());
        let token = signed("u1", &secret, 2_000_000_000).unwrap();
        let key = jsonwebtoken::DecodingKey::from_secret(b"s3cret");
        let rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
        let read = jsonwebtoken::decode::<Read>(&token, &key, &rules).unwrap();
        assert_eq!((read.claims.uid.as_str(), read.claims.exp), ("u1", 2_000_000_000));
        let other = jsonwebtoken::DecodingKey::from_secret(b"other");
        assert!(jsonwebtoken::decode::<Read>(&token, &other, &rules).is_err());
    }

    #[test]
    fn a_grant_without_a_usable_life_is_taken_for_short() {
        for (told, life) in [
            (r#"{"access_token":"t","expires_in":3600}"#, 3600),
            (r#"{"access_token":"t","expires_in":"120"}"#, 120),
            (r#"{"access_token":"t"}"#, SIGNED_LIFE),
            (r#"{"access_token":"t","expires_in":0}"#, SIGNED_LIFE),
            (r#"{"access_token":"t","expires_in":99999999}"#, 86_400),
        ] {
            assert_eq!(serde_json::from_str::<Grant>(told).unwrap().life(), life, "{told}");
        }
    }

    #[test]
    fn nothing_secret_shows_itself() {
        let auth = Auth::Jwt { uid: "anna@x.it".into(), secret: "s3cret".to_owned().into() };
        assert_eq!(format!("{auth:?}"), "jwt");
    }
}
