//! What outranks what, and how a variable names a key.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

use secrecy::ExposeSecret;
use serde_json::json;

use super::{BASE, variables};
use crate::config::{Auth, Settings, parse};

fn with(pairs: &[(&str, &str)]) -> Settings {
    parse(BASE, &variables(pairs)).unwrap()
}

#[test]
fn a_variable_outranks_the_file_and_the_file_the_default() {
    let text = BASE.replace("[store]", "[store]\nlease = \"70s\"");
    let seconds = |pairs: &[(&str, &str)], text: &str| parse(text, &variables(pairs)).unwrap().store.lease.as_secs();
    assert_eq!(seconds(&[], BASE), 90);
    assert_eq!(seconds(&[], &text), 70);
    assert_eq!(seconds(&[("ANAGRAFE__STORE__LEASE", "80s")], &text), 80);
    assert_eq!(seconds(&[("anagrafe__Store__Lease", "80s")], &text), 80);
}

#[test]
fn other_variables_are_none_of_ours() {
    let settings = with(&[("ANAGRAFE_SERVICE_HOST", "10.0.0.1"), ("ANAGRAFE_STORE_LEASE", "1s"), ("PATH", "/bin")]);
    assert_eq!(settings.store.lease.as_secs(), 90);
}

#[test]
fn a_variable_stays_the_text_it_is_and_becomes_what_its_key_holds() {
    let settings = with(&[
        ("ANAGRAFE__SHOPS__MAIN__SECRET_KEY", "0123"),
        ("ANAGRAFE__VIVOCHA__AUTH__SECRET", "true"),
        ("ANAGRAFE__VIVOCHA__AUTH__ID", "1e3"),
        ("ANAGRAFE__MATCHING__AUTO_MERGE", "false"),
        ("ANAGRAFE__SHOPS__MAIN__PAGE_SIZE", "250"),
        ("ANAGRAFE__MATCHING__SHARED_EMAILS", "Info@*, ufficio@example.com,"),
        ("ANAGRAFE__FIELDS__NOTE__RULE", "if-empty"),
    ]);
    let shop = settings.shops.values().next().unwrap();
    assert_eq!(shop.secret_key.expose_secret(), "0123");
    assert_eq!(shop.page_size, 250);
    let Auth::Client { id, secret } = &settings.vivocha.auth else { unreachable!() };
    assert_eq!((id.as_str(), secret.expose_secret()), ("1e3", "true"));
    assert!(!settings.matching.auto_merge);
    assert_eq!(settings.matching.shared_emails, ["info@*", "ufficio@example.com"]);
    assert_eq!(settings.fields.note.rule, crate::model::rules::WriteRule::IfEmpty);
}

#[test]
fn a_shop_is_meant_without_regard_to_case_and_a_new_one_is_in_lower_case() {
    let text = BASE.replace("shops.main", "shops.Negozio-1");
    let settings = parse(
        &text,
        &variables(&[
            ("ANAGRAFE__SHOPS__NEGOZIO_1__COUNTRY", "FR"),
            ("ANAGRAFE__SHOPS__negozio-1__PAGE_SIZE", "7"),
            ("ANAGRAFE__SHOPS__SE__COND_O__URL", "https://b.example.com/shop"),
            ("ANAGRAFE__SHOPS__SE__COND_O__SECRET_KEY", "x"),
        ]),
    )
    .unwrap();
    let names: Vec<&str> = settings.shops.keys().map(crate::model::ShopName::as_str).collect();
    assert_eq!(names, ["Negozio-1", "se__cond_o"]);
    let first = settings.shops.values().next().unwrap();
    assert_eq!((first.country, first.page_size), (rlibphonenumber::Region::FR, 7));
    assert_eq!(settings.shops.values().last().unwrap().url.as_str(), "https://b.example.com/shop/");
}

#[test]
fn the_environment_alone_will_do() {
    let settings = parse(
        "",
        &variables(&[
            ("STATE_DIRECTORY", "/var/lib/anagrafe:/var/lib/other"),
            ("ANAGRAFE__VIVOCHA__ACCOUNT", "acme"),
            ("ANAGRAFE__VIVOCHA__AUTH__ID", "a"),
            ("ANAGRAFE__VIVOCHA__AUTH__SECRET", "b"),
            ("ANAGRAFE__SHOPS__MAIN__URL", "https://shop.example.com"),
            ("ANAGRAFE__SHOPS__MAIN__SECRET_KEY", "c"),
        ]),
    )
    .unwrap();
    assert_eq!(settings.store.state_dir, std::path::Path::new("/var/lib/anagrafe"));
}

#[test]
fn show_says_what_is_in_force_and_where_from_but_no_secret() {
    let settings = with(&[
        ("ANAGRAFE__STORE__URL", "postgres://anagrafe:hunter2@db:6432/anagrafe?password=hunter2"),
        ("ANAGRAFE__STORE__HASH_KEY", "hunter2hunter2hunter2"),
        ("ANAGRAFE__STORE__PREVIOUS_HASH_KEY", "hunter2hunter2hunter2hunter2"),
        ("ANAGRAFE__VIVOCHA__SPELLINGS", "e164,bare"),
    ]);
    let shown = settings.show();
    assert_eq!(shown.pointer("/store/url"), Some(&json!("postgres://anagrafe@db:6432/anagrafe")));
    assert_eq!(shown.pointer("/store/hash_key"), Some(&json!("(redacted)")));
    assert_eq!(shown.pointer("/store/previous_hash_key"), Some(&json!("(redacted)")));
    assert_eq!(shown.pointer("/vivocha/base_url"), Some(&json!(null)));
    assert_eq!(shown.pointer("/shops/main/api_version"), Some(&json!(10)));
    let toml = settings.show_toml();
    for line in [
        "spellings = [\"e164\", \"bare\"]    # ANAGRAFE__VIVOCHA__SPELLINGS",
        "account = \"acme\"    # line 4",
        "lease = \"90s\"    # default",
        "secret_key = \"(redacted)\"    # line 10",
        "# base_url: not set",
        "[fields.name]",
    ] {
        assert!(toml.lines().any(|shown| shown == line), "{line}\n{toml}");
    }
    for text in [toml.clone(), shown.to_string(), format!("{settings:?}")] {
        assert!(!text.contains("hunter2") && !text.contains("s3cret") && !text.contains("k3y"), "{text}");
    }
    assert!(toml::from_str::<toml::Table>(&toml).is_ok());
}
