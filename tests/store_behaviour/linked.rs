//! Links: set, kept, dropped, and at most one owner per customer.

use anagrafe::{
    model::{
        link::{Link, Role},
        state::ContactState,
    },
    store::{ContactRecord, LinkChange, PageRecord, StoreError, SurveyStep},
};

use super::{Pass1, Place, RULES, at, customer, entry, judged, linked, shop};

pub async fn a_link_is_set_kept_and_dropped(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(1, "c1", Role::Owner)]).await;
    let set = pass.prior(1).await.link;
    assert_eq!(set.as_ref().unwrap().customer, customer("c1"));
    pass.record(vec![judged(1, ContactState::Parked)]).await;
    assert_eq!(pass.prior(1).await.link, set);
    pass.record(vec![ContactRecord { link: LinkChange::Drop, ..judged(1, ContactState::Unmatched) }]).await;
    assert_eq!(pass.prior(1).await.link, None);
    let former = pass.store.found(&[customer("c1")], &[]).await.unwrap().links.remove(&customer("c1")).unwrap();
    assert_eq!(former, [Link { ended: Some(at(1)), ..set.unwrap() }]);
}

pub async fn since_is_kept_with_the_customer(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    for (second, to, since) in [(1, "c1", 1), (2, "c1", 1), (3, "c2", 3)] {
        pass.record_at(second, vec![linked(1, to, Role::Owner)]).await;
        let link = pass.prior(1).await.link.unwrap();
        assert_eq!((link.customer, link.since), (customer(to), at(since)));
    }
}

pub async fn one_owner_per_customer(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let page = pass.page(vec![linked(1, "c1", Role::Owner), linked(2, "c1", Role::Owner)]);
    let refused = pass.store.record(&pass.lease, &page).await;
    assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
    pass.record(vec![linked(1, "c1", Role::Owner)]).await;
    pass.record(vec![linked(2, "c1", Role::Owner)]).await;
    let role = async |number| pass.prior(number).await.link.unwrap().role;
    assert_eq!((role(1).await, role(2).await), (Role::Secondary, Role::Owner), "the one before steps back");

    let step = SurveyStep { shop: shop("beta"), entries: vec![entry(9)], after: 9, whole: true };
    pass.store.survey(&pass.lease, &step).await.unwrap();
    let page = PageRecord { shop: shop("beta"), ..pass.page(vec![linked(9, "c1", Role::Owner)]) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    assert_eq!((role(1).await, role(2).await), (Role::Secondary, Role::Secondary), "over all shops");
}

pub async fn owners_may_change_places_within_a_page(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![linked(1, "c1", Role::Owner), linked(2, "c2", Role::Owner)]).await;
    pass.record(vec![linked(1, "c2", Role::Owner), linked(2, "c1", Role::Owner)]).await;
    assert_eq!(pass.prior(1).await.link.unwrap().customer, customer("c2"));
    assert_eq!(pass.prior(2).await.link.unwrap().customer, customer("c1"));
    let heir = linked(2, "c2", Role::Owner);
    pass.record(vec![ContactRecord { link: LinkChange::Drop, ..judged(1, ContactState::Gone) }, heir]).await;
    assert_eq!(pass.prior(2).await.link.unwrap().role, Role::Owner);
}

pub async fn counted_customers_are_distinct(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![
        linked(1, "c1", Role::Owner),
        linked(2, "c1", Role::Secondary),
        linked(3, "c3", Role::Owner),
        judged(4, ContactState::Unmatched),
    ])
    .await;
    assert_eq!(pass.store.progress(&shop("beta"), 0, RULES).await.unwrap().linked_customers, 2, "in the account");
}
