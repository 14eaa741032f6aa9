//! Alerts: what they are decided on, what was told, what is still to be delivered, and by whom.

use std::collections::BTreeSet;

use anagrafe::{
    model::{
        alert::{About, Alert, AlertState, HeldBy, KeptAlert, Standing, Subject},
        run::{Outcome, Pass},
        state::ContactState,
        time::Moment,
    },
    store::{
        AlertChange, AlertSettled, AlertTried, Decision, Fingerprint, HeldContact, Look, NewRun, PageRecord, RunQuery,
        Store,
    },
};

use super::{Pass1, Place, RULES, at, contact, due_by, hash, id, judged, linked, new_hold, shop, succeed};

fn about(subject: Subject) -> About {
    About { shop: Some(shop("alfa")), subject }
}

const FAILED: Subject = Subject::Failed(Pass::Sync);

fn alert(subject: Subject, state: AlertState, revision: i64, second: i64) -> Alert {
    Alert {
        about: about(subject),
        state,
        revision,
        id: format!("{} {revision}", subject.word()),
        causes: BTreeSet::from(["why".to_owned()]),
        since: at(1),
        at: at(second),
        summary: "it broke".into(),
        todo: vec!["anagrafe status".into()],
    }
}

fn raised(subject: Subject, second: i64) -> AlertChange {
    AlertChange { alert: alert(subject, AlertState::Raised, 1, second), was: None }
}

fn recovered(subject: Subject, second: i64) -> AlertChange {
    AlertChange { alert: alert(subject, AlertState::Recovered, 2, second), was: Some(1) }
}

async fn take(store: &dyn Store, by: &str, now: Moment) -> Option<KeptAlert> {
    store.take_alert(by, now, now.after(std::time::Duration::from_secs(20))).await.unwrap()
}

async fn settle(store: &dyn Store, taken: &KeptAlert, by: &str, tried: AlertTried) {
    let (about, id) = (taken.alert.about.clone(), taken.alert.id.clone());
    store.settle_alert(&AlertSettled { about, id, by: by.into(), tried }).await.unwrap();
}

pub async fn of_nothing_there_is_nothing_to_tell(place: &dyn Place) {
    let store = place.open().await;
    let Look { standing, told } = store.look().await.unwrap();
    assert!(standing == Standing::default() && told.is_empty());
    assert_eq!(take(&*store, "a", at(1)).await, None);
}

pub async fn what_stands_is_what_alerts_are_decided_on(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let lease = &pass.lease;
    let ends = async |run, outcome, error: Option<&str>| {
        let mut report = pass.store.runs(RunQuery::One(run)).await.unwrap().remove(0);
        (report.outcome, report.error) = (outcome, error.map(str::to_owned));
        pass.store.finish(lease, &report).await.unwrap();
    };
    ends(pass.run, Outcome::Done, None).await;
    let new = |pass, second| NewRun { shop: shop("alfa"), source: hash("alfa"), pass, partial: false, at: at(second) };
    let failing = pass.store.begin(lease, &new(Pass::Sync, 10)).await.unwrap();
    ends(failing, Outcome::Failed, Some("it broke")).await;
    let running = pass.store.begin(lease, &new(Pass::Resync, 20)).await.unwrap();
    let hold = pass.store.hold(lease, pass.run, &new_hold("x"), at(3)).await.unwrap();
    pass.store.decide(&Decision::Pause("because of her".into()), "eva", at(4)).await.unwrap();

    let standing = pass.store.look().await.unwrap().standing;
    assert_eq!((standing.paused, &standing.holds), (Some(at(4)), &vec![hold]));
    assert!(standing.doubted.is_empty() && standing.doubts.is_empty() && standing.passes.len() == 2);
    let sync = &standing.passes[&(shop("alfa"), Pass::Sync)];
    assert_eq!(
        (sync.last.run, sync.last.outcome, sync.last.error.as_deref()),
        (failing, Outcome::Failed, Some("it broke"))
    );
    assert_eq!((sync.last.started_at, sync.last_done, sync.first_done), (at(10), Some(at(0)), Some(at(0))));
    assert_eq!(sync.first_begun, at(0));
    let resync = &standing.passes[&(shop("alfa"), Pass::Resync)];
    assert_eq!((resync.last.run, resync.last.outcome, resync.last_done), (running, Outcome::Running, None));
    assert_eq!((resync.first_begun, resync.first_done), (at(20), None));
}

pub async fn a_part_tells_nothing_of_the_whole(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let ran = async |second, outcome, partial| {
        let new = NewRun { shop: shop("alfa"), source: hash("alfa"), pass: Pass::Resync, partial, at: at(second) };
        let run = pass.store.begin(&pass.lease, &new).await.unwrap();
        let mut report = pass.store.runs(RunQuery::One(run)).await.unwrap().remove(0);
        report.outcome = outcome;
        pass.store.finish(&pass.lease, &report).await.unwrap();
        run
    };
    let last = async || {
        let standing = pass.store.look().await.unwrap().standing;
        standing.passes.get(&(shop("alfa"), Pass::Resync)).map(|its| (its.last.run, its.last.outcome))
    };
    ran(1, Outcome::Failed, true).await;
    assert_eq!(last().await, None, "a part is all there was");
    let whole = ran(2, Outcome::Done, false).await;
    ran(3, Outcome::Failed, true).await;
    assert_eq!(last().await, Some((whole, Outcome::Done)), "a part that failed is no failure of the whole");
    let whole = ran(4, Outcome::Failed, false).await;
    ran(5, Outcome::Done, true).await;
    assert_eq!(last().await, Some((whole, Outcome::Failed)), "nor one that went well its end");
    // Killed: its report is never made.
    let part = |at| NewRun { shop: shop("alfa"), source: hash("alfa"), pass: Pass::Resync, partial: true, at };
    let killed = pass.store.begin(&pass.lease, &part(at(6))).await.unwrap();
    assert_eq!(last().await, Some((whole, Outcome::Failed)), "nor one that runs a run of it");
    let lease = succeed(&*pass.store, 2, at(7)).await;
    pass.store.begin(&lease, &part(at(8))).await.unwrap();
    let report = pass.store.runs(RunQuery::One(killed)).await.unwrap().remove(0);
    assert_eq!((report.outcome, report.partial), (Outcome::Failed, true));
    assert_eq!(last().await, Some((whole, Outcome::Failed)), "nor one that was killed");
}

pub async fn a_change_is_told_once_whoever_finds_it(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    assert_eq!(one.tell(&[raised(FAILED, 1)]).await.unwrap(), 1);
    let mut again = raised(FAILED, 2);
    again.alert.id = "another".into();
    assert_eq!(other.tell(&[again]).await.unwrap(), 0, "it was told by then");
    let told = other.look().await.unwrap().told;
    assert_eq!(told, one.alerts().await.unwrap());
    let [kept] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&kept.alert, kept.tries, kept.next_at), (&raised(FAILED, 1).alert, 0, at(1)));
    assert_eq!((kept.delivered_at, kept.taken_until), (None, None));

    assert_eq!(other.tell(&[recovered(FAILED, 3)]).await.unwrap(), 1);
    assert_eq!(one.tell(&[recovered(FAILED, 4)]).await.unwrap(), 0);
    // The account's and a shop's, a kind and another, are subjects of their own.
    let mut account = raised(Subject::Held(HeldBy::Pause), 5);
    account.alert.about.shop = None;
    let changes = [account, raised(Subject::Failed(Pass::Resync), 5), raised(Subject::Doubt, 5)];
    assert_eq!(one.tell(&changes).await.unwrap(), 3);
    assert_eq!(one.alerts().await.unwrap().len(), 4);
}

pub async fn an_alert_is_delivered_by_one_and_tried_until_it_is(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    one.tell(&[raised(FAILED, 2), raised(Subject::Doubt, 1)]).await.unwrap();
    let first = take(&*one, "a", at(5)).await.unwrap();
    assert_eq!((first.alert.about.subject, first.taken_until), (Subject::Doubt, Some(at(25))), "the oldest first");
    let second = take(&*other, "b", at(5)).await.unwrap();
    assert_eq!(second.alert.about.subject, FAILED);
    assert_eq!(take(&*other, "c", at(5)).await, None, "each is somebody's");

    settle(&*one, &first, "a", AlertTried::Delivered(at(6))).await;
    settle(&*other, &second, "b", AlertTried::Again(at(9))).await;
    assert_eq!(take(&*one, "d", at(8)).await, None);
    let again = take(&*one, "d", at(9)).await.unwrap();
    assert_eq!((again.tries, &again.alert), (1, &second.alert), "the same, under the same id");
    settle(&*one, &again, "b", AlertTried::Delivered(at(10))).await;
    assert_eq!(take(&*one, "e", at(10)).await, None, "nobody settles what is another's");
    settle(&*one, &again, "d", AlertTried::Left).await;
    let again = take(&*other, "e", at(10)).await.unwrap();
    assert_eq!(again.tries, 1, "what was not tried does not count");
    settle(&*other, &again, "e", AlertTried::Delivered(at(11))).await;
    assert_eq!(take(&*one, "f", at(99)).await, None);
    let delivered: Vec<_> = one.alerts().await.unwrap().into_iter().map(|kept| kept.delivered_at).collect();
    assert_eq!(delivered, [Some(at(6)), Some(at(11))]);
}

pub async fn what_somebody_took_who_died_is_taken_again_in_time(place: &dyn Place) {
    let store = place.open().await;
    store.tell(&[raised(FAILED, 1)]).await.unwrap();
    take(&*store, "dead", at(1)).await.unwrap();
    assert_eq!(take(&*store, "a", at(20)).await, None);
    let taken = take(&*store, "a", at(21)).await.unwrap();
    settle(&*store, &taken, "a", AlertTried::Again(at(100_000))).await;
    assert!(take(&*store, "b", at(22)).await.is_some(), "no try is so far off but by a clock that was ahead");
}

pub async fn a_change_waits_for_the_one_before_and_takes_its_place(place: &dyn Place) {
    let store = place.open().await;
    store.tell(&[raised(FAILED, 1)]).await.unwrap();
    let taken = take(&*store, "a", at(1)).await.unwrap();
    store.tell(&[recovered(FAILED, 2)]).await.unwrap();
    assert_eq!(take(&*store, "b", at(2)).await, None, "it would overtake the one under way");
    settle(&*store, &taken, "a", AlertTried::Delivered(at(3))).await;
    let taken = take(&*store, "b", at(3)).await.unwrap();
    assert_eq!((taken.alert.state, taken.alert.revision, taken.tries), (AlertState::Recovered, 2, 0));
    settle(&*store, &taken, "b", AlertTried::Delivered(at(4))).await;
    assert_eq!(take(&*store, "c", at(9)).await, None);
}

pub async fn whoever_may_have_changed_is_due_but_for_those_who_never_are(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey(vec![super::entry(9)]).await;
    let hold = pass.store.hold(&pass.lease, pass.run, &new_hold("x"), at(1)).await.unwrap();
    let page = PageRecord {
        gone: vec![id(4)],
        held: vec![HeldContact {
            id: id(5),
            hold: hold.id,
            fingerprint: Fingerprint { content: hash("content"), rules: RULES.into() },
            what: hash("what"),
            was_due: None,
        }],
        ..pass.page(vec![
            linked(1, "c1", anagrafe::model::link::Role::Owner),
            judged(2, ContactState::Unmatched),
            judged(3, ContactState::Excluded),
            judged(4, ContactState::Unmatched),
            judged(5, ContactState::Unmatched),
        ])
    };
    pass.store.record(&pass.lease, &page).await.unwrap();
    let all = [1, 2, 3, 4, 5, 9, 77].map(contact);
    // Any process may say so, whoever has the lease.
    let other = place.open().await;
    assert_eq!(other.make_due(&all, at(5)).await.unwrap(), 4);
    assert_eq!(pass.store.due(&due_by(&shop("alfa"), at(5), 9)).await.unwrap(), [1, 2, 5, 9].map(id));
    assert_eq!(other.make_due(&[], at(5)).await.unwrap(), 0);
    succeed(&*other, 2, at(6)).await;
}
