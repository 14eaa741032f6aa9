//! F2: memory depends on the page, and not on the shop. Here by growth, in a build that is not optimised; the figures of a release
//! are those of tests/bench/memory.rs.

use anagrafe::sandbox::{
    Options,
    population::{Population, ShopContact},
};
use serde_json::json;

use super::{
    figure,
    support::{On, Town, both, contact, peak::peak},
};

both!(f2_memory_depends_on_the_page_and_not_on_the_shop, f2);
async fn f2(on: On) {
    let (small, large) = (figure(400, 10_000), figure(1_200, 60_000));
    let (small, large) = (peaks(on, small).await, peaks(on, large).await);
    eprintln!("{on:?}: {small:?} against {large:?} KiB");
    for (small, large) in small.into_iter().zip(large) {
        // Who kept every contact that was read would need some 8 KiB for each.
        assert!(large * 10 <= small * 11, "{on:?}: {large} KiB, and {small} KiB for a small shop");
    }
}

/// The peaks of a crossing and of a resync that looks at everybody, in KiB.
async fn peaks(on: On, contacts: usize) -> [u64; 2] {
    let people = (1..=contacts).map(verbose).collect();
    let customers = (1..=contacts).step_by(20).map(|n| json!({"id": format!("c{n}"), "email": email(n)}));
    let customers = customers.map(|customer| customer.as_object().unwrap().clone()).collect();
    let population = Population { contacts: people, customers, ..Population::default() };
    let town = Town::on(on, population, Options::default()).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 50"));
    town.append("[fields]\nnote = { to = \"note\", rule = \"if-empty\" }");
    let mut peaks = [0; 2];
    for (peaked, run) in peaks.iter_mut().zip([&["sync", "--quiet"][..], &["resync", "--force", "--quiet"]]) {
        let took;
        (*peaked, took) = peak(town.command(run)).await;
        eprintln!("{on:?} {contacts} {run:?}: {peaked} KiB in {took:?}");
        town.sandbox.clear_journal();
    }
    let judged = town.number("SELECT COUNT(*) FROM contacts WHERE state IN ('linked', 'unmatched')").await;
    assert_eq!(usize::try_from(judged).unwrap(), contacts);
    peaks
}

fn email(n: usize) -> String {
    format!("p{n}@example.it")
}

/// Somebody with a name of many words and a long remark, so that a contact weighs something wherever it is kept.
fn verbose(n: usize) -> ShopContact {
    let words: Vec<String> = (0..36).map(|word| format!("N{}", n * 97 + word * 7_919)).collect();
    let person = contact(i64::try_from(n).unwrap(), &words.join(" "), &email(n), "");
    ShopContact { note: format!("remark {n} ").repeat(800), ..person }
}
