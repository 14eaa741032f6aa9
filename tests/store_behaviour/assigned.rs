//! A person links a contact to a customer, or ends a link.

use std::collections::BTreeMap;

use anagrafe::{
    model::{
        ContactId,
        link::{Role, Ruling},
        proposal::ProposalState,
        state::ContactState,
    },
    store::{ContactRecord, Decision, PageRecord, StoreError, Whose},
};

use super::{
    Pass1, Place, at, contact, customer, due_by, entry, id, judged, linked, propose_link, propose_merge, shop, waiting,
};

async fn due(pass: &Pass1, second: i64) -> Vec<i64> {
    let due = pass.store.due(&due_by(&shop("alfa"), at(second), 9)).await.unwrap();
    due.into_iter().map(ContactId::get).collect()
}

pub async fn a_detached_contact_is_another_person(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(1, "c1", Role::Owner), linked(2, "c1", Role::Secondary), linked(3, "c3", Role::Owner)])
        .await;
    place.open().await.decide(&Decision::Detach(contact(1)), "eva", at(5)).await.unwrap();
    let prior = pass.prior(1).await;
    assert_eq!((prior.link, prior.former[0].ended), (None, Some(at(5))));
    assert_eq!(prior.rulings, [(customer("c1"), Ruling::Different)]);
    assert_eq!(due(&pass, 5).await, [1, 2], "and who inherits");
    let story = pass.store.story(&Whose::Contact(contact(1))).await.unwrap();
    assert_eq!(story.rulings, [(contact(1), customer("c1"), Ruling::Different, "eva".into(), at(5))]);
}

pub async fn only_a_link_that_stands_is_detached(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey(vec![entry(1)]).await;
    pass.record(vec![linked(2, "c2", Role::Owner)]).await;
    pass.store.decide(&Decision::Detach(contact(2)), "eva", at(2)).await.unwrap();
    for number in [1, 2, 99] {
        let refused = pass.store.decide(&Decision::Detach(contact(number)), "eva", at(3)).await;
        assert!(matches!(&refused, Err(StoreError::NoLink(of)) if of == &contact(number)), "{refused:?}");
    }
    assert_eq!((pass.prior(1).await.rulings, due(&pass, 9).await), (vec![], vec![2]));
}

pub async fn an_assigned_contact_is_that_person_and_no_other(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let (a, b, m) = (propose_link("a", 1, "c1"), propose_link("b", 1, "c2"), propose_merge("m", 1, "c2", &["c5"]));
    let other = propose_link("o", 2, "c2");
    pass.record(vec![waiting(1, vec![a.clone(), b, m]), waiting(2, vec![other])]).await;
    pass.store.decide(&Decision::Approve(a.id), "eva", at(2)).await.unwrap();
    pass.record_at(3, vec![linked(1, "c1", Role::Owner)]).await;
    for to in ["c4", "c3"] {
        pass.store.decide(&Decision::Assign(contact(1), customer(to)), "eva", at(4)).await.unwrap();
    }
    pass.store.decide(&Decision::Detach(contact(1)), "eva", at(5)).await.unwrap();
    place.open().await.decide(&Decision::Assign(contact(1), customer("c2")), "ugo", at(6)).await.unwrap();

    let prior = pass.prior(1).await;
    let rulings = [(customer("c1"), Ruling::Different), (customer("c2"), Ruling::Same)];
    assert_eq!(prior.rulings, rulings, "what she is not stays said");
    assert_eq!(due(&pass, 6).await, [1]);
    let kept = pass.store.proposals(None).await.unwrap();
    let states: BTreeMap<_, _> = kept.iter().map(|kept| (kept.proposal.id.0.as_str(), kept.state)).collect();
    assert_eq!((states["a"], states["b"]), (ProposalState::Done, ProposalState::Approved), "the very pair");
    assert_eq!((states["m"], states["o"]), (ProposalState::Open, ProposalState::Open));
}

pub async fn a_last_word_outranks_the_one_before(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(1, "c1", Role::Owner)]).await;
    pass.store.decide(&Decision::Detach(contact(1)), "eva", at(2)).await.unwrap();
    pass.store.decide(&Decision::Assign(contact(1), customer("c1")), "eva", at(3)).await.unwrap();
    assert_eq!(pass.prior(1).await.rulings, [(customer("c1"), Ruling::Same)]);
    // A page that was handled meanwhile has heard neither.
    let page = PageRecord { at: at(9), ..pass.page(vec![judged(1, ContactState::Unmatched)]) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    assert_eq!(due(&pass, 9).await, [1]);
}

pub async fn only_a_contact_that_was_read_is_assigned(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![ContactRecord { retry_at: None, ..judged(3, ContactState::Excluded) }]).await;
    for number in [3, 99] {
        let refused = pass.store.decide(&Decision::Assign(contact(number), customer("c1")), "eva", at(3)).await;
        assert!(matches!(&refused, Err(StoreError::NoContact(of)) if of == &contact(number)), "{refused:?}");
    }
    assert_eq!(pass.prior(3).await.rulings, []);
    assert!(!pass.store.known(&super::of(&[id(99)], &[])).await.unwrap().contacts.contains_key(&id(99)));
}
