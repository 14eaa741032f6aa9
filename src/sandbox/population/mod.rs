//! A seeded population: the contacts of a shop, the customers of an account, and the truth about both. The same seed and
//! sizes give the same people, byte for byte.
//!
//! People are made in groups of a kind (a couple with one mobile, a firm behind one switchboard, somebody with a borrowed
//! address), and what is to become of each is written down where the group is made. No identifier is ever given to two
//! groups, so nothing else can happen to them.

mod build;
mod groups;
mod hard;
pub(super) mod names;
pub(super) mod numbers;
mod plain;
mod truth;
mod two_shops;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use truth::{AskTruth, ContactTruth, CustomerTruth, Expected, Kind, MergeTruth, Truth, Why};
pub use two_shops::{Sizes, two_shops};

/// A contact as the shop stores it. The vendor's lengths: name 1–50, phone 0–15, e-mail 3–120, note 0–255.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShopContact {
    /// Its id; ids rise with creation.
    pub id: i64,
    /// The shop customer who owns it.
    pub customer: i64,
    /// Whatever the shop's staff wrote.
    pub name: String,
    /// Free text.
    pub phone: String,
    /// Answered as `null`, `""` or not at all where there is none.
    pub email: Option<String>,
    /// The shop's own remarks.
    pub note: String,
}

/// Both systems' people.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Population {
    /// The shop's contacts, by id.
    pub contacts: Vec<ShopContact>,
    /// The account's customers, in order of creation.
    pub customers: Vec<Map<String, Value>>,
    /// The truth about them.
    pub truth: Truth,
    /// Further shops that feed the same account.
    pub others: Vec<OtherShop>,
}

/// A further shop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OtherShop {
    /// What the configuration calls it.
    pub name: String,
    /// Its contacts, by id; its ids are its own, and some are those of another shop's people.
    pub contacts: Vec<ShopContact>,
}

/// The people of a seed: exactly so many contacts and customers. With about as many customers as contacts (or more) the
/// mix is as intended; with far fewer, more contacts are of people who never chatted.
#[must_use]
pub fn generate(seed: u64, contacts: usize, customers: usize) -> Population {
    let mut build = build::Build::new(seed, contacts, customers);
    for (kind, per_thousand, make) in groups::SPECIAL {
        build.fill(*kind, *per_thousand, *make);
    }
    build.fill_plain();
    build.finish()
}
