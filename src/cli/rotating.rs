//! The end of a whole resync where the configuration names another hash key than the store has: the key is changed. What is said of it;
//! how it is done is [`crate::sync::rotation`]'s.

use std::collections::BTreeMap;

use super::{Exit, Failure, works::Works};
use crate::{
    model::{Keyed, ShopName},
    sync::{
        Bridge, PassError, Tenure,
        rotation::{Rotated, rotate},
    },
};

/// Changes the key, if that is what is asked for, and tells what came of it. `whole`: whether everything was read; `well`: whether all of
/// that came to its end.
///
/// # Errors
/// What ended it; the store then stands under the key it had.
pub async fn change(works: &Works, tenure: &Tenure, whole: bool, well: bool) -> Result<Exit, Failure> {
    let Some(next) = works.next_key() else { return Ok(Exit::Done) };
    if !whole || works.signals.caught().is_some() {
        return Ok(Exit::Done);
    }
    let unchanged = "The hash key was not changed, and all stands under the previous one";
    if !well {
        works
            .voice
            .notice(format!("{unchanged}: not every shop's resync came to its end. Run `anagrafe resync` again."));
        return Ok(Exit::Done);
    }
    let names: Vec<ShopName> = works.settings.shops.keys().cloned().collect();
    let bridges = names.iter().map(|shop| works.bridge(shop)).collect::<Result<Vec<Bridge>, _>>()?;
    let sources: BTreeMap<ShopName, Keyed> = works.sources(&next);
    works.voice.notice("Everything is read once more, to change the hash key.");
    match rotate(&bridges, &next, &sources, tenure).await {
        Ok(Rotated::Done { sealed }) => {
            works.voice.notice(changed(sealed));
            Ok(Exit::Done)
        }
        Ok(Rotated::Waits(why)) => {
            works.voice.notice(format!("{unchanged}: {why}."));
            Ok(Exit::Failed)
        }
        Err(PassError::Stopped) => {
            works.voice.notice(format!("{unchanged}: stopped by a signal. Run `anagrafe resync` again."));
            Ok(Exit::Done)
        }
        Err(error) => {
            let Failure { exit, error } = error.into();
            Err(Failure { exit, error: error.context(unchanged) })
        }
    }
}

fn changed(sealed: u64) -> String {
    match sealed {
        0 => "The hash key is changed: all stands under store.hash_key. Take store.previous_hash_key out of every configuration of this account.".into(),
        sealed => format!("The hash key is changed: all stands under store.hash_key, but {}", needed(sealed)),
    }
}

/// What is said while erased addresses are known by the previous key only.
#[must_use]
pub fn needed(sealed: u64) -> String {
    format!(
        "{sealed} erased addresses are in no shop now, and known by store.previous_hash_key only: leave it in every configuration of this account, or repeat those erasures by address"
    )
}
