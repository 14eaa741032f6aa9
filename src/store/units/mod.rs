//! The units of work: what goes into a transaction of the store and what comes out of a question to it.

mod alert;
mod known;
mod lease;
mod merge;
mod record;
mod rekey;
mod shown;

pub use alert::*;
pub use known::*;
pub use lease::*;
pub use merge::*;
pub use record::*;
pub use rekey::*;
pub use shown::*;
