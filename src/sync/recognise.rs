//! Whom the store knows by a former key only. An erased address of which nobody knew the value when the key changed is told by its
//! seal, and that can be made anew by whoever meets the address and has both keys. Done before a page is looked at, so
//! that everything after it asks by one key.

use super::{Bridge, PassError};
use crate::{
    model::{HashKey, Keyed},
    plan::normalise::Identity,
};

/// Lets the store recognise the people of a page, where a former key is still needed for that.
pub(super) async fn recognise<'i>(
    bridge: &Bridge,
    identities: impl Iterator<Item = &'i Identity>,
) -> Result<(), PassError> {
    let Some(former) = &bridge.former else { return Ok(()) };
    let met: Vec<(Keyed, Keyed)> = identities.flat_map(|identity| seals(identity, former, &bridge.key)).collect();
    if !met.is_empty() && bridge.store.recognise(&met).await? > 0 {
        tracing::info!("erased addresses were met again: the former hash key is not needed for them any more");
    }
    Ok(())
}

fn seals(identity: &Identity, former: &HashKey, key: &HashKey) -> Vec<(Keyed, Keyed)> {
    let email = identity.email.iter().map(|email| (key.sealed(&former.email(email)), key.email(email)));
    let phone = identity.phone.iter().map(|phone| (key.sealed(&former.phone(phone)), key.phone(phone)));
    email.chain(phone).collect()
}
