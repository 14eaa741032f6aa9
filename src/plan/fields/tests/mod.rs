//! Fields: the table of when, and what is sent, case by case.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

mod desk;
mod names;
mod settled;
mod table;
mod values;
