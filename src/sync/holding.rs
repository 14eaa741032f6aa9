//! Holding: a safeguard's finding becomes a hold that stops the run, unless a person has released just that.

use std::time::Duration;

use super::{Bridge, PassError, Tenure};
use crate::{
    model::{
        hold::{Hold, NewHold},
        run::{HoldNote, RunId},
    },
    store::Decision,
};

/// How long a release is good for: whoever looked at it looked at what was so then.
const GOOD_FOR: Duration = Duration::from_hours(24);

/// Puts up the hold and stops the run; goes on where the same (shop, kind, bound) was released within the last day.
pub(super) async fn stop_unless_released(
    bridge: &Bridge,
    tenure: &Tenure,
    run: RunId,
    hold: NewHold,
) -> Result<(), PassError> {
    let now = bridge.clock.now();
    let released = bridge.store.holds(true).await?.into_iter().any(|old| {
        let same = old.what.shop == hold.shop && old.what.kind == hold.kind && old.what.bound == hold.bound;
        same && old.released.is_some_and(|(at, _)| at.after(GOOD_FOR) >= now)
    });
    if released {
        return Ok(());
    }
    let hold = bridge.store.hold(&tenure.lease(), run, &hold, now).await?;
    Err(PassError::Held(Box::new(hold)))
}

/// A hold, as a report names it.
pub(super) fn note(hold: &Hold) -> HoldNote {
    HoldNote {
        id: hold.id,
        kind: hold.what.kind.as_str().into(),
        reason: hold.what.reason.clone(),
        count: hold.what.count,
    }
}

/// Pauses every write until a person resumes: for what the next run would do again, to somebody else.
pub(super) async fn pause(bridge: &Bridge, why: &str) -> Result<(), PassError> {
    Ok(bridge.store.decide(&Decision::Pause(why.to_owned()), "anagrafe", bridge.clock.now()).await?)
}
