//! `explain merge`, `explain pair`, and what `explain` says of merges; the demo.

use serde_json::json;

use super::{proposal, synced};

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_explained_as_it_is_shown_with_what_is_ignored_now() {
    let town = synced().await;
    let id = proposal(&town, 3).await;
    let told = town.anagrafe(&["explain", "merge", &id]).await.code(0).stdout;
    for part in ["merge c2 into c1", "asks for  other-phone", "How that is weighed", "row email"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
    assert!(!told.contains("carla@example.it"), "{told}");
    let shown = town.anagrafe(&["merges", "show", &id, "--json"]).await.code(0).json();
    assert_eq!(town.anagrafe(&["explain", "merge", &id, "--json"]).await.code(0).json(), shown);
    town.anagrafe(&["explain", "merge", "0123456789abcdef"]).await.code(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_and_a_contact_tell_of_their_merges_and_of_who_they_are_not() {
    let town = synced().await;
    let id = proposal(&town, 3).await;
    town.anagrafe(&["merges", "approve", &id]).await.code(0);
    town.anagrafe(&["merges", "reject", &proposal(&town, 2).await]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    for whose in [["customer", "c1"], ["customer", "c2"], ["contact", "3"]] {
        let told = town.anagrafe(&["explain", whose[0], whose[1], "--offline"]).await.code(0).stdout;
        assert!(told.contains("c2 into c1, declared") && told.contains("authorised by tester"), "{whose:?}: {told}");
    }
    let told = town.anagrafe(&["explain", "customer", "b2"]).await.code(0).stdout;
    assert!(told.contains("tester said") && told.contains("b1 and b2 are different people"), "{told}");
    let machine = town.anagrafe(&["explain", "customer", "c1", "--json"]).await.code(0).json();
    assert_eq!(machine["merges"][0]["call"]["method"], "POST", "{machine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_two_customers_are_not_merged_is_told_for_each_contact_and_each_obstacle() {
    let town = synced().await;
    let pair = |one: &'static str, other: &'static str| {
        let town = &town;
        async move { town.anagrafe(&["explain", "pair", one, other]).await }
    };
    let held = pair("a1", "a2").await.code(0).stdout;
    assert!(held.contains("waits for hold 1") && held.contains("contact main/1"), "{held}");
    let asks = pair("b2", "b1").await.code(0).stdout;
    assert!(asks.contains("waits for a person: names-do-not-confirm") && asks.contains("row mobile, link"), "{asks}");
    assert!(!asks.contains("bruno@") && !asks.contains("1000002"), "{asks}");
    let strangers = pair("a1", "b1").await.code(0).stdout;
    assert!(
        strangers.contains("no contact's evidence puts both") && strangers.contains("does not match it"),
        "{strangers}"
    );
    let nobodys = pair("z1", "z2").await.code(0).stdout;
    assert!(nobodys.contains("no contact of a shop has to do with z1 or z2"), "{nobodys}");
    town.anagrafe(&["merges", "reject", &proposal(&town, 2).await]).await.code(0);
    let parted = pair("b1", "b2").await.code(0).stdout;
    assert!(parted.contains("tester said") && parted.contains("stands for good"), "{parted}");
    town.anagrafe(&["merges", "approve", &proposal(&town, 3).await]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
    let gone = pair("c1", "c2").await.code(0).stdout;
    assert!(gone.contains("does not exist") && gone.contains("both were read, and are one"), "{gone}");
    let machine = town.anagrafe(&["explain", "pair", "b1", "b2", "--json"]).await.code(0).json();
    assert_eq!(machine["different_people"][0]["by"], "tester", "{machine}");
    let revealed = town.anagrafe(&["explain", "pair", "b1", "b2", "--reveal"]).await.code(0).stdout;
    assert!(revealed.contains("bruno@example.it"), "{revealed}");
    for wrong in [&["pair", "a1"][..], &["pair", "a1", "a1"], &["customer", "a1", "a2"], &["pair", "nobody", "none"]] {
        town.anagrafe(&[&["explain"], wrong].concat()).await.code(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_of_ten_people_and_a_machine_reads_all_of_it() {
    let town = synced().await;
    let told = town.anagrafe(&["demo", "--merges"]).await.code(0);
    assert!(told.stdout.contains("3 merges were sent") && !told.stdout.contains("NOT AS EXPECTED"), "{}", told.stdout);
    let machine = town.anagrafe(&["demo", "--merges", "--json"]).await.code(0);
    assert!(machine.json_lines().len() > 10);
    assert!(machine.json_lines().iter().any(|line| line["restored"] == json!(true) || line["sent"] == json!(true)));
}
