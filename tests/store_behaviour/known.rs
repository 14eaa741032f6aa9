//! What is known of a page of contacts and of the customers found for it.

use std::collections::BTreeMap;

use anagrafe::{
    model::{
        ContactKey, Keyed,
        link::{Role, Ruling},
        state::ContactState,
    },
    store::{
        ContactRecord, Decision, Declaration, Found, IndexEntry, Judged, MAX_HOLDERS, PageRecord, SurveyStep,
        Unsettled, WriteOutcome,
    },
};

use super::{
    Pass1, Place, RULES, at, contact, customer, entry, hash, id, judged, link, linked, of, propose_link, shop, waiting,
};

pub async fn ids_never_seen_are_missing(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey(vec![entry(1)]).await;
    let known = pass.store.known(&of(&[id(1), id(2)], &[hash("nobody's")])).await.unwrap();
    assert_eq!(known.contacts.keys().copied().collect::<Vec<_>>(), [id(1)]);
    assert!(known.holders.is_empty());
    assert!(!known.paused);
}

pub async fn a_prior_says_all_that_was_recorded(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let record = ContactRecord {
        recheck_at: Some(at(100)),
        retry_at: Some(at(50)),
        attempts: 3,
        parked_since: Some(at(0)),
        ..linked(1, "c1", Role::Secondary)
    };
    pass.record(vec![record.clone(), waiting(2, vec![propose_link("a", 2, "c2")])]).await;
    pass.store.decide(&Decision::Reject(propose_link("a", 2, "c2").id), "eva", at(2)).await.unwrap();

    let prior = pass.prior(1).await;
    let expected = Judged {
        state: record.state,
        reason: record.reason,
        fingerprint: record.fingerprint,
        recheck_at: record.recheck_at,
        attempts: 3,
        parked_since: record.parked_since,
        at: at(1),
    };
    assert_eq!((prior.judged, prior.retry_at), (Some(expected), record.retry_at));
    let kept = prior.link.unwrap();
    let made = link("c1", Role::Secondary);
    assert_eq!((kept.contact, kept.customer, kept.role), (contact(1), made.customer, made.role));
    assert_eq!((kept.grounds, kept.row, kept.baselines, kept.since), (made.grounds, made.row, made.baselines, at(1)));
    assert_eq!(prior.rulings, []);
    assert_eq!(pass.prior(2).await.rulings, [(customer("c2"), Ruling::Different)]);
}

pub async fn holders_are_those_of_all_shops(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let shared = IndexEntry { email: Some(hash("e1")), name: vec![hash("bianchi")], ..entry(7) };
    pass.survey(vec![entry(1), entry(2)]).await;
    let step = SurveyStep { shop: shop("beta"), entries: vec![shared], after: 7, whole: true };
    pass.store.survey(&pass.lease, &step).await.unwrap();

    let asked = [hash("e1"), hash("p2")];
    let beta = ContactKey { shop: shop("beta"), id: id(7) };
    let expected = BTreeMap::from([
        (hash("e1"), BTreeMap::from([(contact(1), entry(1).name), (beta, vec![hash("bianchi")])])),
        (hash("p2"), BTreeMap::from([(contact(2), entry(2).name)])),
    ]);
    assert_eq!(pass.store.known(&of(&[], &asked)).await.unwrap().holders, expected);
    assert_eq!(pass.store.found(&[], &asked).await.unwrap(), Found { holders: expected, ..Found::default() });
}

pub async fn the_gone_and_the_excluded_hold_nothing(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let states = [ContactState::Gone, ContactState::Excluded, ContactState::Invalid, ContactState::Parked];
    pass.record((1..).zip(states).map(|(number, state)| judged(number, state)).collect()).await;
    let asked: Vec<Keyed> = (1..=4).map(|number| hash(&format!("e{number}"))).collect();
    let holders = pass.store.known(&of(&[], &asked)).await.unwrap().holders;
    let held: Vec<_> = holders.into_values().flat_map(BTreeMap::into_keys).map(|key| key.id.get()).collect();
    assert_eq!(held.len(), 2);
    assert!(held.contains(&3) && held.contains(&4));
}

pub async fn holders_are_limited_per_identifier(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let count = i64::try_from(MAX_HOLDERS).unwrap() + 10;
    let shared = |number| IndexEntry { email: Some(hash("shared")), ..entry(number) };
    pass.survey((1..=count).map(shared).collect()).await;
    let known = pass.store.known(&of(&[], &[hash("shared"), hash("p60")])).await.unwrap();
    let listed: Vec<_> = known.holders[&hash("shared")].keys().map(|key| key.id.get()).collect();
    assert_eq!(listed, (1..=i64::try_from(MAX_HOLDERS).unwrap()).collect::<Vec<_>>());
    assert_eq!(known.holders[&hash("p60")].len(), 1);
}

pub async fn found_customers_come_with_their_links(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(2, "c1", Role::Secondary), linked(1, "c1", Role::Owner), linked(3, "c3", Role::Owner)])
        .await;
    let found = pass.store.found(&[customer("c1"), customer("c9")], &[]).await.unwrap();
    assert_eq!(found.links.keys().collect::<Vec<_>>(), [&customer("c1")]);
    let contacts: Vec<_> = found.links[&customer("c1")].iter().map(|link| link.contact.clone()).collect();
    assert_eq!(contacts, [contact(1), contact(2)]);
}

pub async fn writes_without_an_outcome_are_unsettled(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey(vec![entry(1)]).await;
    let declaration = pass.declaration(1, "c1");
    let ids = pass.store.declare(&pass.lease, &[declaration.clone(), declaration.clone()]).await.unwrap();
    let expected =
        |id, doubted_at| Unsettled { id, customer: customer("c1"), doubted_at, fields: declaration.fields.clone() };
    assert_eq!(pass.prior(1).await.unsettled, [expected(ids[0], None), expected(ids[1], None)]);
    assert_eq!(pass.store.overview().await.unwrap().unsettled, 2);

    let settle = async |outcome| {
        let page = PageRecord { settled: vec![(ids[0], outcome)], ..pass.page(Vec::new()) };
        pass.store.record(&pass.lease, &page).await.unwrap();
    };
    settle(WriteOutcome::Unknown).await;
    let doubted_at = Some(pass.page(Vec::new()).at);
    assert_eq!(
        pass.prior(1).await.unsettled,
        [expected(ids[0], doubted_at), expected(ids[1], None)],
        "nobody knows yet"
    );
    settle(WriteOutcome::Applied).await;
    assert_eq!(pass.prior(1).await.unsettled, [expected(ids[1], None)]);
    assert_eq!(pass.store.overview().await.unwrap().unsettled, 1);
}

pub async fn writes_for_somebody_of_whom_nothing_is_recorded_are_unsettled_too(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    // Whoever becomes visible after the survey is written for before anything of her is recorded.
    let declaration = pass.declaration(7, "c7");
    let ids = pass.store.declare(&pass.lease, std::slice::from_ref(&declaration)).await.unwrap();
    let prior = pass.prior(7).await;
    assert_eq!(
        prior.unsettled,
        [Unsettled { id: ids[0], customer: customer("c7"), doubted_at: None, fields: declaration.fields }]
    );
    assert_eq!((prior.judged, prior.link, prior.entry.id), (None, None, id(7)));
    let record =
        PageRecord { settled: vec![(ids[0], WriteOutcome::Applied)], ..pass.page(vec![linked(7, "c7", Role::Owner)]) };
    pass.store.record(&pass.lease, &record).await.unwrap();
    assert_eq!(pass.prior(7).await.unsettled, []);
}

pub async fn a_page_of_a_thousand(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let numbers = || 1..=1000;
    pass.survey(numbers().map(entry).collect()).await;
    let writes: Vec<Declaration> = numbers().map(|n| pass.declaration(n, &format!("c{n}"))).collect();
    let ids = pass.store.declare(&pass.lease, &writes).await.unwrap();
    let page = PageRecord {
        settled: ids.iter().map(|id| (*id, WriteOutcome::Applied)).collect(),
        checkpoint: Some(1000),
        ..pass.page(numbers().map(|n| linked(n, &format!("c{n}"), Role::Owner)).collect())
    };
    pass.store.record(&pass.lease, &page).await.unwrap();

    let identifiers: Vec<_> = numbers().map(|n| hash(&format!("e{n}"))).collect();
    let known = pass.store.known(&of(&numbers().map(id).collect::<Vec<_>>(), &identifiers)).await.unwrap();
    assert_eq!((known.contacts.len(), known.holders.len()), (1000, 1000));
    assert!(known.contacts.values().all(|prior| prior.unsettled.is_empty()));
    assert_eq!(known.contacts[&id(777)].link.as_ref().unwrap().customer, customer("c777"));
    assert_eq!(pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().linked_customers, 1000);
}
