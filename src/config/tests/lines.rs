//! Wherever an unknown key is written, it is refused, and by its own line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail where it stands")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::config::{Place, parse, schema::KEYS};

const SAMPLE: &str = include_str!("../../../config/anagrafe.toml");

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_unknown_key_is_refused_by_its_line(
        name in "[a-z][a-z_]{0,11}",
        value in prop_oneof!["[1-9][0-9]{0,2}", "\"[a-z ]{0,9}\"", "\\[\\]", "\\{ a = 1 \\}", Just("true".to_owned())],
        at in 0..SAMPLE.lines().count(),
    ) {
        prop_assume!(!KEYS.iter().any(|key| key.path.split('.').any(|part| part == name)));
        let mut lines: Vec<String> = SAMPLE.lines().map(str::to_owned).collect();
        lines.insert(at, format!("{name} = {value}"));
        let problems = parse(&lines.join("\n"), &BTreeMap::new()).expect_err("an unknown key was accepted");
        let here = Place::File { name: None, line: Some(at + 1) };
        let found = problems.iter().any(|problem| {
            problem.place == here && problem.what == "unknown key" && problem.key.split('.').next_back() == Some(name.as_str())
        });
        prop_assert!(found, "{problems}");
        let unknown = problems.iter().filter(|problem| problem.what == "unknown key").count();
        prop_assert_eq!(unknown, 1);
    }

    #[test]
    fn no_text_brings_it_down(text in ".{0,200}", key in "[a-z.]{1,20}", value in ".{0,20}") {
        let _ = parse(&text, &BTreeMap::new());
        let _ = parse(&format!("{key} = {value}"), &BTreeMap::new());
        let _ = parse(&format!("{key} = {value:?}"), &BTreeMap::new());
    }
}
