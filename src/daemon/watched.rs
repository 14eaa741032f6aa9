//! The shops that are configured, and since when this process has known of each: from there staleness counts where the store tells of no
//! run. By the clock that nobody can set: one that is put right after the start made years of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::model::{ShopName, time::Moment};

/// Each shop, and the [`uptime`](crate::sync::clock::uptime) at which it was configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched(BTreeMap<ShopName, Duration>);

impl Watched {
    /// The shops of another configuration: who was known before is known since then, and who is not in it is forgotten.
    #[must_use]
    pub fn next<'a>(&self, shops: impl IntoIterator<Item = &'a ShopName>, uptime: Duration) -> Self {
        Self(shops.into_iter().map(|shop| (shop.clone(), self.0.get(shop).copied().unwrap_or(uptime))).collect())
    }

    /// Who they are.
    #[must_use]
    pub fn shops(&self) -> BTreeSet<ShopName> {
        self.0.keys().cloned().collect()
    }

    /// Since when each is known, by the calendar as it is now.
    #[must_use]
    pub fn since(&self, now: Moment, uptime: Duration) -> BTreeMap<ShopName, Moment> {
        self.0.iter().map(|(shop, since)| (shop.clone(), now.before(uptime.saturating_sub(*since)))).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where it fails")]
mod tests {
    use super::*;

    #[test]
    fn a_shop_is_known_since_it_was_configured_and_forgotten_once_it_is_not() {
        let [alfa, beta]: [ShopName; 2] = ["alfa", "beta"].map(|name| name.parse().unwrap());
        let second = Duration::from_secs(1);
        let at = Moment::from_millis;
        let first = Watched::default().next([&alfa], second * 100);
        let both = first.next([&alfa, &beta], second * 130);
        let since = both.since(at(1_000_000), second * 160);
        assert_eq!(since, BTreeMap::from([(alfa.clone(), at(940_000)), (beta.clone(), at(970_000))]));
        // The calendar is set right meanwhile: it is as long ago as it was.
        let since = both.since(at(1_700_000_000_000), second * 160);
        assert_eq!(since.get(&alfa), Some(&at(1_699_999_940_000)));
        let other = both.next([&beta], second * 200);
        assert_eq!(other.shops(), BTreeSet::from([beta]));
        let again = other.next([&alfa], second * 210);
        assert_eq!(again.since(at(0), second * 210).get(&alfa), Some(&at(0)));
    }
}
