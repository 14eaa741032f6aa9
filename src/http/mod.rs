//! How we speak HTTP, to both systems alike: one client with deadlines, caps, no redirects, a limit per host, adaptive
//! concurrency, and retries under a budget. It knows nothing of contacts or customers.
//!
//! Every failed call carries a [`Verdict`]; whoever called acts on that and on nothing else.
//!
//! A call meets, in this order: [`client`] (admit, send, weigh, try again) with its gate (`pace`: how fast;
//! `concurrency`: how many at once) and its `retry` rules, then a [`transport`], of which [`sockets`] is the real one.

pub mod call;
pub mod client;
mod concurrency;
mod gate;
pub mod limits;
mod pace;
mod retry;
pub mod sockets;
#[cfg(test)]
mod tests;
pub mod transport;

pub use call::{Answer, Call, CallError, Cause, Judgement, Leave, Permit, Safety, Verdict};
pub use client::Client;
pub use limits::{Ambient, Limits, Rate};
pub use sockets::{BadCaBundle, ReqwestTransport, TransportOptions};
pub use transport::{Transport, TransportError};
