//! Writes by hand: declared before they are sent, settled once, and nobody's but the customer's.

use anagrafe::store::{Decision, HandWrite, StoreError, Whose, WriteOutcome};

use super::{Pass1, Place, at, customer};

fn write(to: &str, second: i64) -> HandWrite {
    let fields = vec!["nickname".to_owned(), "email".to_owned()];
    HandWrite {
        customer: customer(to),
        why: "customers update",
        by: "rossi".into(),
        fields,
        at: at(second),
        puts_back: false,
    }
}

pub async fn b1_a_write_by_hand_is_declared_and_settled_once(place: &dyn Place) {
    let Pass1 { store, lease, .. } = &Pass1::begin(place).await;
    let first = store.declare_by_hand(None, &write("c1", 1)).await.unwrap();
    let second = store.declare_by_hand(Some(lease), &write("c1", 2)).await.unwrap();
    store.declare_by_hand(None, &write("c2", 3)).await.unwrap();
    store.settle_by_hand(first, WriteOutcome::Unknown, at(4)).await.unwrap();
    store.settle_by_hand(first, WriteOutcome::Applied, at(5)).await.unwrap();
    store.settle_by_hand(first, WriteOutcome::NotApplied, at(6)).await.unwrap();
    let kept = store.by_hand(&customer("c1")).await.unwrap();
    let told: Vec<_> = kept.iter().map(|one| (one.id, one.declared_at, one.outcome)).collect();
    assert_eq!(told, [(second, at(2), None), (first, at(1), Some((WriteOutcome::Applied, at(5))))]);
    assert_eq!((kept[0].why.as_str(), kept[0].by.as_str()), ("customers update", "rossi"));
    assert_eq!(kept[0].fields, ["nickname", "email"]);
    // It is nobody's whom the shop knows, and no run looks for what became of it.
    assert!(store.story(&Whose::Customer(customer("c1"))).await.unwrap().writes.is_empty());
    assert_eq!(store.overview().await.unwrap().unsettled, 0);
}

pub async fn nothing_is_declared_by_hand_while_paused_or_under_a_lost_lease(place: &dyn Place) {
    let Pass1 { store, lease, .. } = &Pass1::begin(place).await;
    store.release(lease).await.unwrap();
    let lost = store.declare_by_hand(Some(lease), &write("c1", 1)).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    store.decide(&Decision::Pause("a move".into()), "rossi", at(2)).await.unwrap();
    let paused = store.declare_by_hand(None, &write("c1", 3)).await;
    assert!(matches!(paused, Err(StoreError::Paused)), "{paused:?}");
    assert!(store.by_hand(&customer("c1")).await.unwrap().is_empty());
    // What a command changed it puts back all the same.
    store.declare_by_hand(None, &HandWrite { puts_back: true, ..write("c1", 4) }).await.unwrap();
    assert_eq!(store.by_hand(&customer("c1")).await.unwrap().len(), 1);
}
