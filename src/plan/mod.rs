//! What to do: pure and synchronous, without clock, log or I/O. Everything that could be wrong about a person is decided here, on
//! [`evidence`] that was gathered before, and comes out as a [`page::PagePlan`]: plain data.
//!
//! In the order data meets them: [`normalise`] (what an identifier is), [`spellings`] (how it may be written), [`names`],
//! [`shared`] (whose an identifier is not), [`matching`] (the outcome table), [`weigh`] (a contact against each customer),
//! `owners` (several contacts, one customer), `merges` (several customers, one contact), [`fields`] (what may be written).
//! What changes behind our back: `past` (the link a contact goes by), `aliases` (customers merged away), `heirs` (what one owner leaves
//! to the next), `rivals` (an owner whose customer is somebody else's). [`rekey`]: what becomes of what is known under a new hash key.
//! [`alerts`]: what of all this is told to whoever is on call.

pub mod alerts;
mod aliases;
pub mod completeness;
pub mod evidence;
pub mod fields;
pub mod fingerprint;
pub mod gate;
mod heirs;
pub mod lookback;
pub mod matching;
mod merges;
pub mod merging;
pub mod names;
pub mod normalise;
mod owners;
pub mod page;
mod past;
pub mod rekey;
mod rivals;
pub mod safeguards;
pub mod shared;
pub mod spellings;
mod view;
pub mod weigh;
