//! Erasures: nothing is left of a person but what keeps her away, and that can be lifted.

use std::collections::{BTreeMap, BTreeSet};

use anagrafe::{
    model::{ContactKey, Hashes, Keyed, link::Role, state::ContactState},
    store::{
        ContactRecord, Decision, Declaration, Erased, Erasure, Fingerprint, HeldContact, IndexEntry, PageRecord,
        StoreError, Story, SurveyStep, Whose, WriteOutcome,
    },
};

use super::{
    Pass1, Place, RULES, at, contact, customer, due_by, entry, hash, id, judged, linked, new_hold, of, propose_link,
    shop,
};

fn by_ids(numbers: &[i64]) -> Erasure {
    Erasure { contacts: numbers.iter().map(|number| contact(*number)).collect(), ..Erasure::default() }
}

fn by_email(email: &str) -> Erasure {
    Erasure { emails: vec![hash(email)], ..Erasure::default() }
}

fn removed(figures: [(&str, u64); 7]) -> BTreeMap<String, u64> {
    figures.into_iter().map(|(what, count)| (what.to_owned(), count)).collect()
}

/// Contact 1 with something of everything, 2 beside her, 3 apart.
async fn people(place: &dyn Place) -> Pass1 {
    let pass = Pass1::begin(place).await;
    let proposals = vec![propose_link("a", 1, "c7"), propose_link("b", 1, "c8")];
    pass.record(vec![
        ContactRecord { proposals: Some(proposals), ..linked(1, "c0", Role::Owner) },
        linked(2, "c1", Role::Secondary),
        ContactRecord { proposals: Some(vec![propose_link("z", 3, "c9")]), ..linked(3, "c3", Role::Owner) },
    ])
    .await;
    pass.record(vec![linked(1, "c1", Role::Owner)]).await;
    pass.store.decide(&Decision::Reject(propose_link("a", 1, "c7").id), "eva", at(2)).await.unwrap();
    let writes = [pass.declaration(1, "c1"), pass.declaration(3, "c3")];
    pass.store.declare(&pass.lease, &writes).await.unwrap();
    let hold = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(1)).await.unwrap().id;
    let page = PageRecord { held: vec![held_by(hold, 1), held_by(hold, 3)], ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    pass
}

fn held_by(hold: i64, number: i64) -> HeldContact {
    let fingerprint = Fingerprint { content: hash("content"), rules: RULES.into() };
    HeldContact { id: id(number), hold, fingerprint, what: hash("what"), was_due: None }
}

pub async fn whoever_a_page_excludes_while_her_erasure_is_lifted_is_let_in_again(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey(vec![entry(2)]).await;
    let whom = by_email("address");
    let erased = pass.store.erase(&whom, "eva", at(2)).await.unwrap();
    // Read by a page while it stands, lifted, and recorded.
    pass.store.lift(erased.id, "eva", at(3)).await.unwrap();
    let nothing = |number| IndexEntry { id: id(number), email: None, phone: None, name: Vec::new() };
    let excluded = |number| ContactRecord {
        entry: nothing(number),
        reason: "erased".into(),
        ..judged(number, ContactState::Excluded)
    };
    let page = PageRecord {
        at: at(4),
        checkpoint: Some(2),
        erased_by: vec![(id(1), vec![hash("address")]), (id(2), vec![hash("address")])],
        ..pass.page(vec![excluded(1), excluded(2)])
    };
    pass.store.record(&pass.lease, &page).await.unwrap();
    for number in [1, 2] {
        assert_eq!(pass.prior(number).await.judged, None, "{number}");
    }
    let due = pass.store.due(&due_by(&shop("alfa"), at(5), 9)).await.unwrap();
    assert_eq!(due, [1, 2].map(id), "and the next pass looks at them");
}

pub async fn nothing_is_left_of_who_was_erased(place: &dyn Place) {
    let pass = people(place).await;
    let apart = pass.store.story(&Whose::Contact(contact(3))).await.unwrap();
    let erased = place.open().await.erase(&by_ids(&[1]), "eva", at(5)).await.unwrap();
    let figures = removed([
        ("links", 2),
        ("proposals", 2),
        ("rulings", 1),
        ("writes", 1),
        ("held", 1),
        ("merges", 0),
        ("befores", 0),
    ]);
    let expected = Erased {
        id: erased.id,
        at: at(5),
        by: "eva".into(),
        contacts: vec![contact(1)],
        emails: 0,
        phones: 0,
        removed: figures,
        lifted: None,
    };
    assert_eq!(erased, expected);
    assert_eq!(pass.store.erasures().await.unwrap(), [expected]);

    let prior = pass.prior(1).await;
    let judgement = prior.judged.clone().unwrap();
    assert_eq!((judgement.state, judgement.reason.as_str()), (ContactState::Excluded, "erased"));
    assert_eq!(judgement.fingerprint.content, Keyed::parse(&"0".repeat(32)).unwrap());
    assert_eq!((judgement.fingerprint.rules.as_str(), prior.retry_at, judgement.recheck_at), ("", None, None));
    assert_eq!(prior.entry, IndexEntry { id: id(1), email: None, phone: None, name: Vec::new() });
    let story = pass.store.story(&Whose::Contact(contact(1))).await.unwrap();
    let left = Story {
        contacts: BTreeMap::from([(contact(1), prior)]),
        judged_by: story.judged_by.clone(),
        ..Story::default()
    };
    assert_eq!(story, left);
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(5), 9)).await.unwrap(), [id(2)], "she inherits");
    assert_eq!(pass.store.story(&Whose::Contact(contact(3))).await.unwrap(), apart);
}

pub async fn whoever_has_an_erased_identifier_is_erased(place: &dyn Place) {
    let pass = people(place).await;
    let shared = IndexEntry { email: Some(hash("e3")), ..entry(8) };
    let step = SurveyStep { shop: shop("beta"), entries: vec![shared, entry(9)], after: 9, whole: true };
    pass.store.survey(&pass.lease, &step).await.unwrap();
    let whom =
        Erasure { emails: vec![hash("e3"), hash("e3"), hash("nobody's")], phones: vec![hash("p2")], ..by_ids(&[1]) };
    let erased = pass.store.erase(&whom, "eva", at(5)).await.unwrap();
    let beta = ContactKey { shop: shop("beta"), id: id(8) };
    assert_eq!(erased.contacts, [contact(1), contact(2), contact(3), beta]);
    assert_eq!((erased.emails, erased.phones), (2, 1));
    let known = pass.store.known(&of(&[], &[hash("e3"), hash("nobody's"), hash("p2"), hash("p3")])).await.unwrap();
    assert_eq!(known.erased, BTreeSet::from([hash("e3"), hash("nobody's"), hash("p2")]));
    assert_eq!(known.holders.keys().collect::<Vec<_>>(), Vec::<&Keyed>::new());
    assert_eq!(pass.store.overview().await.unwrap().shops[&shop("alfa")].reasons["excluded/erased"], 3);
}

pub async fn nothing_is_declared_for_who_was_erased(place: &dyn Place) {
    let pass = people(place).await;
    let erasure = Erasure { contacts: vec![contact(1)], ..by_email("e60") };
    pass.store.erase(&erasure, "eva", at(5)).await.unwrap();
    let before = pass.store.overview().await.unwrap().unsettled;
    // One that was never recorded is known by her hashes alone.
    let new = Hashes { email: Some(hash("e60")), ..Hashes::default() };
    let of_new = Declaration { hashes: new, ..pass.declaration(60, "c60") };
    let all = [pass.declaration(1, "c1"), pass.declaration(2, "c2"), of_new];
    match pass.store.declare(&pass.lease, &all).await {
        Err(StoreError::Erased(who)) => assert_eq!(who, [contact(1), contact(60)]),
        other => panic!("{other:?}"),
    }
    assert_eq!(pass.store.overview().await.unwrap().unsettled, before, "for nobody");
    assert_eq!(pass.store.declare(&pass.lease, &all[1..2]).await.unwrap().len(), 1);
}

pub async fn a_pass_under_way_brings_nobody_back(place: &dyn Place) {
    let pass = people(place).await;
    let late = pass.store.declare(&pass.lease, &[pass.declaration(1, "c1")]).await.unwrap()[0];
    let erasure = Erasure { contacts: vec![contact(1), contact(50)], ..by_email("e60") };
    pass.store.erase(&erasure, "eva", at(5)).await.unwrap();
    let before = pass.store.story(&Whose::Contact(contact(1))).await.unwrap();
    // What the pass had read before, it goes on with.
    let hold = pass.store.holds(false).await.unwrap()[0].id;
    let of_her = |number| ContactRecord {
        proposals: Some(vec![propose_link(&format!("n{number}"), number, "c7")]),
        ..linked(number, &format!("c{number}"), Role::Owner)
    };
    let page = PageRecord {
        at: at(6),
        settled: vec![(late, WriteOutcome::Unknown)],
        checkpoint: Some(60),
        held: vec![held_by(hold, 1)],
        gone: vec![id(1)],
        due: vec![contact(1)],
        ..pass.page(vec![of_her(1), of_her(50), of_her(60), of_her(61)])
    };
    pass.store.record(&pass.lease, &page).await.unwrap();
    let step = SurveyStep { shop: shop("alfa"), entries: [1, 50, 60, 62].map(entry).to_vec(), after: 62, whole: true };
    pass.store.survey(&pass.lease, &step).await.unwrap();

    assert_eq!(pass.store.story(&Whose::Contact(contact(1))).await.unwrap(), before);
    for number in [50, 60] {
        let story = pass.store.story(&Whose::Contact(contact(number))).await.unwrap();
        let kept = &story.contacts[&contact(number)];
        assert_eq!(kept.judged.as_ref().unwrap().state, ContactState::Excluded, "she has a state, and nothing else");
        assert_eq!(kept.entry, IndexEntry { id: id(number), email: None, phone: None, name: Vec::new() });
        let rest = Story { contacts: BTreeMap::new(), judged_by: BTreeMap::new(), ..story };
        assert_eq!(rest, Story::default());
    }
    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((progress.checkpoint, progress.surveyed, progress.known), (60, 62, 4), "2, 3, 61 and 62");
    assert_eq!(pass.prior(61).await.link.unwrap().customer, customer("c61"));
    assert_eq!(pass.store.held(hold, 9).await.unwrap(), [contact(3)]);
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(9), 9)).await.unwrap(), [id(2)]);
}

pub async fn who_was_erased_before_she_was_read_is_excluded_all_the_same(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let erased = pass.store.erase(&by_ids(&[7]), "eva", at(5)).await.unwrap();
    assert_eq!(erased.contacts, [contact(7)]);
    let prior = pass.prior(7).await;
    assert_eq!(prior.judged.unwrap().state, ContactState::Excluded);
    assert_eq!(pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().known, 0);
    let other = anagrafe::store::PageQuery { shop: shop("beta"), ..of(&[id(7)], &[]) };
    assert!(pass.store.known(&other).await.unwrap().contacts.is_empty(), "the contact of another shop is another");
}

pub async fn a_lifted_erasure_lets_its_contacts_in_anew(place: &dyn Place) {
    let pass = people(place).await;
    let first = pass.store.erase(&Erasure { emails: vec![hash("e3")], ..by_ids(&[1, 7]) }, "eva", at(5)).await.unwrap();
    // One that a pass excluded, for she has an identifier that was erased.
    let nothing = IndexEntry { email: None, phone: None, name: Vec::new(), ..entry(4) };
    pass.record(vec![ContactRecord { entry: nothing, reason: "erased".into(), ..judged(4, ContactState::Excluded) }])
        .await;
    let second = pass.store.erase(&by_ids(&[2]), "eva", at(6)).await.unwrap();

    let lifted = place.open().await.lift(first.id, "ugo", at(9)).await.unwrap();
    assert_eq!(lifted, Erased { lifted: Some((at(9), "ugo".into())), ..first.clone() });
    assert_eq!(pass.store.erasures().await.unwrap(), [lifted, second.clone()]);
    assert_eq!(pass.prior(1).await.judged, None);
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(9), 9)).await.unwrap(), [1, 3, 4].map(id));
    let known = pass.store.known(&of(&[id(2), id(7)], &[hash("e3")])).await.unwrap();
    assert_eq!(known.contacts.keys().collect::<Vec<_>>(), [&id(2)], "7 was never read");
    assert!(known.erased.is_empty());
    assert_eq!(known.contacts[&id(2)].judged.as_ref().unwrap().state, ContactState::Excluded);

    pass.record_at(10, vec![linked(1, "c1", Role::Owner)]).await;
    assert_eq!(pass.prior(1).await.link.unwrap().since, at(10));
    for none in [first.id, 99] {
        let refused = pass.store.lift(none, "ugo", at(11)).await;
        assert!(matches!(refused, Err(StoreError::NoErasure(id)) if id == none), "{refused:?}");
    }
}

pub async fn of_two_erasures_of_one_person_each_stands_for_itself(place: &dyn Place) {
    let pass = people(place).await;
    let both = Erasure { emails: vec![hash("e1")], ..by_ids(&[1]) };
    let first = pass.store.erase(&both, "eva", at(5)).await.unwrap();
    let second = pass.store.erase(&both, "ugo", at(6)).await.unwrap();
    assert_eq!(second.removed.values().sum::<u64>(), 0, "there was nothing left");
    let state = async || pass.prior(1).await.judged.map(|judged| judged.state);
    let erased = async || pass.store.known(&of(&[], &[hash("e1")])).await.unwrap().erased.len();
    pass.store.lift(first.id, "eva", at(7)).await.unwrap();
    assert_eq!((state().await, erased().await), (Some(ContactState::Excluded), 1));
    pass.store.lift(second.id, "eva", at(8)).await.unwrap();
    assert_eq!((state().await, erased().await), (None, 0));
}

pub async fn an_erased_person_is_nobodys_candidate(place: &dyn Place) {
    let pass = people(place).await;
    pass.store.erase(&by_ids(&[1]), "eva", at(5)).await.unwrap();
    let found = pass.store.found(&[customer("c0"), customer("c1")], &[hash("e1")]).await.unwrap();
    let links: Vec<_> = found.links.into_values().flatten().map(|link| link.contact).collect();
    assert_eq!((links, found.holders.len()), (vec![contact(2)], 0));
}
