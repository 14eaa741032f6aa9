//! What a contact is to us: exactly one state each, with the reason in a code that people and machines read alike.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a contact is parked that was asked for by its id in vain: only a resync concludes that it is gone.
pub const NOT_IN_THE_SHOP: &str = "not-in-the-shop";

/// The state of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactState {
    /// She is a customer of the account, and we know which.
    Linked,
    /// No customer is hers yet; one may come tomorrow.
    Unmatched,
    /// A person has to decide.
    Waiting,
    /// Handling her failed; tried again at a known time.
    Parked,
    /// Neither a usable e-mail nor a usable telephone number.
    Invalid,
    /// Erased at somebody's request; never looked at again until that is lifted.
    Excluded,
    /// No longer in the shop.
    Gone,
}

impl ContactState {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 7] =
        [Self::Linked, Self::Unmatched, Self::Waiting, Self::Parked, Self::Invalid, Self::Excluded, Self::Gone];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Unmatched => "unmatched",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::Invalid => "invalid",
            Self::Excluded => "excluded",
            Self::Gone => "gone",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for ContactState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
