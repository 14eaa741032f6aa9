//! The lease of an account: one holder, an epoch that only grows.

use std::time::Duration;

use anagrafe::store::{Acquired, Claim, Holder, Lease, StoreError};

use super::{Place, at, claim, holder, ours};

pub async fn a_free_lease_is_taken(place: &dyn Place) {
    let store = place.open().await;
    let lease = ours(store.acquire(&claim(1, at(0))).await.unwrap());
    assert_eq!((lease.expires, lease.ttl), (at(60), Duration::from_mins(1)));
    assert_eq!(store.overview().await.unwrap().lease, Some((holder(1), at(60))));
}

pub async fn an_epoch_only_grows(place: &dyn Place) {
    let store = place.open().await;
    let mut last = 0;
    for round in 0..3 {
        let lease = ours(store.acquire(&claim(1, at(round))).await.unwrap());
        assert!(lease.epoch > last);
        last = lease.epoch;
        store.release(&lease).await.unwrap();
    }
}

pub async fn a_held_lease_is_busy_until_it_expires(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    let first = ours(one.acquire(&claim(1, at(0))).await.unwrap());
    let busy = Acquired::Busy { holder: holder(1), expires: at(60) };
    assert_eq!(other.acquire(&claim(2, at(59))).await.unwrap(), busy);
    assert_eq!(other.acquire(&claim(1, at(59))).await.unwrap(), busy, "not even its own process has it twice");
    let second = ours(other.acquire(&claim(2, at(60))).await.unwrap());
    assert!(second.epoch > first.epoch);
}

pub async fn a_dead_holder_on_this_host_is_succeeded_at_once(place: &dyn Place) {
    let store = place.open().await;
    let first = ours(store.acquire(&claim(1, at(0))).await.unwrap());
    let second = ours(store.acquire(&Claim { dead: Some(holder(1)), ..claim(2, at(1)) }).await.unwrap());
    assert!(second.epoch > first.epoch);
}

pub async fn nobody_can_see_the_dead_of_another_host(place: &dyn Place) {
    let store = place.open().await;
    ours(store.acquire(&claim(1, at(0))).await.unwrap());
    for elsewhere in [Holder { host: "other".into(), ..holder(2) }, Holder { boot: "other".into(), ..holder(2) }] {
        let claim = Claim { holder: elsewhere, dead: Some(holder(1)), ..claim(2, at(1)) };
        assert!(matches!(store.acquire(&claim).await.unwrap(), Acquired::Busy { .. }));
    }
}

pub async fn a_word_about_an_earlier_holder_counts_for_nothing(place: &dyn Place) {
    let store = place.open().await;
    ours(store.acquire(&claim(2, at(0))).await.unwrap());
    let restarted = Holder { started: 6, ..holder(2) };
    for dead in [holder(1), restarted] {
        let claim = Claim { dead: Some(dead), ..claim(3, at(1)) };
        assert!(matches!(store.acquire(&claim).await.unwrap(), Acquired::Busy { .. }));
    }
}

pub async fn of_many_claims_at_once_one_wins(place: &dyn Place) {
    let mut claims = tokio::task::JoinSet::new();
    for pid in 1..=8 {
        let store = place.open().await;
        claims.spawn(async move { store.acquire(&claim(pid, at(0))).await.unwrap() });
    }
    let won = claims.join_all().await.into_iter().filter(|acquired| matches!(acquired, Acquired::Ours(_))).count();
    assert_eq!(won, 1);
}

pub async fn a_renewed_lease_lasts_longer(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    let lease = ours(one.acquire(&claim(1, at(0))).await.unwrap());
    let renewed = one.renew(&lease, at(30)).await.unwrap();
    assert_eq!(renewed, Lease { expires: at(90), ..lease });
    assert!(matches!(other.acquire(&claim(2, at(89))).await.unwrap(), Acquired::Busy { .. }));
    ours(other.acquire(&claim(2, at(90))).await.unwrap());
    assert!(matches!(one.renew(&renewed, at(91)).await, Err(StoreError::LeaseLost)));
    assert_eq!(other.overview().await.unwrap().lease, Some((holder(2), at(150))));
}

pub async fn a_released_lease_is_free(place: &dyn Place) {
    let store = place.open().await;
    let lease = ours(store.acquire(&claim(1, at(0))).await.unwrap());
    store.release(&lease).await.unwrap();
    assert_eq!(store.overview().await.unwrap().lease, None);
    assert!(matches!(store.renew(&lease, at(1)).await, Err(StoreError::LeaseLost)));
    ours(store.acquire(&claim(2, at(1))).await.unwrap());
}

pub async fn a_lost_lease_cannot_release_the_new_one(place: &dyn Place) {
    let store = place.open().await;
    let lost = ours(store.acquire(&claim(1, at(0))).await.unwrap());
    ours(store.acquire(&claim(2, at(60))).await.unwrap());
    store.release(&lost).await.unwrap();
    assert_eq!(store.overview().await.unwrap().lease, Some((holder(2), at(120))));
}
