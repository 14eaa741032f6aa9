//! `anagrafe check` as a person runs it, against both systems in miniature: everything in order, then one thing wrong at a
//! time, and each has to be told by its name, with what to do, without hiding the others and without changing anything.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that finds nothing must fail")]

mod forms;
mod probing;
mod probing_broken;
mod said;
mod stores;
#[path = "../support/mod.rs"]
mod support;

use std::{collections::BTreeSet, fs, sync::Arc, time::Duration};

use anagrafe::{
    http::{Client, Limits, Rate, ReqwestTransport, TransportOptions},
    model::finding::Standing,
    sandbox::{
        Fault, FaultKind, Options, Specification,
        population::{Population, ShopContact},
    },
    store::{Store as _, key},
    sync::check::account::world,
};
use said::{check, nobody_there, people, replace, store};
use support::Town;
use url::Url;

#[tokio::test(flavor = "multi_thread")]
async fn where_everything_is_in_order_nothing_is_contradicted_and_nothing_was_changed() {
    let town = people().await;
    let checked = check(&town).await;
    assert_eq!((checked.code, checked.ok()), (0, Some(true)), "{}{}", checked.stdout, checked.stderr);
    assert_eq!(checked.subjects("contradicted"), BTreeSet::new());
    let confirmed = checked.subjects("confirmed");
    for subject in [
        "file",
        "store.url",
        "store.hash_key",
        "store.state_dir",
        "shops.main.url",
        "shops.main.secret_key",
        "shops.main.api_version",
        "shops.main.page_size",
        "contacts.count",
        "contacts.find",
        "contacts.get",
        "contacts.find order",
        "contacts.find after",
        "vivocha.base_url",
        "vivocha.auth",
        "vivocha.search",
        "customers.search",
        "customers.search filter",
        "customers.get",
        "vivocha.endpoints.merge",
    ] {
        assert!(confirmed.contains(subject), "{subject} in {confirmed:?}");
    }
    assert!(checked.told("contacts.count", "confirmed").contains("60 contacts"));
    assert!(checked.told("store.url", "confirmed").contains("the first sync makes it"));
    assert!(!town.dir.path().join("state").exists(), "a check makes no store");
    let reads = [
        "contacts.find",
        "contacts.count",
        "contacts.get",
        "customers.search",
        "customers.get",
        "customers.history",
        "openapi",
    ];
    for entry in town.sandbox.journal() {
        assert!(entry.wrote.is_none() && reads.contains(&entry.call), "{entry:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_it_grouped_with_marks_and_advice_and_without_anybody_in_it() {
    let person = ShopContact { customer: 1, name: "Anna Rossi".into(), email: Some("anna@x.it".into()), ..person() };
    let town = Town::with(Population { contacts: vec![person], ..Population::default() }, Options::default()).await;
    town.sandbox.open2b.set_options(|shop| shop.granted.retain(|method| method != "contacts.count"));
    let checked = town.anagrafe(&["check"]).await;
    assert_eq!(checked.code, 1);
    for line in [
        "shop main\n",
        "  ✓ shops.main.secret_key: the key is accepted\n",
        "  ✗ contacts.count: the app was not granted this method (AccessDenied)\n      → in the shop, grant the app the method commerce.contacts.count\n",
        "  ? contacts.find order: too few to tell: 1 contact\n",
        "  ✓ shops.main.page_size: 1000 were asked for, 1 came\n",
        "1 contradicted",
    ] {
        assert!(checked.stdout.contains(line), "{line} in\n{}", checked.stdout);
    }
    assert!(checked.stderr.contains("set right what is contradicted"));
    let said = format!("{}{}{}", checked.stdout, checked.stderr, check(&town).await.stdout);
    for personal in ["anna", "Anna", "Rossi", "3331234567", "sandbox-secret-key", "sandbox-client-secret"] {
        assert!(!said.contains(personal), "{personal} in\n{said}");
    }
}

fn person() -> ShopContact {
    ShopContact { id: 1, phone: "3331234567".into(), ..ShopContact::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_named_and_its_methods_are_left_open() {
    let town = people().await;
    replace(&town, "sandbox-secret-key", "another-key");
    let checked = check(&town).await;
    checked.contradicts(&["shops.main.secret_key"]);
    assert!(checked.told("shops.main.secret_key", "contradicted").contains("check shops.main.secret_key"));
    assert!(checked.subjects("unknown").contains("contacts.find"));
    assert!(checked.subjects("confirmed").contains("shops.main.url"), "the shop itself was reached");
    assert!(checked.subjects("confirmed").contains("customers.search"), "Vivocha is checked all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_where_nobody_listens_is_named_and_the_account_is_checked_all_the_same() {
    let town = people().await;
    let shop = town.sandbox.shop_url();
    replace(&town, &shop, &nobody_there());
    let checked = check(&town).await;
    checked.contradicts(&["shops.main.url"]);
    assert!(checked.told("shops.main.url", "contradicted").contains("check shops.main.url"));
    assert!(checked.subjects("confirmed").contains("customers.search"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_where_nobody_listens_is_named_and_the_shop_is_checked_all_the_same() {
    let town = people().await;
    let account = town.sandbox.vivocha_base_url().split("/a/").next().unwrap().to_owned();
    replace(&town, &account, &nobody_there());
    let checked = check(&town).await;
    checked.contradicts(&["vivocha.base_url"]);
    assert!(checked.told("vivocha.*", "unknown").contains("were not asked"));
    assert!(checked.subjects("confirmed").contains("contacts.find"));
}

/// Where authorities are found is read from the environment, so this takes a process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn without_ca_certificates_http_works_and_https_says_what_to_install() {
    let town = people().await;
    replace(&town, &town.sandbox.vivocha_base_url(), "https://vivocha.invalid/a/acme/api/v3");
    let mut command = town.command(&["check", "--json"]);
    command.env("SSL_CERT_FILE", town.dir.path().join("none.pem")).env("SSL_CERT_DIR", town.dir.path().join("none"));
    let checked = said::checked(command).await;
    checked.contradicts(&["vivocha.base_url"]);
    assert!(checked.told("vivocha.base_url", "contradicted").contains("install the package ca-certificates"));
    assert!(checked.subjects("confirmed").contains("contacts.find"), "the shop is reached over http");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_there_is_named() {
    let town = people().await;
    replace(&town, "/a/acme/api", "/a/other/api");
    let checked = check(&town).await;
    checked.contradicts(&["vivocha.base_url"]);
    assert!(checked.told("vivocha.base_url", "contradicted").contains("check vivocha.base_url and vivocha.account"));
    assert!(checked.subjects("unknown").contains("vivocha.auth"), "nobody asked for credentials");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_the_shop_has_not_is_named() {
    let town = people().await;
    replace(&town, "[shops.main]\n", "[shops.main]\napi_prefix = \"/old/api\"\n");
    let checked = check(&town).await;
    checked.contradicts(&["shops.main.api_version"]);
    let told = checked.told("shops.main.api_version", "contradicted");
    assert!(told.contains("HTTP 404") && told.contains("shops.main.api_prefix"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_is_not_granted_is_named_and_the_others_are_confirmed() {
    let town = people().await;
    town.sandbox.open2b.set_options(|shop| shop.granted.retain(|method| method == "contacts.find"));
    let checked = check(&town).await;
    checked.contradicts(&["contacts.count", "contacts.get"]);
    assert!(checked.told("contacts.get", "contradicted").ends_with("grant the app the method commerce.contacts.get"));
    assert!(checked.subjects("confirmed").contains("contacts.find after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_honours_neither_after_nor_order_is_named() {
    let town = people().await;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::IgnoredFilter));
    let checked = check(&town).await;
    checked.contradicts(&["contacts.find after"]);
    town.sandbox.faults().clear();
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::ReversedPage));
    let checked = check(&town).await;
    checked.contradicts(&["contacts.find order", "contacts.find after"]);
    assert!(checked.told("contacts.find order", "contradicted").contains("no contact is read from this shop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_whose_pages_are_empty_though_it_counts_contacts_is_named() {
    let town = people().await;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::EmptyPage));
    let checked = check(&town).await;
    assert_eq!(checked.code, 1, "{}", checked.stdout);
    checked.contradicts(&["contacts.find"]);
    let told = checked.told("contacts.find", "contradicted");
    assert!(told.contains("no contact came, and contacts.count says") && told.contains("ask Open2b"), "{told}");
    assert!(checked.told("shops.main.page_size", "unknown").contains("empty"));
    // Where only so many at once are answered with nothing.
    town.sandbox.faults().clear();
    town.sandbox.faults().set(Fault::next("contacts.find", 1, FaultKind::EmptyPage).after(3));
    let checked = check(&town).await;
    checked.contradicts(&["shops.main.page_size"]);
    assert!(checked.told("shops.main.page_size", "contradicted").contains("lower shops.main.page_size"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_without_contacts_is_not_blamed_for_its_empty_pages() {
    let town = Town::with(Population::default(), Options::default()).await;
    let checked = check(&town).await;
    assert!(checked.told("contacts.find", "confirmed").contains("0 contacts came"), "{}", checked.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_orders_by_rising_id_whatever_is_asked_is_told() {
    let town = people().await;
    // The second page is the one asked for in reverse.
    town.sandbox.faults().set(Fault::next("contacts.find", 1, FaultKind::ReversedPage).after(1));
    let checked = check(&town).await;
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    let told = checked.told("contacts.find order", "unknown");
    assert!(told.contains("ask Open2b whether version 10 honours `order`"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_refuses_an_unknown_id_or_the_page_size_is_named() {
    let said = |kind: &str, field: &str| {
        let body = format!(r#"{{"status":"error","error":{{"field":"{field}","type":"{kind}","description":""}}}}"#);
        FaultKind::Status { status: 200, retry_after: None, body: Some(body) }
    };
    let town = people().await;
    town.sandbox.faults().set(Fault::next("contacts.get", 1, said("NotFound", "id")).after(1));
    let checked = check(&town).await;
    checked.contradicts(&["contacts.get nobody"]);
    assert!(checked.told("contacts.get nobody", "contradicted").contains("from null alone"));
    town.sandbox.faults().set(Fault::next("contacts.find", 1, said("InvalidValue", "limit")).after(3));
    let checked = check(&town).await;
    checked.contradicts(&["shops.main.page_size"]);
    assert!(checked.told("shops.main.page_size", "contradicted").contains("lower shops.main.page_size"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_gives_fewer_at_once_is_accepted_with_the_size_to_set() {
    let town = people().await;
    town.sandbox.open2b.set_options(|shop| shop.max_page = Some(25));
    let checked = check(&town).await;
    assert_eq!(checked.code, 0);
    let told = checked.told("shops.main.page_size", "confirmed");
    assert!(told.contains("25 came") && told.contains("set shops.main.page_size = 25"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_ignores_its_filter_is_named() {
    let town = people().await;
    town.sandbox.faults().set(Fault::always("customers.search", FaultKind::IgnoredFilter));
    let checked = check(&town).await;
    checked.contradicts(&["customers.search filter"]);
    assert!(checked.told("customers.search filter", "contradicted").contains("vivocha.search"));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_refused_are_named_and_the_rest_is_left_open() {
    let town = people().await;
    replace(&town, "sandbox-client-secret", "revoked");
    let checked = check(&town).await;
    checked.contradicts(&["vivocha.auth"]);
    assert!(checked.told("vivocha.auth", "contradicted").contains("check [vivocha.auth]"));
    assert!(checked.subjects("unknown").contains("customers.search"));
    assert!(checked.subjects("confirmed").contains("vivocha.base_url"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_over_when_it_comes_is_named() {
    let town = people().await;
    replace(&town, "mode = \"client\"", "mode = \"oauth\"");
    town.sandbox.vivocha.set_options(|account| account.token_life = Duration::ZERO);
    check(&town).await.contradicts(&["vivocha.auth"]);
    town.sandbox.vivocha.set_options(|account| account.token_life = Duration::from_mins(10));
    assert_eq!(check(&town).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_may_search_and_not_read_lacks_a_scope() {
    let mut options = Options::default();
    options.account.scopes = vec!["Customer.query".into(), "Customer.update".into()];
    let checked = check(&Town::with(Population::default(), options).await).await;
    checked.contradicts(&["vivocha.auth"]);
    assert!(checked.told("vivocha.auth", "contradicted").contains("Customer.read"));
    assert!(checked.subjects("confirmed").contains("customers.search"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_specification_is_not_a_failure() {
    let town = people().await;
    town.sandbox.vivocha.set_options(|account| account.specification = Specification::Missing);
    let checked = check(&town).await;
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    assert!(checked.told("openapi.json", "unknown").contains("ask Vivocha for the account's specification"));
    assert!(checked.told("vivocha.search", "confirmed").contains("params"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_base_url_the_account_is_looked_up_and_an_unknown_one_is_named() {
    let town = people().await;
    let transport = Arc::new(ReqwestTransport::new(TransportOptions::default()).unwrap());
    let rate = Rate { calls: 100, per: Duration::from_secs(1) };
    let client = Client::new("vivocha", transport, Limits::new(rate, 1));
    let door = Url::parse(&town.sandbox.www_url()).unwrap();
    let (found, base) = world(&client, &"acme".parse().unwrap(), &door).await;
    assert_eq!((found.verdict, base.unwrap().to_string()), (Standing::Confirmed, town.sandbox.vivocha_base_url()));
    let (found, base) = world(&client, &"nobody".parse().unwrap(), &door).await;
    assert_eq!((found.verdict, base), (Standing::Contradicted, None));
    assert!(found.advice.unwrap().contains("check vivocha.account"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_that_the_specification_does_not_have_is_named() {
    let town = people().await;
    town.append("[vivocha.endpoints]\nupdate = \"POST customers/{cid}\"");
    let checked = check(&town).await;
    checked.contradicts(&["vivocha.endpoints.update"]);
    assert!(checked.told("vivocha.endpoints.update", "contradicted").contains("PUT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_stands_is_opened_and_left_as_it_was() {
    let town = people().await;
    store(&town).await.close().await;
    let before = fs::read(town.dir.path().join("state").join("anagrafe.db")).unwrap();
    let checked = check(&town).await;
    assert_eq!(checked.code, 0, "{}", checked.stdout);
    assert!(checked.told("store.url", "confirmed").contains("schema version"));
    assert!(checked.told("store.hash_key", "confirmed").contains("the one this store was made with"));
    let told = checked.told("store.latency", "confirmed");
    assert!(told.contains("a unit that reads takes") && told.contains(" ms"), "{told}");
    assert_eq!(fs::read(town.dir.path().join("state").join("anagrafe.db")).unwrap(), before);
    let left: BTreeSet<_> =
        fs::read_dir(town.dir.path().join("state")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["anagrafe.db", "hash.key"].map(Into::into).into(), "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_another_or_gone_is_named() {
    let town = people().await;
    store(&town).await.close().await;
    let file = town.dir.path().join("state").join(key::KEY_FILE);
    fs::write(&file, "ab".repeat(32)).unwrap();
    let checked = check(&town).await;
    checked.contradicts(&["store.hash_key"]);
    assert!(checked.told("store.hash_key", "contradicted").contains("give the key it was made with"));
    fs::write(&file, "no key").unwrap();
    check(&town).await.contradicts(&["store.hash_key"]);
    fs::remove_file(&file).unwrap();
    let checked = check(&town).await;
    checked.contradicts(&["store.hash_key"]);
    assert!(checked.told("store.hash_key", "contradicted").contains("put the key back"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_store_is_named_and_left_alone() {
    let town = people().await;
    fs::create_dir(town.dir.path().join("state")).unwrap();
    let file = town.dir.path().join("state").join("anagrafe.db");
    fs::write(&file, "a shopping list, quite long, and no database at all").unwrap();
    check(&town).await.contradicts(&["store.url"]);
    assert!(fs::read_to_string(&file).unwrap().starts_with("a shopping list"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_made_is_named() {
    let town = people().await;
    fs::write(town.dir.path().join("state"), "a file stands where the folder is to be").unwrap();
    let checked = check(&town).await;
    assert_eq!(checked.code, 1);
    assert!(checked.subjects("contradicted").contains("store.state_dir"), "{}", checked.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_wrong_is_told_by_key_and_ends_with_2() {
    let town = people().await;
    replace(&town, "rate = \"100000/s\"\ntimeout = \"5s\"\nlate_apply", "rate = \"fast\"\nlate_apply");
    town.append("colour = \"red\"");
    let checked = check(&town).await;
    assert_eq!((checked.code, checked.ok()), (2, Some(false)));
    let subjects = checked.subjects("contradicted");
    assert_eq!(subjects, ["shops.main.colour", "vivocha.rate"].into());
    assert!(town.sandbox.journal().is_empty(), "nobody is asked on the ground of a configuration that is wrong");
}
