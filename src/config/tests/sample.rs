//! The two files under `config/`: they load, the long one says every key, and what it says is the defaults.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use super::variables;
use crate::config::{file, load, parse, schema::KEYS};

const SAMPLE: &str = include_str!("../../../config/anagrafe.toml");
const MINIMAL: &str = include_str!("../../../config/minimal.toml");

#[test]
fn the_sample_loads_once_its_secrets_are_given_and_says_the_defaults() {
    let given = variables(&[
        ("HOME", "/root"),
        ("ANAGRAFE__VIVOCHA__AUTH__SECRET", "s3cret"),
        ("ANAGRAFE__SHOPS__MAIN__SECRET_KEY", "k3y"),
    ]);
    let sample = parse(SAMPLE, &given).unwrap();
    let minimal = parse(&MINIMAL.replace("secret_file", "# ").replace("secret_key_file", "# "), &given).unwrap();
    assert_eq!(sample.show(), minimal.show());
    assert_eq!(sample.warnings, Vec::<String>::new());
}

/// The sample with what is commented out put in force.
fn in_full() -> String {
    let is_key = |line: &str| {
        line.starts_with('[')
            || line.split_once(" = ").is_some_and(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    let line = |line: &'static str| match line.strip_prefix("# ") {
        Some(rest) if is_key(rest) => rest,
        Some(_) | None => line,
    };
    SAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_names_every_key_and_no_other() {
    let text = in_full();
    let read = file::read(&text, None);
    assert_eq!(read.problems, vec![]);
    let keys: BTreeSet<String> = KEYS.iter().map(|key| key.of("main")).collect();
    let missing: Vec<&String> = keys.iter().filter(|key| read.layer.get(key).is_none()).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn the_least_configuration_reads_its_secrets_from_files_beside_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("anagrafe.toml"), MINIMAL).unwrap();
    std::fs::write(at("vivocha.secret"), "one\n").unwrap();
    std::fs::write(at("shop.secret"), "two\n\n").unwrap();
    let settings = load(Some(&at("anagrafe.toml")), &variables(&[("XDG_STATE_HOME", "/home/u/state")])).unwrap_err();
    // Only one line's end is cut, so the second secret ends in one, which no header can carry.
    let expected = format!("{}:12: shops.main.secret_key_file: holds", at("anagrafe.toml").display());
    assert!(settings.to_string().starts_with(&expected), "{settings}");

    std::fs::write(at("shop.secret"), "two\r\n").unwrap();
    let settings = load(Some(&at("anagrafe.toml")), &variables(&[("XDG_STATE_HOME", "/home/u/state")])).unwrap();
    assert_eq!(settings.store.state_dir, Path::new("/home/u/state/anagrafe"));
    assert_eq!(settings.show().pointer("/shops/main/secret_key"), Some(&Value::from("(redacted)")));
}
