//! What a person decides, without any lease.

use anagrafe::{
    model::{
        link::Ruling,
        proposal::{ProposalId, ProposalState},
    },
    store::{Decision, StoreError, Whose},
};

use super::{
    Pass1, Place, at, contact, customer, due_by, id, new_hold, of, propose_link, propose_merge, shop, waiting,
};

pub async fn an_approved_link_is_the_same_person(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let a = propose_link("a", 1, "c1");
    pass.record(vec![waiting(1, vec![a.clone()])]).await;
    place.open().await.decide(&Decision::Approve(a.id), "eva", at(5)).await.unwrap();

    let prior = pass.prior(1).await;
    assert_eq!(prior.rulings, [(customer("c1"), Ruling::Same)]);
    assert_eq!(prior.retry_at, Some(at(1)), "since she was judged, whatever the clock of who decided");
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(5), 9)).await.unwrap(), [id(1)]);
    let kept = pass.store.proposals(None).await.unwrap().remove(0);
    assert_eq!((kept.state, kept.changed_at, kept.changed_by.as_str()), (ProposalState::Approved, at(5), "eva"));
    let story = pass.store.story(&Whose::Contact(contact(1))).await.unwrap();
    assert_eq!(story.rulings, [(contact(1), customer("c1"), Ruling::Same, "eva".into(), at(5))]);
}

pub async fn a_rejected_link_is_another_person(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let (a, b) = (propose_link("a", 1, "c1"), propose_link("b", 1, "c1"));
    pass.record(vec![waiting(1, vec![a.clone(), b.clone()])]).await;
    pass.store.decide(&Decision::Approve(b.id), "ugo", at(4)).await.unwrap();
    pass.store.decide(&Decision::Reject(a.id), "eva", at(5)).await.unwrap();
    let prior = pass.prior(1).await;
    assert_eq!(prior.rulings, [(customer("c1"), Ruling::Different)], "the last word on a pair counts");
    assert!(prior.retry_at < Some(at(1)), "since she was judged, and once more");
}

pub async fn an_approved_merge_waits_for_a_pass(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let merge = propose_merge("m", 1, "c1", &["c2"]);
    pass.record(vec![waiting(1, vec![merge.clone()])]).await;
    pass.store.decide(&Decision::Approve(merge.id), "eva", at(5)).await.unwrap();
    let prior = pass.prior(1).await;
    assert_eq!((prior.rulings, prior.retry_at), (vec![], None));
    assert_eq!(pass.store.proposals(Some(ProposalState::Approved)).await.unwrap().len(), 1);
}

pub async fn a_rejected_merge_parts_the_contact_from_the_absorbed(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let merge = propose_merge("m", 1, "c1", &["c2", "c3"]);
    pass.record(vec![waiting(1, vec![merge.clone()])]).await;
    pass.store.decide(&Decision::Reject(merge.id), "eva", at(5)).await.unwrap();
    let prior = pass.prior(1).await;
    assert_eq!(prior.rulings, [(customer("c2"), Ruling::Different), (customer("c3"), Ruling::Different)]);
    assert_eq!(prior.retry_at, Some(at(1)), "since she was judged, whatever the clock of who decided");
}

pub async fn only_an_open_proposal_is_decided(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let (a, b) = (propose_link("a", 1, "c1"), propose_link("b", 2, "c2"));
    pass.record(vec![waiting(1, vec![a.clone()]), waiting(2, vec![b.clone()])]).await;
    pass.store.decide(&Decision::Reject(a.id.clone()), "eva", at(2)).await.unwrap();
    pass.record_at(3, vec![waiting(2, vec![])]).await;

    for (id, was) in [(&a.id, ProposalState::Rejected), (&b.id, ProposalState::Withdrawn)] {
        for decision in [Decision::Approve(id.clone()), Decision::Reject(id.clone())] {
            let refused = pass.store.decide(&decision, "ugo", at(9)).await;
            assert!(matches!(refused, Err(StoreError::NotOpen { state, .. }) if state == was));
        }
    }
    assert_eq!(pass.prior(2).await.rulings, []);
    let nobody = ProposalId("nobody's".into());
    let refused = pass.store.decide(&Decision::Approve(nobody.clone()), "ugo", at(9)).await;
    assert!(matches!(refused, Err(StoreError::NoProposal(id)) if id == nobody));
}

pub async fn a_pause_stops_declarations(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.store.decide(&Decision::Pause("looking".into()), "eva", at(5)).await.unwrap();
    pass.store.decide(&Decision::Pause("still looking".into()), "ugo", at(6)).await.unwrap();
    assert_eq!(pass.store.overview().await.unwrap().paused, Some((at(5), "still looking".into())));
    assert!(pass.store.known(&of(&[], &[])).await.unwrap().paused);
    let refused = pass.store.declare(&pass.lease, &[pass.declaration(1, "c1")]).await;
    assert!(matches!(refused, Err(StoreError::Paused)));
    assert_eq!(pass.store.overview().await.unwrap().unsettled, 0);

    pass.store.decide(&Decision::Resume, "eva", at(7)).await.unwrap();
    assert_eq!(pass.store.overview().await.unwrap().paused, None);
    pass.store.declare(&pass.lease, &[pass.declaration(1, "c1")]).await.unwrap();
}

pub async fn a_hold_stands_until_released(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let first = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(1)).await.unwrap();
    assert_eq!((&first.what, first.run, first.since, &first.released), (&new_hold("x"), pass.run, at(1), &None));
    let again = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(2)).await.unwrap();
    assert_eq!(again, first);
    let other = pass.store.hold(&pass.lease, pass.run, &new_hold("y"), at(3)).await.unwrap();
    assert_ne!(other.id, first.id);
    assert_eq!(pass.store.holds(false).await.unwrap(), [first.clone(), other.clone()]);

    pass.store.decide(&Decision::Release(first.id), "eva", at(4)).await.unwrap();
    let refused = pass.store.decide(&Decision::Release(first.id), "eva", at(5)).await;
    assert!(matches!(refused, Err(StoreError::NoHold(id)) if id == first.id));
    assert_eq!(pass.store.holds(false).await.unwrap(), std::slice::from_ref(&other));
    assert_eq!(pass.store.overview().await.unwrap().holds, std::slice::from_ref(&other));
    let all = pass.store.holds(true).await.unwrap();
    assert_eq!(all[0].released, Some((at(4), "eva".into())));
    assert_eq!(all[1], other);
}

pub async fn a_released_hold_may_come_again(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let first = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(1)).await.unwrap();
    pass.store.decide(&Decision::Release(first.id), "eva", at(2)).await.unwrap();
    let again = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(3)).await.unwrap();
    assert!(again.id > first.id && again.released.is_none());
}
