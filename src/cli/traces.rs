//! Brings traces to `observe.otlp_endpoint`, by a transport of their own: the same authorities, no proxy, no redirect, and nothing of it is
//! traced or counted itself. Who asks for a name or a token is told it by the standard variable of the environment
//! (`OTEL_EXPORTER_OTLP_HEADERS`): the configuration holds no secret.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use percent_encoding::percent_decode_str;
use tokio::runtime::Handle;
use url::Url;

use super::setup;
use crate::{
    config::Settings,
    http::{Call, ReqwestTransport, Safety, Transport as _, TransportOptions},
    model::finding::{Finding, Standing},
    observe::otlp::{Courier, Traces},
};

/// The setting.
const ENDPOINT: &str = "observe.otlp_endpoint";
/// What is sent along, in the words of the OTLP specification; the first one that is set.
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];

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

/// Whether traces are taken there, if the configuration says where to. They stand in the way of no run.
pub(super) async fn finding(settings: &Settings) -> Option<Finding> {
    let post = Post::of(settings).transpose()?;
    let brought = match post {
        // A batch of nothing.
        Ok(post) => post.bring(Bytes::new()).await,
        Err(trouble) => Err(trouble),
    };
    Some(match brought {
        Ok(()) => Finding::new(ENDPOINT, Standing::Confirmed, "traces are taken there", ""),
        Err(why) => Finding::new(
            ENDPOINT,
            Standing::Unknown,
            format!("traces are not taken there now, and runs go on without: {why}"),
            "start what takes them, or correct the address: OTLP over HTTP, mostly at port 4318, and not the gRPC of port 4317",
        ),
    })
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
        let mut headers = headers(&setup::environment())?;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
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

/// The headers that the environment names: `name=value,name=value`, percent-encoded. A wrong one is told without what it holds.
fn headers(environment: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let given = |name: &&str| environment.get(*name).is_some_and(|text| !text.trim().is_empty());
    let Some(name) = HEADERS.into_iter().find(given) else { return Ok(HeaderMap::new()) };
    let text = environment.get(name).map(String::as_str).unwrap_or_default();
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs.map(pair).collect::<Option<_>>().ok_or_else(|| format!("{name} is no list of name=value, percent-encoded"))
}

fn pair(text: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = text.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

/// Where an endpoint takes traces: the OTLP specification's path, below whatever the endpoint has.
fn traces_of(endpoint: &Url) -> Url {
    let mut url = endpoint.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/v1/traces"));
    url
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it fails")]
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

    #[test]
    fn headers_come_from_the_environment_and_a_wrong_one_is_told_without_its_value() {
        let of = |pairs: &[(&str, &str)]| {
            headers(&pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(of(&[]), Ok(HeaderMap::new()));
        assert_eq!(of(&[("OTEL_EXPORTER_OTLP_HEADERS", " ")]), Ok(HeaderMap::new()));
        let both = [
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20YTpi%3D, x-tenant = acme ,"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-tenant=bella"),
        ];
        let general = of(&both[..1]).unwrap();
        assert_eq!(
            (general.len(), &general["authorization"], &general["x-tenant"]),
            (2, &"Basic YTpi=".parse().unwrap(), &"acme".parse().unwrap())
        );
        assert!(general["authorization"].is_sensitive());
        let special = of(&both).unwrap();
        assert_eq!((special.len(), &special["x-tenant"]), (1, &"bella".parse().unwrap()));
        for wrong in ["hunter2", "a b=hunter2", "x=hunter2%0a", "x=hunter2%ff"] {
            let told = of(&[("OTEL_EXPORTER_OTLP_HEADERS", wrong)]).unwrap_err();
            assert!(told.contains("OTEL_EXPORTER_OTLP_HEADERS") && !told.contains("hunter2"), "{told}");
        }
    }
}
