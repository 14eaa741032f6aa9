//! A change of the hash key: nothing before the switch, all of it by the switch, and nobody goes on under the key before.

use std::{collections::BTreeMap, sync::Arc};

use anagrafe::{
    model::{
        HashKey, Hashes, Keyed, ShopName,
        link::{Baseline, Field, Role},
        proposal::ProposalState,
        state::ContactState,
    },
    store::{
        ContactRecord, Decision, Erasure, Hindrance, IndexEntry, PageRecord, RekeyedContact, RekeyedLink, RekeyedPage,
        RekeyedShop, ResyncStep, StoreError, Switch, Switched, WriteOutcome,
    },
};

use super::{
    Pass1, Place, RULES, at, claim, contact, customer, due_by, entry, hash, id, judged, linked, new_hold, of, ours,
    propose_link, propose_merge, shop, succeed,
};

const NEXT_RULES: &str = "normalise=1;of=the-next";

fn next() -> Arc<HashKey> {
    Arc::new(HashKey::new(b"the next key for the tests of a store").unwrap())
}

/// What a text is under the key to come.
fn then(text: &str) -> Keyed {
    next().hash("test", text)
}

fn rekeyed_entry(number: i64) -> IndexEntry {
    let mut name = vec![then("anna"), then("rossi")];
    name.sort_unstable();
    let (email, phone) = (then(&format!("e{number}")), then(&format!("p{number}")));
    IndexEntry { id: id(number), email: Some(email), phone: Some(phone), name }
}

fn rekeyed(number: i64, customers: &[&str]) -> RekeyedContact {
    let link = |to: &&str| RekeyedLink {
        customer: customer(to),
        baselines: BTreeMap::from([(
            Field::Email,
            Baseline { source: then("source"), returned: Some(then("returned")) },
        )]),
        known_as: Hashes { email: Some(then("known")), phone: None, name: vec![then("anna")] },
    };
    RekeyedContact {
        entry: rekeyed_entry(number),
        content: Some(then("content")),
        links: customers.iter().map(link).collect(),
    }
}

fn page_of(contacts: Vec<RekeyedContact>, met: &[&str]) -> RekeyedPage {
    RekeyedPage { shop: shop("alfa"), contacts, met: met.iter().map(|text| (hash(text), then(text))).collect() }
}

fn switch() -> Switch {
    let alfa =
        RekeyedShop { shop: shop("alfa"), source: then("alfa"), rules: (RULES.to_owned(), NEXT_RULES.to_owned()) };
    Switch { next: next(), shops: vec![alfa], at: at(9) }
}

fn alfa() -> Vec<ShopName> {
    vec![shop("alfa")]
}

/// Contact 1 linked, 2 with a former link beside another, 3 only indexed; erased addresses that were met, and that were not.
async fn people(place: &dyn Place) -> Pass1 {
    let pass = Pass1::begin(place).await;
    pass.survey((1..=3).map(entry).collect()).await;
    pass.record(vec![linked(1, "c1", Role::Owner), linked(2, "c0", Role::Owner)]).await;
    pass.record(vec![linked(2, "c2", Role::Owner)]).await;
    let whom =
        Erasure { emails: vec![hash("met"), hash("nowhere")], phones: vec![hash("nowhere too")], ..Erasure::default() };
    pass.store.erase(&whom, "eva", at(2)).await.unwrap();
    pass
}

async fn put_aside(pass: &Pass1) {
    assert_eq!(pass.store.rekey(&pass.lease, &alfa()).await.unwrap(), None);
    let contacts = vec![rekeyed(1, &["c1"]), rekeyed(2, &["c0", "c2"])];
    pass.store.stage(&pass.lease, &page_of(contacts, &["met", "no tombstone"])).await.unwrap();
    assert_eq!(pass.store.left(&shop("alfa"), 0, 9).await.unwrap(), [id(3)]);
    let surveyed = RekeyedContact { content: None, ..rekeyed(3, &[]) };
    pass.store.stage(&pass.lease, &page_of(vec![surveyed], &[])).await.unwrap();
    assert_eq!(pass.store.left(&shop("alfa"), 0, 9).await.unwrap(), []);
}

pub async fn nothing_changes_before_the_switch(place: &dyn Place) {
    let pass = people(place).await;
    let before = pass.store.known(&of(&[1, 2, 3].map(id), &[hash("e1"), hash("met")])).await.unwrap();
    put_aside(&pass).await;
    assert_eq!(pass.store.known(&of(&[1, 2, 3].map(id), &[hash("e1"), hash("met")])).await.unwrap(), before);
    assert!(matches!(place.open_under(&next()).await, Err(StoreError::WrongKey)));
    place.open().await.close().await;
    // Begun anew, what was put aside is forgotten.
    assert_eq!(pass.store.rekey(&pass.lease, &alfa()).await.unwrap(), None);
    assert_eq!(pass.store.left(&shop("alfa"), 1, 9).await.unwrap(), [id(2), id(3)]);
}

pub async fn the_switch_changes_all_of_it_at_once(place: &dyn Place) {
    let pass = people(place).await;
    put_aside(&pass).await;
    let switched = pass.store.switch(&pass.lease, &switch()).await.unwrap();
    assert_eq!(switched, Switched::Done { sealed: 2 });
    assert_eq!(pass.store.switch(&pass.lease, &switch()).await.unwrap(), switched, "twice is once");

    let one = pass.prior(1).await;
    assert_eq!(one.entry, rekeyed_entry(1));
    let (judged, link) = (one.judged.unwrap(), one.link.unwrap());
    assert_eq!((judged.fingerprint.content, judged.fingerprint.rules.as_str()), (then("content"), NEXT_RULES));
    assert_eq!((judged.state, link.role, link.since), (ContactState::Linked, Role::Owner, at(1)));
    assert_eq!((link.baselines, link.known_as), {
        let RekeyedLink { baselines, known_as, .. } = rekeyed(1, &["c1"]).links.remove(0);
        (baselines, known_as)
    });
    let two = pass.prior(2).await;
    assert_eq!((two.former.len(), two.former[0].known_as.email), (1, Some(then("known"))), "a former link too");
    let three = pass.prior(3).await;
    assert_eq!((three.entry, three.judged), (rekeyed_entry(3), None));
    let known = pass.store.known(&of(&[], &[then("e1"), hash("e1"), then("met"), hash("met")])).await.unwrap();
    assert!(known.holders.contains_key(&then("e1")) && !known.holders.contains_key(&hash("e1")));
    assert_eq!(known.erased, [then("met")].into());

    // The shop is known by where it is, and work goes on.
    pass.record_at(10, vec![linked(1, "c1", Role::Owner)]).await;
    pass.store.release(&pass.lease).await.unwrap();
    assert!(matches!(place.open_under(&super::key()).await, Err(StoreError::WrongKey)));
    let opened = place.open_under(&next()).await.unwrap();
    let lease = ours(opened.acquire(&claim(2, at(11))).await.unwrap());
    let new = anagrafe::store::NewRun {
        shop: shop("beta"),
        source: then("alfa"),
        pass: anagrafe::model::run::Pass::Sync,
        partial: false,
        at: at(11),
    };
    assert!(matches!(opened.begin(&lease, &new).await, Err(StoreError::SameShop { .. })));
}

pub async fn what_was_bound_to_a_hash_is_asked_anew(place: &dyn Place) {
    let pass = people(place).await;
    let merge = propose_merge("m", 1, "c1", &["c9"]);
    pass.record(vec![
        ContactRecord { proposals: Some(vec![merge.clone()]), ..judged(1, ContactState::Linked) },
        ContactRecord { proposals: Some(vec![propose_link("l", 2, "c8")]), ..judged(2, ContactState::Linked) },
    ])
    .await;
    pass.store.decide(&Decision::Approve(merge.id.clone()), "eva", at(2)).await.unwrap();
    pass.record(vec![judged(1, ContactState::Linked), judged(2, ContactState::Linked)]).await;
    let hold = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(1)).await.unwrap().id;
    let fingerprint = anagrafe::store::Fingerprint { content: hash("content"), rules: RULES.into() };
    let update = anagrafe::store::HeldContact { id: id(2), hold, fingerprint, what: hash("what"), was_due: None };
    pass.store.record(&pass.lease, &PageRecord { held: vec![update], ..pass.page(Vec::new()) }).await.unwrap();
    let writes = pass.store.declare(&pass.lease, &[pass.declaration(1, "c1")]).await.unwrap();
    let settled = vec![(writes[0], WriteOutcome::Applied)];
    pass.store.record(&pass.lease, &PageRecord { settled, ..pass.page(Vec::new()) }).await.unwrap();
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(5), 9)).await.unwrap(), []);

    put_aside(&pass).await;
    assert!(matches!(pass.store.switch(&pass.lease, &switch()).await.unwrap(), Switched::Done { .. }));
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(9), 9)).await.unwrap(), [id(1), id(2)]);
    assert_eq!(pass.store.held(hold, 9).await.unwrap(), []);
    let withdrawn = pass.store.proposals(Some(ProposalState::Withdrawn)).await.unwrap();
    assert_eq!(withdrawn.iter().map(|kept| &kept.proposal.id).collect::<Vec<_>>(), [&merge.id]);
    assert_eq!(pass.store.proposals(Some(ProposalState::Open)).await.unwrap().len(), 1, "asked again, not forgotten");
    let story = pass.store.story(&anagrafe::store::Whose::Contact(contact(1))).await.unwrap();
    assert_eq!(story.writes[0].fields, [Field::Phone].into(), "which fields were written is known, and no hash");
}

pub async fn what_stands_in_the_way_of_a_switch(place: &dyn Place) {
    let pass = people(place).await;
    assert_eq!(pass.store.rekey(&pass.lease, &[]).await.unwrap(), Some(Hindrance::Unlisted(shop("alfa"))));
    let writes = pass.store.declare(&pass.lease, &[pass.declaration(1, "c1")]).await.unwrap();
    assert_eq!(pass.store.rekey(&pass.lease, &alfa()).await.unwrap(), Some(Hindrance::Unsettled(1)));
    let unknown = PageRecord { settled: vec![(writes[0], WriteOutcome::Unknown)], ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &unknown).await.unwrap();
    assert_eq!(pass.store.rekey(&pass.lease, &alfa()).await.unwrap(), Some(Hindrance::Unsettled(1)));
    let settled = PageRecord { settled: vec![(writes[0], WriteOutcome::Applied)], ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &settled).await.unwrap();

    put_aside(&pass).await;
    pass.record(vec![linked(3, "c3", Role::Owner), judged(4, ContactState::Unmatched)]).await;
    let waits = pass.store.switch(&pass.lease, &switch()).await.unwrap();
    assert_eq!(waits, Switched::Waits(Hindrance::Left(2)), "a contact, and a link");
    assert_eq!(pass.prior(1).await.entry, entry(1), "and nothing was changed");
    put_aside_all(&pass).await;
    assert_eq!(pass.store.switch(&pass.lease, &switch()).await.unwrap(), Switched::Done { sealed: 2 });
    let again = pass.store.rekey(&pass.lease, &alfa()).await.unwrap();
    assert_eq!(again, Some(Hindrance::Sealed(2)), "one change after the other");
}

async fn put_aside_all(pass: &Pass1) {
    let contacts = vec![rekeyed(1, &["c1"]), rekeyed(2, &["c0", "c2"]), rekeyed(3, &["c3"]), rekeyed(4, &[])];
    pass.store.stage(&pass.lease, &page_of(contacts, &["met"])).await.unwrap();
}

pub async fn who_opened_it_under_the_key_before_adds_nothing(place: &dyn Place) {
    let pass = people(place).await;
    let asleep = place.open().await;
    put_aside(&pass).await;
    pass.store.switch(&pass.lease, &switch()).await.unwrap();
    let whom = Erasure { emails: vec![hash("late")], ..Erasure::default() };
    assert!(matches!(asleep.erase(&whom, "eva", at(12)).await, Err(StoreError::WrongKey)));
    assert!(matches!(asleep.acquire(&claim(3, at(12))).await, Err(StoreError::WrongKey)));
    assert!(matches!(asleep.renew(&pass.lease, at(12)).await, Err(StoreError::WrongKey)));
    assert_eq!(pass.store.erasures().await.unwrap().len(), 1);
}

pub async fn a_lost_lease_changes_no_key(place: &dyn Place) {
    let pass = people(place).await;
    put_aside(&pass).await;
    succeed(&*place.open().await, 2, at(3)).await;
    assert!(matches!(pass.store.switch(&pass.lease, &switch()).await, Err(StoreError::LeaseLost)));
    assert!(matches!(pass.store.rekey(&pass.lease, &alfa()).await, Err(StoreError::LeaseLost)));
    let staged = pass.store.stage(&pass.lease, &page_of(Vec::new(), &[])).await;
    assert!(matches!(staged, Err(StoreError::LeaseLost)));
    assert_eq!(pass.prior(1).await.entry, entry(1));
}

pub async fn an_erased_address_is_recognised_by_its_seal(place: &dyn Place) {
    let pass = people(place).await;
    put_aside(&pass).await;
    pass.store.switch(&pass.lease, &switch()).await.unwrap();
    let sealed = pass.store.sealed().await.unwrap();
    assert_eq!((sealed.count, sealed.former), (2, Some(super::key().check_value())));
    let erased = async || pass.store.known(&of(&[], &[then("nowhere"), then("nowhere too")])).await.unwrap().erased;
    assert_eq!(erased().await, [].into(), "who meets it under one key does not know it");
    let seal = |text: &str| (next().sealed(&hash(text)), then(text));
    assert_eq!(pass.store.recognise(&[seal("nowhere"), seal("somebody else")]).await.unwrap(), 1);
    assert_eq!(erased().await, [then("nowhere")].into());
    assert_eq!(pass.store.recognise(&[seal("nowhere"), seal("nowhere too")]).await.unwrap(), 1, "each once");
    assert_eq!((erased().await.len(), pass.store.sealed().await.unwrap().count), (2, 0));
    // The proof says what it said, and a lifting lifts all of it.
    let proof = pass.store.erasures().await.unwrap().remove(0);
    assert_eq!((proof.emails, proof.phones), (2, 1));
    pass.store.lift(proof.id, "eva", at(10)).await.unwrap();
    assert_eq!(erased().await, [].into());
}

pub async fn who_is_erased_or_let_in_again_meanwhile_stays_so(place: &dyn Place) {
    let pass = people(place).await;
    let lifted = pass.store.erase(&Erasure { contacts: vec![contact(3)], ..Erasure::default() }, "eva", at(3)).await;
    assert_eq!(pass.store.rekey(&pass.lease, &alfa()).await.unwrap(), None);
    let nobody = IndexEntry { id: id(3), email: None, phone: None, name: Vec::new() };
    let excluded = RekeyedContact { entry: nobody.clone(), content: Some(then("nothing")), links: Vec::new() };
    let contacts = vec![rekeyed(1, &["c1"]), rekeyed(2, &["c0", "c2"]), excluded];
    pass.store.stage(&pass.lease, &page_of(contacts, &["met"])).await.unwrap();
    let whom = Erasure { emails: vec![hash("e1")], ..Erasure::default() };
    pass.store.erase(&whom, "eva", at(4)).await.unwrap();
    pass.store.lift(lifted.unwrap().id, "eva", at(4)).await.unwrap();
    assert_eq!(pass.store.switch(&pass.lease, &switch()).await.unwrap(), Switched::Done { sealed: 3 });
    let one = pass.prior(1).await;
    assert_eq!((one.judged.unwrap().state, one.link, one.former.len()), (ContactState::Excluded, None, 0));
    assert_eq!((one.entry.email, one.entry.phone, one.entry.name), (None, None, Vec::new()));
    let three = pass.prior(3).await;
    assert_eq!((three.entry, three.judged), (nobody, None));
}

pub async fn rules_by_which_all_was_read_are_known_under_the_new_key(place: &dyn Place) {
    let pass = people(place).await;
    let begin = anagrafe::store::Resync {
        started_at: at(1),
        from: 0,
        after: 0,
        count: 3,
        highest: 3,
        read: 0,
        arrivals: 0,
        force: false,
        whole: true,
    };
    let end = ResyncStep::End { rules: Some(RULES.to_owned()), forget_before: at(0) };
    for step in [ResyncStep::Begin(begin), end] {
        pass.store.record(&pass.lease, &PageRecord { resync: Some(step), ..pass.page(Vec::new()) }).await.unwrap();
    }
    put_aside(&pass).await;
    pass.store.switch(&pass.lease, &switch()).await.unwrap();
    let otherwise = async |rules| pass.store.progress(&shop("alfa"), 0, rules).await.unwrap().judged_otherwise;
    assert_eq!((otherwise(NEXT_RULES).await, otherwise(RULES).await), (0, 2));
}
