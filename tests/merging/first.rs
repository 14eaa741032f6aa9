//! A shop's first merges wait for a look; then automatic ones go by themselves, and all that is known of the one that is gone goes along.

use serde_json::json;

use super::{
    chats, customer, merged, outcomes, person, release,
    support::{On, both, count},
    twins,
};

both!(e2_a_shops_first_merges_wait_for_a_look_and_a_release_lets_go_just_those, e2);
async fn e2(on: On) {
    let town = twins(on, 3).await;
    let first = town.anagrafe(&["sync", "--json"]).await.code(4).json();
    assert_eq!((first["outcome"].as_str(), first["merges"]["held"].as_u64()), (Some("held"), Some(3)), "{first}");
    assert_eq!(merged(&town), []);
    // While the hold stands as it is, later runs end well and list it.
    let again = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(again["merges"]["held"], 3, "{again}");
    let held = town.texts("SELECT CAST(hold AS TEXT) FROM holds WHERE released_at IS NULL").await;
    // Somebody else comes before the release: another hold, and the one that was looked at is no more.
    town.sandbox.open2b.add_contact(person(4));
    for chat in chats(4) {
        town.sandbox.vivocha.add_customer(chat.as_object().unwrap().clone());
    }
    town.anagrafe(&["sync"]).await.code(4);
    let gone = town.anagrafe(&["holds", "release", &held[0]]).await.code(2);
    assert!(gone.stderr.contains("holds list"), "{gone:?}");
    let now = town.texts("SELECT CAST(hold AS TEXT) FROM holds WHERE released_at IS NULL").await;
    assert_eq!(now.len(), 1);
    town.anagrafe(&["holds", "release", &now[0]]).await.code(0);
    let last = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!((last["merges"]["merged"].as_u64(), last["outcome"].as_str()), (Some(4), Some("done")), "{last}");
    assert_eq!(merged(&town).len(), 4);
    let by = "SELECT COUNT(*) FROM merges WHERE authorised_by = 'tester' AND outcome = 'applied'";
    assert_eq!(town.number(by).await, 4);
    // From now on they go by themselves.
    town.sandbox.open2b.add_contact(person(5));
    for chat in chats(5) {
        town.sandbox.vivocha.add_customer(chat.as_object().unwrap().clone());
    }
    let last = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(last["merges"]["merged"], 1, "{last}");
    assert_eq!(town.number("SELECT COUNT(*) FROM merges WHERE authorised_by IS NULL").await, 1);
    assert_eq!(town.number("SELECT COUNT(*) FROM proposals WHERE state = 'done'").await, 5);
    town.sandbox.clear_journal();
    let quiet = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!(town.written(), Vec::<String>::new());
    assert_eq!((count(&quiet, "linked") + count(&quiet, "unchanged"), quiet["read"].as_u64()), (5, Some(5)), "{quiet}");
}

both!(b2_merges_and_declarations_are_one_to_one_and_the_survivor_is_brought_up_to_date, b2);
async fn b2(on: On) {
    let town = twins(on, 2).await;
    release(&town).await;
    // Before: the survivor-to-be is the one with both identifiers, or else the other's number would be written to a second customer.
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["merges"]["merged"], 2, "{report}");
    let (mut made, mut told) = (merged(&town), outcomes(&town).await);
    made.sort();
    told.sort();
    assert_eq!(made, [("b1".into(), "a1".into()), ("b2".into(), "a2".into())]);
    assert_eq!(told, ["applied b1", "applied b2"]);
    for n in 1..=2 {
        assert_eq!(customer(&town, &format!("a{n}")), None);
        let survivor = customer(&town, &format!("b{n}")).unwrap();
        assert_eq!(survivor["tags"], json!([format!("of b{n}")]));
        assert_eq!(survivor["vvcu"], json!(format!("v{n}")));
        assert!(survivor.get("nickname").or(survivor.get("firstname")).is_some(), "her name was written: {survivor}");
    }
    let links = "SELECT COUNT(*) FROM links WHERE ended_at IS NULL AND customer IN ('b1', 'b2') AND role = 'owner'";
    assert_eq!(town.number(links).await, 2);
    assert_eq!(town.number("SELECT COUNT(*) FROM links WHERE customer IN ('a1', 'a2')").await, 0);
    // What both were is kept, and nothing of it can be read in the store.
    assert_eq!(town.number("SELECT COUNT(*) FROM befores").await, 4);
    let sealed = town.texts("SELECT sealed FROM befores").await.concat();
    assert!(!sealed.contains("example") && sealed.len() > 200);
}

both!(a_contact_that_was_linked_to_the_one_that_is_gone_is_linked_to_the_one_that_remains, carried);
async fn carried(on: On) {
    let options = anagrafe::sandbox::Options {
        account: anagrafe::sandbox::AccountOptions {
            survivor: anagrafe::sandbox::Survivor::Second,
            ..anagrafe::sandbox::AccountOptions::default()
        },
        ..anagrafe::sandbox::Options::default()
    };
    let town = super::twins_in(on, 2, options).await;
    release(&town).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(report["merges"]["merged"], 2, "{report}");
    // This account keeps the one in the body: read, not assumed.
    let mut told = outcomes(&town).await;
    told.sort();
    assert_eq!(told, ["applied a1", "applied a2"]);
    assert_eq!(town.contact(1).await.customer.unwrap(), "a1");
    assert_eq!(town.contact(1).await.role.unwrap(), "owner");
    town.sandbox.clear_journal();
    town.anagrafe(&["resync"]).await.code(0);
    town.execute("UPDATE contacts SET recheck_at = 1").await;
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(town.written(), Vec::<String>::new(), "what was written to the other one is ours here");
    assert_eq!(town.contact(1).await.customer.unwrap(), "a1");
    // And an edit in the shop still replaces what we wrote.
    town.sandbox.open2b.edit_contact(1, |contact| contact.name = "Nuova Persona".into());
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(customer(&town, "a1").unwrap()["firstname"], "Nuova");
}
