//! A hold: a safeguard stopped a kind of write, and a person releases it, bound to exactly what was held.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    ids::{ContactKey, ShopName},
    keyed::Keyed,
    run::RunId,
    time::Moment,
};

/// What a hold stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldKind {
    /// The shop has become much smaller, or empty.
    Shrunk,
    /// More updates to known customers than `max_updates`.
    Updates,
    /// A changed rule touches more than that share.
    Rules,
    /// Merges over a budget, or a shop's first ones.
    Merges,
    /// The shop answers other people under ids that are known.
    Strangers,
}

impl HoldKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Shrunk, Self::Updates, Self::Rules, Self::Merges, Self::Strangers];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shrunk => "shrunk",
            Self::Updates => "updates",
            Self::Rules => "rules",
            Self::Merges => "merges",
            Self::Strangers => "strangers",
        }
    }

    /// How long a release is good for, where it is not for good: whoever looked at a shop looked at what was so then.
    #[must_use]
    pub const fn good_for(self) -> Option<Duration> {
        match self {
            Self::Shrunk | Self::Strangers => Some(Duration::from_hours(24)),
            Self::Updates | Self::Rules | Self::Merges => None,
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a safeguard found, before it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHold {
    /// The shop it is about.
    pub shop: ShopName,
    /// What it stops.
    pub kind: HoldKind,
    /// Why, in a sentence, with the figures and the setting.
    pub reason: String,
    /// How many are held.
    pub count: u64,
    /// A few of them.
    pub sample: Vec<ContactKey>,
    /// The hash of what a release is bound to: the same hash, the same hold.
    pub bound: Keyed,
}

/// A hold as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// What was found.
    #[serde(flatten)]
    pub what: NewHold,
    /// The run that found it first.
    pub run: RunId,
    /// When that was.
    pub since: Moment,
    /// When and by whom it was released, if it was.
    pub released: Option<(Moment, String)>,
}
