//! A store that went back in time is found out by who remembers more than it does.

use anagrafe::{
    model::{
        link::Role,
        run::{Pass, RunId},
    },
    store::{Acquired, Claim, Lease, NewRun, PageRecord, Resync, ResyncStep, Store, StoreError, Witness},
};

use super::{Pass1, Place, RULES, at, claim, hash, linked, ours, shop, succeed};

async fn claimed(store: &dyn Store, second: i64, witness: Witness) -> (Lease, bool) {
    let claim = Claim { witness: Some(witness), ..claim(2, at(second)) };
    match store.acquire(&claim).await.unwrap() {
        Acquired::Ours { lease, went_back } => (lease, went_back),
        Acquired::Busy(held) => panic!("busy: {held:?}"),
    }
}

async fn doubted(store: &dyn Store, of: &str) -> Option<anagrafe::model::time::Moment> {
    let progress = store.progress(&shop(of), 0, RULES).await.unwrap();
    if let Some(overview) = store.overview().await.unwrap().shops.get(&shop(of)) {
        assert_eq!(overview.doubted_at, progress.doubted_at);
    }
    progress.doubted_at
}

fn new_run(second: i64) -> NewRun {
    NewRun { shop: shop("alfa"), source: hash("alfa"), pass: Pass::Sync, partial: false, at: at(second) }
}

pub async fn a_store_that_is_as_far_as_its_witness_did_not_go_back(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let Pass1 { store, lease, run } = &pass;
    store.release(lease).await.unwrap();
    for witness in [
        Witness { epoch: lease.epoch, run: run.0, beat: 0 },
        Witness { epoch: 0, run: run.0, beat: 0 },
        Witness { epoch: lease.epoch, run: 0, beat: 0 },
        Witness::default(),
    ] {
        let (lease, went_back) = claimed(store.as_ref(), 1, witness).await;
        assert!(!went_back, "{witness:?}");
        store.release(&lease).await.unwrap();
    }
    assert_eq!(doubted(store.as_ref(), "alfa").await, None);
}

pub async fn renewals_tell_how_far_a_store_came_too(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let Pass1 { store, lease, run } = &pass;
    for second in 1..3 {
        store.renew(lease, at(second)).await.unwrap();
    }
    store.release(lease).await.unwrap();
    let seen = Witness { epoch: lease.epoch, run: run.0, beat: 2 };
    let (later, went_back) = claimed(store.as_ref(), 10, seen).await;
    assert!(!went_back);
    store.release(&later).await.unwrap();
    let seen = Witness { epoch: later.epoch, beat: 1, ..seen };
    assert!(claimed(store.as_ref(), 20, seen).await.1, "nobody renewed that one");
}

pub async fn a_store_behind_its_witness_is_in_doubt_and_goes_on_past_it(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let Pass1 { store, lease, run } = &pass;
    let beta = NewRun { shop: shop("beta"), source: hash("beta"), ..new_run(0) };
    store.begin(lease, &beta).await.unwrap();
    store.release(lease).await.unwrap();

    let (later, went_back) =
        claimed(store.as_ref(), 10, Witness { epoch: lease.epoch + 40, run: run.0, beat: 0 }).await;
    assert!(went_back && later.epoch > lease.epoch + 40);
    assert_eq!(
        (doubted(store.as_ref(), "alfa").await, doubted(store.as_ref(), "beta").await),
        (Some(at(10)), Some(at(10)))
    );
    assert!(matches!(store.begin(lease, &new_run(1)).await, Err(StoreError::LeaseLost)));

    store.release(&later).await.unwrap();
    let (last, went_back) = claimed(store.as_ref(), 20, Witness { epoch: 0, run: 100, beat: 0 }).await;
    assert!(went_back, "by its runs alone");
    assert_eq!(doubted(store.as_ref(), "alfa").await, Some(at(10)), "the first doubt stands");
    let next = store.begin(&last, &new_run(21)).await.unwrap();
    assert!(next > RunId(100), "{next:?}");
    store.release(&last).await.unwrap();
    let (_, went_back) = claimed(store.as_ref(), 30, Witness { epoch: last.epoch, run: next.0, beat: 0 }).await;
    assert!(!went_back);
}

pub async fn an_empty_store_with_a_witness_is_one_that_went_back(place: &dyn Place) {
    let store = place.open().await;
    let (lease, went_back) = claimed(store.as_ref(), 1, Witness { epoch: 7, run: 5, beat: 0 }).await;
    assert!(went_back && lease.epoch > 7);
    assert!(store.begin(&lease, &new_run(2)).await.unwrap() > RunId(5));
}

pub async fn a_doubt_ends_with_a_resync(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(1, "c1", Role::Owner)]).await;
    pass.store.release(&pass.lease).await.unwrap();
    let (lease, _) = claimed(pass.store.as_ref(), 10, Witness { epoch: 99, run: 0, beat: 0 }).await;
    let page = |resync| PageRecord { at: at(11), resync, ..pass.page(Vec::new()) };
    pass.store.record(&lease, &PageRecord { end: true, deep: true, ..page(None) }).await.unwrap();
    assert_eq!(doubted(pass.store.as_ref(), "alfa").await, Some(at(10)), "not with a sync");
    let end = ResyncStep::End { rules: Some(RULES.into()), forget_before: at(0) };
    pass.store.record(&lease, &page(Some(end))).await.unwrap();
    assert_eq!(doubted(pass.store.as_ref(), "alfa").await, None);
}

pub async fn a_resync_that_began_before_a_doubt_is_not_gone_on_with(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let resync = Resync {
        started_at: at(1),
        from: 0,
        after: 0,
        count: 9,
        highest: 9,
        read: 0,
        arrivals: 0,
        force: true,
        whole: false,
    };
    let begin = PageRecord { resync: Some(ResyncStep::Begin(resync.clone())), ..pass.page(Vec::new()) };
    pass.store.record(&pass.lease, &begin).await.unwrap();
    pass.store.release(&pass.lease).await.unwrap();
    let place = async || pass.store.progress(&shop("alfa"), 0, RULES).await.unwrap().resync;
    let (lease, _) = claimed(pass.store.as_ref(), 5, Witness { epoch: pass.lease.epoch, run: 0, beat: 0 }).await;
    assert_eq!(place().await, Some(resync));
    pass.store.release(&lease).await.unwrap();
    claimed(pass.store.as_ref(), 10, Witness { epoch: 99, run: 0, beat: 0 }).await;
    assert_eq!(place().await, None);
}

pub async fn a_busy_store_is_not_doubted(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let claim = Claim { witness: Some(Witness { epoch: 99, run: 99, beat: 0 }), ..claim(2, at(5)) };
    assert!(matches!(pass.store.acquire(&claim).await.unwrap(), Acquired::Busy(_)));
    assert_eq!(doubted(pass.store.as_ref(), "alfa").await, None);
    let lease = succeed(pass.store.as_ref(), 3, at(6)).await;
    assert_eq!(lease.epoch, pass.lease.epoch + 1);
}

pub async fn a_shop_has_one_name(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let same = NewRun { shop: shop("beta"), ..new_run(1) };
    let refused = pass.store.begin(&pass.lease, &same).await;
    assert!(
        matches!(&refused, Err(StoreError::SameShop { shop: now, known }) if (now, known) == (&shop("beta"), &shop("alfa"))),
        "{refused:?}"
    );
    assert!(!pass.store.overview().await.unwrap().shops.contains_key(&shop("beta")));
    // It moved to another place: the same shop, and the old place is free for another.
    let moved = NewRun { source: hash("elsewhere"), ..new_run(2) };
    pass.store.begin(&pass.lease, &moved).await.unwrap();
    pass.store.begin(&pass.lease, &same).await.unwrap();
    assert!(pass.store.begin(&pass.lease, &new_run(3)).await.is_err());
    pass.store.release(&pass.lease).await.unwrap();
    ours(pass.store.acquire(&claim(4, at(9))).await.unwrap());
}
