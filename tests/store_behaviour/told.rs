//! What the store tells: overview, runs, stories.

use std::collections::{BTreeMap, BTreeSet};

use anagrafe::{
    model::{
        link::{Field, Role, Ruling},
        run::{Outcome, Pass, RunId},
        state::ContactState,
    },
    store::{
        ContactRecord, Decision, NewRun, Overview, PageRecord, RunQuery, StoreError, Story, SurveyStep, Whose,
        WriteOutcome,
    },
};

use super::{
    Pass1, Place, at, contact, customer, entry, hash, holder, judged, linked, new_hold, propose_link, propose_merge,
    shop, succeed, waiting,
};

pub async fn what_a_store_is(place: &dyn Place) {
    let store = place.open().await;
    let before = store.overview().await.unwrap();
    let health = store.health().await.unwrap();
    assert!(health.engine.contains(char::is_numeric) && health.engine.contains(' '), "{}", health.engine);
    assert!(health.schema >= 2);
    assert_eq!((health.read_only, store.overview().await.unwrap()), (None, before));
}

pub async fn the_overview_of_nothing(place: &dyn Place) {
    let overview = place.open().await.overview().await.unwrap();
    let expected = Overview {
        account: "account".parse().unwrap(),
        paused: None,
        lease: None,
        shops: BTreeMap::new(),
        open_links: 0,
        open_merges: 0,
        holds: Vec::new(),
        unsettled: 0,
    };
    assert_eq!(overview, expected);
}

pub async fn the_overview_shows_what_stands(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let step = SurveyStep { shop: shop("alfa"), entries: vec![entry(8), entry(9)], after: 9, whole: true };
    pass.store.survey(&pass.lease, &step).await.unwrap();
    let page = PageRecord {
        checkpoint: Some(9),
        end: true,
        ..pass.page(vec![
            linked(1, "c1", Role::Owner),
            waiting(2, vec![propose_link("a", 2, "c1"), propose_merge("m", 2, "c3", &["c4"])]),
            waiting(3, vec![propose_link("b", 3, "c1")]),
            ContactRecord { reason: "outage".into(), retry_at: Some(at(9)), ..judged(4, ContactState::Parked) },
            ContactRecord { retry_at: Some(at(8)), ..judged(5, ContactState::Parked) },
            ContactRecord { retry_at: Some(at(2)), ..judged(6, ContactState::Waiting) },
        ])
    };
    pass.store.record(&pass.lease, &page).await.unwrap();
    let hold = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(1)).await.unwrap();
    let mut again = None;
    for kind in [Pass::Resync, Pass::Sync] {
        let new = NewRun { shop: shop("alfa"), source: hash("alfa"), pass: kind, partial: false, at: at(2) };
        again = Some(pass.store.begin(&pass.lease, &new).await.unwrap());
    }

    let overview = pass.store.overview().await.unwrap();
    assert_eq!((overview.open_links, overview.open_merges, overview.holds), (2, 1, vec![hold]));
    assert_eq!(overview.lease, Some((holder(1), at(60))));
    let alfa = &overview.shops[&shop("alfa")];
    assert!(alfa.surveyed && alfa.crossed);
    assert_eq!((alfa.checkpoint, alfa.observed_at, alfa.surveyed_only), (9, Some(at(1)), 2));
    let states = [(ContactState::Linked, 1), (ContactState::Waiting, 3), (ContactState::Parked, 2)];
    assert_eq!(alfa.states, BTreeMap::from(states));
    let reasons = [("linked/reason", 1), ("waiting/reason", 3), ("parked/outage", 1), ("parked/reason", 1)];
    assert_eq!(alfa.reasons, reasons.map(|(reason, count)| (reason.to_owned(), count)).into());
    assert_eq!(alfa.next_retry, Some(at(8)), "of the parked ones");
    let last: Vec<_> = alfa.last_runs.iter().map(|run| (run.pass, Some(run.run))).collect();
    assert_eq!(last, [(Pass::Sync, again), (Pass::Resync, again.map(|run| RunId(run.0 - 1)))]);
}

pub async fn runs_come_newest_first(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let new = NewRun { shop: shop("beta"), source: hash("beta"), pass: Pass::Survey, partial: false, at: at(7) };
    let second = pass.store.begin(&pass.lease, &new).await.unwrap();
    assert!(second > pass.run);
    let running = pass.store.runs(RunQuery::One(second)).await.unwrap().remove(0);
    assert_eq!((running.outcome, running.pass, running.started_at), (Outcome::Running, Pass::Survey, at(7)));
    assert_eq!((&running.shop, running.run, running.balances()), (&shop("beta"), second, true));

    let mut report = running.clone();
    (report.outcome, report.read, report.duration_ms) = (Outcome::Done, 12, 345);
    report.counts.surveyed = 12;
    report.calls.open2b.insert("contacts.find".into(), 2);
    pass.store.finish(&pass.lease, &report).await.unwrap();
    assert_eq!(pass.store.runs(RunQuery::One(second)).await.unwrap(), std::slice::from_ref(&report));
    let numbers = async |last| {
        let runs = pass.store.runs(RunQuery::Last(last)).await.unwrap();
        runs.into_iter().map(|run| run.run).collect::<Vec<_>>()
    };
    assert_eq!(numbers(9).await, [second, pass.run]);
    assert_eq!(numbers(1).await, [second]);
    assert!(pass.store.runs(RunQuery::One(RunId(99))).await.unwrap().is_empty());
}

pub async fn the_last_run_that_was_done_is_known_by_shop(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    assert!(pass.store.last_done(Pass::Sync).await.unwrap().is_empty(), "one that runs is not done");
    let ran = async |of: &str, second, outcome| {
        let new = NewRun { shop: shop(of), source: hash(of), pass: Pass::Sync, partial: false, at: at(second) };
        let run = pass.store.begin(&pass.lease, &new).await.unwrap();
        let mut report = pass.store.runs(RunQuery::One(run)).await.unwrap().remove(0);
        report.outcome = outcome;
        pass.store.finish(&pass.lease, &report).await.unwrap();
    };
    for (second, outcome) in [(1, Outcome::Done), (2, Outcome::Held), (3, Outcome::Failed), (4, Outcome::Stopped)] {
        ran("alfa", second, outcome).await;
    }
    ran("beta", 5, Outcome::Parked).await;
    part(&pass, "beta", 6, Outcome::Done).await;
    let done = pass.store.last_done(Pass::Sync).await.unwrap();
    assert_eq!(done, BTreeMap::from([(shop("alfa"), at(2)), (shop("beta"), at(5))]));
    assert!(pass.store.last_done(Pass::Resync).await.unwrap().is_empty());
    // By a clock that was ahead, and was put back.
    ran("alfa", 9_000, Outcome::Done).await;
    ran("alfa", 7, Outcome::Done).await;
    assert_eq!(pass.store.last_done(Pass::Sync).await.unwrap()[&shop("alfa")], at(7), "the one that began last");
    let standing = pass.store.look().await.unwrap().standing;
    let its = &standing.passes[&(shop("alfa"), Pass::Sync)];
    assert_eq!((its.last_done, its.first_done), (Some(at(7)), Some(at(1))));
}

/// A sync of which a person asked for a part only.
async fn part(pass: &Pass1, of: &str, second: i64, outcome: Outcome) {
    let new = NewRun { shop: shop(of), source: hash(of), pass: Pass::Sync, partial: true, at: at(second) };
    let run = pass.store.begin(&pass.lease, &new).await.unwrap();
    let mut report = pass.store.runs(RunQuery::One(run)).await.unwrap().remove(0);
    assert!(report.partial);
    report.outcome = outcome;
    pass.store.finish(&pass.lease, &report).await.unwrap();
}

pub async fn the_last_run_that_ended_by_itself_is_known_by_shop(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let begun = async |lease, of: &str, pass_, second| {
        let new = NewRun { shop: shop(of), source: hash(of), pass: pass_, partial: false, at: at(second) };
        pass.store.begin(lease, &new).await.unwrap()
    };
    let ran = async |of: &str, pass_, second, outcome| {
        let run = begun(&pass.lease, of, pass_, second).await;
        let mut report = pass.store.runs(RunQuery::One(run)).await.unwrap().remove(0);
        report.outcome = outcome;
        pass.store.finish(&pass.lease, &report).await.unwrap();
    };
    let tried = async |pass_| pass.store.last_tried(pass_).await.unwrap();
    assert!(tried(Pass::Sync).await.is_empty(), "one that runs has not ended");
    for (second, outcome) in [(1, Outcome::Done), (2, Outcome::Parked), (3, Outcome::Held), (4, Outcome::Failed)] {
        ran("alfa", Pass::Sync, second, outcome).await;
        assert_eq!(tried(Pass::Sync).await, BTreeMap::from([(shop("alfa"), at(second))]), "{outcome:?}");
    }
    ran("alfa", Pass::Sync, 5, Outcome::Stopped).await;
    assert_eq!(tried(Pass::Sync).await, BTreeMap::from([(shop("alfa"), at(4))]), "one that was stopped tried nothing");
    part(&pass, "alfa", 5, Outcome::Failed).await;
    assert_eq!(tried(Pass::Sync).await, BTreeMap::from([(shop("alfa"), at(4))]), "a part is not the whole");
    assert!(tried(Pass::Resync).await.is_empty());
    assert_eq!(pass.store.last_done(Pass::Sync).await.unwrap()[&shop("alfa")], at(3));

    // Whose index is not whole is not synced: its survey stands for that.
    ran("beta", Pass::Survey, 6, Outcome::Failed).await;
    let both = BTreeMap::from([(shop("alfa"), at(4)), (shop("beta"), at(6))]);
    assert_eq!(tried(Pass::Sync).await, both);
    assert_eq!(tried(Pass::Resync).await, BTreeMap::from([(shop("beta"), at(6))]));
    let whole = SurveyStep { shop: shop("beta"), entries: Vec::new(), after: 1, whole: true };
    pass.store.survey(&pass.lease, &whole).await.unwrap();
    assert_eq!(tried(Pass::Sync).await, BTreeMap::from([(shop("alfa"), at(4))]), "it may be synced, and nobody has");

    // Whose process died.
    begun(&pass.lease, "alfa", Pass::Sync, 7).await;
    let lease = succeed(pass.store.as_ref(), 2, at(100)).await;
    begun(&lease, "beta", Pass::Sync, 101).await;
    assert_eq!(tried(Pass::Sync).await, BTreeMap::from([(shop("alfa"), at(4))]));
}

pub async fn a_dead_run_is_closed_by_the_next(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let new = NewRun { shop: shop("alfa"), source: hash("alfa"), pass: Pass::Sync, partial: false, at: at(100) };
    let beside = pass.store.begin(&pass.lease, &new).await.unwrap();
    let outcome = async |run| {
        let run = pass.store.runs(RunQuery::One(run)).await.unwrap().remove(0);
        (run.outcome, run.error)
    };
    assert_eq!(outcome(pass.run).await, (Outcome::Running, None), "of the same epoch: it is alive");

    let lease = succeed(pass.store.as_ref(), 2, at(100)).await;
    let next = pass.store.begin(&lease, &new).await.unwrap();
    let interrupted = "interrupted: the process ended before the run did".to_owned();
    for dead in [pass.run, beside] {
        assert_eq!(outcome(dead).await, (Outcome::Failed, Some(interrupted.clone())));
    }
    assert_eq!(outcome(next).await, (Outcome::Running, None));
}

pub async fn a_report_needs_its_run(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let mut report = pass.store.runs(RunQuery::One(pass.run)).await.unwrap().remove(0);
    report.run = RunId(99);
    let refused = pass.store.finish(&pass.lease, &report).await;
    assert!(matches!(refused, Err(StoreError::Inconsistent(_))));
}

/// Contact 1 is linked to c1, 2 was proposed for c1, 3 for a merge into c9 that absorbs c1, 4 has nothing to do with it.
async fn a_past(place: &dyn Place) -> Pass1 {
    let pass = Pass1::begin(place).await;
    pass.record(vec![
        linked(1, "c1", Role::Owner),
        waiting(2, vec![propose_link("a", 2, "c1")]),
        waiting(3, vec![propose_merge("m", 3, "c9", &["c1", "c8"])]),
        ContactRecord { proposals: Some(vec![propose_link("z", 4, "c4")]), ..linked(4, "c4", Role::Owner) },
    ])
    .await;
    pass.store.decide(&Decision::Reject(propose_link("a", 2, "c1").id), "eva", at(2)).await.unwrap();
    let writes = [pass.declaration(1, "c1"), pass.declaration(4, "c4"), pass.declaration(2, "c1")];
    let ids = pass.store.declare(&pass.lease, &writes).await.unwrap();
    let page = PageRecord { at: at(3), settled: vec![(ids[0], WriteOutcome::Applied)], ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    pass
}

pub async fn the_story_of_a_contact(place: &dyn Place) {
    let pass = a_past(place).await;
    let story = pass.store.story(&Whose::Contact(contact(1))).await.unwrap();
    assert_eq!(story.contacts, BTreeMap::from([(contact(1), pass.prior(1).await)]));
    assert_eq!(story.judged_by, BTreeMap::from([(contact(1), pass.run)]));
    assert_eq!(story.links, [pass.prior(1).await.link.unwrap()]);
    assert!(story.proposals.is_empty() && story.rulings.is_empty());
    let [write] = story.writes.as_slice() else { panic!("one write") };
    assert_eq!((write.run, &write.contact, &write.customer), (pass.run, &contact(1), &customer("c1")));
    assert_eq!((write.why.as_str(), &write.fields), ("both-agree", &BTreeSet::from([Field::Phone])));
    assert_eq!((write.declared_at, write.outcome), (at(1), Some((WriteOutcome::Applied, at(3)))));

    let story = pass.store.story(&Whose::Contact(contact(2))).await.unwrap();
    assert_eq!(story.proposals[0].proposal, propose_link("a", 2, "c1"));
    assert_eq!(story.rulings, [(contact(2), customer("c1"), Ruling::Different, "eva".into(), at(2))]);
}

pub async fn the_story_of_a_customer(place: &dyn Place) {
    let pass = a_past(place).await;
    let story = pass.store.story(&Whose::Customer(customer("c1"))).await.unwrap();
    assert_eq!(story.contacts.keys().cloned().collect::<Vec<_>>(), [1, 2, 3].map(contact));
    assert_eq!(story.links.iter().map(|link| link.contact.clone()).collect::<Vec<_>>(), [contact(1)]);
    let proposals: Vec<_> = story.proposals.iter().map(|kept| kept.proposal.id.0.as_str()).collect();
    assert_eq!(proposals, ["a", "m"]);
    let writes: Vec<_> = story.writes.iter().map(|write| write.contact.id.get()).collect();
    assert_eq!(writes, [2, 1], "newest first");
    assert_eq!(story.rulings.len(), 1);
}

pub async fn of_a_stranger_there_is_no_story(place: &dyn Place) {
    let pass = a_past(place).await;
    assert_eq!(pass.store.story(&Whose::Contact(contact(77))).await.unwrap(), Story::default());
    assert_eq!(pass.store.story(&Whose::Customer(customer("c77"))).await.unwrap(), Story::default());
}

pub async fn what_a_run_declared_is_numbered_in_order(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let writes: Vec<_> = (1..=20).rev().map(|number| pass.declaration(number, "c1")).collect();
    let ids = pass.store.declare(&pass.lease, &writes).await.unwrap();
    let story = pass.store.story(&Whose::Customer(customer("c1"))).await.unwrap();
    let kept: Vec<_> = story.writes.iter().rev().map(|write| (write.id, write.contact.clone())).collect();
    assert_eq!(kept, ids.into_iter().zip(writes.into_iter().map(|write| write.contact)).collect::<Vec<_>>());
    assert_eq!(pass.store.declare(&pass.lease, &[]).await.unwrap(), []);
}
