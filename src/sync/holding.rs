//! Holding: a safeguard's finding becomes a hold that stops the run, unless a person has released just that.

use std::time::Duration;

use super::{Bridge, PassError, Tenure};
use crate::{
    model::{
        hold::{Hold, HoldKind, NewHold},
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
        same && old.released.is_some_and(|(at, by)| by != OURSELVES && at.after(GOOD_FOR) >= now)
    });
    if released {
        return Ok(());
    }
    let hold = bridge.store.hold(&tenure.lease(), run, &hold, now).await?;
    Err(PassError::Held(Box::new(hold)))
}

/// Who takes down a hold whose cause is gone. That is no permission: whatever it held is held again when it comes back.
const OURSELVES: &str = "anagrafe";

/// Takes down the standing holds of a kind: what they held is not so any more.
pub(super) async fn fall(bridge: &Bridge, kind: HoldKind) -> Result<(), PassError> {
    for hold in bridge.store.holds(false).await? {
        if hold.what.shop == *bridge.shop_name() && hold.what.kind == kind {
            take_down(bridge, hold.id).await?;
        }
    }
    Ok(())
}

/// Takes down holds of updates, or of merges, none of which is held any more.
pub(super) async fn fall_where_empty(bridge: &Bridge) -> Result<(), PassError> {
    for hold in bridge.store.holds(false).await? {
        let of_each = matches!(hold.what.kind, HoldKind::Updates | HoldKind::Rules | HoldKind::Merges);
        if of_each && hold.what.shop == *bridge.shop_name() && bridge.store.held(hold.id, 1).await?.is_empty() {
            take_down(bridge, hold.id).await?;
        }
    }
    Ok(())
}

async fn take_down(bridge: &Bridge, hold: i64) -> Result<(), PassError> {
    tracing::info!(hold, "the cause of a hold is gone, and the hold with it");
    Ok(bridge.store.decide(&Decision::Fall(hold), OURSELVES, bridge.clock.now()).await?)
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
    Ok(bridge.store.decide(&Decision::Pause(why.to_owned()), OURSELVES, bridge.clock.now()).await?)
}
