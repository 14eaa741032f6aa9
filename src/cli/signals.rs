//! SIGINT and SIGTERM: the first asks the run to stop after the call in flight, the second ends the process at once (safe, as
//! a crash is). So does the end of a grace: whoever sent the first will not wait for long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long after the first signal the process ends at the latest.
const GRACE: Duration = Duration::from_secs(17);

/// Who asked to stop, if anybody did.
#[derive(Debug, Clone)]
pub struct Signals {
    /// Cancelled by the first signal.
    pub stop: CancellationToken,
    caught: Arc<AtomicU8>,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the system refuses.
    #[cfg_attr(not(feature = "sandbox"), allow(dead_code, reason = "for commands that wait for nothing else"))]
    pub fn listen() -> std::io::Result<Self> {
        Self::cancelling(&CancellationToken::new())
    }

    /// The same, for what is cancelled by somebody else's token.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn cancelling(stop: &CancellationToken) -> std::io::Result<Self> {
        let signals = Self { stop: stop.clone(), caught: Arc::new(AtomicU8::new(0)) };
        for (kind, number) in [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)] {
            let mut arriving = signal(kind)?;
            let (stop, caught) = (signals.stop.clone(), Arc::clone(&signals.caught));
            tokio::spawn(async move {
                while arriving.recv().await.is_some() {
                    if caught.swap(number, Ordering::SeqCst) != 0 {
                        std::process::exit(128 + i32::from(number));
                    }
                    stop.cancel();
                    // A call in flight may take longer than whoever stops us waits: then it is left in doubt, as after a crash.
                    tokio::spawn(async move {
                        tokio::time::sleep(GRACE).await;
                        std::process::exit(128 + i32::from(number));
                    });
                }
            });
        }
        Ok(signals)
    }

    /// The number of the signal that was caught.
    #[must_use]
    pub fn caught(&self) -> Option<u8> {
        Some(self.caught.load(Ordering::SeqCst)).filter(|number| *number != 0)
    }
}
