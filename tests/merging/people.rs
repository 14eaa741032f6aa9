//! Everybody: a population with every trap, merged as its truth has it. 0 wrong merges, whatever else; all that the rules call automatic;
//! and nobody who needs a person.

use std::collections::{BTreeMap, BTreeSet};

use anagrafe::sandbox::{
    Options,
    population::{self, Kind},
};

use super::{
    merged,
    support::{On, Town, both, figure},
};

both!(b7_nobody_is_merged_who_is_not_one_person_and_nobody_who_needs_a_person, everybody);
async fn everybody(on: On) {
    let size = figure(1_000, 20_000);
    let people = population::generate(2027, size, size * 8 / 10);
    let town = Town::on(on, people, Options::default()).await.merging();
    town.append("[safeguards]\nmax_merges_per_run = 100000\nmax_merges_per_day = 100000\nmax_merge_share = \"100%\"");
    let first = town.anagrafe(&["sync", "--json"]).await.code(4).json();
    let hold = first["holds"][0]["id"].as_i64().unwrap().to_string();
    town.anagrafe(&["holds", "release", &hold]).await.code(0);
    for _ in 0..2 {
        town.anagrafe(&["sync"]).await.code(0);
    }
    town.execute("UPDATE contacts SET recheck_at = 1 WHERE recheck_at IS NOT NULL").await;
    for _ in 0..2 {
        town.anagrafe(&["resync"]).await.code(0);
    }
    let truth = &town.sandbox.truth;
    let person = |id: &str| truth.customers[id].person;
    let wrong: Vec<_> = merged(&town).into_iter().filter(|(stays, goes)| person(stays) != person(goes)).collect();
    assert_eq!(wrong, [], "merged, and two people");
    let gone: BTreeMap<String, String> = merged(&town).into_iter().map(|(stays, goes)| (goes, stays)).collect();
    assert_eq!(gone.len(), merged(&town).len(), "nobody twice");

    let (mut automatic, mut made, mut of_a_person) = (0, 0, BTreeSet::new());
    for merge in truth.contacts.values().filter_map(|truth| truth.merge.as_ref()) {
        for absorbed in &merge.absorbed {
            if merge.automatic {
                automatic += 1;
                made += usize::from(gone.get(absorbed) == Some(&merge.survivor));
            } else if gone.contains_key(absorbed) {
                of_a_person.insert(absorbed.clone());
            }
        }
    }
    assert!(of_a_person.is_empty(), "merged without a person: {of_a_person:?}");
    assert!(automatic > size / 100 && made * 100 >= automatic * 99, "{made} of {automatic}");
    let hostile: BTreeSet<&String> =
        truth.customers.values().filter(|customer| customer.kind == Kind::Hostile).map(|c| &c.customer).collect();
    assert!(!hostile.is_empty() && gone.keys().chain(gone.values()).all(|id| !hostile.contains(id)));
}
