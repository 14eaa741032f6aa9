//! `contacts` against a shop: each method, each parameter, and what each refusal becomes.

use anagrafe::sandbox::{
    Fault, FaultKind, Malformed, Options,
    population::{Population, ShopContact},
};
use serde_json::{Value, json};

use super::{Ended, ended, support::Town};

fn contact(id: i64, customer: i64, name: &str, email: Option<&str>) -> ShopContact {
    ShopContact { id, customer, name: name.into(), email: email.map(str::to_owned), ..ShopContact::default() }
}

/// A shop of four contacts.
async fn town() -> Town {
    let contacts = vec![
        contact(3, 7, "Anna Rossi", Some("anna@example.it")),
        contact(5, 7, "Bruno Bianchi", None),
        contact(6, 8, "Carla Verdi", Some("carla@example.it")),
        contact(9, 8, "Anna Neri", None),
    ];
    Town::with(Population { contacts, ..Population::default() }, Options::default()).await
}

async fn run(town: &Town, args: &[&str], stdin: &str) -> Ended {
    let (command, stdin) = (town.command(args), stdin.to_owned());
    tokio::task::spawn_blocking(move || ended(command, &stdin)).await.unwrap()
}

/// What the shop was last sent by a call.
fn sent(town: &Town, call: &str) -> Value {
    let journal = town.sandbox.journal();
    let entry = journal.iter().rev().find(|entry| entry.call == call).unwrap();
    serde_json::to_value(entry).unwrap()["sent"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn find_sends_every_parameter_of_the_vendors_page() {
    let town = town().await;
    let args = ["contacts", "find", "--customer", "8", "--after", "3", "--fields", "name,email", "--order", "-name,id"];
    let found = run(&town, &[&args[..], &["--limit", "2", "--first", "0", "--json"]].concat(), "").await.code(0);
    assert_eq!(
        sent(&town, "contacts.find"),
        json!({"conditions": {"customer": 8, "after": 3}, "fields": ["id", "name", "email"], "order": ["-name", "id"],
            "limit": 2, "first": 0})
    );
    let expected = json!([{"name": "Carla Verdi", "email": "carla@example.it"}, {"name": "Anna Neri", "email": ""}]);
    assert_eq!(found.json(), expected);
    assert!(found.stderr.contains("there may be more"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_a_table_or_csv_or_the_records_as_the_vendor_shapes_them() {
    let town = town().await;
    let table = run(&town, &["contacts", "find"], "").await.code(0).stdout;
    assert!(table.contains("Bruno Bianchi") && table.contains("customer"), "{table}");
    let csv = run(&town, &["contacts", "find", "--fields", "id,name", "--csv"], "").await.code(0).stdout;
    assert_eq!(csv, "id,name\n3,Anna Rossi\n5,Bruno Bianchi\n6,Carla Verdi\n9,Anna Neri\n");
    let json = run(&town, &["contacts", "find", "--limit", "1", "--json"], "").await.code(0).json();
    let anna =
        json!({"id": 3, "customer": 7, "name": "Anna Rossi", "phone": "", "email": "anna@example.it", "note": ""});
    assert_eq!(json, json!([anna]));
    assert_eq!(run(&town, &["contacts", "get", "3", "--json"], "").await.code(0).json(), anna);
    let words = run(&town, &["contacts", "get", "3", "--fields", "name,phone"], "").await.code(0).stdout;
    assert_eq!(words, "name   Anna Rossi\nphone\n");
    assert_eq!(sent(&town, "contacts.get"), json!({"id": 3, "fields": ["id", "name", "phone"]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn count_takes_the_same_conditions() {
    let town = town().await;
    assert_eq!(run(&town, &["contacts", "count"], "").await.code(0).stdout, "4\n");
    let some = run(&town, &["contacts", "count", "--customer", "8", "--after", "6", "--json"], "").await.code(0);
    assert_eq!(some.json(), json!({"count": 1}));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_is_null_for_a_machine_and_a_sentence_for_a_person() {
    let town = town().await;
    let machine = run(&town, &["contacts", "get", "4", "--json"], "").await.code(1);
    assert_eq!(machine.stdout, "null\n");
    let person = run(&town, &["contacts", "get", "4"], "").await.code(1);
    assert_eq!((person.stdout.as_str(), person.stderr.as_str()), ("", "anagrafe: contact 4 does not exist\n"));
    let update = run(&town, &["contacts", "update", "4", "--note", "x"], "").await.code(1);
    assert_eq!(update.stderr, "anagrafe: contact 4 does not exist\n");
    let create = run(&town, &["contacts", "create", "--customer", "99", "--name", "Dora"], "").await.code(1);
    assert!(create.stderr.contains("customer 99 does not exist"), "{create:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_created_changed_and_deleted_from_options_and_from_standard_input() {
    let town = town().await;
    let made = ["contacts", "create", "--customer", "7", "--name", "Dora", "--email", "dora@example.it", "--json"];
    assert_eq!(run(&town, &made, "").await.code(0).json(), json!({"id": 10}));
    let object = "{\"customer\": 8, \"name\": \"Elio\", \"email\": null, \"note\": \"new\"}";
    assert_eq!(run(&town, &["contacts", "create", "-"], object).await.code(0).stdout, "Contact 11 is created.\n");
    assert_eq!(
        sent(&town, "contacts.create")["contact"],
        json!({"customer": 8, "name": "Elio", "email": null, "note": "new"})
    );
    for (args, stdin, contact) in [
        (&["contacts", "update", "10", "--phone", "+39 333 1234567"][..], "", json!({"phone": "+39 333 1234567"})),
        (&["contacts", "update", "10", "--null-email"], "", json!({"email": null})),
        (&["contacts", "update", "10", "--email", ""], "", json!({"email": null})),
        (
            &["contacts", "update", "10", "--customer", "8", "--name", "Dora D", "--note", ""],
            "",
            json!({"customer": 8, "name": "Dora D", "note": ""}),
        ),
        (&["contacts", "update", "10", "-"], "{\"id\": 10, \"note\": \"moved\"}", json!({"note": "moved"})),
    ] {
        run(&town, args, stdin).await.code(0);
        assert_eq!(sent(&town, "contacts.update"), json!({"id": 10, "contact": contact}));
    }
    let kept = town.sandbox.open2b.contacts().into_iter().find(|contact| contact.id == 10).unwrap();
    assert_eq!((kept.name.as_str(), kept.email, kept.note.as_str()), ("Dora D", None, "moved"));
    town.sandbox.clear_journal();
    run(&town, &["contacts", "delete", "10", "11", "10"], "").await.code(2);
    assert_eq!(town.calls("contacts.delete"), 0, "without --yes nothing is sent");
    run(&town, &["contacts", "delete", "10", "11", "10", "--yes"], "").await.code(0);
    assert_eq!(sent(&town, "contacts.delete"), json!({"ids": [10, 11]}));
    assert_eq!(town.sandbox.open2b.contacts().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_told_in_our_words_and_never_quotes_what_was_sent() {
    let town = town().await;
    let refused = run(&town, &["contacts", "update", "3", "--email", "anna.at.example"], "").await.code(1);
    assert!(refused.stderr.contains("InvalidValue") && !refused.stderr.contains("anna.at"), "{refused:?}");
    town.sandbox.open2b.set_options(|options| options.granted.retain(|method| method != "contacts.update"));
    let denied = run(&town, &["contacts", "update", "3", "--note", "x"], "").await.code(1);
    assert!(denied.stderr.contains("grant the app the method commerce.contacts.update"), "{denied:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_was_lost_says_to_look_before_doing_it_again() {
    let town = town().await;
    town.sandbox.faults().set(Fault::always("contacts.create", FaultKind::ResetAfter));
    let doubtful = run(&town, &["contacts", "create", "--customer", "7", "--name", "Dora"], "").await.code(1);
    assert!(doubtful.stderr.contains("perhaps created, perhaps not"), "{doubtful:?}");
    assert_eq!(town.sandbox.open2b.contacts().len(), 5, "it was created, once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_stands_there_by_id_and_defect() {
    let town = town().await;
    let fault = || Fault::always("contacts.find", FaultKind::MalformedRecord { how: Malformed::Types });
    town.sandbox.faults().set(fault());
    let table = run(&town, &["contacts", "find", "--fields", "name"], "").await.code(0);
    assert!(table.stderr.contains("1 contact cannot be read"), "{table:?}");
    assert!(table.stdout.contains("wrong type") && table.stdout.contains("Anna Rossi"), "{table:?}");
    let rows = run(&town, &["contacts", "find", "--json"], "").await.code(0).json();
    let bad: Vec<&Value> = rows.as_array().unwrap().iter().filter(|row| row.get("defect").is_some()).collect();
    assert_eq!(bad.len(), 1);
    assert!(bad[0]["id"].is_i64(), "{bad:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_shops_one_has_to_be_named() {
    let town = town().await;
    let other = format!("[shops.second]\nurl = \"{}/elsewhere\"\nsecret_key = \"k\"\n", town.sandbox.shop_url());
    town.append(&other);
    let which = run(&town, &["contacts", "count"], "").await.code(2);
    assert!(which.stderr.contains("--shop (main, second)"), "{which:?}");
    run(&town, &["contacts", "count", "--shop", "main"], "").await.code(0);
    let wrong = run(&town, &["contacts", "count", "--shop", "second"], "").await.code(1);
    assert!(wrong.stderr.contains("shops.second.url"), "{wrong:?}");
}
