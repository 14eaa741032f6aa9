//! A change of the hash key, with the real binary on both stores: until the resync that completes it all goes on under the key before;
//! then all stands under the new one as if it had never been another.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

#[path = "../support/mod.rs"]
mod support;

mod erased;
mod killed;
mod waits;

use anagrafe::{
    model::HashKey,
    sandbox::{
        Options,
        population::{Population, ShopContact},
    },
};
use serde_json::{Value, json};
use support::{On, Town, both, contact, count};

const OLD: &str = "the key of these tests, until now";
const NEW: &str = "the key of these tests, from now on";

/// So many people with an e-mail and a number of their own, each with a customer `c1`, `c2`, …, under the old key.
async fn people(on: On, count: i64) -> Town {
    let customers = (1..=count).map(|n| json!({"id": format!("c{n}"), "email": email(n)}));
    let population = Population {
        contacts: (1..=count).map(person).collect(),
        customers: customers.map(|customer| customer.as_object().unwrap().clone()).collect(),
        ..Population::default()
    };
    let town = Town::on(on, population, Options::default()).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 10"));
    town.keys(Some(OLD), None);
    town
}

fn email(n: i64) -> String {
    format!("p{n}@example.it")
}

fn person(n: i64) -> ShopContact {
    contact(n, &format!("{} {}", word(n), word(n * 7 + 1)), &email(n), &format!("333 {:07}", 1_000_000 + n))
}

/// A name that no other number has.
fn word(n: i64) -> String {
    const SYLLABLES: [&str; 10] = ["ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su"];
    let digits = n.to_string();
    let word: String = digits.bytes().map(|digit| SYLLABLES[usize::from(digit - b'0')]).collect();
    let (first, rest) = word.split_at(1);
    format!("{}{rest}n", first.to_uppercase())
}

fn field(town: &Town, customer: &str, field: &str) -> Value {
    town.sandbox.vivocha.customer(customer).unwrap().get(field).cloned().unwrap_or_default()
}

fn agent_writes(town: &Town, customer: &str, field: &str, value: &str) {
    town.sandbox.vivocha.edit_customer(customer, |customer| {
        customer.insert(field.into(), json!(value));
    });
}

/// Under which key the store is.
async fn kept_under(town: &Town) -> &'static str {
    let check = town.texts("SELECT key_check FROM accounts").await.remove(0);
    let of = |key: &str| HashKey::new(key.as_bytes()).unwrap().check_value().to_string();
    if check == of(OLD) {
        OLD
    } else {
        assert_eq!(check, of(NEW));
        NEW
    }
}

/// A store as text, row by row: all that means something, hashes and all. Times, runs and epochs are another town's.
async fn rows(town: &Town) -> Vec<String> {
    let mut rows = Vec::new();
    for sql in [
        "SELECT 'contact ' || id || ' ' || COALESCE(email, '-') || ' ' || COALESCE(phone, '-') || ' ' || name || ' ' \
         || COALESCE(state, '-') || ' ' || reason || ' ' || CASE WHEN state IN ('excluded', 'gone') THEN '' ELSE content END \
         || ' ' || CASE WHEN state = 'excluded' THEN '' ELSE rules END FROM contacts ORDER BY id",
        "SELECT 'link ' || id || ' ' || customer || ' ' || role || ' ' || grounds || ' ' || made_by || ' ' || baselines \
         || ' ' || COALESCE(known_email, '-') || ' ' || COALESCE(known_phone, '-') || ' ' || known_name || ' ' \
         || CASE WHEN ended_at IS NULL THEN 'stands' ELSE 'ended' END FROM links ORDER BY id, customer",
        "SELECT 'tombstone ' || kind || ' ' || value || ' ' || sealed FROM tombstones ORDER BY kind, value",
        "SELECT 'shop ' || shop || ' ' || COALESCE(rules, '-') FROM shops ORDER BY shop",
        "SELECT 'staged ' || id FROM rekeyed_contacts UNION ALL SELECT 'staged ' || id FROM rekeyed_links \
         UNION ALL SELECT 'staged ' || value FROM rekeyed_tombstones",
    ] {
        rows.extend(town.texts(sql).await);
    }
    rows
}

/// Those of everybody whose every value is at hand still: 4 has one that an agent wrote over and the shop changed, 9 is gone.
fn told(rows: Vec<String>) -> Vec<String> {
    let lost = |row: &String| [" 4 ", " 9 "].iter().any(|id| row.contains(id));
    rows.into_iter().filter(|row| !lost(row) && !row.starts_with("staged")).collect()
}

/// The same without the hashes.
fn unhashed(rows: &[String]) -> Vec<String> {
    let hash = |word: &str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let word = |word: &str| if hash(word) { "#".to_owned() } else { word.to_owned() };
    let words = |row: &String| row.split([' ', '"']).map(word).collect::<Vec<_>>();
    // Words of a name are in the order of their hashes; what is left of the rules is told elsewhere.
    rows.iter().map(|row| words(row).join(" ").split("version=").next().unwrap().to_owned()).collect()
}

/// What happens in a town before its key is changed: a crossing, an erasure, edits on both sides, a deletion.
async fn history(town: &Town) {
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["erase", "--email", &email(8)]).await.code(0);
    for n in [3, 4] {
        agent_writes(town, &format!("c{n}"), "telnum", &format!("+39347555000{n}"));
    }
    agent_writes(town, "c6", "nickname", "Sesta");
    town.sandbox.open2b.edit_contact(4, |contact| contact.phone = "333 4560004".into());
    town.sandbox.open2b.edit_contact(7, |contact| contact.name = "Settima Nuova".into());
    town.sandbox.open2b.delete_contact(9);
    town.anagrafe(&["resync"]).await.code(0);
}

/// Changes the key.
async fn rotated(town: &Town) {
    town.keys(Some(NEW), Some(OLD));
    let ended = town.anagrafe(&["resync"]).await.code(0);
    assert!(ended.stderr.contains("The hash key is changed"), "{ended:?}");
    assert_eq!(kept_under(town).await, NEW);
}

/// A sync and a resync that looks at everybody send nothing.
async fn is_quiet(town: &Town) {
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert!(report["calls"]["vivocha"].as_object().unwrap().is_empty(), "all are as they were: {report}");
    for pass in [&["sync"][..], &["resync", "--force"]] {
        town.anagrafe(pass).await.code(0);
    }
    assert_eq!(town.written(), Vec::<String>::new());
}

both!(a_changed_key_changes_nothing_else, all_of_it);
async fn all_of_it(on: On) {
    let town = people(on, 40).await;
    history(&town).await;
    let before = rows(&town).await;

    // All goes on under the key before, and says so.
    town.keys(Some(NEW), Some(OLD));
    town.sandbox.clear_journal();
    let pending = "A change of the hash key is pending";
    for command in [&["sync"][..], &["status"], &["resync", "--contact", "3"]] {
        let ended = town.anagrafe(command).await.code(0);
        assert!(ended.stderr.contains(pending), "{ended:?}");
    }
    let checked = town.anagrafe(&["check"]).await;
    assert!(checked.stdout.contains("kept under store.previous_hash_key still"), "{checked:?}");
    town.anagrafe(&["explain", "contact", "3"]).await.code(0);
    assert_eq!(kept_under(&town).await, OLD);
    assert_eq!(rows(&town).await, before);

    // A town that never had another key, to which the same happened.
    let twin = people(on, 40).await;
    twin.keys(Some(NEW), None);
    history(&twin).await;
    twin.anagrafe(&["sync"]).await.code(0);
    rotated(&town).await;
    let after = rows(&town).await;
    assert_eq!(unhashed(&after), unhashed(&before), "row for row");
    assert_eq!(told(after), told(rows(&twin).await), "hash for hash");
    assert_eq!(town.written(), Vec::<String>::new());

    // Neither the key alone that was before, nor a need for it.
    town.keys(Some(OLD), None);
    let refused = town.anagrafe(&["sync"]).await.code(2);
    assert!(refused.stderr.contains("the hash key is not the one"), "{refused:?}");
    town.keys(Some(NEW), None);
    is_quiet(&town).await;
    assert!(!town.anagrafe(&["status"]).await.code(0).stderr.contains("key"));

    // An agent's words are kept, ours are replaced, whoever was erased stays away.
    for n in [3, 5, 6] {
        town.sandbox.open2b.edit_contact(n, |contact| contact.phone = format!("333 456777{n}"));
    }
    town.sandbox.open2b.edit_contact(8, |contact| contact.phone = "333 4567778".into());
    let report = town.anagrafe(&["resync", "--json"]).await.code(0).json();
    assert_eq!((count(&report, "updated"), count(&report, "excluded")), (2, 1), "{report}");
    assert_eq!(
        (field(&town, "c3", "telnum"), field(&town, "c4", "telnum")),
        (json!("+393475550003"), json!("+393475550004"))
    );
    assert_eq!(
        (field(&town, "c5", "telnum"), field(&town, "c6", "telnum")),
        (json!("+393334567775"), json!("+393334567776"))
    );
    assert_eq!(field(&town, "c8", "telnum"), json!("+393331000008"), "what stood before she was erased");

    // Who is gone comes back to what she had.
    town.sandbox.open2b.add_contact_below(9, person(9));
    town.anagrafe(&["resync"]).await.code(0);
    let back = town.contact(9).await;
    assert_eq!((back.state.unwrap().as_str(), back.customer.unwrap().as_str()), ("linked", "c9"));
}

both!(nothing_but_a_whole_resync_changes_the_key, parts);
async fn parts(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.keys(Some(NEW), Some(OLD));
    for part in [&["resync", "--contact", "3"][..], &["resync", "--from", "10"], &["sync"]] {
        town.anagrafe(part).await.code(0);
        assert_eq!(kept_under(&town).await, OLD);
    }
    rotated(&town).await;
    // And back again: each change is one like the other.
    town.keys(Some(OLD), Some(NEW));
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(kept_under(&town).await, OLD);
    town.keys(Some(OLD), None);
    is_quiet(&town).await;
}

both!(a_wrong_previous_key_changes_nothing_and_says_so, wrong);
async fn wrong(on: On) {
    let town = people(on, 10).await;
    town.anagrafe(&["sync"]).await.code(0);
    let before = rows(&town).await;
    town.keys(Some(NEW), Some("neither this nor that, but long enough"));
    for command in [&["sync"][..], &["resync"], &["status"], &["plan"], &["erase", "main/1"]] {
        let refused = town.anagrafe(command).await.code(2);
        assert!(refused.stderr.contains("nor is the previous one"), "{refused:?}");
    }
    assert_eq!(town.anagrafe(&["check"]).await.code, 1);
    town.keys(Some(NEW), Some(NEW));
    let refused = town.anagrafe(&["resync"]).await.code(2);
    assert!(refused.stderr.contains("store.previous_hash_key: the same as store.hash_key"), "{refused:?}");
    town.keys(Some(NEW), Some("short"));
    town.anagrafe(&["config", "validate"]).await.code(2);
    assert_eq!(rows(&town).await, before);
    assert_eq!(kept_under(&town).await, OLD);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_made_in_the_state_directory_is_changed_to_one_that_is_given() {
    let town = people(On::Sqlite, 12).await;
    town.keys(None, None);
    town.anagrafe(&["sync"]).await.code(0);
    let made = town.dir.path().join("state/hash.key");
    town.keys(Some(NEW), None);
    town.anagrafe(&["sync"]).await.code(2);
    town.edit(|text| text.replace("[store]", &format!("[store]\nprevious_hash_key_file = \"{}\"", made.display())));
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(kept_under(&town).await, NEW);
    town.keys(Some(NEW), None);
    is_quiet(&town).await;

    // And to one that is made anew, once the old one is out of the way.
    let old = town.dir.path().join("state/hash.key.old");
    std::fs::rename(&made, &old).unwrap();
    town.keys(None, Some(NEW));
    town.anagrafe(&["status"]).await.code(0);
    assert!(!made.exists(), "whoever looks makes none");
    town.anagrafe(&["resync"]).await.code(0);
    town.keys(None, None);
    is_quiet(&town).await;
    assert_ne!(std::fs::read(&made).unwrap(), std::fs::read(&old).unwrap());
}

both!(a_plan_is_the_same_under_either_key, planned);
async fn planned(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.open2b.edit_contact(15, |contact| contact.phone = "333 4569999".into());
    let planned = async || town.anagrafe(&["plan", "--full"]).await.code(0).stdout;
    let before = planned().await;
    town.keys(Some(NEW), Some(OLD));
    assert_eq!(planned().await, before);
    town.sandbox.open2b.edit_contact(15, |contact| contact.phone = person(15).phone);
    rotated(&town).await;
    town.sandbox.open2b.edit_contact(15, |contact| contact.phone = "333 4569999".into());
    assert_eq!(planned().await, before);
}
