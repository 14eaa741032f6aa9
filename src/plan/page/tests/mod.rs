//! Whole pages, planned from small worlds and read as an operator reads them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test ends where it fails")]

mod aliases;
mod evidence;
mod merges;
mod oracle;
mod owners;
mod proposals;
mod returning;
mod rivals;
mod rows;
mod shared;
mod standing;
mod time;
mod word;
pub mod world;
mod worlds;
mod worst;
mod writes;
