//! The time, as a parameter: the only place of the engine that asks the system for it.

use crate::model::time::Moment;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Moment;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the system's clock is this one")]
    fn now(&self) -> Moment {
        Moment::from(chrono::Utc::now())
    }
}
