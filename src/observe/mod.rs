//! How we are seen from outside: figures, and traces where somebody wants them. Counts, times and words of ours only; no id of a person,
//! no address, no text of a vendor's ever becomes a label or an attribute. A page alone says between which ids of contacts it lies.

pub mod metrics;
pub mod otlp;
pub mod traces;
