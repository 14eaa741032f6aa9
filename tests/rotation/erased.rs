//! G2 through a change of the key: nobody who was erased comes back, whether or not anybody could know her when the key changed.

use super::{
    NEW, OLD, email, is_quiet, kept_under, people, rotated,
    support::{On, Town, both, contact, count},
};

const NOWHERE: &str = "nowhere@example.it";

async fn sealed(town: &Town) -> i64 {
    town.number("SELECT COUNT(*) FROM tombstones WHERE sealed = 1").await
}

/// Erased are somebody in the shop, and somebody who is not.
async fn changed(on: On) -> Town {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["erase", "--email", &email(8), "--email", NOWHERE]).await.code(0);
    rotated(&town).await;
    assert_eq!(sealed(&town).await, 1);
    town
}

both!(g2_who_was_in_no_shop_when_the_key_changed_is_known_when_she_comes, comes);
async fn comes(on: On) {
    let town = changed(on).await;
    let told = "1 erased addresses are in no shop now";
    assert!(town.anagrafe(&["status"]).await.code(0).stderr.contains(told));
    assert!(town.anagrafe(&["check"]).await.stdout.contains("1 erased addresses are recognised by it only"));

    // Without the key before nothing is read: she would be taken for new.
    town.sandbox.open2b.add_contact(contact(21, "Di Nessun Luogo", NOWHERE, ""));
    for previous in [None, Some("quite another key than those")] {
        town.keys(Some(NEW), previous);
        for pass in ["sync", "resync", "plan"] {
            let refused = town.anagrafe(&[pass]).await.code(2);
            assert!(refused.stderr.contains("previous_hash_key"), "{refused:?}");
        }
        assert_eq!(town.anagrafe(&["check"]).await.code, 1);
    }
    town.keys(Some(NEW), Some(OLD));
    town.anagrafe(&["plan"]).await.code(0);
    assert_eq!(sealed(&town).await, 1, "a plan writes nothing");
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "excluded"), 2, "{report}");
    assert_eq!(town.contact(21).await.state.unwrap(), "excluded");
    assert_eq!(sealed(&town).await, 0);

    // She was met, and the key before is not needed any more.
    town.keys(Some(NEW), None);
    is_quiet(&town).await;
    assert_eq!(town.contact(8).await.state.unwrap(), "excluded");
    let list = town.anagrafe(&["erase", "list", "--json"]).await.code(0).json();
    assert_eq!(list[0]["emails"], 2, "the proof is what it was: {list}");
}

both!(an_erasure_that_is_repeated_by_address_needs_the_key_before_no_more, repeated);
async fn repeated(on: On) {
    let town = changed(on).await;
    town.anagrafe(&["erase", "--email", &NOWHERE.to_uppercase()]).await.code(0);
    assert_eq!(sealed(&town).await, 0);
    town.keys(Some(NEW), None);
    town.sandbox.open2b.add_contact(contact(21, "Di Nessun Luogo", NOWHERE, ""));
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(town.contact(21).await.state.unwrap(), "excluded");
    // Of two erasures each stands for itself, also under the new key.
    town.anagrafe(&["erase", "--lift", "2"]).await.code(0);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.contact(21).await.state.unwrap(), "excluded");
}

both!(a_second_change_waits_while_an_address_is_known_by_the_first_key_only, second);
async fn second(on: On) {
    let town = changed(on).await;
    let third = "a third key, and the last of them";
    town.keys(Some(third), Some(NEW));
    // The pass itself refuses: the first key is not given any more.
    town.anagrafe(&["resync"]).await.code(2);
    assert_eq!(kept_under(&town).await, NEW);
    town.anagrafe(&["erase", "--lift", "1"]).await.code(0);
    town.anagrafe(&["erase", "--email", &email(8), "--email", NOWHERE]).await.code(0);
    let changed = town.anagrafe(&["resync"]).await.code(0);
    assert!(changed.stderr.contains("The hash key is changed"), "{changed:?}");
    assert_eq!(town.contact(8).await.state.unwrap(), "excluded");
}

both!(who_is_gone_from_the_shop_is_found_by_an_erasure_after_the_change, gone);
async fn gone(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    // Neither the shop nor her customer says any more who she was.
    town.sandbox.open2b.delete_contact(9);
    super::agent_writes(&town, "c9", "email", "agent@example.it");
    town.anagrafe(&["resync"]).await.code(0);
    rotated(&town).await;
    town.anagrafe(&["erase", "--email", &email(9)]).await.code(0);
    assert_eq!(town.contact(9).await.state.unwrap(), "excluded");
    assert_eq!(town.number("SELECT COUNT(*) FROM links WHERE id = 9").await, 0);
}
