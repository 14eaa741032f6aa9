//! `customers` against an account: each method, what a write compares, and that a pause holds it back.

use anagrafe::sandbox::{Absorbed, Fault, FaultKind, Options, population::Population};
use serde_json::{Map, Value, json};

use super::{Ended, ended, support::Town};

fn document(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn town() -> Town {
    let customers = vec![
        document(
            &json!({"id": "c1", "email": "Anna@Example.it", "telnum": "3331234567", "nickname": "anna", "tags": ["a"]}),
        ),
        document(&json!({"id": "c2", "email": "bruno@example.it", "vvcu": "v2", "data": {"crm": 1}})),
        document(&json!({"id": "c3", "telnum": "+393331234567"})),
    ];
    Town::with(Population { customers, ..Population::default() }, Options::default()).await
}

async fn run(town: &Town, args: &[&str], stdin: &str) -> Ended {
    let (command, stdin) = (town.command(&[&["customers"], args].concat()), stdin.to_owned());
    tokio::task::spawn_blocking(move || ended(command, &stdin)).await.unwrap()
}

/// Ids, as a machine reads them.
async fn ids(town: &Town, args: &[&str]) -> Vec<String> {
    let found = run(town, &[&["search", "--json"], args].concat(), "").await.code(0).json();
    found.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// What the account was last sent to write.
fn sent(town: &Town) -> Option<Value> {
    let journal = town.sandbox.journal();
    let entry = journal.iter().rev().find(|entry| entry.call == "customers.update")?;
    Some(serde_json::to_value(entry).unwrap()["sent"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_asks_for_what_was_written_and_with_spellings_as_a_pass_would() {
    let town = town().await;
    assert_eq!(ids(&town, &["--email", "Anna@Example.it", "--email", "bruno@example.it"]).await, ["c1", "c2"]);
    assert_eq!(ids(&town, &["--vvcu", "v2", "--telnum", "3331234567"]).await, ["c1", "c2"]);
    assert_eq!(ids(&town, &["--email", "anna@example.it"]).await, [""; 0]);
    assert_eq!(ids(&town, &["--telnum", "333/1234567"]).await, [""; 0]);
    assert_eq!(ids(&town, &["--telnum", "333/1234567", "--spellings"]).await, ["c1", "c3"]);
    let odd = run(&town, &["search", "--telnum", "anna@x.it", "--spellings"], "").await.code(0);
    assert!(odd.stderr.contains("value 1:") && odd.stderr.contains("as written only"), "{odd:?}");
    assert!(!odd.stderr.contains("anna@"), "{odd:?}");
    let table = run(&town, &["search", "--vvcu", "v2"], "").await.code(0).stdout;
    assert!(table.contains("bruno@example.it") && table.contains("telnum"), "{table}");
    let csv = run(&town, &["search", "--vvcu", "v2", "--csv"], "").await.code(0).stdout;
    assert_eq!(csv, "id,email,telnum,vvcu,firstname,lastname,nickname\nc2,bruno@example.it,,v2,,,\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_shown_whole_and_an_unknown_one_is_said_to_be() {
    let town = town().await;
    let whole = run(&town, &["get", "c2", "--json"], "").await.code(0).json();
    assert_eq!(whole, json!({"id": "c2", "email": "bruno@example.it", "vvcu": "v2", "data": {"crm": 1}}));
    let words = run(&town, &["get", "c2"], "").await.code(0).stdout;
    assert_eq!(words, "id     c2\nemail  bruno@example.it\nvvcu   v2\ndata   {\"crm\":1}\n");
    let machine = run(&town, &["get", "c9", "--json"], "").await.code(1);
    assert_eq!(machine.stdout, "null\n");
    for command in [&["get", "c9"][..], &["history", "c9"], &["update", "c9", "a=b"], &["save", "c9", "a=b"]] {
        let person = run(&town, command, "").await.code(1);
        assert_eq!((person.stdout.as_str(), person.stderr.as_str()), ("", "anagrafe: customer c9 does not exist\n"));
    }
    let history = run(&town, &["history", "c1", "--json"], "").await.code(0).json();
    assert!(history["events"].is_array(), "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn update_sends_what_was_given_and_save_only_what_changes() {
    let town = town().await;
    let fields = ["update", "c1", "nickname=anna", "tags:=[\"vip\"]", "note:=null"];
    let after = run(&town, &[&fields[..], &["--json"]].concat(), "").await.code(0).json();
    assert_eq!(sent(&town), Some(json!({"nickname": "anna", "tags": ["vip"], "note": null})));
    assert_eq!((&after["tags"], &after["telnum"]), (&json!(["vip"]), &json!("3331234567")));
    run(&town, &["update", "c1", "-"], "{\"firstname\": \"Anna\"}").await.code(0);
    assert_eq!(sent(&town), Some(json!({"firstname": "Anna"})));
    run(&town, &["save", "c1", "firstname=Anna", "lastname=Rossi"], "").await.code(0);
    assert_eq!(sent(&town), Some(json!({"lastname": "Rossi"})));
    town.sandbox.clear_journal();
    let nothing = run(&town, &["save", "c1", "lastname=Rossi", "tags:=[\"vip\"]"], "").await.code(0);
    assert!(nothing.stderr.contains("nothing to send") && nothing.stdout.contains("Rossi"), "{nothing:?}");
    assert_eq!(sent(&town), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_field_ends_with_2_and_sends_nothing() {
    let town = town().await;
    for (args, stdin) in [
        (&["update", "c1", "id=c2"][..], ""),
        (&["save", "c1", "nickname"], ""),
        (&["update", "c1", "tags:=[1"], ""),
        (&["update", "c1", "-"], "{}"),
        (&["update", "c1", "-", "a=b"], "{\"a\": 1}"),
    ] {
        run(&town, args, stdin).await.code(2);
    }
    assert_eq!(town.sandbox.journal().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_vanishes_or_does_not_take_fails_and_one_that_was_trimmed_is_told() {
    let town = town().await;
    let faulty = |kind| {
        town.sandbox.faults().clear();
        town.sandbox.faults().set(Fault::always("customers.update", kind));
    };
    faulty(FaultKind::SilentUpdate);
    let silent = run(&town, &["update", "c1", "nickname=nina"], "").await.code(1);
    assert!(silent.stderr.contains("not written: nickname") && silent.stdout.contains("anna"), "{silent:?}");
    faulty(FaultKind::TrimmingUpdate { to: 3 });
    let trimmed = run(&town, &["save", "c1", "nickname=ninetta"], "").await.code(0);
    assert!(trimmed.stderr.contains("nickname came back as another value"), "{trimmed:?}");
    faulty(FaultKind::OverridingUpdate);
    let override_ = run(&town, &["update", "c2", "nickname=bru"], "").await.code(1);
    assert!(override_.stderr.contains("vanished (email, vvcu, data)"), "{override_:?}");
    assert!(!override_.stderr.contains("bruno@"), "{override_:?}");
    assert!(override_.stdout.contains("vanished: email was \"bruno@example.it\""), "what is lost can be put back");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_while_paused() {
    let town = town().await;
    town.anagrafe(&["migrate"]).await.code(0);
    town.anagrafe(&["pause", "the shop is being moved"]).await.code(0);
    for command in [&["update", "c1", "nickname=nina"][..], &["save", "c1", "nickname=nina"]] {
        let paused = run(&town, command, "").await.code(1);
        assert!(
            paused.stderr.contains("the shop is being moved") && paused.stderr.contains("anagrafe resume"),
            "{paused:?}"
        );
    }
    assert_eq!(sent(&town), None);
    run(&town, &["get", "c1"], "").await.code(0);
    town.anagrafe(&["resume"]).await.code(0);
    run(&town, &["update", "c1", "nickname=nina"], "").await.code(0);
    assert_eq!(sent(&town), Some(json!({"nickname": "nina"})));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_was_absorbed_is_followed_to_be_shown_and_not_to_be_written() {
    let town = town().await;
    town.sandbox.vivocha.set_options(|options| options.absorbed = Absorbed::AnswersAsSurvivor);
    assert!(town.sandbox.vivocha.merge_customers("c1", "c3"));
    let shown = run(&town, &["get", "c3"], "").await.code(0);
    assert!(shown.stderr.contains("c3 is c1 now") && shown.stdout.contains("Anna@Example.it"), "{shown:?}");
    let refused = run(&town, &["update", "c3", "nickname=nina"], "").await.code(1);
    assert!(refused.stderr.contains("name c1 if that is meant"), "{refused:?}");
    assert_eq!(sent(&town), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_says_to_look_before_doing_it_again() {
    let town = town().await;
    town.sandbox.faults().set(Fault::always("customers.update", FaultKind::ResetAfter));
    let doubtful = run(&town, &["update", "c1", "nickname=nina"], "").await.code(1);
    assert!(doubtful.stderr.contains("look with `anagrafe customers get c1`"), "{doubtful:?}");
    assert_eq!(town.sandbox.vivocha.customer("c1").unwrap()["nickname"], "nina");
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_a_write_by_hand_is_declared_before_its_first_byte_and_explained() {
    let town = town().await;
    let by_hand =
        "SELECT customer || ' ' || why || ' ' || by || ' ' || fields || ' ' || COALESCE(outcome, 'open') FROM by_hand";
    run(&town, &["update", "c1", "nickname=nina"], "").await.code(0);
    assert_eq!(town.texts(by_hand).await, ["c1 customers update tester [\"nickname\"] applied"]);
    let told = town.anagrafe(&["explain", "customer", "c1"]).await.code(0).stdout;
    assert!(told.contains("tester wrote nickname to c1 by hand (customers update"), "{told}");
    assert!(!told.contains("nina"), "{told}");

    // Killed while its answer is waited for: it was declared, and nobody knows what became of it.
    town.sandbox.clear_journal();
    town.sandbox.faults().set(Fault::next("customers.update", 1, FaultKind::HangAfter));
    let mut child = town.command(&["customers", "save", "c2", "nickname=bruno"]).spawn().unwrap();
    while town.calls("customers.update") == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let open = format!("{by_hand} WHERE outcome IS NULL");
    assert_eq!(town.texts(&open).await, ["c2 customers save tester [\"nickname\"] open"]);
}
