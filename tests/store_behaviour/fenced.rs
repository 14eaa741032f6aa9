//! A write from a lost lease changes nothing (promise D2), whichever method carries it.

use anagrafe::{
    model::{
        link::Role,
        run::{Outcome, Pass},
        state::ContactState,
    },
    store::{
        NewRun, Overview, PageRecord, RunQuery, ShopProgress, Store, StoreError, Story, SurveyStep, Whose, WriteOutcome,
    },
};

use super::{
    Pass1, Place, RULES, at, contact, entry, hash, judged, linked, new_hold, propose_link, shop, succeed, waiting,
};

pub async fn a_stale_lease_changes_nothing(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    succeed(place.open().await.as_ref(), 2, at(60)).await;
    nothing_is_changed_by(&pass).await;
}

pub async fn a_released_lease_changes_nothing(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.store.release(&pass.lease).await.unwrap();
    nothing_is_changed_by(&pass).await;
}

async fn nothing_is_changed_by(stale: &Pass1) {
    let Pass1 { store, lease, run } = stale;
    let before = all_of(store.as_ref()).await;
    let mut report = store.runs(RunQuery::One(*run)).await.unwrap().remove(0);
    report.outcome = Outcome::Done;

    let new = NewRun { shop: shop("beta"), source: hash("beta"), pass: Pass::Resync, partial: false, at: at(61) };
    assert_lost(&store.begin(lease, &new).await);
    assert_lost(&store.finish(lease, &report).await);
    let step = SurveyStep { shop: shop("alfa"), entries: vec![entry(1)], after: 1, whole: true };
    assert_lost(&store.survey(lease, &step).await);
    assert_lost(&store.declare(lease, &[stale.declaration(1, "c1")]).await);
    let page = PageRecord {
        settled: vec![(anagrafe::store::WriteId(1), WriteOutcome::Applied)],
        checkpoint: Some(9),
        end: true,
        deep: true,
        ..stale.page(vec![
            linked(1, "c1", Role::Owner),
            waiting(2, vec![propose_link("a", 2, "c2")]),
            judged(3, ContactState::Invalid),
        ])
    };
    assert_lost(&store.record(lease, &page).await);
    assert_lost(&store.hold(lease, *run, &new_hold("b"), at(61)).await);
    assert_lost(&store.renew(lease, at(61)).await);

    assert_eq!(all_of(store.as_ref()).await, before);
}

fn assert_lost<T: std::fmt::Debug>(result: &Result<T, StoreError>) {
    assert!(matches!(result, Err(StoreError::LeaseLost)), "{result:?}");
}

async fn all_of(store: &dyn Store) -> (Overview, ShopProgress, Vec<Story>) {
    let mut stories = Vec::new();
    for number in 1..=3 {
        stories.push(store.story(&Whose::Contact(contact(number))).await.unwrap());
    }
    (store.overview().await.unwrap(), store.progress(&shop("alfa"), 0, RULES).await.unwrap(), stories)
}
