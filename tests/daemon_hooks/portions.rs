//! A page that is handled in portions, since calls may tell of a chat meanwhile, comes to what a page comes to that is handled whole.

use anagrafe::sandbox::{Fault, FaultKind, Options, population::Population};
use serde_json::json;

use crate::{
    daemon::TOKEN,
    support::{On, Town, both, contact},
};

/// So many come at once, on one page.
const NEWCOMERS: i64 = 60;

/// Somebody was there before; searches last so long that a portion stays as small as the first one is.
async fn town(on: On) -> Town {
    let contacts = vec![contact(1, "Uno Primo", "uno@example.it", "")];
    let population = Population { contacts, ..Population::default() };
    let town = Town::on(on, population, Options::default()).await;
    town.append(&format!("[hooks]\nsecret = \"{TOKEN}\""));
    town.anagrafe(&["sync"]).await.code(0);
    town.sandbox.faults().set(Fault::always("customers.search", FaultKind::Latency { ms: 600 }));
    town
}

/// A customer who is known by an address alone.
fn chats(town: &Town) {
    let customer = json!({ "id": "shared", "email": "both@example.it" });
    town.sandbox.vivocha.add_customer(customer.as_object().unwrap().clone());
}

fn name(id: i64) -> String {
    format!("Nome{id} Cognome{id}")
}

both!(b7_who_shares_an_identifier_with_a_later_portion_of_the_page_is_known_to_share_it, shared);
async fn shared(on: On) {
    let town = town(on).await;
    for id in 2..NEWCOMERS {
        // One of the first portion, and one of the last.
        let address = if matches!(id, 3 | 58) { "both@example.it".to_owned() } else { format!("p{id}@example.it") };
        town.sandbox.open2b.add_contact(contact(id, &name(id), &address, ""));
    }
    chats(&town);
    let before = town.calls("customers.search");
    town.anagrafe(&["sync"]).await.code(0);
    assert!(town.calls("customers.search") - before >= 4, "it was handled in portions");
    let unmatched = "SELECT COUNT(*) FROM contacts WHERE id IN (3, 58) AND state = 'unmatched'";
    assert_eq!((town.number(unmatched).await, town.written()), (2, Vec::new()));
}

both!(who_takes_over_an_address_that_a_later_portion_gives_up_is_the_only_one_to_hold_it, moved);
async fn moved(on: On) {
    let town = town(on).await;
    for id in 2..NEWCOMERS {
        let address = if id == 58 { "both@example.it".to_owned() } else { format!("p{id}@example.it") };
        town.sandbox.open2b.add_contact(contact(id, &name(id), &address, ""));
    }
    town.anagrafe(&["sync"]).await.code(0);
    chats(&town);
    for id in 2..NEWCOMERS {
        let address = if id == 3 { "both@example.it".to_owned() } else { format!("new{id}@example.it") };
        town.sandbox.open2b.edit_contact(id, |contact| contact.email = Some(address));
    }
    town.anagrafe(&["resync"]).await.code(0);
    let linked = "SELECT COUNT(*) FROM links WHERE id = 3 AND customer = 'shared' AND ended_at IS NULL";
    assert_eq!(town.number(linked).await, 1);
}
