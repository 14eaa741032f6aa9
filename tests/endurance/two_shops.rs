//! B8: two shops that share people on one account. After two runs nothing is written any more, in whichever order they are crossed:
//! no field goes back and forth.

use std::collections::BTreeSet;

use anagrafe::sandbox::{
    Options,
    population::{self, Kind, Sizes},
};

use super::{
    figure, recheck_everybody,
    support::{On, Town, both},
    truth::word,
    world::{customers, nothing, writes},
};

both!(b8_the_people_of_two_shops_are_written_once_the_first_shop_first, first_first);
async fn first_first(on: On) {
    shared(on, ["main", "second"]).await;
}

both!(b8_the_people_of_two_shops_are_written_once_the_second_shop_first, second_first);
async fn second_first(on: On) {
    shared(on, ["second", "main"]).await;
}

async fn shared(on: On, order: [&str; 2]) {
    let shared = figure(80, 3_000);
    let sizes = Sizes { first: shared * 3, second: shared * 3, shared, customers: shared * 5 };
    let town = Town::on(on, population::two_shops(3, sizes), Options::default()).await;
    town.anagrafe(&["sync", "--shop", order[0]]).await.code(0);
    town.anagrafe(&["sync", "--shop", order[1]]).await.code(0);
    let when = format!("{on:?}, {} first", order[0]);
    nothing(&differences(&town, order[0]).await, &when);
    let (once, held) = (writes(&town), customers(&town));
    assert!(once.windows(2).all(|two| two[0].0 != two[1].0), "{when}: no customer is written by both");
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.clear_journal();
    for pass in [&["sync"][..], &["sync", "--shop", order[1]], &["sync", "--shop", order[0]], &["resync", "--force"]] {
        town.anagrafe(pass).await.code(0);
        recheck_everybody(&town).await;
    }
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(writes(&town), [], "{when}: after two runs it is quiet");
    assert_eq!(customers(&town), held, "{when}: and was so after the first");
}

/// What is not so in the store as the truth has it, if this shop was crossed first.
async fn differences(town: &Town, first: &str) -> Vec<String> {
    let rows = "SELECT c.shop || ' ' || CAST(c.id AS TEXT) || ' ' || COALESCE(c.state, '-') || ' ' || COALESCE(l.customer, '-') \
                || ' ' || COALESCE(l.role, '-') FROM contacts c LEFT JOIN links l ON l.account = c.account AND l.shop = c.shop \
                AND l.id = c.id AND l.ended_at IS NULL";
    let truth = &town.sandbox.truth;
    let linked = |truth: &population::ContactTruth| truth.customer.clone();
    let of_others: BTreeSet<String> = truth.others.values().flat_map(|of| of.values()).filter_map(linked).collect();
    let of_both: BTreeSet<String> =
        truth.contacts.values().filter_map(linked).filter(|customer| of_others.contains(customer)).collect();
    let mut differ = Vec::new();
    for row in town.texts(rows).await {
        let words: Vec<&str> = row.split(' ').collect();
        let (shop, id, owner) = (words[0], words[1].parse::<i64>().unwrap(), words[4] == "owner");
        let wanted = if shop == "main" { &truth.contacts[&id] } else { &truth.others[shop][&id] };
        // Who is linked from both shops is owned by the one that was crossed first.
        let both = wanted.customer.as_ref().is_some_and(|customer| of_both.contains(customer));
        let owns = if both { shop == first } else { wanted.owner };
        let same = words[2] == word(wanted.state) && words[3] == wanted.customer.as_deref().unwrap_or("-");
        if !same || (wanted.customer.is_some() && owner != owns && wanted.kind != Kind::RegisteredTwice) {
            differ.push(format!("{row}, wanted {wanted:?}"));
        }
    }
    differ
}
