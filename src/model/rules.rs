//! The rules an operator sets, in the form the planner reads: `[matching]`, `[fields]`, `[safeguards]` and the
//! spellings of `[vivocha]`. Parsed and checked by `crate::config`.

use serde::{Deserialize, Serialize};

/// `ask` or `link`: what becomes of a case that the operator may decide for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AskOrLink {
    /// A person decides each.
    Ask,
    /// Linked by rule.
    Link,
}

/// `[matching]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchingRules {
    /// False: every merge asks.
    pub auto_merge: bool,
    /// A fixed line agrees, the e-mail is lacking, a name is blank.
    pub fixed_line_alone: AskOrLink,
    /// An identifier agrees and the names differ.
    pub names_differ: AskOrLink,
    /// An identifier held by more people than this never matches alone.
    pub max_share: u32,
    /// A merge of more customers than this asks.
    pub max_cluster: u32,
    /// Patterns (`*` stands for anything) of addresses that are nobody's; compared with normalised e-mails.
    pub shared_emails: Vec<String>,
    /// Numbers that are nobody's, in E.164.
    pub shared_phones: Vec<String>,
}

/// When a field may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteRule {
    /// Whenever the source changed.
    Always,
    /// Only where nothing stands.
    IfEmpty,
    /// Only where nothing stands, or what came back from our last write.
    IfUnedited,
    /// Not at all.
    Never,
}

/// One contact field's way to a customer field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRule {
    /// The customer field, as the account calls it (already resolved through `[vivocha.fields]`); for `name` the unit of three.
    pub to: String,
    /// When it may be written.
    pub rule: WriteRule,
    /// Whether a source that became blank blanks the target.
    pub clear: bool,
}

/// `[fields]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldRules {
    /// First, last and nickname: one unit.
    pub name: FieldRule,
    /// The e-mail.
    pub email: FieldRule,
    /// The telephone number.
    pub phone: FieldRule,
    /// The shop's remarks.
    pub note: FieldRule,
    /// The contact's id, in one object keyed by shop.
    pub ids: FieldRule,
}

/// How a telephone number may be written in Vivocha: `[vivocha] spellings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spelling {
    /// `+393331234567`
    E164,
    /// `00393331234567`
    #[serde(rename = "00")]
    DoubleZero,
    /// `393331234567`, for numbers of the shop's own country only.
    Bare,
    /// `3331234567`, `0612345678`
    National,
    /// As the shop wrote it.
    AsWritten,
}

/// A share of something, in hundredths of a percent (`"1%"` is 100).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Share(pub u32);

impl Share {
    /// The whole number of `total` that this share allows, rounded down.
    #[must_use]
    pub fn of(self, total: u64) -> u64 {
        let of = u128::from(total) * u128::from(self.0) / 10_000;
        u64::try_from(of).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, part) => write!(f, "{whole}.{part:02}%"),
        }
    }
}

/// `[safeguards]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SafeguardLimits {
    /// Automatic merges of one run.
    pub max_merges_per_run: u64,
    /// Automatic merges of any 24 hours.
    pub max_merges_per_day: u64,
    /// Merges as a share of the customers seen in the run; never below 10.
    pub max_merge_share: Share,
    /// Approved merges of any 24 hours.
    pub max_approved_per_day: u64,
    /// Contacts gone from the shop, of those known; never below 10.
    pub max_vanished: Share,
    /// Updates, of the customers linked before the run, once more than 100 are.
    pub max_updates: Share,
    /// Contacts of a run parked for one cause; never below 50.
    pub max_parked_same_cause: Share,
}

/// How many holders of one identifier the store lists. A list this long may have been cut, and who knows who is missing: what so
/// many hold is shared whatever the names.
pub const MAX_HOLDERS: usize = 50;
