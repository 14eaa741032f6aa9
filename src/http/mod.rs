//! How we speak HTTP, to both systems alike: one client with deadlines, caps, no redirects, a limit per host, adaptive
//! concurrency, and retries under a budget. It knows nothing of contacts or customers.
//!
//! Every failed call carries a [`Verdict`]; whoever called acts on that and on nothing else.

pub mod call;
pub mod client;
pub mod limits;
pub mod reqwest;
pub mod transport;

pub use call::{Answer, Call, CallError, Cause, Judgement, Safety, Verdict};
pub use client::Client;
pub use limits::{Ambient, Limits, Rate};
pub use reqwest::{BadCaBundle, ReqwestTransport, TransportOptions};
pub use transport::{Transport, TransportError};
