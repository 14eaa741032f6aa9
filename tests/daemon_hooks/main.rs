//! The daemon's ears and mouth: the real binary is called as Vivocha calls, and posts alerts to a receiver of ours.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where it fails, and says what it measured"
)]

mod alerts;
mod daemon;
mod hooks;
mod long;
mod portions;
mod receiver;
#[path = "../support/mod.rs"]
mod support;
