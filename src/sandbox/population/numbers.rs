//! Telephone numbers as they are: Italian mobiles and landlines under prefixes that are in use, mobiles of the
//! neighbours, and the ways in which people write them.

use std::collections::HashSet;

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// Prefixes of Italian mobiles. 392 and 393 are among them on purpose: they begin like the country code.
const MOBILE: &[&str] = &[
    "320", "324", "327", "328", "329", "330", "331", "333", "334", "335", "338", "339", "340", "342", "345", "346",
    "347", "348", "349", "350", "351", "360", "366", "368", "370", "371", "373", "377", "380", "388", "389", "391",
    "392", "393",
];

/// Area codes of landlines, with the 0 that stays.
const AREAS: &[&str] = &[
    "02", "06", "010", "011", "045", "049", "050", "051", "055", "059", "070", "080", "081", "085", "090", "091",
    "095", "0382", "0461", "0521", "0586", "0721", "0832", "0971", "0984",
];

/// Mobiles abroad: country code, how they begin, how many digits follow.
const ABROAD: &[(&str, &str, u32)] = &[
    ("44", "771", 7),
    ("44", "772", 7),
    ("33", "61", 7),
    ("33", "62", 7),
    ("49", "1511", 7),
    ("34", "61", 7),
    ("41", "79", 7),
];

/// A number, in parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number {
    country: &'static str,
    prefix: &'static str,
    rest: String,
}

impl Number {
    /// `+393331234567`
    pub(super) fn e164(&self) -> String {
        format!("+{}{}{}", self.country, self.prefix, self.rest)
    }

    fn national(&self) -> String {
        format!("{}{}", self.prefix, self.rest)
    }

    fn double_zero(&self) -> String {
        format!("00{}{}{}", self.country, self.prefix, self.rest)
    }

    fn is_italian(&self) -> bool {
        self.country == "39"
    }

    /// As a shop holds it: any way that says the number and fits into 15 characters.
    pub(super) fn in_shop(&self, rng: &mut ChaCha8Rng) -> String {
        let (prefix, rest) = (self.prefix, &self.rest);
        let mut ways = vec![self.e164(), self.double_zero()];
        if self.is_italian() {
            let national = self.national();
            ways.extend([national.clone(), national, format!("{prefix} {rest}"), format!("{prefix}/{rest}")]);
            ways.extend([format!("{prefix}-{rest}"), format!("+39 {prefix} {rest}")]);
        }
        ways.retain(|way| way.chars().count() <= 15);
        ways.choose(rng).cloned().unwrap_or_default()
    }

    /// As a shop holds it where the spelling must not be one that only the shop uses: without separators.
    pub(super) fn in_shop_compact(&self, rng: &mut ChaCha8Rng) -> String {
        if self.is_italian() && rng.random_bool(0.6) { self.national() } else { self.e164() }
    }

    /// As a customer holds it, in a spelling that a search asks for, given how the shop wrote it.
    pub(super) fn findable(&self, rng: &mut ChaCha8Rng, in_shop: &str) -> String {
        let mut ways = vec![self.e164(), self.e164(), self.double_zero(), in_shop.to_owned()];
        if self.is_italian() {
            // The bare country code is asked for at home only: 33612345678 is a valid Italian mobile as well.
            ways.extend([self.national(), self.national(), self.e164().trim_start_matches('+').to_owned()]);
        }
        ways.choose(rng).cloned().unwrap_or_default()
    }

    /// As a customer holds it, in a spelling that no search asks for unless the shop wrote the very same.
    pub(super) fn unfindable(&self, rng: &mut ChaCha8Rng) -> String {
        let (country, prefix, rest) = (self.country, self.prefix, &self.rest);
        let (head, tail) = rest.split_at(rest.len() / 2);
        let ways = [
            format!("+{country} {prefix} {head} {tail}"),
            format!("+{country} {prefix}.{head}.{tail}"),
            format!("+{country}-{prefix}-{head}-{tail}"),
            format!("(+{country}) {prefix} {rest}"),
        ];
        ways.choose(rng).cloned().unwrap_or_default()
    }
}

/// `+393331234567` of any of the ways in which a shop here holds a number; `None` of what is none.
pub(in crate::sandbox) fn international(in_shop: &str) -> Option<String> {
    let digits: String = in_shop.chars().filter(char::is_ascii_digit).collect();
    let whole = match (in_shop.starts_with('+'), digits.strip_prefix("00")) {
        (true, _) => digits,
        (false, Some(rest)) => rest.to_owned(),
        (false, None) => format!("39{digits}"),
    };
    (whole.len() >= 10).then(|| format!("+{whole}"))
}

/// Gives every number once.
#[derive(Default)]
pub(super) struct Numbers {
    given: HashSet<String>,
}

impl Numbers {
    pub(super) fn mobile(&mut self, rng: &mut ChaCha8Rng) -> Number {
        self.fresh(rng, |rng| ("39", super::names::pick(rng, MOBILE), 7))
    }

    pub(super) fn fixed(&mut self, rng: &mut ChaCha8Rng) -> Number {
        self.fresh(rng, |rng| {
            let area = super::names::pick(rng, AREAS);
            ("39", area, if area.len() == 2 { 8 } else { 7 - u32::from(area.len() == 4) })
        })
    }

    pub(super) fn abroad(&mut self, rng: &mut ChaCha8Rng) -> Number {
        self.fresh(rng, |rng| ABROAD.choose(rng).copied().unwrap_or(("44", "771", 7)))
    }

    fn fresh(
        &mut self,
        rng: &mut ChaCha8Rng,
        plan: impl Fn(&mut ChaCha8Rng) -> (&'static str, &'static str, u32),
    ) -> Number {
        loop {
            let (country, prefix, digits) = plan(rng);
            // From 2…: some areas use a leading 0 or 1 for services.
            let rest = rng.random_range(2 * 10_u64.pow(digits - 1)..9 * 10_u64.pow(digits - 1)).to_string();
            // 0669 is an exchange of its own, in which not every number can be.
            let barred = prefix == "06" && rest.starts_with("69");
            let number = Number { country, prefix, rest };
            if !barred && self.given.insert(number.e164()) {
                return number;
            }
        }
    }
}
