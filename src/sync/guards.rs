//! What stops a run before it believes a shop, or a store, that is not what it was.

use super::{Bridge, PassError, Tenure, holding};
use crate::{
    model::{
        ContactKey, Keyed,
        hold::{HoldKind, NewHold},
        run::RunId,
    },
    open2b::Conditions,
    plan::{completeness, safeguards},
    store::ShopProgress,
};

/// A store that went back in time authorises nothing; a dry run may look.
pub(super) fn not_doubted(bridge: &Bridge, progress: &ShopProgress) -> Result<(), PassError> {
    match progress.doubted_at.filter(|_| bridge.writer.is_some()) {
        Some(since) => Err(PassError::Doubted { since }),
        None => Ok(()),
    }
}

/// What a shop counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Its contacts.
    pub count: u64,
    /// How many may have vanished because a person said so.
    pub released: u64,
}

/// A shop that has become much smaller, or empty, is not believed: nothing is read, nothing concluded.
pub(super) async fn not_shrunk(
    bridge: &Bridge,
    tenure: &Tenure,
    run: RunId,
    progress: &ShopProgress,
) -> Result<Counted, PassError> {
    let count = bridge.shop.count(Conditions::default()).await?;
    let Some(found) = safeguards::shrunk(progress.known, count, &bridge.rules.safeguards) else {
        holding::fall(bridge, HoldKind::Shrunk).await?;
        return Ok(Counted { count, released: 0 });
    };
    let vanished = progress.known.saturating_sub(count);
    let hold = NewHold {
        shop: bridge.shop_name().clone(),
        kind: HoldKind::Shrunk,
        reason: format!("{found}. If that is right, release this hold; if not, look at the shop and its key"),
        count: vanished,
        sample: Vec::new(),
        bound: bridge.key.hash("hold-shrunk", &format!("{count}")),
    };
    holding::stop_unless_released(bridge, tenure, run, hold).await?;
    Ok(Counted { count, released: vanished })
}

/// A page that shows contacts nobody knew where it no longer shows those that are known is most likely another shop's, of other ids:
/// nobody is taken for new, and nobody for gone.
pub(super) async fn not_displaced(
    bridge: &Bridge,
    tenure: &Tenure,
    run: RunId,
    (missing, there, newcomers): (u64, u64, u64),
    sample: Vec<ContactKey>,
) -> Result<(), PassError> {
    if !completeness::is_displaced(missing, there, newcomers) {
        return Ok(());
    }
    let hold = NewHold {
        shop: bridge.shop_name().clone(),
        kind: HoldKind::Strangers,
        reason: format!(
            "of {} known contacts of one page {missing} are not there any more, and {newcomers} are that nobody knew: is shops.{}.url still the same shop? Nothing was concluded. If it is, release this hold",
            missing.saturating_add(there),
            bridge.shop_name()
        ),
        count: missing,
        bound: of_page(bridge, "displaced", missing, &sample),
        sample,
    };
    holding::stop_unless_released(bridge, tenure, run, hold).await
}

/// A page that answers other people under known ids is most likely another shop's: nobody is taken for them.
pub(super) async fn not_strangers(
    bridge: &Bridge,
    tenure: &Tenure,
    run: RunId,
    (strangers, known): (u64, u64),
    sample: Vec<ContactKey>,
) -> Result<(), PassError> {
    if !completeness::is_another_shop(known, strangers) {
        return Ok(());
    }
    let hold = NewHold {
        shop: bridge.shop_name().clone(),
        kind: HoldKind::Strangers,
        reason: format!(
            "of {known} known contacts of one page {strangers} are somebody else now, without one identifier or name in common: is shops.{}.url still the same shop? Nothing was concluded. If it is, release this hold",
            bridge.shop_name()
        ),
        count: strangers,
        bound: of_page(bridge, "other people", strangers, &sample),
        sample,
    };
    holding::stop_unless_released(bridge, tenure, run, hold).await
}

/// What a hold of a page is bound to: a person who released it has looked at these contacts, under this address, and at nobody else.
fn of_page(bridge: &Bridge, why: &str, count: u64, sample: &[ContactKey]) -> Keyed {
    let whom: Vec<String> = sample.iter().map(ToString::to_string).collect();
    bridge.key.hash("hold-page", &format!("{} {why} {count} {}", bridge.source, whom.join(" ")))
}
