//! The lease of an account: one holder, an epoch that only grows.

use std::time::Duration;

use anagrafe::store::{Acquired, Claim, Held, Holder, Lease, StoreError, Succession};

use super::{Place, at, busy, claim, holder, ours, succeed};

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

pub async fn a_held_lease_is_busy_whatever_the_clock(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    let first = ours(one.acquire(&claim(1, at(0))).await.unwrap());
    let held = Held { holder: holder(1), epoch: first.epoch, beat: 0, ttl: Duration::from_mins(1), expires: at(60) };
    for now in [at(-999_999), at(59), at(60), at(999_999)] {
        assert_eq!(busy(other.acquire(&claim(2, now)).await.unwrap()), held);
    }
    assert_eq!(busy(other.acquire(&claim(1, at(59))).await.unwrap()), held, "not even its own process has it twice");
    assert!(succeed(other.as_ref(), 2, at(1)).await.epoch > first.epoch, "nor is it waited for");
}

pub async fn a_dead_holder_on_this_host_is_succeeded_at_once(place: &dyn Place) {
    let store = place.open().await;
    let first = ours(store.acquire(&claim(1, at(0))).await.unwrap());
    let dead = busy(store.acquire(&claim(2, at(1))).await.unwrap());
    let claim = Claim { succession: Some(Succession::Dead(dead)), ..claim(2, at(1)) };
    assert!(ours(store.acquire(&claim).await.unwrap()).epoch > first.epoch);
}

pub async fn nobody_can_see_the_dead_of_another_host(place: &dyn Place) {
    let store = place.open().await;
    ours(store.acquire(&claim(1, at(0))).await.unwrap());
    let held = busy(store.acquire(&claim(2, at(1))).await.unwrap());
    for elsewhere in [Holder { host: "other".into(), ..holder(2) }, Holder { boot: "other".into(), ..holder(2) }] {
        let claim = Claim { holder: elsewhere, succession: Some(Succession::Dead(held.clone())), ..claim(2, at(1)) };
        assert!(matches!(store.acquire(&claim).await.unwrap(), Acquired::Busy(_)));
    }
}

pub async fn a_word_about_an_earlier_holder_counts_for_nothing(place: &dyn Place) {
    let store = place.open().await;
    ours(store.acquire(&claim(2, at(0))).await.unwrap());
    let held = busy(store.acquire(&claim(3, at(1))).await.unwrap());
    let restarted = Holder { started: 6, ..holder(2) };
    let earlier = [
        Held { holder: holder(1), ..held.clone() },
        Held { holder: restarted, ..held.clone() },
        Held { epoch: held.epoch - 1, ..held.clone() },
        Held { beat: held.beat - 1, ..held.clone() },
    ];
    for seen in earlier {
        for succession in [Succession::Dead(seen.clone()), Succession::Silent(seen)] {
            let claim = Claim { succession: Some(succession), ..claim(3, at(999)) };
            assert_eq!(busy(store.acquire(&claim).await.unwrap()), held);
        }
    }
}

pub async fn of_many_claims_at_once_one_wins(place: &dyn Place) {
    let mut claims = tokio::task::JoinSet::new();
    for pid in 1..=8 {
        let store = place.open().await;
        claims.spawn(async move { store.acquire(&claim(pid, at(0))).await.unwrap() });
    }
    let won = claims.join_all().await.into_iter().filter(|acquired| matches!(acquired, Acquired::Ours { .. })).count();
    assert_eq!(won, 1);
}

pub async fn a_renewed_lease_lasts_longer(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    let lease = ours(one.acquire(&claim(1, at(0))).await.unwrap());
    let renewed = one.renew(&lease, at(30)).await.unwrap();
    assert_eq!(renewed, Lease { expires: at(90), ..lease });
    assert_eq!(busy(other.acquire(&claim(2, at(89))).await.unwrap()).expires, at(90));
    succeed(other.as_ref(), 2, at(90)).await;
    assert!(matches!(one.renew(&renewed, at(91)).await, Err(StoreError::LeaseLost)));
    assert_eq!(other.overview().await.unwrap().lease, Some((holder(2), at(150))));
}

pub async fn a_lease_seen_as_it_stands_is_succeeded_and_one_renewed_since_is_not(place: &dyn Place) {
    let (one, other) = (place.open().await, place.open().await);
    let lease = ours(one.acquire(&claim(1, at(0))).await.unwrap());
    let seen = busy(other.acquire(&claim(2, at(1))).await.unwrap());
    // To the same moment: it is not by the clock that one knows.
    let renewed = one.renew(&lease, at(0)).await.unwrap();
    assert_eq!(renewed, lease);
    let silent = Claim { succession: Some(Succession::Silent(seen.clone())), ..claim(2, at(999)) };
    let now = busy(other.acquire(&silent).await.unwrap());
    assert_eq!(now, Held { beat: seen.beat + 1, ..seen });
    one.renew(&renewed, at(2)).await.unwrap();
    assert!(succeed(other.as_ref(), 2, at(3)).await.epoch > lease.epoch);
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
    succeed(store.as_ref(), 2, at(60)).await;
    store.release(&lost).await.unwrap();
    assert_eq!(store.overview().await.unwrap().lease, Some((holder(2), at(120))));
}
