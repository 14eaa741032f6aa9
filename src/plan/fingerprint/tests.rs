//! What changes a fingerprint, and what does not.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use super::*;
use crate::model::rules::{AskOrLink, FieldRule};

fn key() -> HashKey {
    HashKey::new(b"0123456789abcdef").unwrap()
}

fn matching() -> MatchingRules {
    MatchingRules {
        auto_merge: true,
        fixed_line_alone: AskOrLink::Ask,
        names_differ: AskOrLink::Ask,
        max_share: 3,
        max_cluster: 5,
        shared_emails: vec![],
        shared_phones: vec![],
    }
}

fn fields(note: WriteRule) -> FieldRules {
    let field = |rule| FieldRule { to: "x".into(), rule, clear: false };
    FieldRules {
        name: field(WriteRule::IfEmpty),
        email: field(WriteRule::IfEmpty),
        phone: field(WriteRule::IfEmpty),
        note: field(note),
        ids: field(WriteRule::Never),
    }
}

fn contact(name: &str, note: &str) -> Contact {
    Contact {
        id: 1.try_into().unwrap(),
        owner: None,
        name: name.into(),
        phone: "333 1234567".into(),
        email: "mario@x.it".into(),
        note: note.into(),
    }
}

#[test]
fn a_changed_rule_is_named_by_its_section() {
    let all = [Spelling::E164, Spelling::Bare];
    let rules =
        |country: &str, spellings: &[Spelling], matching: &MatchingRules, fields: &FieldRules, naming: &Naming| {
            super::rules(country, spellings, matching, fields, naming, &key())
        };
    let (naming, never) = (Naming::default(), fields(WriteRule::Never));
    let was = rules("IT", &all, &matching(), &never, &naming);
    let changed = |now: String| changed_sections(&was, &now).join(" ");
    assert_eq!(changed(was.clone()), "");
    assert_eq!(changed(rules("FR", &all, &matching(), &never, &naming)), "country");
    assert_eq!(changed(rules("IT", &all[..1], &matching(), &never, &naming)), "spellings");
    let stricter = MatchingRules { max_share: 2, ..matching() };
    assert_eq!(changed(rules("IT", &all, &stricter, &never, &naming)), "matching");
    assert_eq!(changed(rules("IT", &all, &matching(), &fields(WriteRule::Always), &naming)), "fields");
    let renamed = Naming { telnum: "phone".into(), ..Naming::default() };
    assert_eq!(changed(rules("IT", &all, &matching(), &never, &renamed)), "fields");
    let older = was.replace(&format!("normalise={}", normalise::VERSION), "normalise=0");
    assert_eq!(changed_sections(&older, &was), ["normalise"]);
    assert_eq!(changed_sections("", &was).len(), 6, "whoever was judged by no rules is due for all of them");
}

#[test]
fn all_that_were_judged_by_other_rules_are_due_for_what_changed() {
    let judged_by = |of: &[(&str, u64)]| of.iter().map(|(rules, count)| ((*rules).to_owned(), *count)).collect();
    let today = "version=2;matching=b;fields=b";
    let due = |of: &[(&str, u64)]| due_because(&judged_by(of), today);
    assert_eq!(due(&[]), BTreeMap::new());
    assert_eq!(due(&[(today, 300)]), BTreeMap::new());
    let counted = due(&[(today, 7), ("version=2;matching=a;fields=b", 20), ("version=2;matching=a;fields=a", 3)]);
    assert_eq!(counted, BTreeMap::from([("matching".to_owned(), 23), ("fields".to_owned(), 3)]));
}

#[test]
fn a_note_counts_only_where_it_is_sent() {
    let content = |contact: &Contact, note| super::content(contact, &fields(note), &key());
    let (plain, noted) = (contact("Mario Rossi", ""), contact("Mario Rossi", "pays late"));
    assert_eq!(content(&plain, WriteRule::Never), content(&noted, WriteRule::Never));
    assert_ne!(content(&plain, WriteRule::IfEmpty), content(&noted, WriteRule::IfEmpty));
    assert_ne!(content(&plain, WriteRule::Never), content(&contact("Mario", ""), WriteRule::Never));
    // No text can pass for two.
    let (one, other) = (contact("a\",\"b", ""), contact("a", ""));
    assert_ne!(content(&one, WriteRule::Never), content(&other, WriteRule::Never));
}
