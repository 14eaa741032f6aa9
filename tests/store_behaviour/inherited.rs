//! Links that end: former ones, whose place others inherit, and which come back.

use anagrafe::{
    model::{ContactId, ContactKey, link::Role, state::ContactState},
    store::{ContactRecord, LinkChange, PageRecord, SurveyStep},
};

use super::{Pass1, Place, at, customer, due_by, entry, id, judged, link, linked, shop};

fn dropped(number: i64) -> ContactRecord {
    ContactRecord { link: LinkChange::Drop, ..judged(number, ContactState::Unmatched) }
}

/// Who of the shop `alfa` is due.
async fn due(pass: &Pass1) -> Vec<i64> {
    let due = pass.store.due(&due_by(&shop("alfa"), at(1000), 99)).await.unwrap();
    due.into_iter().map(ContactId::get).collect()
}

pub async fn a_link_to_another_customer_leaves_a_former_one(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record_at(1, vec![linked(1, "c1", Role::Owner)]).await;
    let first = pass.prior(1).await.link.unwrap();
    assert_eq!((first.known_as.clone(), first.ended), (link("c1", Role::Owner).known_as, None));
    for (second, to) in [(2, "c2"), (3, "c3")] {
        pass.record_at(second, vec![linked(1, to, Role::Owner)]).await;
    }
    let prior = pass.prior(1).await;
    assert_eq!(prior.link.unwrap().customer, customer("c3"));
    let former: Vec<_> = prior.former.iter().map(|link| (link.customer.as_str(), link.role, link.ended)).collect();
    assert_eq!(former, [("c2", Role::Owner, Some(at(3))), ("c1", Role::Owner, Some(at(2)))], "latest first");
    assert_eq!(prior.former[1].baselines, first.baselines, "what was written through it is ours still");
    let found = pass.store.found(&[customer("c1")], &[]).await.unwrap();
    assert_eq!(found.links[&customer("c1")], [prior.former[1].clone()]);
}

pub async fn a_former_link_comes_back_as_it_was(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    for (second, to) in [(1, "c1"), (2, "c2"), (3, "c1")] {
        pass.record_at(second, vec![linked(1, to, Role::Secondary)]).await;
    }
    let prior = pass.prior(1).await;
    let standing = prior.link.unwrap();
    assert_eq!((standing.customer, standing.since, standing.ended), (customer("c1"), at(1), None));
    assert_eq!(prior.former.into_iter().map(|link| link.customer).collect::<Vec<_>>(), [customer("c2")]);
    pass.record_at(4, vec![dropped(1)]).await;
    pass.record_at(5, vec![dropped(1)]).await;
    let former = pass.prior(1).await.former;
    assert_eq!(former[0].ended, Some(at(4)), "what ended has ended");
}

pub async fn who_stands_beside_an_owner_that_leaves_is_due(place: &dyn Place) {
    for leaves in [dropped(1), linked(1, "c9", Role::Owner), linked(1, "c9", Role::Secondary)] {
        let pass = Pass1::begin(place).await;
        pass.record(vec![linked(1, "c1", Role::Owner), linked(2, "c1", Role::Secondary), linked(3, "c3", Role::Owner)])
            .await;
        let step = SurveyStep { shop: shop("beta"), entries: vec![entry(4)], after: 4, whole: true };
        pass.store.survey(&pass.lease, &step).await.unwrap();
        let page = PageRecord { shop: shop("beta"), ..pass.page(vec![linked(4, "c1", Role::Secondary)]) };
        pass.store.record(&pass.lease, &page).await.unwrap();
        pass.record(vec![linked(5, "c1", Role::Secondary), linked(6, "c6", Role::Secondary)]).await;
        pass.record(vec![dropped(5), linked(6, "c1", Role::Secondary)]).await;
        assert_eq!(due(&pass).await, [0; 0], "who is no owner leaves nothing");

        pass.record_at(7, vec![leaves]).await;
        assert_eq!(due(&pass).await, [2, 6]);
        assert_eq!(pass.store.due(&due_by(&shop("beta"), at(7), 9)).await.unwrap(), [id(4)], "in any shop");
        assert_eq!(pass.prior(2).await.link.unwrap().role, Role::Secondary, "who is next is decided by the planner");
        pass.record_at(8, vec![linked(2, "c1", Role::Owner)]).await;
        assert_eq!(due(&pass).await, [6]);
        for number in [2, 3, 6] {
            pass.record_at(9, vec![dropped(number)]).await;
        }
        pass.store.release(&pass.lease).await.unwrap();
    }
}

pub async fn a_page_gives_contacts_of_any_shop_a_reason_to_be_looked_at(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.survey(vec![entry(1), entry(2)]).await;
    pass.record(vec![judged(3, ContactState::Excluded)]).await;
    let step = SurveyStep { shop: shop("beta"), entries: vec![entry(4)], after: 4, whole: true };
    pass.store.survey(&pass.lease, &step).await.unwrap();
    let key = |of: &str, number| ContactKey { shop: shop(of), id: id(number) };
    let due_now = vec![key("beta", 4), key("alfa", 2), key("alfa", 3), key("beta", 4), key("alfa", 99)];
    let page = PageRecord { at: at(5), due: due_now, ..pass.page(vec![judged(2, ContactState::Unmatched)]) };
    pass.store.record(&pass.lease, &page).await.unwrap();
    assert_eq!(due(&pass).await, [2]);
    assert_eq!(pass.store.due(&due_by(&shop("beta"), at(5), 9)).await.unwrap(), [id(4)]);
    assert_eq!(pass.store.due(&due_by(&shop("beta"), at(4), 9)).await.unwrap(), []);
}
