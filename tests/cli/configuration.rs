//! `config` and `migrate`.

use std::{fs, path::Path};

use serde_json::json;

use super::{Ended, command, ended};

const GOOD: &str = r#"[store]
state_dir = "state"
[vivocha]
account = "acme"
base_url = "https://world.example.com/a/acme/api/v3"
[vivocha.auth]
id = "client"
secret = "s3cret-of-vivocha"
[shops.main]
url = "https://shop.example.com"
secret_key = "s3cret-of-the-shop"
"#;

fn with(text: &str, args: &[&str]) -> (tempfile::TempDir, Ended) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("config")).unwrap();
    fs::write(dir.path().join("config/anagrafe.toml"), text).unwrap();
    let ended = again(dir.path(), args);
    (dir, ended)
}

fn again(dir: &Path, args: &[&str]) -> Ended {
    ended(command(dir, args), "")
}

#[test]
fn every_problem_is_told_at_once_by_key_and_line() {
    let bad = GOOD
        .replace("account = \"acme\"", "account = \"no account\"\nacount = \"x\"")
        .replace("secret = \"s3cret-of-vivocha\"\n", "")
        + "api_version = 3\npage_size = 0\n";
    let (dir, told) = with(&bad, &["config", "validate"]);
    let told = told.code(2);
    for (key, line) in [
        ("vivocha.account", Some(4)),
        ("vivocha.acount", Some(5)),
        ("shops.main.api_version", Some(12)),
        ("shops.main.page_size", Some(13)),
        ("vivocha.auth.secret", None),
    ] {
        let at = line.map_or_else(|| key.to_owned(), |line| format!("anagrafe.toml:{line}: {key}:"));
        assert!(told.stdout.contains(&at), "{at} is not in {told:?}");
    }
    assert_eq!(told.stdout.lines().count(), 5, "{told:?}");
    assert!(told.stderr.contains("5 problems"));
    let machine = again(dir.path(), &["config", "validate", "--json"]).code(2).json();
    assert_eq!((&machine["valid"], machine["problems"].as_array().unwrap().len()), (&json!(false), 5));
    assert!(machine["problems"].as_array().unwrap().iter().any(|problem| problem["key"] == "shops.main.page_size"));
}

#[test]
fn a_valid_configuration_is_said_to_be_and_its_warnings_stand_beside_it() {
    let (_, valid) = with(GOOD, &["config", "validate", "--json"]);
    assert_eq!(valid.code(0).json(), json!({"valid": true, "problems": [], "warnings": []}));
    let hasty = GOOD.replace("[vivocha.auth]", "late_apply = \"1s\"\n[vivocha.auth]");
    let (_, warned) = with(&hasty, &["config", "validate"]);
    let warned = warned.code(0);
    assert!(warned.stdout.contains("warning: vivocha.late_apply") && warned.stdout.contains("is valid"), "{warned:?}");
}

#[test]
fn what_is_in_force_is_shown_with_where_it_comes_from_and_without_secrets() {
    let (dir, shown) = with(GOOD, &["config", "show"]);
    let shown = shown.code(0).stdout;
    for line in ["account = \"acme\"    # line 4", "search_batch = 40    # default", "[shops.main]"] {
        assert!(shown.contains(line), "{line} is not in {shown}");
    }
    let mut by_variable = command(dir.path(), &["config", "show", "--json"]);
    by_variable.env("ANAGRAFE__VIVOCHA__SEARCH_BATCH", "7");
    let machine = ended(by_variable, "").code(0);
    assert_eq!(machine.json()["vivocha"]["search_batch"], 7);
    assert!(!shown.contains("s3cret") && !machine.stdout.contains("s3cret"));
}

#[test]
fn a_store_is_made_once_and_then_found_at_its_version() {
    let (dir, made) = with(GOOD, &["migrate", "--json"]);
    let made = made.code(0).json();
    assert_eq!(made["from"], 0);
    assert!(made["to"].as_i64().unwrap() >= 1);
    let again_made = again(dir.path(), &["migrate", "--json"]).code(0).json();
    assert_eq!(
        (&again_made["from"], &again_made["to"], &again_made["store"]),
        (&made["to"], &made["to"], &made["store"])
    );
    let said = again(dir.path(), &["migrate"]).code(0).stdout;
    assert!(said.contains("already"), "{said}");
    again(dir.path(), &["status"]).code(0);
}
