//! Stopping: what is read is left at once, since a reading that is left changes nothing. What is written is
//! [`super::apply`]'s affair.

use tokio_util::sync::CancellationToken;

use super::PassError;

/// Reads on, unless it is asked to stop: a reading that is left changes nothing.
pub(super) async fn unless_stopped<T, E: Into<PassError>>(
    stop: &CancellationToken,
    reading: impl Future<Output = Result<T, E>>,
) -> Result<T, PassError> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(PassError::Stopped),
        read = reading => read.map_err(Into::into),
    }
}
