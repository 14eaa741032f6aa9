//! Fingerprints: what a contact was judged on. They cover the content *and* the rules, so that a new rule is never silently
//! unapplied, and they say by section which rule it was.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{
    Contact, HashKey, Keyed, Naming,
    rules::{FieldRules, MatchingRules, Spelling, WriteRule},
};

use super::normalise;

/// Raised when spellings or the planner change what comes out for the same input; normalisation has its own.
pub const RULES_VERSION: u32 = 2;

/// The rules as they go into every fingerprint of a shop, by section:
/// `version=2;normalise=1;country=IT;spellings=…;matching=…;fields=…`.
#[must_use]
pub fn rules(
    country: &str,
    spellings: &[Spelling],
    matching: &MatchingRules,
    fields: &FieldRules,
    naming: &Naming,
    key: &HashKey,
) -> String {
    let section = |name: &str, json: Result<String, serde_json::Error>| {
        let mut hash = key.hash(name, &json.unwrap_or_default()).to_string();
        hash.truncate(12);
        format!("{name}={hash}")
    };
    [
        format!("version={RULES_VERSION}"),
        format!("normalise={}", normalise::VERSION),
        format!("country={country}"),
        section("spellings", serde_json::to_string(spellings)),
        section("matching", serde_json::to_string(matching)),
        section("fields", serde_json::to_string(&(fields, naming))),
    ]
    .join(";")
}

/// The sections in which two rules differ, by name.
#[must_use]
pub fn changed_sections(old: &str, new: &str) -> Vec<String> {
    let parts = |rules: &str| -> Vec<(String, String)> {
        let pair = |part: &str| part.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        rules.split(';').filter_map(pair).collect()
    };
    let old = parts(old);
    parts(new).into_iter().filter(|part| !old.contains(part)).map(|(name, _)| name).collect()
}

/// How many contacts are due because of which section, by name: of those that were judged by other rules than today's. Where two
/// sections changed, a contact counts for each.
#[must_use]
pub fn due_because(judged_by: &BTreeMap<String, u64>, today: &str) -> BTreeMap<String, u64> {
    let mut due = BTreeMap::new();
    for (rules, contacts) in judged_by {
        for section in changed_sections(rules, today) {
            *due.entry(section).or_default() += contacts;
        }
    }
    due
}

/// The hash of all of a contact that can make a difference: a note that is never sent is none of our business.
#[must_use]
pub fn content(contact: &Contact, fields: &FieldRules, key: &HashKey) -> Keyed {
    #[derive(Serialize)]
    struct Content<'a>(&'a str, &'a str, &'a str, &'a str);
    let note = match fields.note.rule {
        WriteRule::Never => "",
        WriteRule::Always | WriteRule::IfEmpty | WriteRule::IfUnedited => contact.note.as_str(),
    };
    let json = serde_json::to_string(&Content(&contact.name, &contact.email, &contact.phone, note));
    key.hash("content", &json.unwrap_or_default())
}

#[cfg(test)]
mod tests;
