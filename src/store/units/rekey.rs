//! A rotation of the hash key, as the store is told of it: what stands under the key to come, row by row, and what may stand in the way.

use std::sync::Arc;

use super::known::IndexEntry;
use crate::model::{CustomerId, HashKey, Hashes, Keyed, ShopName, link::Baselines, time::Moment};

/// A contact under the key to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RekeyedContact {
    /// Its index entry.
    pub entry: IndexEntry,
    /// The fingerprint of its content; none while it is only surveyed.
    pub content: Option<Keyed>,
    /// All its links, former ones too.
    pub links: Vec<RekeyedLink>,
}

/// A link under the key to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RekeyedLink {
    /// To whom.
    pub customer: CustomerId,
    /// What was settled.
    pub baselines: Baselines,
    /// Who the contact was.
    pub known_as: Hashes,
}

/// A page of a shop under the key to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RekeyedPage {
    /// The shop.
    pub shop: ShopName,
    /// Of its contacts, those that are known.
    pub contacts: Vec<RekeyedContact>,
    /// Identifiers that were met, under the key of now and the one to come: an erasure may name one of them.
    pub met: Vec<(Keyed, Keyed)>,
}

/// What the store keeps of a shop in hashes, under the key to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RekeyedShop {
    /// Its name.
    pub shop: ShopName,
    /// The hash of where it is.
    pub source: Keyed,
    /// The rules as fingerprints name them, now and then.
    pub rules: (String, String),
}

/// The change of the key.
#[derive(Debug, Clone)]
pub struct Switch {
    /// The key to come: what no rekeyed row says is sealed under it.
    pub next: Arc<HashKey>,
    /// All shops.
    pub shops: Vec<RekeyedShop>,
    /// Now.
    pub at: Moment,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switched {
    /// All of the store is under the new key. So many erased identifiers are known by their seal only.
    Done {
        /// How many.
        sealed: u64,
    },
    /// Nothing was changed.
    Waits(Hindrance),
}

/// Why the key cannot be changed now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Hindrance {
    /// Nobody read this shop.
    #[error(
        "the store knows shop {0}, and the configuration does not, so its contacts cannot be read: put it back into the configuration until the key is changed"
    )]
    Unlisted(ShopName),
    /// What these would tell is lost with the key.
    #[error(
        "the outcome of {0} writes to Vivocha is not known yet: the next sync finds out; run `anagrafe resync` after it"
    )]
    Unsettled(u64),
    /// The change before is not over.
    #[error(
        "{0} erased addresses are still known by the key before the last one: repeat those erasures by address, and lift the old ones (`anagrafe erase list`)"
    )]
    Sealed(u64),
    /// Somebody changed them meanwhile.
    #[error("{0} contacts and links changed while the shops were read: run `anagrafe resync` again")]
    Left(u64),
}

/// What is known by the former key only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sealed {
    /// So many erased identifiers.
    pub count: u64,
    /// What the former key is recognised by, where there was one.
    pub former: Option<Keyed>,
}
