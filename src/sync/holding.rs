//! Holding: a safeguard's finding becomes a hold that stops the run, unless a person has released just that.

use super::{Bridge, PassError, Tenure};
use crate::{
    model::{
        hold::{Hold, HoldKind, NewHold},
        run::{HoldNote, RunId},
        time::Moment,
    },
    store::Decision,
};

/// Puts up the hold and stops the run; goes on where a person released what covers it, and that is still good.
pub(super) async fn stop_unless_released(
    bridge: &Bridge,
    tenure: &Tenure,
    run: RunId,
    hold: NewHold,
) -> Result<(), PassError> {
    let now = bridge.clock.now();
    if is_released(bridge, &hold).await? {
        return supersede(bridge, &hold, None).await;
    }
    let standing = bridge.store.hold(&tenure.lease(), run, &hold, now).await?;
    supersede(bridge, &hold, Some(standing.id)).await?;
    Err(PassError::Held(Box::new(standing)))
}

/// Whether a person released what covers this, and that is still good.
pub(super) async fn is_released(bridge: &Bridge, hold: &NewHold) -> Result<bool, PassError> {
    let now = bridge.clock.now();
    Ok(bridge.store.holds(true).await?.into_iter().any(|old| {
        let by_a_person = |(at, by): (Moment, String)| {
            by != OURSELVES && hold.kind.good_for().is_none_or(|span| at.after(span) >= now)
        };
        covers(&old.what, hold) && old.released.is_some_and(by_a_person)
    }))
}

/// Whether a person who released the one has agreed to the other. A shop that goes on living counts otherwise at every run: who agreed that so
/// many are gone agreed that fewer are.
fn covers(released: &NewHold, found: &NewHold) -> bool {
    let same = released.bound == found.bound;
    // Where contacts are named, just those.
    let of_figures = found.kind == HoldKind::Shrunk && found.sample.is_empty() && released.sample.is_empty();
    let fewer = of_figures && found.count <= released.count;
    released.shop == found.shop && released.kind == found.kind && (same || fewer)
}

/// Who takes down a hold whose cause is gone. That is no permission: whatever it held is held again when it comes back.
const OURSELVES: &str = "anagrafe";

/// Of how much a shop shrank the newest finding stands alone.
async fn supersede(bridge: &Bridge, found: &NewHold, stays: Option<i64>) -> Result<(), PassError> {
    if found.kind == HoldKind::Shrunk { fall_but(bridge, HoldKind::Shrunk, stays).await } else { Ok(()) }
}

/// Takes down the standing holds of a kind: what they held is not so any more.
pub(super) async fn fall(bridge: &Bridge, kind: HoldKind) -> Result<(), PassError> {
    fall_but(bridge, kind, None).await
}

async fn fall_but(bridge: &Bridge, kind: HoldKind, stays: Option<i64>) -> Result<(), PassError> {
    for hold in bridge.store.holds(false).await? {
        if hold.what.shop == *bridge.shop_name() && hold.what.kind == kind && Some(hold.id) != stays {
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
