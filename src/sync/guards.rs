//! What stops a run before it believes a shop, or a store, that is not what it was.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Bridge, PassError, Tenure, holding};
use crate::{
    model::{
        ContactId, ContactKey, Keyed,
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
    let hold = of_count(bridge, progress, count, &found);
    let released = hold.count;
    holding::stop_unless_released(bridge, tenure, run, hold).await?;
    Ok(Counted { count, released })
}

/// How many may have vanished by the word of a person who released a hold of a shop that shrank: what a resync that read everything and
/// was killed goes on with.
pub(super) async fn released_before(bridge: &Bridge, progress: &ShopProgress) -> Result<Counted, PassError> {
    let count = bridge.shop.count(Conditions::default()).await?;
    let hold = of_count(bridge, progress, count, "");
    let released = if holding::is_released(bridge, &hold).await? { hold.count } else { 0 };
    Ok(Counted { count, released })
}

/// A hold of a shop that counts so many where more are known.
fn of_count(bridge: &Bridge, progress: &ShopProgress, count: u64, found: &str) -> NewHold {
    NewHold {
        shop: bridge.shop_name().clone(),
        kind: HoldKind::Shrunk,
        reason: format!("{found}. If that is right, release this hold; if not, look at the shop and its key"),
        count: progress.known.saturating_sub(count),
        sample: Vec::new(),
        bound: bridge.key.hash("hold-shrunk", &format!("{count}")),
    }
}

/// A page that shows contacts nobody knew where it no longer shows those that are known is most likely another shop's, of other ids:
/// nobody is taken for new, and nobody for gone.
pub(super) async fn not_displaced(
    bridge: &Bridge,
    tenure: &Tenure,
    run: RunId,
    (missing, there): (&[ContactId], u64),
    newcomers: &[ContactId],
) -> Result<(), PassError> {
    let lacks = missing.len() as u64;
    if !completeness::is_displaced(lacks, there, newcomers.len() as u64) {
        return Ok(());
    }
    let reason = format!(
        "of {} known contacts of one page, or just below it, {lacks} are not there any more, and {} are that nobody knew: is shops.{}.url still the same shop? Nothing was concluded. If it is, release this hold",
        lacks.saturating_add(there),
        newcomers.len(),
        bridge.shop_name()
    );
    let hold = of_page(bridge, reason, missing.iter(), &("displaced", missing, newcomers));
    holding::stop_unless_released(bridge, tenure, run, hold).await
}

/// A page that answers other people under known ids is most likely another shop's: nobody is taken for them. Of `known` contacts of the
/// page these are somebody else, each with the hash of what it is now.
pub(super) async fn not_strangers(
    bridge: &Bridge,
    tenure: &Tenure,
    run: RunId,
    strangers: &BTreeMap<ContactId, Keyed>,
    known: u64,
) -> Result<(), PassError> {
    if !completeness::is_another_shop(known, strangers.len() as u64) {
        return Ok(());
    }
    let reason = format!(
        "of {known} known contacts of one page {} are somebody else now, without one identifier or name in common: is shops.{}.url still the same shop? Nothing was concluded. If it is, release this hold",
        strangers.len(),
        bridge.shop_name()
    );
    let hold = of_page(bridge, reason, strangers.keys(), &("strangers", strangers));
    holding::stop_unless_released(bridge, tenure, run, hold).await
}

/// A hold of contacts of one page. A person who releases it has looked at just these, under this address, and at no other page.
fn of_page<'c>(
    bridge: &Bridge,
    reason: String,
    contacts: impl ExactSizeIterator<Item = &'c ContactId>,
    found: &impl Serialize,
) -> NewHold {
    let shop = bridge.shop_name();
    let found = serde_json::to_string(&(bridge.source, found)).unwrap_or_default();
    NewHold {
        shop: shop.clone(),
        kind: HoldKind::Strangers,
        reason,
        count: contacts.len() as u64,
        sample: contacts.take(20).map(|id| ContactKey { shop: shop.clone(), id: *id }).collect(),
        bound: bridge.key.hash("hold-strangers", &found),
    }
}
