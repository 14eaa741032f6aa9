//! The index: surveys, how far a shop has been read, what is due.

use anagrafe::{
    model::{link::Role, state::ContactState},
    store::{ContactRecord, Due, DueQuery, IndexEntry, PageQuery, PageRecord, ShopProgress, SurveyStep},
};

use super::{Pass1, Place, RULES, at, contact, due_by, entry, hash, id, judged, linked, of, shop};

pub async fn a_survey_fills_the_index(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let bare = IndexEntry { id: id(5), email: None, phone: None, name: Vec::new() };
    let step = SurveyStep { shop: shop("alfa"), entries: vec![entry(3), bare.clone()], after: 5, whole: true };
    pass.store.survey(&pass.lease, &step).await.unwrap();

    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((progress.surveyed, progress.surveyed_whole, progress.known), (5, true, 2));
    assert_eq!((progress.checkpoint, progress.crossed), (0, false));
    let prior = pass.prior(3).await;
    assert_eq!((prior.entry, prior.judged), (entry(3), None));
    assert_eq!(pass.prior(5).await.entry, bare);
}

pub async fn a_survey_keeps_what_was_judged(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(3, "c3", Role::Owner)]).await;
    let before = pass.prior(3).await;
    let changed = IndexEntry { email: Some(hash("new")), phone: None, name: vec![hash("bianchi")], ..entry(3) };
    pass.survey(vec![changed.clone()]).await;

    let after = pass.prior(3).await;
    assert_eq!(after.entry, changed);
    assert_eq!((after.judged, after.link), (before.judged, before.link));
}

pub async fn a_survey_never_goes_back(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    for (after, whole) in [(9, true), (4, false)] {
        let step = SurveyStep { shop: shop("alfa"), entries: Vec::new(), after, whole };
        pass.store.survey(&pass.lease, &step).await.unwrap();
    }
    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((progress.surveyed, progress.surveyed_whole), (9, true));
}

pub async fn a_survey_does_not_bring_back_an_excluded_contact(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let nothing = IndexEntry { email: None, phone: None, name: Vec::new(), ..entry(3) };
    pass.record(vec![ContactRecord { entry: nothing.clone(), ..judged(3, ContactState::Excluded) }]).await;
    pass.survey(vec![entry(3)]).await;
    assert_eq!(pass.prior(3).await.entry, nothing);
}

pub async fn a_shop_never_seen_has_the_zero_of_everything(place: &dyn Place) {
    let store = place.open().await;
    assert_eq!(store.progress(&shop("gamma"), 10, RULES).await.unwrap(), ShopProgress::default());
}

pub async fn known_contacts_are_counted_without_the_gone_and_the_excluded(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey(vec![entry(1), entry(2)]).await;
    let states = [ContactState::Gone, ContactState::Excluded, ContactState::Invalid];
    pass.record((3..).zip(states).map(|(number, state)| judged(number, state)).collect()).await;
    assert_eq!(pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 3);
}

pub async fn the_tail_begins_where_so_many_contacts_follow(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey([10, 20, 30, 40].map(entry).to_vec()).await;
    pass.record(vec![judged(35, ContactState::Gone)]).await;
    for (tail, after) in [(0, 40), (1, 30), (2, 20), (3, 10), (4, 0), (1000, 0)] {
        let progress = pass.store.progress(&shop("alfa"), tail, RULES).await.unwrap();
        assert_eq!(progress.tail_after, after, "the last {tail}");
    }
}

pub async fn who_was_named_or_decided_about_is_due_at_once_and_who_waits_for_another_try_is_not(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey([8, 9].map(entry).to_vec()).await;
    let tried_again = ContactRecord { retry_at: Some(at(30)), ..judged(1, ContactState::Parked) };
    pass.record(vec![tried_again, judged(2, ContactState::Unmatched), judged(3, ContactState::Unmatched)]).await;
    let at_once = async |now, after, limit| {
        let asked = DueQuery { why: Due::AtOnce(at(now)), after, ..due_by(&shop("alfa"), at(now), limit) };
        pass.store.due(&asked).await.unwrap()
    };
    assert_eq!(at_once(40, 0, 9).await, []);
    assert_eq!(pass.store.make_due(&[contact(2), contact(9)], at(20)).await.unwrap(), 2);
    assert_eq!(at_once(20, 0, 9).await, [2, 9].map(id));
    assert_eq!((at_once(20, 0, 1).await, at_once(20, 2, 9).await), (vec![id(2)], vec![id(9)]));
    pass.record_at(21, vec![judged(2, ContactState::Unmatched)]).await;
    assert_eq!(at_once(40, 0, 9).await, [id(9)], "it was looked at");
}

pub async fn who_is_named_while_she_is_handled_is_due_still(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey([8, 9].map(entry).to_vec()).await;
    pass.record(vec![judged(1, ContactState::Unmatched), judged(2, ContactState::Unmatched)]).await;
    let known = async |number: i64| pass.prior(number).await.retry_at;
    let (one, eight) = (known(1).await, known(8).await);
    let handled = async |second, contacts| {
        let page = PageRecord { at: at(second), ..pass.page(contacts) };
        pass.store.record(&pass.lease, &page).await.unwrap();
        let asked = DueQuery { why: Due::AtOnce(at(second)), ..due_by(&shop("alfa"), at(second), 9) };
        pass.store.due(&asked).await.unwrap()
    };
    let unmatched = |number, was_due| ContactRecord { was_due, ..judged(number, ContactState::Unmatched) };
    let parked = ContactRecord { retry_at: Some(at(90)), ..judged(2, ContactState::Parked) };
    pass.store.make_due(&[contact(1), contact(2), contact(8)], at(20)).await.unwrap();
    let left = handled(21, vec![unmatched(1, one), parked, unmatched(8, eight), unmatched(9, None)]).await;
    assert_eq!(left, [1, 2, 8].map(id), "whoever handled them knew nothing of it");

    // Named once more while somebody looks at her for having been named.
    let (one, eight) = (known(1).await, known(8).await);
    pass.store.make_due(&[contact(1)], at(22)).await.unwrap();
    let gone = ContactRecord { was_due: None, ..judged(2, ContactState::Excluded) };
    let left = handled(23, vec![unmatched(1, one), gone, unmatched(8, eight)]).await;
    assert_eq!(left, [id(1)], "of whoever was erased nothing is due");
    let left = handled(24, vec![unmatched(1, known(1).await)]).await;
    assert_eq!(left, []);
}

pub async fn due_contacts_come_in_the_order_of_ids(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let parked = |number, state, second| ContactRecord { retry_at: Some(at(second)), ..judged(number, state) };
    pass.record(vec![
        parked(1, ContactState::Parked, 30),
        parked(2, ContactState::Waiting, 10),
        parked(3, ContactState::Parked, 20),
        parked(4, ContactState::Parked, 31),
        parked(5, ContactState::Gone, 1),
        parked(6, ContactState::Excluded, 1),
        judged(7, ContactState::Parked),
    ])
    .await;
    let alfa = shop("alfa");
    let due = async |now, after, limit| {
        let asked = DueQuery { after, ..due_by(&alfa, at(now), limit) };
        pass.store.due(&asked).await.unwrap()
    };
    assert_eq!(due(30, 0, 10).await, [1, 2, 3].map(id));
    assert_eq!(due(30, 0, 2).await, [1, 2].map(id));
    assert_eq!(due(30, 1, 10).await, [2, 3].map(id));
    assert_eq!(due(9, 0, 10).await, []);
    let counted = async |now| pass.store.due_by_shop(at(now)).await.unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(counted(30).await, [(alfa.clone(), 3)], "neither the gone nor the excluded, nor who is due later");
    assert_eq!((counted(20).await, counted(9).await), (vec![(alfa.clone(), 2)], vec![(alfa.clone(), 0)]));
}

pub async fn shops_do_not_mix(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let due = ContactRecord { retry_at: Some(at(1)), ..judged(1, ContactState::Parked) };
    let page = PageRecord { checkpoint: Some(1), end: true, deep: true, ..pass.page(vec![due]) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    let beta = shop("beta");
    assert_eq!(pass.store.progress(&beta, 0, RULES).await.unwrap(), ShopProgress::default());
    assert_eq!(pass.store.due(&due_by(&beta, at(9), 9)).await.unwrap(), []);
    assert!(pass.store.known(&PageQuery { shop: beta, ..of(&[id(1)], &[]) }).await.unwrap().contacts.is_empty());
}
