//! Whatever is wrong outside: an error that says what happened and what to do, its exit code, nothing written to Vivocha, and
//! no checkpoint moved.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

mod support;

use std::{
    fs,
    process::{Command, Output},
};

use anagrafe::sandbox::{
    Fault, FaultKind, Malformed, Options,
    population::{Population, ShopContact},
};
use serde_json::{Value, json};
use support::{Ended, Town, contact, kept};

const CHECKPOINTS: &str = "SELECT COALESCE(SUM(checkpoint), 0) FROM shops";

/// A sync that must fail so: this code, these words, nothing written, the checkpoint where it was.
async fn fails(town: &Town, code: i32, words: &[&str]) -> Ended {
    let before = if town.store().exists() { kept::number(&town.store(), CHECKPOINTS).await } else { 0 };
    town.sandbox.clear_journal();
    let ended = town.anagrafe(&["sync"]).await.code(code);
    for word in words {
        assert!(ended.stderr.contains(word) || ended.stdout.contains(word), "{word:?} is not in {ended:?}");
    }
    assert_eq!(town.written(), Vec::<String>::new());
    let after = if town.store().exists() { kept::number(&town.store(), CHECKPOINTS).await } else { 0 };
    assert_eq!(after, before, "the checkpoint stands");
    ended
}

fn replace(town: &Town, from: &str, to: &str) {
    town.edit(|text| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to)
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_of_the_shop_says_which_setting() {
    let town = Town::of(1, 60, 60).await;
    replace(&town, "sandbox-secret-key", "another-key");
    fails(&town, 1, &["shop main", "shops.main.secret_key", "403"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_says_so() {
    let town = Town::of(1, 60, 60).await;
    replace(&town, "/a/acme/", "/a/nobody/");
    fails(&town, 1, &["vivocha", "404", "vivocha.base_url"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_credentials_say_which_setting() {
    let town = Town::of(1, 60, 60).await;
    replace(&town, "sandbox-client-secret", "wrong");
    fails(&town, 1, &["vivocha", "401", "[vivocha.auth]"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_and_nobody_notices() {
    let town = Town::of(1, 200, 200).await;
    replace(&town, "mode = \"client\"", "mode = \"oauth\"");
    town.anagrafe(&["sync", "--limit", "50"]).await.code(0);
    town.sandbox.vivocha.revoke_tokens();
    town.sandbox.faults().set(Fault::next(
        "customers.search",
        1,
        FaultKind::Status {
            status: 401,
            retry_after: None,
            body: Some(json!({"error": 401, "message": "expired"}).to_string()),
        },
    ));
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["read"], 150);
    assert!(town.calls("token") >= 2, "a new token was asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_again_ends_the_run() {
    let town = Town::of(1, 60, 60).await;
    replace(&town, "mode = \"client\"", "mode = \"oauth\"");
    let refused = FaultKind::Status { status: 401, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("customers.search", refused));
    fails(&town, 1, &["vivocha", "401"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_shop_or_account_is_named() {
    let town = Town::of(1, 60, 60).await;
    let shop = town.sandbox.shop_url();
    replace(&town, &shop, "http://127.0.0.1:1");
    fails(&town, 1, &["shop main", "127.0.0.1:1"]).await;
    replace(&town, "http://127.0.0.1:1", &shop);
    let base = town.sandbox.vivocha_base_url();
    replace(&town, &base, "http://127.0.0.1:1/a/acme/api/v3");
    fails(&town, 1, &["vivocha", "127.0.0.1:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_tls_is_said_to_have_none() {
    let town = Town::of(1, 60, 60).await;
    let shop = town.sandbox.shop_url();
    replace(&town, &shop, &shop.replace("http://", "https://"));
    fails(&town, 1, &["shop main", "TLS"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_certificate_authorities_the_package_to_install_is_named() {
    let town = Town::of(1, 60, 60).await;
    let shop = town.sandbox.shop_url();
    replace(&town, &shop, &shop.replace("http://", "https://"));
    let mut command = town.command(&["sync"]);
    command.env("SSL_CERT_FILE", "/nonexistent/ca.pem").env("SSL_CERT_DIR", "/nonexistent");
    let ended = off_the_runtime(command).await;
    let text = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{text}");
    assert!(text.contains("ca-certificates"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_bundle_that_is_not_there_is_a_wrong_configuration() {
    let town = Town::of(1, 60, 60).await;
    town.append("[http]\nca_bundle = \"/nonexistent/ca.pem\"");
    fails(&town, 2, &["/nonexistent/ca.pem"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_without_cursors_is_refused_and_one_the_shop_lacks_is_named() {
    let town = Town::of(1, 60, 60).await;
    replace(&town, "[shops.main]", "[shops.main]\napi_version = 3");
    fails(&town, 2, &["shops.main.api_version", "6 to 13"]).await;
    replace(&town, "api_version = 3", "api_prefix = \"/elsewhere\"");
    fails(&town, 1, &["shop main", "404", "api_prefix"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_new_shop_is_told_and_nothing_is_concluded() {
    let town = Town::with(Population::default(), Options::default()).await;
    let ended = town.anagrafe(&["sync"]).await.code(0);
    assert!(ended.stderr.contains("no contacts") && ended.stderr.contains("shops.main.url"), "{ended:?}");
    assert_eq!(kept::number(&town.store(), CHECKPOINTS).await, 0);
    assert_eq!(kept::number(&town.store(), "SELECT COALESCE(SUM(surveyed_whole), 0) FROM shops").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_a_shop_that_is_suddenly_empty_is_held_before_any_write() {
    let town = Town::of(1, 60, 60).await;
    town.anagrafe(&["sync"]).await.code(0);
    for contact in town.sandbox.open2b.contacts() {
        town.sandbox.open2b.delete_contact(contact.id);
    }
    fails(&town, 4, &["no contacts at all", "60 are known"]).await;
    let holds = town.anagrafe(&["holds", "list", "--json"]).await.code(0).json();
    assert_eq!(holds[0]["kind"], "shrunk");
    // While the same hold stands, later runs end well and list it.
    let again = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(again["outcome"], "held");
    assert_eq!(again["holds"][0]["id"], holds[0]["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a6_pages_that_repeat_or_run_backwards_end_the_run() {
    for kind in [FaultKind::RepeatedPage, FaultKind::ReversedPage] {
        let town = Town::of(1, 300, 200).await;
        replace(&town, "[shops.main]", "[shops.main]\npage_size = 100");
        town.sandbox.faults().set(Fault::always("contacts.find", kind.clone()).after(1));
        let ended = town.anagrafe(&["sync"]).await.code(1);
        assert!(ended.stderr.contains("shop main") && ended.stderr.contains("contacts.find"), "{kind:?} {ended:?}");
        assert!(town.calls("contacts.find") <= 300 / 100 + 2, "{kind:?}: reading ended");
        assert_eq!(kept::number(&town.store(), CHECKPOINTS).await, 0);
        assert_eq!(town.written(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_json_is_nobodys_data() {
    let town = Town::of(1, 60, 60).await;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::NotJson));
    fails(&town, 1, &["shop main", "contacts.find"]).await;
    town.sandbox.faults().clear();
    town.sandbox.faults().set(Fault::always("customers.search", FaultKind::NotJson));
    fails(&town, 1, &["vivocha", "customers.search"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a5_one_malformed_record_never_keeps_another_of_its_page_from_being_handled() {
    let town = Town::of(3, 100, 100).await;
    let how = Malformed::Types;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::MalformedRecord { how }));
    let report = town.anagrafe(&["sync", "--json"]).await.code(3).json();
    assert_eq!(report["read"], 100);
    assert_eq!(report["counts"]["parked"], 1);
    let kept = kept::contacts(&town.store()).await;
    assert_eq!(kept.values().filter(|kept| kept.state.as_deref() == Some("parked")).count(), 1);
    assert_eq!(kept.values().filter(|kept| kept.state.is_some()).count(), 100);
    // `--ok-if parked` is for those who do not want to hear of it.
    town.anagrafe(&["sync", "--ok-if", "parked"]).await.code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_without_a_name_or_with_its_email_null_empty_or_absent_is_handled() {
    let mut population = Population::default();
    for id in 1..=9 {
        let email = [None, Some(""), Some("anna@example.it")][usize::try_from(id).unwrap() % 3];
        population.contacts.push(ShopContact { email: email.map(str::to_owned), ..contact(id, "", "", "") });
    }
    population.contacts.push(ShopContact { email: None, ..contact(10, "Anna Neri", "", "333 1234568") });
    let customer = json!({"id": "c1", "email": "anna@example.it", "firstname": "", "lastname": ""});
    population.customers.push(customer.as_object().unwrap().clone());
    let town = Town::with(population, Options::default()).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["counts"]["invalid"], 6, "{report}");
    assert_eq!(report["counts"]["unmatched"], 1, "{report}");
    assert_eq!(
        report["counts"]["linked"], 3,
        "without a name the e-mail alone links, and no name is written: {report}"
    );
    assert_eq!(town.sandbox.vivocha.customer("c1").unwrap()["firstname"], "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_version_is_left_alone() {
    let town = Town::of(1, 60, 60).await;
    town.anagrafe(&["sync"]).await.code(0);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(town.store());
    let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 0)",
    )
    .execute(&mut db)
    .await
    .unwrap();
    sqlx::Connection::close(db).await.unwrap();
    fails(&town, 1, &["9999", "newer"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_keeps_nothing_half_and_says_to_make_room() {
    let town = Town::of(1, 4000, 500).await;
    let state = town.dir.path().join("state");
    fs::create_dir(&state).unwrap();
    // A disk of its own, too small for the index, in a mount namespace of its own.
    let script = format!(
        "mount -t tmpfs -o size=600k none {0} && {1} sync --config {2}; code=$?; cp {0}/* {3}; exit $code",
        state.display(),
        env!("CARGO_BIN_EXE_anagrafe"),
        town.config().display(),
        town.dir.path().display(),
    );
    let mut command = Command::new("unshare");
    command.args(["-Urm", "sh", "-c", &script]);
    let ended = off_the_runtime(command).await;
    let text = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{text}");
    assert!(text.contains("disk") && text.contains("make room"), "{text}");
    assert_eq!(town.written(), Vec::<String>::new());
    // What was kept is whole pages, and a run with room goes on from them.
    let kept = town.dir.path().join("anagrafe.db");
    let surveyed = kept::number(&kept, "SELECT COUNT(*) FROM contacts").await;
    assert!(surveyed < 4000 && surveyed % 1000 == 0, "{surveyed}");
    for entry in fs::read_dir(town.dir.path()).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_file() && !entry.ends_with("anagrafe.toml") {
            fs::rename(&entry, state.join(entry.file_name().unwrap())).unwrap();
        }
    }
    // The file was copied to another place, which might have been long ago: it is read whole before anything else.
    town.anagrafe(&["sync"]).await.code(4);
    let resync = town.anagrafe(&["resync", "--json"]).await.code(0);
    // A sync may have come due between its pages, and has a line of its own.
    let report: Value = serde_json::from_str(resync.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&report["pass"], &report["read"]), (&json!("resync"), &json!(4000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_cannot_be_read_is_named() {
    let town = Town::of(1, 60, 60).await;
    town.anagrafe(&["sync"]).await.code(0);
    // Not even root reads a folder as a file.
    let key = town.dir.path().join("state/hash.key");
    fs::rename(&key, town.dir.path().join("kept.key")).unwrap();
    fs::create_dir(&key).unwrap();
    fails(&town, 1, &["hash.key"]).await;
    fs::remove_dir(&key).unwrap();
    // A store without its key gets no other one, which would open nothing of it and be taken for the right one.
    fails(&town, 2, &["hash.key is gone", "put it back"]).await;
    assert!(!key.exists());
    fs::write(&key, "0".repeat(64)).unwrap();
    fails(&town, 2, &["hash key"]).await;
    fs::rename(town.dir.path().join("kept.key"), &key).unwrap();
    town.anagrafe(&["sync"]).await.code(0);

    replace(&town, "secret_key = \"sandbox-secret-key\"", "secret_key_file = \"missing.key\"");
    fails(&town, 2, &["shops.main.secret_key_file"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ignored_filter_ends_the_run_before_anything_is_matched() {
    let town = Town::of(1, 60, 60).await;
    town.sandbox.faults().set(Fault::always("customers.search", FaultKind::IgnoredFilter));
    fails(&town, 1, &["vivocha", "filter"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_vivocha_fills_no_queue_and_the_next_run_does_it_all() {
    let town = Town::of(5, 400, 300).await;
    let down = FaultKind::Status { status: 503, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("customers.search", down));
    fails(&town, 1, &["outage"]).await;
    assert_eq!(kept::number(&town.store(), "SELECT COUNT(*) FROM contacts WHERE state IS NOT NULL").await, 0);
    town.sandbox.faults().clear();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["read"], 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_that_nobody_answers_are_an_outage_after_a_few() {
    let town = Town::of(5, 400, 300).await;
    let down = FaultKind::Status { status: 500, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("customers.update", down));
    fails(&town, 1, &["outage"]).await;
    assert_eq!(town.calls("customers.update"), 3, "one after the other, and then it is enough");
    town.sandbox.faults().clear();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["read"], 400);
    town.doubts_end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_cannot_be_written_is_a_failure() {
    let town = Town::of(1, 60, 60).await;
    town.anagrafe(&["sync"]).await.code(0);
    let mut command = town.command(&["status", "--json"]);
    command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let ended = off_the_runtime(command).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
}

async fn off_the_runtime(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The words of a report's errors never hold what a person typed: checked here once for all of the above.
#[tokio::test(flavor = "multi_thread")]
async fn g1_no_error_or_log_shows_a_person() {
    let town = Town::of(9, 150, 150).await;
    let mut said = String::new();
    let kinds = [
        FaultKind::NotJson,
        FaultKind::Truncated,
        FaultKind::InvalidUtf8,
        FaultKind::IgnoredFilter,
        FaultKind::Status { status: 400, retry_after: None, body: Some(json!({"error": 400, "message": "ValidationError", "info": {"type": "query", "path": "anna@example.it"}}).to_string()) },
        FaultKind::Status { status: 500, retry_after: None, body: None },
    ];
    for call in ["contacts.find", "customers.search", "customers.update", "customers.get"] {
        for kind in &kinds {
            town.sandbox.faults().clear();
            town.sandbox.faults().set(Fault::next(call, 6, kind.clone()));
            let ended = town.anagrafe(&["sync", "-vv", "--limit", "20"]).await;
            said = said + &ended.stdout + &ended.stderr;
        }
    }
    // The libraries below us know addresses and headers, and say them at these levels.
    town.sandbox.faults().clear();
    for log in ["debug", "trace", "h2=trace,hyper=trace,hyper_util=trace,reqwest=trace,sqlx=trace"] {
        let mut command = town.command(&["sync", "--limit", "40"]);
        let ended = off_the_runtime({
            command.env("ANAGRAFE__OBSERVE__LOG", log);
            command
        })
        .await;
        assert!(matches!(ended.status.code(), Some(0 | 3)), "{log}: {ended:?}");
        said += &String::from_utf8_lossy(&ended.stderr);
    }
    let people = town.sandbox.open2b.contacts().into_iter().flat_map(|c| [Some(c.name), c.email, Some(c.phone)]);
    let chats = town.sandbox.vivocha.customers().into_iter().flat_map(|customer| {
        ["email", "telnum", "firstname", "lastname", "nickname"]
            .map(|field| customer.get(field).and_then(Value::as_str).map(str::to_owned))
    });
    for personal in people.chain(chats).flatten().filter(|text| text.len() >= 6) {
        assert!(!said.contains(&personal), "{personal} was said");
    }
    for secret in ["sandbox-secret-key", "sandbox-client-secret", "anna@example.it", "customers?q=", "string%3A"] {
        assert!(!said.contains(secret), "{secret} was said");
    }
}
