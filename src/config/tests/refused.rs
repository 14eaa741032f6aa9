//! Every kind of problem, word for word: the snapshots are what an operator reads.

use std::fs;

use super::{BASE, base_with, read, said, variables};
use crate::config::{found, load, parse, settled};

/// Heading and line, one problem each.
const CASES: &[(&str, &str)] = &[
    // strictness
    ("[shops.main]", "api_verison = 10"),
    ("[store]", "colour = 1"),
    ("[stroe]", "url = \"sqlite://x\""),
    ("[palette]", "a = 1"),
    ("[shops.main.more]", "a = 1"),
    ("[shops.main]", "api_version = \"10\""),
    ("[shops.main]", "api_version = 12.7"),
    ("[shops.main]", "page_size = 99999999999999999999"),
    ("[shops.main]", "secret_key = 12345"),
    ("[store]", "lease = 90"),
    ("[store]", "lease = 2020-01-01"),
    ("[matching]", "auto_merge = \"true\""),
    ("[matching]", "auto_merge = 1"),
    ("[matching]", "shared_emails = \"info@*\""),
    ("[matching]", "shared_phones = [390612345678]"),
    ("[fields]", "name = \"name\""),
    ("[[alerts]]", "url = \"https://x\""),
    ("[store.url]", "path = \"x\""),
    ("[store]", "lease = \"90s"),
    ("[store]", "lease = \"60s\"\nlease = \"90s\""),
    ("[shops.\"a b\"]", "url = \"https://b.example.com\""),
    // texts that mean nothing
    ("[store]", "url = \"mysql://root:hunter2@host/db\""),
    ("[store]", "url = \"sqlite://\""),
    ("[store]", "url = \"sqlite::memory:\""),
    ("[store]", "url = \"postgres:///db\"\nhash_key = \"0123456789abcdef\""),
    ("[store]", "url = \"postgres://anagrafe@db/anagrafe\""),
    ("[store]", "hash_key = \"short\""),
    ("[store]", "hash_key = \"\""),
    ("[store]", "previous_hash_key = \"short\""),
    ("[store]", "hash_key = \"0123456789abcdef\"\nprevious_hash_key = \"0123456789abcdef\""),
    ("[store]", "lease = \"soon\""),
    ("[store]", "lease = \"9s\""),
    ("[store]", "lease = \"39s\""),
    ("[vivocha]", "account = \"a/b\""),
    ("[vivocha]", "base_url = \"acme\""),
    ("[vivocha]", "base_url = \"ftp://acme.example.com\""),
    ("[vivocha]", "base_url = \"https://user:hunter2@acme.example.com\""),
    ("[vivocha]", "base_url = \"https://acme.example.com/?key=hunter2\""),
    ("[vivocha]", "search = \"xml\""),
    ("[vivocha]", "search_batch = 0"),
    ("[vivocha]", "search_batch = 101"),
    ("[vivocha]", "concurrency = 65"),
    ("[vivocha]", "spellings = []"),
    ("[vivocha]", "spellings = [\"e164\", \"bare\", \"e164\"]"),
    ("[vivocha]", "spellings = [\"E164\"]"),
    ("[vivocha]", "rate = \"0/s\""),
    ("[vivocha]", "rate = \"20 per second\""),
    ("[vivocha]", "rate = \"20/0s\""),
    ("[vivocha]", "timeout = \"11m\"\nlate_apply = \"12m\""),
    ("[vivocha.auth]", "mode = \"digest\""),
    ("[vivocha.auth]", "id = \"\""),
    ("[vivocha.auth]", "id = \"a:b\""),
    ("[vivocha.auth]", "secret = \"\""),
    ("[vivocha.auth]", "secret = \"hunter\\n2\""),
    ("[vivocha.auth]", "secret_file = \"/x\""),
    ("[vivocha.auth]", "scope = [\"Customer.read\"]"),
    ("[vivocha.auth]", "mode = \"oauth\"\nscope = []"),
    ("[vivocha.endpoints]", "get = \"customers/{cid}\""),
    ("[vivocha.endpoints]", "get = \"FETCH customers/{cid}\""),
    ("[vivocha.endpoints]", "get = \"GET customers\""),
    ("[vivocha.endpoints]", "get = \"GET customers/{cid}/{name}\""),
    ("[vivocha.endpoints]", "search = \"GET /customers\""),
    ("[vivocha.endpoints]", "search = \"GET ../customers\""),
    ("[vivocha.endpoints]", "merge = \"POST customers/{cid}/actions/merge\""),
    ("[vivocha.endpoints]", "merge_body = '{\"id\":{cid2}}'"),
    ("[vivocha.endpoints]", "merge_body = '{\"id\":\"{cid}\"}'"),
    ("[vivocha.fields]", "email = \"\""),
    ("[vivocha.fields]", "email = \"e mail\""),
    ("[vivocha.fields]", "telnum = \"email\""),
    ("[shops.main]", "url = \"shop.example.com\""),
    ("[shops.main]", "secret_key = \"\""),
    ("[shops.main]", "secret_key = \"k\u{e9}y\""),
    ("[shops.main]", "key_header = \"X Secret\""),
    ("[shops.main]", "api_prefix = \"api/\""),
    ("[shops.main]", "api_version = 5"),
    ("[shops.main]", "country = \"it\""),
    ("[shops.main]", "country = \"XX\""),
    ("[shops.main]", "page_size = 10001"),
    ("[shops.other]", "url = \"https://SHOP.example.com:443/\"\nsecret_key = \"x\""),
    ("[shops.MAIN]", "url = \"https://b.example.com\"\nsecret_key = \"x\""),
    ("[shops.empty]", ""),
    ("[matching]", "names_differ = \"guess\""),
    ("[matching]", "max_share = 0"),
    ("[matching]", "max_cluster = 1"),
    ("[matching]", "shared_emails = [\"info@*\", \"mario\"]"),
    ("[matching]", "shared_emails = [\"*@*\"]"),
    ("[matching]", "shared_phones = [\"+390612345678\", \"06 123\"]"),
    ("[fields]", "email = { to = \"email\", rule = \"sometimes\" }"),
    ("[fields]", "email = { to = \"telnum\" }"),
    ("[fields]", "name = { to = \"nickname\" }"),
    ("[fields]", "note = { to = \"name\" }"),
    ("[fields]", "note = { to = \"firstname\", rule = \"always\" }"),
    ("[fields]", "ids = { to = \"note\", rule = \"always\" }\nnote = { rule = \"if-empty\" }"),
    ("[fields]", "ids = { to = \"id\" }"),
    ("[fields]", "note = { to = \"vvcu\" }"),
    ("[safeguards]", "max_merges_per_run = -1"),
    ("[safeguards]", "max_merge_share = \"1\""),
    ("[safeguards]", "max_vanished = \"100.01%\""),
    ("[safeguards]", "max_updates = \"0.123%\""),
    ("[schedule]", "sync = \"* * * *\""),
    ("[schedule]", "sync = \"0 */5 * * * *\""),
    ("[schedule]", "sync = \"@hourly\""),
    ("[schedule]", "sync = \"61 * * * *\""),
    ("[schedule]", "resync = \"0 2 30 2 *\""),
    ("[schedule]", "resync = \"0 2 * * L\""),
    ("[schedule]", "sync = \"*/90 * * * *\""),
    ("[schedule]", "resync = \"0 2-20/25 * * *\""),
    ("[schedule]", "resync = \"0 2 1 * MON\""),
    ("[schedule]", "timezone = \"Rome\""),
    ("[schedule]", "lookback = \"0s\""),
    ("[schedule]", "lookback_pages = 0"),
    ("[http]", "ca_bundle = \"\""),
    ("[web]", "listen = \"localhost:9480\""),
    ("[web]", "listen = \"0.0.0.0:9481\""),
    ("[observe]", "log = \"inof\""),
    ("[observe]", "log_format = \"xml\""),
    ("[observe]", "otlp_endpoint = \"127.0.0.1:4318\""),
    ("[hooks]", "listen = \"9482\""),
    ("[hooks]", "listen = \"127.0.0.1:9481\"\nsecret = \"token\""),
    ("[hooks]", "secret = \"\""),
    ("[hooks]", "customer = []"),
    ("[hooks]", "customer = [\"/cust_id\", \"cust_id\"]"),
    ("[hooks]", "customer = [\"/a~2b\"]"),
    ("[hooks]", "max_body = 0"),
    ("[alerts]", "url = \"https://hooks.example.com/x\""),
    ("[alerts]", "secret = \"x\""),
    ("[alerts]", "url = \"https://x.example.com\"\nsecret = \"x\"\nstale_sync = \"soon\""),
];

#[test]
fn each_problem_is_told_with_its_key_its_line_and_what_would_be_right() {
    let told: Vec<String> = CASES
        .iter()
        .map(|(heading, line)| {
            let problem = said(read(&base_with(heading, line)));
            format!("{heading} {}\n{problem}\n", line.replace('\n', " ⏎ "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn no_refusal_quotes_a_secret() {
    for (heading, line) in CASES {
        let problem = said(read(&base_with(heading, line)));
        for secret in ["hunter2", "hunter", "s3cret", "k3y", "12345", "mario", "06 123"] {
            assert!(!problem.contains(secret), "{heading} {line}: {problem}");
        }
    }
}

#[test]
fn what_is_missing_is_told_where_it_belongs() {
    insta::assert_snapshot!(said(read("[vivocha.auth]\nmode = \"jwt\"\n[shops.main]\n")), @r#"
    configuration: store.state_dir: missing, and none of STATE_DIRECTORY, XDG_STATE_HOME and HOME is set; give a directory, as "/var/lib/anagrafe"
    line 1: vivocha.account: missing; give it here or as ANAGRAFE__VIVOCHA__ACCOUNT
    line 1: vivocha.auth.id: missing; give it here or as ANAGRAFE__VIVOCHA__AUTH__ID
    line 1: vivocha.auth.secret: missing; give it here, or a file's path as `secret_file`, or ANAGRAFE__VIVOCHA__AUTH__SECRET
    line 3: shops.main.secret_key: missing; give it here, or a file's path as `secret_key_file`, or ANAGRAFE__SHOPS__MAIN__SECRET_KEY
    line 3: shops.main.url: missing; give it here or as ANAGRAFE__SHOPS__MAIN__URL
    "#);
}

#[test]
fn without_a_file_what_is_missing_is_told_by_variable() {
    insta::assert_snapshot!(said(settled(None, None, &variables(&[("HOME", "/root")]))), @r#"
    configuration: shops: missing; give at least one, under the heading [shops.NAME] or as ANAGRAFE__SHOPS__NAME__URL
    configuration: vivocha.account: missing; give it in a file (--config) or as ANAGRAFE__VIVOCHA__ACCOUNT
    configuration: vivocha.auth.id: missing; give it in a file (--config) or as ANAGRAFE__VIVOCHA__AUTH__ID
    configuration: vivocha.auth.secret: missing; give it in a file (--config), or a file's path as `secret_file`, or ANAGRAFE__VIVOCHA__AUTH__SECRET
    "#);
}

#[test]
fn all_problems_come_at_once_and_in_the_order_of_the_lines() {
    let text = BASE.replace("[store]", "[store]\nlease = 5").replace("acme", "a c").replace("https", "ftp");
    let variables = variables(&[("ANAGRAFE__WEB__LISTEN", "here"), ("ANAGRAFE__SHOPS__MAIN__PAGESIZE", "5")]);
    insta::assert_snapshot!(said(parse(&text, &variables)), @r#"
    line 2: store.lease: an integer; give a text in quotes
    line 5: vivocha.account: "a c" is no name for an account; give the account's name: 1 to 64 letters, digits, '-' or '_'
    line 10: shops.main.url: an address that is neither https nor http; give one as "https://host/path"
    ANAGRAFE__SHOPS__MAIN__PAGESIZE: no key has this variable; did you mean ANAGRAFE__SHOPS__MAIN__PAGE_SIZE?
    ANAGRAFE__WEB__LISTEN: web.listen: "here" is not an IP address with a port; give one as "127.0.0.1:9480" or "[::1]:9480"
    "#);
}

#[test]
fn variables_are_refused_by_their_names() {
    let cases = [
        ("ANAGRAFE__STORE__LEESE", "90s"),
        ("ANAGRAFE__SHOPS__MAIN__CUONTRY", "IT"),
        ("ANAGRAFE__SHOPS__MAIN", "x"),
        ("ANAGRAFE__SHOPS____URL", "x"),
        ("ANAGRAFE__PALETTE", "x"),
        ("ANAGRAFE__SHOPS__MAIN__API_VERSION", "12.7"),
        ("ANAGRAFE__SHOPS__MAIN__API_VERSION", "14"),
        ("ANAGRAFE__MATCHING__AUTO_MERGE", "yes"),
        ("ANAGRAFE__VIVOCHA__AUTH__SECRET", ""),
        ("ANAGRAFE__VIVOCHA__AUTH__SECRET_FILE", "/nowhere/secret"),
        ("ANAGRAFE__VIVOCHA__SPELLINGS", "e164,e146"),
    ];
    let told: Vec<String> = cases.iter().map(|case| said(parse(BASE, &variables(&[*case])))).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    ANAGRAFE__STORE__LEESE: no key has this variable; did you mean ANAGRAFE__STORE__LEASE?
    ANAGRAFE__SHOPS__MAIN__CUONTRY: no key has this variable; did you mean ANAGRAFE__SHOPS__MAIN__COUNTRY?
    ANAGRAFE__SHOPS__MAIN: no key has this variable; unset it, or name a key as ANAGRAFE__SECTION__KEY
    ANAGRAFE__SHOPS____URL: no name for a shop; name the shop with 1 to 64 letters, digits or '_'
    ANAGRAFE__PALETTE: no key has this variable; unset it, or name a key as ANAGRAFE__SECTION__KEY
    ANAGRAFE__SHOPS__MAIN__API_VERSION: shops.main.api_version: not an integer; give digits only
    ANAGRAFE__SHOPS__MAIN__API_VERSION: shops.main.api_version: 14 is out of bounds; give an integer from 6 to 13
    ANAGRAFE__MATCHING__AUTO_MERGE: matching.auto_merge: neither true nor false; give true or false
    ANAGRAFE__VIVOCHA__AUTH__SECRET: vivocha.auth.secret: empty; give the secret
    ANAGRAFE__VIVOCHA__AUTH__SECRET_FILE: vivocha.auth.secret_file: given as well as vivocha.auth.secret (line 7); give one of the two
    ANAGRAFE__VIVOCHA__SPELLINGS: vivocha.spellings: "e146" is none of its words; give e164, 00, bare, national or as-written
    "#);
    let twice = variables(&[("ANAGRAFE__STORE__LEASE", "90s"), ("Anagrafe__Store__Lease", "80s")]);
    insta::assert_snapshot!(said(parse(BASE, &twice)), @"Anagrafe__Store__Lease: store.lease: given a second time, ANAGRAFE__STORE__LEASE being the first; unset one of the two");
}

#[test]
fn a_file_of_a_secret_that_is_empty_or_not_there_is_told() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("anagrafe.toml");
    fs::write(directory.path().join("empty"), "\n")?;
    fs::write(directory.path().join("binary"), [0xff, 0xfe])?;
    for (name, expected) in [
        ("empty", "is empty; write the secret into it"),
        ("nowhere", "No such file or directory (os error 2); give a file this user may read"),
        ("binary", "stream did not contain valid UTF-8; give a file this user may read"),
    ] {
        fs::write(&file, BASE.replace("secret = \"s3cret\"", &format!("secret_file = \"{name}\"")))?;
        let problem = said(load(Some(&file), &variables(&[])));
        let place = format!("{}:7: vivocha.auth.secret_file: ", file.display());
        assert!(problem.starts_with(&place) && problem.ends_with(expected) && !problem.contains('\n'), "{problem}");
    }
    Ok(())
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let problem = said(load(Some(std::path::Path::new("/nowhere/a.toml")), &variables(&[])));
    assert_eq!(
        problem,
        "/nowhere/a.toml: cannot read the configuration: No such file or directory (os error 2); \
         name a file this user may read with --config"
    );
}

#[test]
fn without_a_name_the_first_file_that_is_there_is_read() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let (first, second) = (directory.path().join("first.toml"), directory.path().join("second.toml"));
    let defaults = [first.as_path(), second.as_path()];
    assert_eq!(found(None, &defaults), None);
    fs::write(&second, "")?;
    assert_eq!(found(None, &defaults), Some(second.as_path()));
    fs::write(&first, "")?;
    assert_eq!(found(None, &defaults), Some(first.as_path()));
    let named = directory.path().join("nowhere.toml");
    assert_eq!(found(Some(&named), &defaults), Some(named.as_path()));
    Ok(())
}

#[test]
fn problems_serialise_for_machines() -> Result<(), Box<dyn std::error::Error>> {
    let Err(problems) = read(&base_with("[store]", "colour = 1")) else { return Err("accepted".into()) };
    let json = serde_json::to_value(&problems)?;
    assert_eq!(json.pointer("/0/key"), Some(&"store.colour".into()));
    assert_eq!(json.pointer("/0/place/file/line"), Some(&2.into()));
    Ok(())
}
