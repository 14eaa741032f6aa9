//! What the vendors' pages leave open, one way and the other: the same people come out as the truth has them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

mod support;

use anagrafe::sandbox::{Options, Specification, population};
use support::{Town, kept};

async fn town(change: impl FnOnce(&mut Options)) -> Town {
    let mut options = Options::default();
    change(&mut options);
    Town::with(population::generate(41, 400, 320), options).await
}

/// A sync of this town finds what is true, and a second one changes nothing.
async fn holds(town: &Town, what: &str) {
    town.anagrafe(&["sync"]).await.code(0);
    let kept = kept::contacts(&town.store()).await;
    for truth in town.sandbox.truth.contacts.values() {
        let expected = format!("{:?}", truth.state).to_lowercase();
        let found = &kept[&truth.contact];
        assert_eq!(found.state.as_deref(), Some(expected.as_str()), "{what}: {truth:?}");
        assert_eq!(found.customer, truth.customer, "{what}: {truth:?}");
    }
    let before = town.sandbox.vivocha.customers();
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.sandbox.vivocha.customers(), before, "{what}");
    assert_eq!(town.written(), Vec::<String>::new(), "{what}");
}

fn set(town: &Town, table: &str, line: &str) {
    town.edit(|text| {
        let key = line.split(" = ").next().unwrap_or_default();
        let kept: Vec<&str> =
            text.lines().filter(|old| !old.starts_with(&format!("{key} = ")) || table.contains("auth")).collect();
        kept.join("\n").replace(&format!("[{table}]\n"), &format!("[{table}]\n{line}\n"))
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_rql_is_asked_by_parameters() {
    let town = town(|options| options.account.offers_q = false).await;
    holds(&town, "no q").await;
    assert!(town.sandbox.journal().iter().all(|entry| !entry.query.as_deref().unwrap_or("").contains("q=")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_specification_works_either_way() {
    for search in ["rql", "params", "auto"] {
        let town = town(|options| options.account.specification = Specification::Missing).await;
        set(&town, "vivocha", &format!("search = \"{search}\""));
        holds(&town, search).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_get_in_gets_in() {
    for (mode, id, secret) in [
        ("jwt", "operator", "sandbox-account-secret-token-of-32-bytes"),
        ("oauth", "sandbox-client", "sandbox-client-secret"),
        ("basic", "acme", "sandbox-account-secret-token-of-32-bytes"),
    ] {
        let town = town(|_| {}).await;
        town.edit(|text| {
            let head = text.split("[vivocha.auth]").next().unwrap().to_owned();
            let shops = text.split("[shops.main]").nth(1).unwrap();
            format!(
                "{head}[vivocha.auth]\nmode = \"{mode}\"\nid = \"{id}\"\nsecret = \"{secret}\"\n\n[shops.main]{shops}"
            )
        });
        holds(&town, mode).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_gives_fewer_rows_than_asked_is_read_to_its_end() {
    let town = town(|options| options.shop.max_page = Some(37)).await;
    holds(&town, "short pages").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_version_with_cursors_and_another_header_for_the_key_work() {
    for version in [6, 13] {
        let town = town(|options| options.shop.key_header = "x-key".into()).await;
        set(&town, "shops.main", &format!("api_version = {version}"));
        holds(&town, "version and header").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn small_pages_and_small_batches_come_to_the_same() {
    let town = town(|_| {}).await;
    set(&town, "shops.main", "page_size = 7");
    set(&town, "vivocha", "search_batch = 3");
    holds(&town, "small").await;
}
