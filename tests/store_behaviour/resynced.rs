//! Resyncs: how far one has come, whom it missed, who is gone, and what its end lets be forgotten.

use std::collections::BTreeMap;

use anagrafe::{
    model::{ContactId, link::Role, state::ContactState},
    store::{
        ContactRecord, Due, DueQuery, Fingerprint, HeldContact, IndexEntry, LinkChange, PageQuery, PageRecord, Resync,
        ResyncStep, StoreError,
    },
};

use super::{
    Pass1, Place, RULES, at, customer, due_by, entry, hash, id, judged, linked, new_hold, of, propose_link, shop,
    waiting,
};

fn resync(second: i64) -> Resync {
    Resync {
        started_at: at(second),
        from: 0,
        after: 0,
        count: 10,
        highest: 40,
        read: 0,
        arrivals: 0,
        force: true,
        whole: false,
    }
}

fn page_to(after: i64, missing: &[i64]) -> ResyncStep {
    ResyncStep::Page { after, read: 3, arrivals: 1, missing: missing.iter().map(|number| id(*number)).collect() }
}

fn end(rules: Option<&str>, forget_before: i64) -> ResyncStep {
    ResyncStep::End { rules: rules.map(str::to_owned), forget_before: at(forget_before) }
}

async fn step(pass: &Pass1, second: i64, step: ResyncStep) {
    let page = PageRecord { at: at(second), resync: Some(step), ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
}

async fn missing(pass: &Pass1, after: i64, limit: u64) -> Vec<i64> {
    let asked = DueQuery { shop: shop("alfa"), why: Due::Missing, after, limit };
    pass.store.due(&asked).await.unwrap().into_iter().map(ContactId::get).collect()
}

async fn gone(pass: &Pass1, second: i64, numbers: &[i64]) {
    let gone = numbers.iter().map(|number| id(*number)).collect();
    let page = PageRecord { at: at(second), gone, ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
}

pub async fn a_resync_is_remembered_until_its_end(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let standing = async || pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!(standing().await.resync, None);
    step(&pass, 5, ResyncStep::Begin(resync(5))).await;
    assert_eq!(standing().await.resync, Some(resync(5)));
    step(&pass, 6, page_to(20, &[])).await;
    step(&pass, 7, page_to(40, &[])).await;
    step(&pass, 8, page_to(30, &[])).await;
    let after = Resync { after: 40, read: 9, arrivals: 3, ..resync(5) };
    assert_eq!(standing().await.resync, Some(after.clone()), "it never falls");
    step(&pass, 9, ResyncStep::Whole).await;
    assert_eq!(standing().await.resync, Some(Resync { whole: true, ..after.clone() }));
    let overview = pass.store.overview().await.unwrap().shops.remove(&shop("alfa")).unwrap();
    assert_eq!((overview.resync, overview.resynced_at), (Some(Resync { whole: true, ..after }), None));

    step(&pass, 10, end(Some(RULES), 0)).await;
    let progress = standing().await;
    assert_eq!((progress.resync, progress.resynced_at), (None, Some(at(10))));
    assert_eq!(pass.store.overview().await.unwrap().shops[&shop("alfa")].resynced_at, Some(at(10)));
    for lost in [page_to(9, &[]), ResyncStep::Whole] {
        let page = PageRecord { resync: Some(lost), ..pass.page(Vec::new()) };
        let refused = pass.store.record(&pass.lease, &page).await;
        assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
    }
}

pub async fn known_contacts_that_a_page_does_not_show_are_missing_from_it(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey([1, 2, 3, 4, 5, 6].map(entry).to_vec()).await;
    pass.record(vec![judged(3, ContactState::Gone), judged(4, ContactState::Excluded)]).await;
    let covered = async |covers| {
        let asked = PageQuery { covers, ..of(&[id(2), id(9)], &[]) };
        pass.store.known(&asked).await.unwrap().missing
    };
    assert_eq!(covered(None).await, []);
    assert_eq!(covered(Some((0, 6))).await, [1, 5, 6].map(id));
    assert_eq!(covered(Some((1, 5))).await, [id(5)], "after the first, to the last");
}

pub async fn who_was_missing_is_looked_for_until_found_or_judged(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey([1, 2, 3, 4].map(entry).to_vec()).await;
    pass.record(vec![judged(5, ContactState::Gone)]).await;
    step(&pass, 1, ResyncStep::Begin(resync(1))).await;
    step(&pass, 2, page_to(5, &[1, 2, 3, 5])).await;
    assert_eq!(missing(&pass, 0, 9).await, [1, 2, 3]);
    assert_eq!((missing(&pass, 1, 9).await, missing(&pass, 0, 2).await), (vec![2, 3], vec![1, 2]));
    assert!(pass.prior(1).await.missing && !pass.prior(4).await.missing);
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(99), 9)).await.unwrap(), [], "that is no retry");

    let page = PageRecord { found: vec![id(2)], ..pass.page(vec![judged(1, ContactState::Unmatched)]) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    // A sync between two halves of a resync asked for her in vain: it is the resync that concludes.
    let in_vain = ContactRecord { reason: "not-in-the-shop".into(), ..judged(3, ContactState::Parked) };
    pass.record(vec![in_vain]).await;
    assert_eq!(missing(&pass, 0, 9).await, [3]);
    step(&pass, 3, ResyncStep::Begin(resync(3))).await;
    assert_eq!(missing(&pass, 0, 9).await, [0; 0], "another one looks for itself");
}

pub async fn who_is_gone_leaves_her_place(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let open = ContactRecord { proposals: Some(vec![propose_link("a", 1, "c7")]), ..linked(1, "c1", Role::Owner) };
    pass.record(vec![open, linked(2, "c1", Role::Secondary), judged(3, ContactState::Excluded)]).await;
    pass.survey(vec![entry(4)]).await;
    step(&pass, 2, ResyncStep::Begin(resync(2))).await;
    step(&pass, 3, page_to(9, &[1, 4])).await;
    gone(&pass, 5, &[1, 3, 4]).await;

    let prior = pass.prior(1).await;
    let judgement = prior.judged.unwrap();
    assert_eq!((judgement.state, judgement.reason.as_str(), judgement.at), (ContactState::Gone, "deleted", at(5)));
    assert_eq!((judgement.fingerprint.content, prior.retry_at), (hash("content"), None));
    assert_eq!((prior.link, prior.former[0].ended, prior.missing), (None, Some(at(5)), false));
    assert_eq!(prior.entry, entry(1), "until it is forgotten");
    let holders = pass.store.known(&of(&[], &[hash("e1"), hash("e4")])).await.unwrap().holders;
    assert!(holders.is_empty(), "{holders:?}");
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(5), 9)).await.unwrap(), [id(2)], "she inherits");
    let states = pass.store.proposals(None).await.unwrap().into_iter().map(|kept| kept.state.as_str());
    assert_eq!(states.collect::<Vec<_>>(), ["withdrawn"]);
    assert_eq!(pass.prior(4).await.judged.unwrap().state, ContactState::Gone, "she was only surveyed");
    assert_eq!(pass.prior(3).await.judged.unwrap().state, ContactState::Excluded, "who was excluded stays so");

    gone(&pass, 6, &[1]).await;
    assert_eq!(pass.prior(1).await.judged.unwrap().at, at(5), "since then");
    pass.record_at(7, vec![linked(1, "c1", Role::Owner)]).await;
    let back = pass.prior(1).await;
    assert_eq!(
        (back.judged.unwrap().state, back.link.unwrap().since),
        (ContactState::Linked, at(1)),
        "since when it was"
    );
}

pub async fn the_end_of_a_resync_forgets_what_ended_long_ago(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(1, "c1", Role::Owner), linked(2, "c2", Role::Owner), linked(3, "c3", Role::Owner)]).await;
    gone(&pass, 10, &[1]).await;
    gone(&pass, 20, &[2]).await;
    let dropped = |number| ContactRecord { link: LinkChange::Drop, ..judged(number, ContactState::Unmatched) };
    pass.record_at(10, vec![dropped(3)]).await;
    step(&pass, 30, end(None, 20)).await;
    let (one, two, three) = (pass.prior(1).await, pass.prior(2).await, pass.prior(3).await);
    assert_eq!(one.entry, IndexEntry { id: id(1), email: None, phone: None, name: Vec::new() });
    assert_eq!(one.judged.unwrap().fingerprint.content, hash("content"));
    assert_eq!((one.former, three.former), (vec![], vec![]));
    assert_eq!(two.entry, entry(2));
    assert_eq!(two.former.len(), 1);
    assert_eq!(three.entry, entry(3), "she is not gone");
    assert!(pass.store.found(&[customer("c1")], &[]).await.unwrap().links.is_empty());
}

pub async fn who_was_judged_by_other_rules_is_counted_until_all_was_read_by_them(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![waiting(4, Vec::new()), linked(1, "c1", Role::Owner), linked(2, "c2", Role::Owner)]).await;
    let otherwise = async |rules| pass.store.progress(&shop("alfa"), 0, rules).await.unwrap().judged_otherwise;
    assert_eq!((otherwise(RULES).await, otherwise("normalise=2").await), (0, 2), "of the linked");
    step(&pass, 5, end(None, 0)).await;
    assert_eq!(otherwise("normalise=2").await, 2, "not all of it was read");
    let by = |rules: &str, record: ContactRecord| {
        let fingerprint = Fingerprint { rules: rules.into(), ..record.fingerprint.clone() };
        ContactRecord { fingerprint, ..record }
    };
    // Who is linked and was parked is judged by other rules still.
    let kept = ContactRecord { link: LinkChange::Keep, parked_since: Some(at(5)), ..judged(2, ContactState::Parked) };
    pass.record(vec![by("normalise=2", linked(1, "c1", Role::Owner)), kept]).await;
    step(&pass, 6, end(Some("normalise=2"), 0)).await;
    assert_eq!(otherwise("normalise=2").await, 1, "a resync that could not look at her has not read her");
    pass.record(vec![by("normalise=2", linked(2, "c2", Role::Owner))]).await;
    // And so is whose update is held.
    let hold = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(6)).await.unwrap().id;
    let fingerprint = Fingerprint { content: hash("new content"), rules: "normalise=2".into() };
    let update = HeldContact { id: id(4), hold, fingerprint, what: hash("what"), was_due: None };
    pass.store.record(&pass.lease, &PageRecord { held: vec![update], ..pass.page(Vec::new()) }).await.unwrap();
    step(&pass, 7, end(Some("normalise=2"), 0)).await;
    assert_eq!(otherwise(RULES).await, 2, "it is not taken for read by these");
    pass.record(vec![waiting(4, Vec::new())]).await;
    step(&pass, 8, end(Some("normalise=2"), 0)).await;
    pass.record(vec![linked(1, "c1", Role::Owner)]).await;
    assert_eq!(otherwise("normalise=2").await, 0, "all of it was read by these: nobody is counted");
    step(&pass, 9, end(None, 0)).await;
    assert_eq!(otherwise("normalise=2").await, 0, "what was read whole stays read whole");
}

pub async fn only_a_resync_says_by_which_rules_all_was_read(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(1, "c1", Role::Owner)]).await;
    let page = PageRecord { end: true, checkpoint: Some(9), ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    let progress = pass.store.progress(&shop("alfa"), 0, "normalise=2").await.unwrap();
    assert_eq!((progress.crossed, progress.resynced_at, progress.judged_otherwise), (true, None, 1));
}

pub async fn all_that_were_judged_are_counted_by_the_rules_they_were_judged_by(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let by = async |name| pass.store.judged_by(&shop(name)).await.unwrap();
    assert_eq!(by("alfa").await, BTreeMap::new());
    pass.survey((1..=6).map(entry).collect()).await;
    let rules = || Fingerprint { content: hash("content"), rules: "normalise=0".to_owned() };
    let older = |number| ContactRecord { fingerprint: rules(), ..judged(number, ContactState::Invalid) };
    let excluded = judged(5, ContactState::Excluded);
    pass.record(vec![linked(1, "c1", Role::Owner), waiting(2, Vec::new()), older(3), older(4), excluded]).await;
    let counted = [("normalise=0", 2), (RULES, 2)].map(|(rules, count)| (rules.to_owned(), count));
    assert_eq!(by("alfa").await, counted.clone().into(), "nobody who is only surveyed, or excluded");
    gone(&pass, 5, &[4]).await;
    assert_eq!(by("alfa").await["normalise=0"], 1);
    assert_eq!(by("beta").await, BTreeMap::new());
}
