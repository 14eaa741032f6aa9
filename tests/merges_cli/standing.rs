//! `status`, `holds show`, `sync`: how merges stand, in words and for a machine.

use anagrafe::sandbox::{Fault, FaultKind, Options, population::Population};
use serde_json::json;

use super::{
    proposal,
    support::{On, Town, both, contact},
    synced, synced_on,
};

both!(what_waits_is_told_by_reason_and_age_with_what_is_left_for_today, waits);
async fn waits(on: On) {
    let town = synced_on(on).await;
    let said = town.anagrafe(&["status"]).await.code(0).stdout;
    for part in [
        "HELD (merges)",
        "1 held (since ",
        "1 names-do-not-confirm (since ",
        "1 other-phone (since ",
        "500 of 500 automatic, 50 of 50 approved",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    town.anagrafe(&["merges", "approve", &proposal(&town, 2).await]).await.code(0);
    let machine = town.anagrafe(&["status", "--json"]).await.code(0).json();
    let merges = &machine["merges"];
    assert_eq!(
        (&merges["waiting"]["other-phone"]["count"], &merges["approved"]["count"]),
        (&json!(1), &json!(1)),
        "{machine}"
    );
    assert_eq!(merges["budgets"]["approved_left"], 50, "{machine}");
    assert_eq!(machine["open_merges"], 2, "what was there stays where it was: {machine}");
    let report = town.anagrafe(&["sync"]).await.code(0);
    assert!(report.stdout.contains("1 merged, 1 held"), "{report:?}");
    let machine = town.anagrafe(&["status", "--json"]).await.code(0).json();
    assert_eq!(machine["merges"]["budgets"]["approved_left"], 49, "{machine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_merges_lists_them_and_says_how_to_look_at_each() {
    let town = synced().await;
    let id = proposal(&town, 1).await;
    let shown = town.anagrafe(&["holds", "show", "1"]).await.code(0).stdout;
    assert!(shown.contains(&format!("merge a2 into a1: anagrafe merges show {id}")), "{shown}");
    assert!(shown.contains("approves each of them"), "{shown}");
    let machine = town.anagrafe(&["holds", "show", "1", "--json"]).await.code(0).json();
    assert_eq!(machine["proposals"][0]["id"], id, "{machine}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_says_since_when_and_what_happens_next_and_one_that_needs_a_person_comes_first() {
    let town = synced().await;
    town.sandbox.faults().set(Fault::always("customers.merge", FaultKind::ResetBefore));
    let report = {
        town.anagrafe(&["merges", "approve", &proposal(&town, 3).await]).await.code(0);
        town.anagrafe(&["sync"]).await
    };
    assert!(report.stdout.contains("1 in doubt") && report.stderr.contains("anagrafe status"), "{report:?}");
    town.anagrafe(&["customers", "merge", "z1", "z2", "--yes"]).await.code(1);
    town.execute("UPDATE merges SET outcome = 'person' WHERE survivor = 'z1'").await;
    let said = town.anagrafe(&["status"]).await.code(0).stdout;
    let (person, doubt) = (said.find("A PERSON IS NEEDED").unwrap(), said.find("IN DOUBT: merge").unwrap());
    assert!(person < doubt && said.contains("(z2 into z1) since") && said.contains("(c2 into c1) since"), "{said}");
    let doubts = town.anagrafe(&["status", "--json"]).await.code(0).json()["merges"]["doubts"].clone();
    assert_eq!((&doubts[0]["needs_a_person"], &doubts[1]["needs_a_person"]), (&json!(true), &json!(false)), "{doubts}");
    let list = town.anagrafe(&["merges", "list", "--state", "approved"]).await.code(0).stdout;
    assert!(list.contains("is not known yet"), "{list}");
    let yet = town.anagrafe(&["merges", "reject", &proposal(&town, 3).await]).await.code(2);
    assert!(yet.stderr.contains("being carried out"), "{yet:?}");
}

both!(identifiers_of_several_people_are_counted_and_never_shown, several);
async fn several(on: On) {
    let mut contacts: Vec<_> = (1..=4)
        .map(|id| contact(id, &format!("Persona{id} Uno"), &format!("p{id}@example.it"), "333 1000001"))
        .collect();
    contacts.push(contact(5, "Anna Rossi", "anna@example.it", "333 1000005"));
    contacts.push(contact(6, "Ugo Neri", "anna@example.it", "333 1000006"));
    let town = Town::on(on, Population { contacts, ..Population::default() }, Options::default()).await.merging();
    town.anagrafe(&["sync"]).await.code(0);
    let said = town.anagrafe(&["status"]).await.code(0).stdout;
    assert!(
        said.contains("match nobody alone: 2; most held: phone ") && said.contains("by 4 contacts, main/1 among them"),
        "{said}"
    );
    let machine = town.anagrafe(&["status", "--json"]).await.code(0);
    let shared = &machine.json()["merges"]["shared_identifiers"];
    assert_eq!((&shared["count"], &shared["most_held"][1]["holders"]), (&json!(2), &json!(2)), "{shared}");
    assert_eq!(shared["most_held"][0]["hash"].as_str().unwrap().len(), 6, "{shared}");
    assert!(!said.contains("anna@") && !said.contains("1000001") && !machine.stdout.contains("anna@"));
}
