//! From one hash key to another, without forgetting what the hashes were for. A stored hash whose value is at hand in the clear becomes
//! the hash of that value under the new key. One whose value is nowhere any more (an agent wrote over it, the shop changed it
//! meanwhile) becomes its [seal](HashKey::sealed): equal where it was equal before, and equal to no value.
//!
//! Nothing is ever left out, since each absence would mean something: a link of whose contact nothing is known stands whoever
//! took over the record; a baseline without what came back makes our own writing evidence. A seal keeps all of that as it was.
//! The one thing lost: a value that was nowhere when the key changed, and comes back, is not known again. Under `if-unedited`
//! it then counts as somebody else's, and is kept.

use std::collections::BTreeMap;

use crate::model::{
    HashKey, Hashes, Keyed,
    link::{Baseline, Baselines},
};

use super::fields::{Plain, Reading, hashes};

/// The hashes of one contact under a new key, by those under the old one.
#[derive(Debug)]
pub struct Rekeyed<'a> {
    of_values: BTreeMap<Keyed, Keyed>,
    next: &'a HashKey,
}

impl<'a> Rekeyed<'a> {
    /// From what is at hand in the clear; `next` reads as `now` does, under the new key.
    #[must_use]
    pub fn of(plain: &Plain<'_>, now: &Reading<'_>, next: &Reading<'a>) -> Self {
        let of_values = hashes(plain, now).into_iter().zip(hashes(plain, next)).collect();
        Self { of_values, next: next.key }
    }

    /// Whether the value of a hash is at hand.
    #[must_use]
    pub fn knows(&self, old: &Keyed) -> bool {
        self.of_values.contains_key(old)
    }

    /// Whether all that came back from our writes is at hand: else the customer it went to has to be read.
    #[must_use]
    pub fn knows_what_came_back(&self, baselines: &Baselines) -> bool {
        baselines.values().filter_map(|baseline| baseline.returned).all(|returned| self.knows(&returned))
    }

    /// A hash.
    #[must_use]
    pub fn hash(&self, old: Keyed) -> Keyed {
        self.of_values.get(&old).copied().unwrap_or_else(|| self.next.sealed(&old))
    }

    /// Who a contact is, or was.
    #[must_use]
    pub fn known_as(&self, old: &Hashes) -> Hashes {
        let Hashes { email, phone, name } = old;
        let mut name: Vec<Keyed> = name.iter().map(|word| self.hash(*word)).collect();
        name.sort_unstable();
        Hashes { email: email.map(|hash| self.hash(hash)), phone: phone.map(|hash| self.hash(hash)), name }
    }

    /// What was settled, and what came back.
    #[must_use]
    pub fn baselines(&self, old: &Baselines) -> Baselines {
        let rekeyed = |Baseline { source, returned }: &Baseline| Baseline {
            source: self.hash(*source),
            returned: returned.map(|hash| self.hash(hash)),
        };
        old.iter().map(|(field, baseline)| (*field, rekeyed(baseline))).collect()
    }
}

#[cfg(test)]
mod tests;
