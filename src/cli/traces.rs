//! Brings traces to `observe.otlp_endpoint`, by a transport of their own: the same authorities, no proxy, no redirect, and nothing of it is
//! traced or counted itself.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::runtime::Handle;
use url::Url;

use crate::{
    config::Settings,
    http::{Call, ReqwestTransport, Safety, Transport as _, TransportOptions},
    observe::otlp::{Courier, Traces},
};

/// How long a connection may take.
const CONNECTS: Duration = Duration::from_secs(2);
/// How long an answer may take.
const ANSWERS: Duration = Duration::from_secs(4);
/// The longest answer that is read: nothing is taken from it.
const LONGEST: usize = 64 << 10;

/// Begins to trace, if the configuration says where to.
///
/// # Errors
/// Why that is not possible: nothing else is to fail for it.
pub(super) fn begin(settings: &Settings) -> Result<Option<Traces>, String> {
    let Some(courier) = Post::of(settings)? else { return Ok(None) };
    let runtime = Handle::try_current().map_err(|error| error.to_string())?;
    Ok(Some(Traces::begin(Arc::new(courier), runtime)))
}

/// Posts batches.
pub(super) struct Post {
    transport: ReqwestTransport,
    url: Url,
    headers: HeaderMap,
}

impl Post {
    /// To where the configuration says, if it does.
    pub fn of(settings: &Settings) -> Result<Option<Self>, String> {
        let Some(endpoint) = &settings.observe.otlp_endpoint else { return Ok(None) };
        let options = TransportOptions {
            ca_bundle: settings.http.ca_bundle.clone(),
            connect_timeout: CONNECTS,
            read_timeout: ANSWERS,
            max_answer_bytes: LONGEST,
        };
        let transport = ReqwestTransport::new(options).map_err(|error| error.to_string())?;
        let headers =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))]);
        Ok(Some(Self { transport, url: traces_of(endpoint), headers }))
    }
}

#[async_trait]
impl Courier for Post {
    async fn bring(&self, batch: Bytes) -> Result<(), String> {
        let call = Call {
            name: "traces",
            safety: Safety::Once,
            method: Method::POST,
            url: self.url.clone(),
            headers: self.headers.clone(),
            body: Some(batch),
            timeout: ANSWERS,
            permit: None,
            paid: false,
        };
        let answer = self.transport.send(&call).await.map_err(|error| error.to_string())?;
        if answer.status.is_success() { Ok(()) } else { Err(format!("HTTP {}", answer.status.as_u16())) }
    }
}

/// Where an endpoint takes traces: the OTLP specification's path, below whatever the endpoint has.
fn traces_of(endpoint: &Url) -> Url {
    let mut url = endpoint.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/v1/traces"));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_base_below_which_traces_are_taken() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.example.org/otlp/", "https://collector.example.org/otlp/v1/traces"),
        ] {
            assert_eq!(traces_of(&Url::parse(endpoint).unwrap()).as_str(), url);
        }
    }
}
