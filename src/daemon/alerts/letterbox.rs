//! Where alerts are posted: one address, one try at a time, each signed and with a deadline. Trying again is the courier's.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::http::{Answer, Call, CallError, Cause, Client, Judgement, Limits, Rate, Safety, Transport, Verdict};

/// Carries the hex HMAC-SHA-256 of the body.
const SIGNATURE: HeaderName = HeaderName::from_static("x-anagrafe-signature");
/// How long one try may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// The receiver.
pub struct Letterbox {
    client: Client,
    url: Url,
    key: hmac::Key,
}

impl Letterbox {
    /// Connects to nothing yet.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, url: Url, secret: &SecretString) -> Self {
        let limits = Limits {
            tries: 1,
            // A receiver that asks for a pause gets it: until then each try ends at once.
            longest_wait: Duration::ZERO,
            ..Limits::new(Rate { calls: 5, per: Duration::from_secs(1) }, 1)
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        Self { client: Client::new("alerts", transport, limits), url, key }
    }

    /// Posts a body once.
    ///
    /// # Errors
    /// Unless it was answered with a 2xx: it may have arrived all the same.
    pub(super) async fn post(&self, body: Vec<u8>) -> Result<(), CallError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let signature = hex::encode(hmac::sign(&self.key, &body));
        // Hexadecimal digits fit into any header.
        headers.extend(HeaderValue::from_str(&signature).ok().map(|signature| (SIGNATURE, signature)));
        let call = Call {
            name: "alerts.post",
            safety: Safety::Once,
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body: Some(Bytes::from(body)),
            timeout: DEADLINE,
            permit: None,
            paid: false,
        };
        self.client.call(call, &judge).await.map(drop)
    }
}

fn judge(answer: &Answer) -> Judgement {
    if answer.status.is_success() {
        return Judgement::Good;
    }
    let meaning = "the receiver of alerts did not take it".to_owned();
    Judgement::Fail(Verdict::Retry, Cause::Status { status: answer.status.as_u16(), meaning })
}
