//! How fast, how many at once, how often again: the numbers of one host, and the world around the engine.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// So many calls in every window of so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls, at least 1.
    pub calls: u32,
    /// The window's length.
    pub per: Duration,
}

/// The limits of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests, retries included.
    pub rate: Rate,
    /// Ceiling of the adaptive concurrency, at least 1.
    pub concurrency: usize,
    /// Tries of one call, the first included.
    pub tries: u32,
    /// The first wait before a retry is drawn from zero to this; it doubles with each try.
    pub backoff: Duration,
    /// The same after a 429 without `Retry-After`, which pauses the whole host.
    pub throttle_backoff: Duration,
    /// A wait asked for by `Retry-After` that is longer than this is not waited out: the call fails, to be made again later.
    pub longest_wait: Duration,
}

impl Limits {
    /// The usual ones at this rate and ceiling: 4 tries, and no wait beyond 10 minutes.
    #[must_use]
    pub fn new(rate: Rate, concurrency: usize) -> Self {
        Self {
            rate,
            concurrency,
            tries: 4,
            backoff: Duration::from_secs(1),
            throttle_backoff: Duration::from_secs(10),
            longest_wait: Duration::from_mins(10),
        }
    }
}

/// The wall clock, for `Retry-After` dates.
pub type WallClock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What the engine takes from the world: a wall clock and randomness. Tests and simulations bring their own.
#[derive(Clone)]
pub struct Ambient {
    /// The wall clock; waiting itself goes by tokio's clock.
    pub wall: WallClock,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Ambient {
    /// The real world.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the real world is where this comes from")]
    pub fn real() -> Self {
        Self { wall: Arc::new(SystemTime::now), seed: getrandom::u64().unwrap_or(0x9E37_79B9_7F4A_7C15) }
    }
}

impl fmt::Debug for Ambient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ambient").finish_non_exhaustive()
    }
}
