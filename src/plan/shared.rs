//! Shared identifiers: an address or a number that is not one person's never matches alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{ContactKey, Email, Keyed, Phone, rules::MAX_HOLDERS};

use super::names::{FoldedName, NameMatch, any_differ, compare, compare_words};

/// Why an identifier is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shared {
    /// It is listed in `[matching]`.
    Listed,
    /// Contacts whose names differ hold it.
    NamesDiffer,
    /// More people than `max_share` hold it among the contacts.
    Contacts,
    /// More people than `max_share` hold it among the customers.
    Customers,
    /// So many customers hold it that they cannot all be read.
    Crowded,
}

impl Shared {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::NamesDiffer => "contacts-names-differ",
            Self::Contacts => "many-contacts",
            Self::Customers => "many-customers",
            Self::Crowded => "crowded",
        }
    }
}

/// Whether an e-mail fits a pattern of `shared_emails`; `*` stands for anything, also for nothing.
#[must_use]
pub fn listed_email(email: &Email, patterns: &[String]) -> Option<Shared> {
    patterns.iter().any(|pattern| fits(&pattern.to_lowercase(), email.as_str())).then_some(Shared::Listed)
}

/// Whether a number is in `shared_phones`.
#[must_use]
pub fn listed_phone(phone: &Phone, listed: &[String]) -> Option<Shared> {
    listed.iter().any(|number| number == phone.e164()).then_some(Shared::Listed)
}

fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or("");
    for part in parts {
        // The leftmost place leaves the most for what follows.
        let Some(at) = left.find(part) else { return false };
        left = left.get(at + part.len()..).unwrap_or("");
    }
    left.len() >= tail.len() && left.ends_with(tail)
}

/// Whether contacts hold an identifier together: names that differ, or more people than `max_share`.
#[must_use]
pub fn by_contacts(holders: &BTreeMap<ContactKey, Vec<Keyed>>, max_share: u32) -> Option<Shared> {
    if any_differ(holders.values().map(Vec::as_slice)) {
        return Some(Shared::NamesDiffer);
    }
    if holders.len() >= MAX_HOLDERS {
        return Some(Shared::Contacts);
    }
    let agree = |a: &&Vec<Keyed>, b: &&Vec<Keyed>| compare_words(a, b) == NameMatch::Agree;
    more_people_than(max_share, holders.values().collect(), agree).then_some(Shared::Contacts)
}

/// Whether more people than `max_share` hold an identifier among the customers.
#[must_use]
pub fn by_customers<'a>(names: impl Iterator<Item = &'a FoldedName>, max_share: u32) -> Option<Shared> {
    let agree = |a: &&FoldedName, b: &&FoldedName| compare(a, b) == NameMatch::Agree;
    more_people_than(max_share, names.collect(), agree).then_some(Shared::Customers)
}

/// Whether more than so many people stand behind names: names that agree with one another count as one. A blank name agrees with
/// nobody, so each counts. Agreement is not transitive ("Mario" agrees with "Mario Rossi" and with "Mario Bianchi"), so a
/// name joins the first group with all of which it agrees; sorting first makes the count independent of the order.
fn more_people_than<T: Ord>(max: u32, mut names: Vec<T>, agree: impl Fn(&T, &T) -> bool) -> bool {
    names.sort();
    // The same name joins the same group: a thousand guests of one name are compared once.
    names.dedup_by(|next, name| next == name && agree(next, name));
    let mut groups: Vec<Vec<T>> = Vec::new();
    for name in names {
        match groups.iter_mut().find(|group| group.iter().all(|member| agree(member, &name))) {
            Some(group) => group.push(name),
            None => groups.push(vec![name]),
        }
        if groups.len() > max as usize {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests;
