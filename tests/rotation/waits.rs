//! What keeps the key from being changed: each says what to do, and leaves all under the key before.

use anagrafe::sandbox::{Fault, FaultKind, Malformed};

use super::{
    NEW, OLD, agent_writes, is_quiet, kept_under, people, rotated, rows,
    support::{On, Town, both},
};

async fn waits(town: &Town, because: &str) {
    town.keys(Some(NEW), Some(OLD));
    let ended = town.anagrafe(&["resync"]).await.code(1);
    assert!(ended.stderr.contains("The hash key was not changed") && ended.stderr.contains(because), "{ended:?}");
    assert_eq!(kept_under(town).await, OLD);
}

both!(a_customer_that_cannot_be_read_ends_it_rather_than_being_forgotten, unread);
async fn unread(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    // What came back from our write stands nowhere in the shop: only her customer may tell.
    agent_writes(&town, "c4", "telnum", "+393475550004");
    town.sandbox.open2b.edit_contact(4, |contact| contact.phone = "333 4560004".into());
    town.anagrafe(&["resync"]).await.code(0);
    let before = rows(&town).await;
    town.sandbox
        .faults()
        .set(Fault::always("customers.get", FaultKind::Status { status: 500, retry_after: None, body: None }));
    waits(&town, "500").await;
    assert_eq!(rows(&town).await.into_iter().filter(|row| !row.starts_with("staged")).collect::<Vec<_>>(), before);
    town.sandbox.faults().clear();
    rotated(&town).await;
    town.keys(Some(NEW), None);
    is_quiet(&town).await;
    town.sandbox.open2b.edit_contact(4, |contact| contact.phone = "333 4560044".into());
    town.anagrafe(&["resync"]).await.code(0);
    assert_eq!(super::field(&town, "c4", "telnum"), "+393475550004", "an agent's, still");
}

both!(a_shop_that_is_not_in_the_configuration_waits, unlisted);
async fn unlisted(on: On) {
    let town = people(on, 10).await;
    town.anagrafe(&["sync"]).await.code(0);
    let sql = "INSERT INTO shops (account, shop) SELECT account, 'elsewhere' FROM accounts";
    town.execute(sql).await;
    waits(&town, "the store knows shop elsewhere").await;
    town.execute("DELETE FROM shops WHERE shop = 'elsewhere'").await;
    rotated(&town).await;
}

both!(a_write_whose_outcome_is_not_known_waits, unsettled);
async fn unsettled(on: On) {
    let town = people(on, 10).await;
    town.anagrafe(&["sync"]).await.code(0);
    // Of somebody whom no page shows any more, so that no pass settles it.
    town.execute(
        "INSERT INTO writes (account, run, epoch, shop, id, customer, why, fields, declared_at) \
         SELECT account, run, epoch, shop, 4711, 'c1', 'test', '{}', 1 FROM runs WHERE run = 1",
    )
    .await;
    waits(&town, "the outcome of 1 writes").await;
    town.execute("UPDATE writes SET outcome = 'not-applied', settled_at = 1 WHERE id = 4711").await;
    rotated(&town).await;
}

both!(a_resync_that_does_not_come_to_its_end_changes_no_key, ended);
async fn ended(on: On) {
    let town = people(on, 30).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.keys(Some(NEW), Some(OLD));
    town.sandbox.faults().set(Fault::always("contacts.find", broken()).after(2));
    let ended = town.anagrafe(&["resync"]).await.code(1);
    assert!(ended.stderr.contains("not every shop's resync came to its end"), "{ended:?}");
    assert_eq!(kept_under(&town).await, OLD);
    // Nor does one that ended well, where the reading after it does not.
    town.sandbox.faults().clear();
    town.sandbox.faults().set(Fault::always("contacts.find", broken()).after(5));
    let ended = town.anagrafe(&["resync"]).await.code(1);
    assert!(ended.stderr.contains("The hash key was not changed"), "{ended:?}");
    assert_eq!(kept_under(&town).await, OLD);
    town.sandbox.faults().clear();
    rotated(&town).await;
}

fn broken() -> FaultKind {
    FaultKind::Status { status: 500, retry_after: None, body: None }
}

both!(a_record_that_a_page_shows_broken_is_read_by_its_id, broken_record);
async fn broken_record(on: On) {
    let town = people(on, 20).await;
    town.anagrafe(&["sync"]).await.code(0);
    town.anagrafe(&["resync"]).await.code(0);
    let before = rows(&town).await;
    town.keys(Some(NEW), Some(OLD));
    // Of each page of the reading after the resync one record is broken; asked for by its id it is whole.
    let how = Malformed::Types;
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::MalformedRecord { how }).after(3));
    town.sandbox.faults().set(Fault::always("contacts.get", broken()));
    waits(&town, "contacts could not be read by their ids").await;
    town.sandbox.faults().clear();
    town.sandbox.faults().set(Fault::always("contacts.find", FaultKind::MalformedRecord { how }).after(3));
    rotated(&town).await;
    assert_eq!(super::unhashed(&rows(&town).await), super::unhashed(&before));
    town.sandbox.faults().clear();
    town.keys(Some(NEW), None);
    is_quiet(&town).await;
}
