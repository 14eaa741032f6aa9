//! What to do: pure and synchronous, without clock, log or I/O.

pub mod names;
pub mod normalise;
pub mod spellings;
