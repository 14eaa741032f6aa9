//! What is said twice of one thing in one unit is kept once, as it was said last.

use anagrafe::{
    model::{link::Role, state::ContactState},
    store::{Fingerprint, HeldContact, IndexEntry, PageRecord, WriteOutcome},
};

use super::{Pass1, Place, RULES, at, customer, entry, hash, id, judged, linked, new_hold, propose_link, waiting};

pub async fn a_contact_twice_in_a_page_is_judged_as_it_was_last(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let asks = propose_link("a", 2, "c2");
    pass.record(vec![
        linked(1, "c9", Role::Owner),
        judged(1, ContactState::Invalid),
        linked(1, "c1", Role::Owner),
        waiting(2, vec![asks.clone(), asks.clone()]),
        waiting(2, vec![asks.clone(), asks]),
    ])
    .await;
    let prior = pass.prior(1).await;
    assert_eq!((prior.judged.unwrap().state, prior.link.unwrap().customer), (ContactState::Linked, customer("c1")));
    assert_eq!(prior.former, []);
    assert_eq!(pass.store.proposals(None).await.unwrap().len(), 1);
}

pub async fn a_contact_twice_in_a_survey_is_indexed_as_it_was_last(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let last = IndexEntry { email: Some(hash("last")), ..entry(1) };
    pass.survey(vec![entry(1), entry(2), last.clone()]).await;
    assert_eq!((pass.prior(1).await.entry, pass.prior(2).await.entry), (last, entry(2)));
}

pub async fn a_contact_twice_held_is_held_as_it_was_last(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let hold = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(1)).await.unwrap().id;
    pass.survey(vec![entry(1)]).await;
    let fingerprint = Fingerprint { content: hash("content"), rules: RULES.into() };
    let update =
        |what| HeldContact { id: id(1), hold, fingerprint: fingerprint.clone(), what: hash(what), was_due: None };
    let page = PageRecord { held: vec![update("first"), update("last")], ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    assert_eq!(pass.prior(1).await.held.unwrap().what, hash("last"));
}

pub async fn a_write_settled_twice_is_settled_as_it_was_last(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey(vec![entry(1)]).await;
    let write = pass.store.declare(&pass.lease, &[pass.declaration(1, "c1")]).await.unwrap()[0];
    let settled = vec![(write, WriteOutcome::Unknown), (write, WriteOutcome::Applied)];
    pass.store.record(&pass.lease, &PageRecord { settled, ..pass.page(Vec::new()) }).await.unwrap();
    assert_eq!(pass.prior(1).await.unsettled, []);
}
