//! The transport that has sockets: reqwest with rustls, no redirects, no ambient proxy, answers capped after decompression.
//!
//! It tries once: the retries that reqwest makes on its own are off, since nobody would count them. Its errors are put in our
//! words or in those of the innermost cause, never in reqwest's, which quote the address.

use std::{error::Error as StdError, fs, io, path::PathBuf, sync::OnceLock, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, ClientBuilder, redirect};
use url::Url;

use super::{
    call::{Answer, Call, Cause},
    transport::{Transport, TransportError},
};

const NO_AUTHORITIES: &str = "no certificate authorities to trust were found on this machine: install the package \
                              ca-certificates, or name a PEM file of them in the configuration";

/// How to carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportOptions {
    /// A PEM file of further certificate authorities to trust.
    pub ca_bundle: Option<PathBuf>,
    /// How long a connection may take, TLS included.
    pub connect_timeout: Duration,
    /// How long the other side may stay silent.
    pub read_timeout: Duration,
    /// The longest answer, after decompression.
    pub max_answer_bytes: usize,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            ca_bundle: None,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            max_answer_bytes: 32 << 20,
        }
    }
}

/// A CA bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadCaBundle {
    /// It cannot be read.
    #[error("cannot read the CA bundle {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Not a certificate in it.
    #[error("the CA bundle {} holds no certificate in PEM form", .0.display())]
    Empty(PathBuf),
}

/// Carries calls over real connections. One per process is enough: it pools by host.
pub struct ReqwestTransport {
    options: TransportOptions,
    authorities: Vec<Certificate>,
    /// Two clients, each built when first needed: the one for `https` cannot be built where no CA bundle is installed, and
    /// `http` must work there too.
    plain: OnceLock<Result<reqwest::Client, Cause>>,
    secure: OnceLock<Result<reqwest::Client, Cause>>,
}

impl ReqwestTransport {
    /// Reads the CA bundle, if one is given; connects to nothing.
    ///
    /// # Errors
    /// Where that file cannot be read or holds no certificate.
    pub fn new(options: TransportOptions) -> Result<Self, BadCaBundle> {
        let authorities = match &options.ca_bundle {
            None => Vec::new(),
            Some(path) => {
                let pem = fs::read(path).map_err(|source| BadCaBundle::Unreadable { path: path.clone(), source })?;
                let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
                if found.is_empty() {
                    return Err(BadCaBundle::Empty(path.clone()));
                }
                found
            }
        };
        Ok(Self { options, authorities, plain: OnceLock::new(), secure: OnceLock::new() })
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, Cause> {
        let slot = match url.scheme() {
            "https" => self.secure.get_or_init(|| self.secure_client(&place(url))),
            _ => self.plain.get_or_init(|| {
                self.builder()
                    .tls_certs_only([])
                    .build()
                    .map_err(|e| Cause::Connect { host: place(url), reason: innermost(&e) })
            }),
        };
        slot.as_ref().map_err(Clone::clone)
    }

    /// Trusts the system's authorities and the bundle's; the bundle's alone where the system has none.
    fn secure_client(&self, host: &str) -> Result<reqwest::Client, Cause> {
        let merged = self.builder().tls_certs_merge(self.authorities.clone()).build();
        let built = match merged {
            Err(_) if !self.authorities.is_empty() => self.builder().tls_certs_only(self.authorities.clone()).build(),
            other => other,
        };
        built.map_err(|_| Cause::Tls { host: host.to_owned(), reason: NO_AUTHORITIES.to_owned() })
    }

    fn builder(&self) -> ClientBuilder {
        reqwest::Client::builder()
            .user_agent(concat!("anagrafe/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .connect_timeout(self.options.connect_timeout)
            .read_timeout(self.options.read_timeout)
            // Below the 5 s after which Node's servers close an idle connection: a write sent into that would be in doubt.
            .pool_idle_timeout(Duration::from_secs(4))
    }

    async fn body(&self, response: &mut reqwest::Response, host: &str) -> Result<Bytes, TransportError> {
        let cap = self.options.max_answer_bytes;
        let too_large = || TransportError::sent(Cause::TooLarge(cap));
        if response.content_length().is_some_and(|length| usize::try_from(length).is_ok_and(|l| l > cap)) {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.explain(&e, host))? {
            if body.len() + chunk.len() > cap {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn explain(&self, error: &reqwest::Error, host: &str) -> TransportError {
        let host = host.to_owned();
        if error.is_connect() {
            let reason = if error.is_dns() {
                "its name could not be resolved: check the address, and this machine's DNS".to_owned()
            } else if error.is_timeout() {
                format!("no connection within {}", humantime::format_duration(self.options.connect_timeout))
            } else {
                innermost(error)
            };
            return TransportError::unsent(if broke_tls(error) {
                Cause::Tls {
                    host,
                    reason: format!(
                        "{reason}: check the address, and that the server's certificate is one this machine trusts"
                    ),
                }
            } else {
                Cause::Connect { host, reason }
            });
        }
        if error.is_builder() {
            return TransportError::unsent(Cause::Protocol(format!("cannot call {host}: {}", innermost(error))));
        }
        TransportError::sent(if error.is_timeout() { Cause::Timeout(self.options.read_timeout) } else { Cause::Broken })
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, call: &Call) -> Result<Answer, TransportError> {
        let host = place(&call.url);
        let client = self.client(&call.url).map_err(TransportError::unsent)?;
        let mut request = client.request(call.method.clone(), call.url.clone()).headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(|e| self.explain(&e, &host))?;
        let body = self.body(&mut response, &host).await?;
        Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
    }
}

/// Host and port, nothing else of the address.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("no host");
    url.port_or_known_default().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether the two sides could not agree on TLS. The library hands its own errors on as invalid data, which nothing else
/// that happens while connecting is.
fn broke_tls(error: &reqwest::Error) -> bool {
    chain(error).filter_map(|e| e.downcast_ref::<io::Error>()).any(|e| e.kind() == io::ErrorKind::InvalidData)
}

fn innermost(error: &reqwest::Error) -> String {
    // Without a source there would be only reqwest's own words, and they may quote the address.
    chain(error).last().map_or_else(|| "the request could not be made".to_owned(), ToString::to_string)
}

/// From the outermost cause to the innermost. An `io::Error` skips what it wraps in `source`, so it is opened.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&e| {
        let wrapped = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| e.source())
    })
}
