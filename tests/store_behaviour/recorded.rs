//! Recording a page: outcomes and checkpoint together, observations, settled writes.

use anagrafe::{
    model::{link::Role, state::ContactState},
    store::{ContactRecord, Decision, Fingerprint, IndexEntry, PageRecord, StoreError, Whose, WriteOutcome},
};

use super::{Pass1, Place, RULES, at, contact, due_by, hash, id, judged, linked, of, propose_link, shop, waiting};

const DAY: i64 = 24 * 3600;

/// Ends the shop at a second, having seen everything up to an id.
async fn end(pass: &Pass1, second: i64, checkpoint: i64) {
    let page = PageRecord { at: at(second), checkpoint: Some(checkpoint), end: true, ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
}

pub async fn a2_checkpoint_and_outcomes_commit_together(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(1, "c1", Role::Owner)]).await;
    let writes = pass.store.declare(&pass.lease, &[pass.declaration(2, "c2")]).await.unwrap();
    // The last contact of the page cannot be recorded: another one of it owns that customer.
    let page = |last| PageRecord {
        settled: vec![(writes[0], WriteOutcome::Applied)],
        checkpoint: Some(4),
        end: true,
        deep: true,
        ..pass.page(vec![linked(2, "c2", Role::Owner), waiting(3, vec![propose_link("a", 3, "c3")]), last])
    };
    let refused = pass.store.record(&pass.lease, &page(linked(4, "c2", Role::Owner))).await;
    assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");

    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((progress.checkpoint, progress.crossed, progress.deep_at, progress.known), (0, false, None, 1));
    assert_eq!(progress.observed, []);
    let known = pass.store.known(&of(&[id(2), id(3), id(4)], &[])).await.unwrap().contacts;
    assert_eq!(known.keys().copied().collect::<Vec<_>>(), [id(2)], "whose write has no outcome yet");
    assert!(known.values().all(|prior| prior.judged.is_none() && prior.link.is_none()));
    assert!(pass.store.proposals(None).await.unwrap().is_empty());
    assert_eq!(pass.store.overview().await.unwrap().unsettled, 1);

    pass.store.record(&pass.lease, &page(linked(4, "c1", Role::Secondary))).await.unwrap();
    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((progress.checkpoint, progress.crossed, progress.deep_at, progress.known), (4, true, Some(at(1)), 4));
    assert_eq!(pass.store.known(&of(&[id(2), id(3), id(4)], &[])).await.unwrap().contacts.len(), 3);
    assert_eq!(pass.store.overview().await.unwrap().unsettled, 0);
}

pub async fn the_checkpoint_never_falls(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    for (given, expected) in [(5, 5), (9, 9), (3, 9)] {
        let page = PageRecord { checkpoint: Some(given), ..pass.page(Vec::new()) };
        pass.store.record(&pass.lease, &page).await.unwrap();
        assert_eq!(pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().checkpoint, expected);
    }
}

pub async fn due_work_leaves_the_checkpoint(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    end(&pass, 0, 7).await;
    let before = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    pass.record_at(500, vec![judged(3, ContactState::Parked)]).await;
    let after = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((after.checkpoint, after.observed), (before.checkpoint, before.observed));
    assert_eq!(after.known, 1);
}

pub async fn the_end_completes_the_crossing(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let page = PageRecord { checkpoint: Some(5), ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((progress.crossed, progress.observed), (false, vec![]));

    end(&pass, 30, 8).await;
    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((progress.crossed, progress.observed), (true, vec![(at(30), 8)]));
    assert_eq!(pass.store.overview().await.unwrap().shops[&shop("alfa")].observed_at, Some(at(30)));

    pass.record_at(31, Vec::new()).await;
    assert!(pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().crossed, "once crossed, for good");
}

pub async fn one_observation_a_minute(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    for (second, highest) in [(0, 1), (10, 2), (59, 3), (60, 4), (119, 5), (500, 6)] {
        end(&pass, second, highest).await;
    }
    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!(progress.observed, [(at(0), 1), (at(60), 4), (at(500), 6)]);
    end(&pass, 510, 6).await;
    let overview = pass.store.overview().await.unwrap();
    assert_eq!(overview.shops[&shop("alfa")].observed_at, Some(at(510)), "the end was seen, though not noted twice");
}

pub async fn old_observations_are_forgotten_but_never_the_last_of_two_days(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    for (second, highest) in [(0, 1), (100, 2), (3 * DAY + 100, 3)] {
        end(&pass, second, highest).await;
    }
    let observed = || async { pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().observed };
    assert_eq!(observed().await, [(at(100), 2), (at(3 * DAY + 100), 3)]);
    end(&pass, 4 * DAY, 4).await;
    assert_eq!(
        observed().await,
        [(at(100), 2), (at(3 * DAY + 100), 3), (at(4 * DAY), 4)],
        "older than three days, and the newest of those older than two"
    );
    end(&pass, 5 * DAY + 100, 5).await;
    assert_eq!(observed().await, [(at(3 * DAY + 100), 3), (at(4 * DAY), 4), (at(5 * DAY + 100), 5)]);
}

pub async fn a_deep_reading_is_remembered(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let page = PageRecord { deep: true, ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    pass.record_at(9, Vec::new()).await;
    let progress = pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap();
    assert_eq!((progress.deep_at, progress.crossed), (Some(at(1)), false));
}

pub async fn a_new_judgement_replaces_the_old(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let parked = ContactRecord {
        recheck_at: Some(at(5)),
        retry_at: Some(at(6)),
        attempts: 2,
        parked_since: Some(at(1)),
        ..judged(1, ContactState::Parked)
    };
    pass.record(vec![parked]).await;
    let entry = IndexEntry { id: id(1), email: None, phone: Some(hash("new")), name: Vec::new() };
    let fingerprint = Fingerprint { content: hash("other"), rules: "normalise=2".into() };
    let now = ContactRecord {
        entry: entry.clone(),
        fingerprint: fingerprint.clone(),
        reason: "no customer".into(),
        ..judged(1, ContactState::Unmatched)
    };
    pass.record_at(2, vec![now]).await;

    let prior = pass.prior(1).await;
    let judged = prior.judged.unwrap();
    assert_eq!((prior.entry, judged.fingerprint, judged.at), (entry, fingerprint, at(2)));
    assert_eq!((judged.state, judged.reason.as_str()), (ContactState::Unmatched, "no customer"));
    assert_eq!((judged.recheck_at, prior.retry_at, judged.attempts, judged.parked_since), (None, None, 0, None));
}

pub async fn a_certain_outcome_stays(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let write = pass.store.declare(&pass.lease, &[pass.declaration(1, "c1")]).await.unwrap()[0];
    let rounds = [
        (2, WriteOutcome::Unknown, (WriteOutcome::Unknown, at(2))),
        (3, WriteOutcome::NotApplied, (WriteOutcome::NotApplied, at(3))),
        (4, WriteOutcome::Applied, (WriteOutcome::NotApplied, at(3))),
    ];
    for (second, outcome, expected) in rounds {
        let page = PageRecord { at: at(second), settled: vec![(write, outcome)], ..pass.page(Vec::new()) };
        pass.store.record(&pass.lease, &page).await.unwrap();
        let story = pass.store.story(&Whose::Contact(contact(1))).await.unwrap();
        assert_eq!(story.writes[0].outcome, Some(expected));
    }
}

pub async fn a_word_that_comes_while_a_page_is_handled_makes_its_contact_due(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let asks = propose_link("a", 1, "c1");
    let waiting = || waiting(1, vec![asks.clone()]);
    pass.record_at(1, vec![waiting()]).await;
    // A page that was read before the word, and is recorded after it, has not heard it: whatever the clocks of both say.
    pass.store.decide(&Decision::Approve(asks.id.clone()), "eva", at(3)).await.unwrap();
    let page = PageRecord { at: at(2), ..pass.page(vec![waiting()]) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(5), 9)).await.unwrap().len(), 1);
    // One that was read after the word has heard it.
    pass.record_at(6, vec![waiting()]).await;
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(7), 9)).await.unwrap().len(), 0);
}
