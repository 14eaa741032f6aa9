//! Updates that a safeguard holds, contact by contact, until a person releases them.

use anagrafe::{
    model::{hold::HoldKind, state::ContactState},
    store::{ContactRecord, Decision, Fingerprint, HeldContact, HeldUpdate, PageRecord},
};

use super::{Pass1, Place, RULES, at, contact, due_by, entry, hash, id, judged, new_hold, shop};

fn held_by(hold: i64, number: i64, what: &str) -> HeldContact {
    let fingerprint = Fingerprint { content: hash("new content"), rules: RULES.into() };
    HeldContact { id: id(number), hold, fingerprint, what: hash(what), was_due: None }
}

/// A pass, the numbers of two holds, and contacts 1 to 3 held by the first.
async fn held(place: &dyn Place) -> (Pass1, i64, i64) {
    let pass = Pass1::begin(place).await;
    let (x, y) = (new_hold("x"), new_hold("y"));
    let x = pass.store.hold(&pass.lease, pass.run, &x, at(1)).await.unwrap().id;
    let y = pass.store.hold(&pass.lease, pass.run, &y, at(1)).await.unwrap().id;
    pass.survey([1, 2, 3, 4].map(entry).to_vec()).await;
    pass.record(vec![ContactRecord { retry_at: Some(at(500)), ..judged(2, ContactState::Linked) }]).await;
    record(&pass, vec![held_by(x, 3, "3"), held_by(x, 1, "1"), held_by(x, 2, "2")]).await;
    (pass, x, y)
}

async fn record(pass: &Pass1, held: Vec<HeldContact>) {
    let page = PageRecord { held, ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
}

pub async fn what_is_held_of_a_contact_is_known(place: &dyn Place) {
    let (pass, hold, other) = held(place).await;
    let HeldContact { fingerprint, what, .. } = held_by(hold, 2, "2");
    let expected = HeldUpdate { hold, kind: HoldKind::Merges, fingerprint, what, released: false };
    let prior = pass.prior(2).await;
    assert_eq!(prior.held, Some(expected.clone()));
    assert_eq!(prior.judged.unwrap().fingerprint.content, hash("content"), "she keeps the judgement she has");
    assert_eq!(pass.prior(4).await.held, None);
    assert_eq!(pass.store.held(hold, 9).await.unwrap(), [1, 2, 3].map(contact));
    assert_eq!(pass.store.held(hold, 2).await.unwrap(), [1, 2].map(contact));
    assert_eq!(pass.store.held(other, 9).await.unwrap(), []);

    record(&pass, vec![held_by(other, 2, "something else")]).await;
    assert_eq!(pass.prior(2).await.held, Some(HeldUpdate { hold: other, what: hash("something else"), ..expected }));
    assert_eq!(pass.store.held(hold, 9).await.unwrap(), [1, 3].map(contact), "by one hold at a time");
}

pub async fn a_contact_that_is_judged_is_held_no_more(place: &dyn Place) {
    let (pass, hold, _) = held(place).await;
    let page = PageRecord { gone: vec![id(3)], ..pass.page(vec![judged(1, ContactState::Unmatched)]) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    assert_eq!(pass.store.held(hold, 9).await.unwrap(), [contact(2)], "nor one that is gone");
    assert_eq!(pass.prior(1).await.held, None);
}

pub async fn who_is_held_again_is_due_no_more_but_who_was_made_due_meanwhile_is(place: &dyn Place) {
    let (pass, hold, other) = held(place).await;
    pass.store.decide(&Decision::Release(hold), "eva", at(7)).await.unwrap();
    let due = async || pass.store.due(&due_by(&shop("alfa"), at(9), 9)).await.unwrap();
    assert_eq!(due().await, [1, 2, 3].map(id));
    let [one, two, three] = [1, 2, 3].map(|number| pass.prior(number));
    let [one, two, three] = [one.await.retry_at, two.await.retry_at, three.await.retry_at];
    pass.store.decide(&Decision::Assign(contact(2), super::customer("c2")), "ugo", at(8)).await.unwrap();
    let again = |number, was_due| HeldContact { was_due, ..held_by(other, number, "what came since") };
    let kept = vec![again(1, one), again(2, two), again(3, three)];
    let page = PageRecord { at: at(9), held: kept, ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    assert_eq!(due().await, [id(2)], "what a person said of her was not heard");
    assert_eq!(pass.prior(1).await.retry_at, None);
}

pub async fn a_release_makes_whom_it_held_due(place: &dyn Place) {
    let (pass, hold, other) = held(place).await;
    record(&pass, vec![held_by(other, 4, "4")]).await;
    pass.store.decide(&Decision::Release(hold), "eva", at(7)).await.unwrap();
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(7), 9)).await.unwrap(), [1, 2, 3].map(id));
    assert!(pass.prior(2).await.held.unwrap().released);
    assert!(!pass.prior(4).await.held.unwrap().released);
}

pub async fn a_release_lets_go_what_was_held_then_and_nothing_that_is_held_after_it(place: &dyn Place) {
    let (pass, hold, _) = held(place).await;
    pass.store.decide(&Decision::Release(hold), "eva", at(7)).await.unwrap();
    // A page under way goes on filing under it: somebody new, somebody whose update is another now, somebody as she was.
    record(&pass, vec![held_by(hold, 4, "4"), held_by(hold, 2, "two"), held_by(hold, 3, "3")]).await;
    let standing = pass.store.holds(false).await.unwrap();
    let anew = standing.iter().find(|standing| standing.what.bound == new_hold("x").bound).unwrap();
    assert_ne!(anew.id, hold);
    assert_eq!((anew.what.kind, anew.what.count), (HoldKind::Merges, 2));
    assert_eq!(pass.store.held(anew.id, 9).await.unwrap(), [2, 4].map(contact));
    assert_eq!(pass.store.held(hold, 9).await.unwrap(), [1, 3].map(contact));
    for (number, released) in [(1, true), (2, false), (3, true), (4, false)] {
        assert_eq!(pass.prior(number).await.held.unwrap().released, released, "{number}");
    }
    // Into the one that stands already, from then on.
    record(&pass, vec![held_by(hold, 1, "one")]).await;
    assert_eq!(pass.store.held(anew.id, 9).await.unwrap(), [1, 2, 4].map(contact));
}

pub async fn a_hold_falls_only_where_it_holds_nobody(place: &dyn Place) {
    let (pass, hold, other) = held(place).await;
    for hold in [hold, other] {
        pass.store.decide(&Decision::Fall(hold), "anagrafe", at(7)).await.unwrap();
    }
    let standing = pass.store.holds(false).await.unwrap();
    assert_eq!(standing.iter().map(|hold| hold.id).collect::<Vec<_>>(), [hold]);
    assert!(!pass.prior(2).await.held.unwrap().released);
}

pub async fn a_hold_counts_whom_it_holds(place: &dyn Place) {
    let (pass, hold, other) = held(place).await;
    let counts = async || {
        let holds = pass.store.holds(true).await.unwrap();
        holds.into_iter().map(|hold| (hold.id, hold.what.count)).collect::<Vec<_>>()
    };
    assert_eq!(counts().await, [(hold, 3), (other, new_hold("y").count)]);
    let again = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(2)).await.unwrap();
    assert_eq!((again.id, again.what.count), (hold, 3));
    pass.record([1, 2, 3].map(|number| judged(number, ContactState::Unmatched)).to_vec()).await;
    assert_eq!(counts().await[0], (hold, new_hold("x").count), "where it holds nobody by name: what was found");
}

pub async fn who_is_parked_is_held_and_released_as_before(place: &dyn Place) {
    let (pass, hold, _) = held(place).await;
    let parked =
        || ContactRecord { parked_since: Some(at(2)), retry_at: Some(at(9)), ..judged(2, ContactState::Parked) };
    pass.record(vec![parked()]).await;
    assert!(pass.prior(2).await.held.is_some_and(|held| !held.released), "nothing of her was judged");
    pass.store.decide(&Decision::Release(hold), "ugo", at(3)).await.unwrap();
    pass.record(vec![parked()]).await;
    assert!(pass.prior(2).await.held.is_some_and(|held| held.released));
    pass.record(vec![judged(2, ContactState::Linked)]).await;
    assert_eq!(pass.prior(2).await.held, None);
}
