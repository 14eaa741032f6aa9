//! How we are seen from outside: figures. Counts and times only; no id of a person, no address, no text of a vendor's ever becomes a
//! label.

pub mod metrics;
