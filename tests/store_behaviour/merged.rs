//! Merges: declared under every limit at once, settled once, and all that was known of the one that is gone carried over.

use std::{collections::BTreeMap, time::Duration};

use anagrafe::{
    model::{
        Hashes,
        hold::{Hold, NewHold},
        link::{Role, Ruling},
        merge::{AuthorisedBy, Doubt, MergeId, MergeOutcome},
        proposal::{Proposal, ProposalId, ProposalState},
    },
    store::{
        ContactRecord, Decision, Declared, Erasure, MergeQuery, MergeState, MergeStep, NewMerge, NotDeclared,
        SealedCustomer, StoreError, WriteOutcome,
    },
};

use super::{Pass1, Place, at, contact, customer, hash, linked, new_hold, propose_merge, shop, succeed};

/// The merge of a proposal's first pair, by the rules.
fn new(pass: &Pass1, proposal: &str, survivor: &str, absorbed: &str) -> NewMerge {
    let sealed = |id: &str| SealedCustomer { customer: customer(id), under: hash("key"), text: format!("sealed {id}") };
    NewMerge {
        run: Some(pass.run),
        proposal: ProposalId(proposal.into()),
        contact: Some((contact(1), Hashes::default())),
        survivor: customer(survivor),
        absorbed: customer(absorbed),
        authorised_by: AuthorisedBy::Rules,
        evidence: vec!["c1: email".into()],
        rests_on: BTreeMap::from([(customer(absorbed), hash("values"))]),
        before: vec![sealed(survivor), sealed(absorbed)],
        most_a_day: 10,
        at: at(10),
    }
}

fn by_eva(merge: NewMerge) -> NewMerge {
    NewMerge { authorised_by: AuthorisedBy::Person("eva".into()), ..merge }
}

/// A contact linked to a customer, with these merges proposed.
fn with(number: i64, to: &str, proposals: Vec<Proposal>) -> ContactRecord {
    ContactRecord { proposals: Some(proposals), ..linked(number, to, Role::Owner) }
}

async fn begun(place: &dyn Place) -> Pass1 {
    let pass = Pass1::begin(place).await;
    pass.record(vec![with(1, "c1", vec![propose_merge("m", 1, "c1", &["c2"])])]).await;
    pass
}

impl Pass1 {
    async fn declare(&self, merge: &NewMerge) -> Declared {
        self.store.declare_merge(&self.lease, merge).await.unwrap()
    }

    async fn made(&self, merge: &NewMerge) -> MergeId {
        match self.declare(merge).await {
            Declared::Made(id) => id,
            Declared::Refused(why) => panic!("{why:?}"),
        }
    }

    async fn refused(&self, merge: &NewMerge) -> NotDeclared {
        match self.declare(merge).await {
            Declared::Made(id) => panic!("{id} was made"),
            Declared::Refused(why) => why,
        }
    }

    async fn settle(&self, id: MergeId, outcome: MergeOutcome, remains: Option<&str>) {
        let doubt = Some(Doubt { boot: "boot".into(), uptime: Duration::from_secs(7) });
        let doubt = doubt.filter(|_| outcome == MergeOutcome::Unknown);
        let remains = remains.map(customer);
        let step = MergeStep::Settled { id, outcome, detail: "so".into(), remains, doubt };
        self.store.settle_merge(&self.lease, &step, at(20)).await.unwrap();
    }

    async fn merging(&self) -> MergeState {
        self.store.merge_state(&shop("alfa"), at(30)).await.unwrap()
    }

    async fn state(&self, proposal: &str) -> ProposalState {
        let all = self.store.proposals(None).await.unwrap();
        all.into_iter().find(|kept| kept.proposal.id.0 == proposal).unwrap().state
    }

    async fn hold_these(&self, bound: &str, ids: &[&str]) -> Hold {
        let ids: Vec<ProposalId> = ids.iter().map(|id| ProposalId((*id).into())).collect();
        let hold = NewHold { count: ids.len() as u64, ..new_hold(bound) };
        self.store.hold_merges(&self.lease, self.run, &hold, &ids, at(5)).await.unwrap()
    }
}

pub async fn b1_a_merge_is_declared_with_all_it_rests_on(place: &dyn Place) {
    let pass = begun(place).await;
    let id = pass.made(&new(&pass, "m", "c1", "c2")).await;
    let open = pass.merging().await.open;
    assert_eq!(open.len(), 1);
    let (merge, before) = (&open[0].merge, &open[0].before);
    assert_eq!((merge.id, merge.survivor.as_str(), merge.absorbed.as_str()), (id, "c1", "c2"));
    assert_eq!((&merge.contact, merge.run, merge.outcome), (&Some(contact(1)), Some(pass.run), None));
    assert_eq!((merge.authorised_by.clone(), merge.declared_at), (AuthorisedBy::Rules, at(10)));
    assert_eq!(before.iter().map(|sealed| sealed.text.as_str()).collect::<Vec<_>>(), ["sealed c1", "sealed c2"]);
    assert_eq!((open[0].epoch, &open[0].doubt), (pass.lease.epoch, &None));
    let naming = pass.store.merges(&MergeQuery::Naming(vec![customer("c2")])).await.unwrap();
    assert_eq!(naming, pass.store.merges(&MergeQuery::Last(5)).await.unwrap());
}

pub async fn nothing_is_declared_without_its_authority(place: &dyn Place) {
    let pass = begun(place).await;
    let merge = new(&pass, "m", "c1", "c2");
    assert_eq!(pass.refused(&by_eva(merge.clone())).await, NotDeclared::NotAuthorised, "nobody has approved it");
    assert_eq!(pass.refused(&new(&pass, "x", "c1", "c2")).await, NotDeclared::NotAuthorised, "nobody has proposed it");
    let hold = pass.hold_these("h", &["m"]).await;
    assert_eq!(pass.refused(&merge).await, NotDeclared::NotAuthorised, "it is held");
    pass.store.decide(&Decision::Release(hold.id), "eva", at(6)).await.unwrap();
    assert_eq!(pass.refused(&merge).await, NotDeclared::NotAuthorised, "it is a person's now");
    pass.store.decide(&Decision::Pause("x".into()), "eva", at(6)).await.unwrap();
    let paused = pass.store.declare_merge(&pass.lease, &by_eva(merge.clone())).await;
    assert!(matches!(paused, Err(StoreError::Paused)));
    pass.store.decide(&Decision::Resume, "eva", at(6)).await.unwrap();
    pass.made(&by_eva(merge)).await;
}

pub async fn e1_a_day_has_no_more_of_a_kind_than_it_may(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let pairs = [("m1", "a1", "b1"), ("m2", "a2", "b2"), ("m3", "a3", "b3")];
    let proposals = pairs.iter().map(|(id, stays, goes)| propose_merge(id, 1, stays, &[goes])).collect();
    pass.record(vec![with(1, "a1", proposals)]).await;
    let two = |at| {
        let (id, stays, goes) = pairs[at];
        NewMerge { most_a_day: 2, ..new(&pass, id, stays, goes) }
    };
    let first = pass.made(&two(0)).await;
    pass.settle(first, MergeOutcome::Unknown, None).await;
    pass.made(&two(1)).await;
    assert_eq!(pass.refused(&two(2)).await, NotDeclared::OverTheDay, "doubtful ones included");
    pass.store.decide(&Decision::Approve(ProposalId("m3".into())), "eva", at(3)).await.unwrap();
    pass.settle(first, MergeOutcome::Stale, None).await;
    assert_eq!(pass.merging().await.automatic_today, 1, "one that was never sent is none");
    pass.made(&by_eva(two(2))).await;
    let state = pass.merging().await;
    assert_eq!((state.automatic_today, state.approved_today), (1, 1));
    let tomorrow = pass.store.merge_state(&shop("alfa"), at(10 + 86_401)).await.unwrap();
    assert_eq!((tomorrow.automatic_today, tomorrow.approved_today), (0, 0));
}

pub async fn c3_customers_in_doubt_are_left_alone(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let proposals = vec![propose_merge("m", 1, "c1", &["c2"]), propose_merge("n", 1, "c2", &["c3"])];
    pass.record(vec![with(1, "c1", proposals)]).await;
    let id = pass.made(&new(&pass, "m", "c1", "c2")).await;
    for outcome in [None, Some(MergeOutcome::Unknown), Some(MergeOutcome::Person)] {
        if let Some(outcome) = outcome {
            pass.settle(id, outcome, None).await;
        }
        assert_eq!(pass.refused(&new(&pass, "n", "c2", "c3")).await, NotDeclared::InDoubt, "{outcome:?}");
        assert_eq!(pass.refused(&new(&pass, "m", "c2", "c1")).await, NotDeclared::InDoubt, "nor the other way round");
        let found = pass.store.found(&["c1", "c2", "c3"].map(customer), &[]).await.unwrap();
        assert_eq!(found.in_doubt, ["c1", "c2"].map(customer).into());
    }
    pass.settle(id, MergeOutcome::NotApplied, None).await;
    assert!(pass.store.found(&[customer("c1")], &[]).await.unwrap().in_doubt.is_empty());
    // An update that nobody knows the outcome of is a doubt as well.
    let write = pass.store.declare(&pass.lease, &[pass.declaration(1, "c3")]).await.unwrap();
    assert_eq!(pass.refused(&new(&pass, "n", "c2", "c3")).await, NotDeclared::InDoubt);
    let settled = anagrafe::store::PageRecord { settled: vec![(write[0], WriteOutcome::Applied)], ..pass.page(vec![]) };
    pass.store.record(&pass.lease, &settled).await.unwrap();
    pass.made(&new(&pass, "n", "c2", "c3")).await;
}

pub async fn all_that_was_known_of_who_is_gone_is_known_of_who_remains(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let merge = propose_merge("m", 1, "c1", &["c2"]);
    pass.record(vec![with(1, "c1", vec![merge]), linked(2, "c2", Role::Owner), linked(3, "c9", Role::Owner)]).await;
    pass.record_at(2, vec![linked(4, "c2", Role::Secondary)]).await;
    pass.store.decide(&Decision::Assign(contact(3), customer("c2")), "eva", at(3)).await.unwrap();
    let part = propose_merge("p", 3, "c2", &["c7"]);
    pass.record_at(4, vec![with(3, "c9", vec![part])]).await;
    pass.store.decide(&Decision::Reject(ProposalId("p".into())), "eva", at(5)).await.unwrap();
    let id = pass.made(&new(&pass, "m", "c1", "c2")).await;
    pass.settle(id, MergeOutcome::Applied, Some("c1")).await;

    let found = pass.store.found(&["c1", "c2", "c7"].map(customer), &[]).await.unwrap();
    assert!(!found.links.contains_key(&customer("c2")));
    let roles: Vec<_> = found.links[&customer("c1")].iter().map(|link| (link.contact.id.get(), link.role)).collect();
    assert_eq!(roles, [(1, Role::Owner), (2, Role::Secondary), (4, Role::Secondary)], "the owner stays");
    assert_eq!(found.links[&customer("c1")][1].baselines, found.links[&customer("c1")][0].baselines);
    assert!(found.parted.contains(&(customer("c1"), customer("c7"))), "two people are two people");
    let ruled = pass.prior(3).await.rulings;
    assert!(ruled.contains(&(customer("c1"), Ruling::Same)), "{ruled:?}");
    assert_eq!(pass.state("m").await, ProposalState::Done);
    assert!(pass.prior(2).await.retry_at.is_some_and(|due| due < at(2)), "they are looked at again");
    let merge = pass.store.merges(&MergeQuery::Of(ProposalId("m".into()))).await.unwrap().remove(0);
    assert_eq!((merge.outcome, merge.remains.as_ref()), (Some((MergeOutcome::Applied, at(20))), Some(&customer("c1"))));
    assert_eq!(merge.gone(), Some(&customer("c2")));
}

pub async fn b2_what_is_settled_stays_so_and_nobody_goes_twice(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let proposals = vec![propose_merge("m", 1, "c1", &["c2"]), propose_merge("n", 1, "c3", &["c2"])];
    pass.record(vec![with(1, "c1", proposals)]).await;
    let id = pass.made(&new(&pass, "m", "c1", "c2")).await;
    pass.settle(id, MergeOutcome::Applied, Some("c2")).await;
    pass.settle(id, MergeOutcome::NotApplied, None).await;
    let merge = pass.store.merges(&MergeQuery::Last(1)).await.unwrap().remove(0);
    assert_eq!(merge.remains, Some(customer("c2")), "read, and not what was meant");
    let (gone, there) = (new(&pass, "n", "c3", "c1"), new(&pass, "n", "c3", "c2"));
    assert_eq!(pass.refused(&gone).await, NotDeclared::MergedAlready);
    pass.made(&there).await;
}

pub async fn a_merge_of_several_is_done_with_the_last(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![with(1, "c1", vec![propose_merge("m", 1, "c1", &["c2", "c3"])])]).await;
    pass.store.decide(&Decision::Approve(ProposalId("m".into())), "eva", at(3)).await.unwrap();
    let id = pass.made(&by_eva(new(&pass, "m", "c1", "c2"))).await;
    pass.settle(id, MergeOutcome::Applied, Some("c1")).await;
    assert_eq!(pass.state("m").await, ProposalState::Approved);
    let tried = pass.merging().await.tried;
    let tried = &tried[&ProposalId("m".into())];
    assert_eq!((&tried.gone, tried.rests_on.get(&customer("c2"))), (&vec![customer("c2")], Some(&hash("values"))));
    // What is begun keeps its approval though its contact is planned otherwise by now.
    pass.record_at(25, vec![with(1, "c1", vec![propose_merge("rest", 1, "c1", &["c3"])])]).await;
    assert_eq!(pass.state("m").await, ProposalState::Approved);
    let id = pass.made(&by_eva(new(&pass, "m", "c1", "c3"))).await;
    pass.settle(id, MergeOutcome::Applied, Some("c1")).await;
    assert_eq!(pass.state("m").await, ProposalState::Done);
}

pub async fn an_approval_is_used_up_by_a_refusal_or_two_failures(place: &dyn Place) {
    let pass = begun(place).await;
    let id = ProposalId("m".into());
    let (mut refused, mut second) = (0, 100);
    for outcomes in [vec![MergeOutcome::Refused], vec![MergeOutcome::NotApplied, MergeOutcome::NotApplied]] {
        pass.store.decide(&Decision::Approve(id.clone()), "eva", at(second + 1)).await.unwrap();
        for outcome in &outcomes {
            second += 10;
            assert_eq!(pass.state("m").await, ProposalState::Approved);
            let merge = NewMerge { at: at(second), ..by_eva(new(&pass, "m", "c1", "c2")) };
            let merge = pass.made(&merge).await;
            pass.settle(merge, *outcome, None).await;
            refused += 1;
        }
        assert_eq!(pass.state("m").await, ProposalState::Open, "{outcomes:?}");
        let tried = pass.merging().await.tried.remove(&id).unwrap();
        assert_eq!(tried.refused + tried.not_applied, refused);
    }
    let dropped = MergeStep::Dropped { proposal: id };
    pass.store.settle_merge(&pass.lease, &dropped, at(200)).await.unwrap();
    assert_eq!(pass.state("m").await, ProposalState::Withdrawn);
}

pub async fn e2_a_release_approves_each_that_was_held_and_still_stands(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let proposals = |ids: &[&str]| {
        ids.iter().map(|id| propose_merge(id, 1, &format!("{id}a"), &[&format!("{id}b")])).collect::<Vec<_>>()
    };
    pass.record(vec![with(1, "c1", proposals(&["k", "l", "m"]))]).await;
    let first = pass.hold_these("h1", &["k", "l"]).await;
    assert_eq!(pass.hold_these("h1", &["k", "l"]).await.id, first.id, "the same is the same");
    let second = pass.hold_these("h2", &["k", "l", "m"]).await;
    let stale = pass.store.decide(&Decision::Release(first.id), "eva", at(6)).await;
    assert!(matches!(stale, Err(StoreError::NoHold(_))), "whoever looked at that one has not seen all");
    assert_eq!(pass.store.holds(false).await.unwrap().len(), 1);
    // One of them changes before the release.
    pass.record_at(6, vec![with(1, "c1", proposals(&["k", "m"]))]).await;
    let held = pass.store.holds(false).await.unwrap().remove(0);
    assert_eq!((held.id, held.what.count), (second.id, 2));
    assert!(!pass.merging().await.looked_at);
    pass.store.decide(&Decision::Release(second.id), "eva", at(7)).await.unwrap();
    let states = [pass.state("k").await, pass.state("l").await, pass.state("m").await];
    assert_eq!(states, [ProposalState::Approved, ProposalState::Withdrawn, ProposalState::Approved]);
    assert!(pass.merging().await.looked_at);
}

pub async fn a_hold_that_falls_by_itself_approves_nobody(place: &dyn Place) {
    let pass = begun(place).await;
    let hold = pass.hold_these("h", &["m"]).await;
    pass.store.decide(&Decision::Release(hold.id), "anagrafe", at(6)).await.unwrap();
    assert_eq!((pass.state("m").await, pass.merging().await.looked_at), (ProposalState::Open, false));
}

pub async fn what_nobody_can_tell_a_person_says(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let proposals = vec![propose_merge("m", 1, "c1", &["c2"]), propose_merge("n", 1, "c3", &["c4"])];
    pass.record(vec![with(1, "c1", proposals)]).await;
    for (proposal, stays, goes, approved) in [("m", "c1", "c2", true), ("n", "c3", "c4", false)] {
        let id = pass.made(&new(&pass, proposal, stays, goes)).await;
        let word = |yes| {
            let proposal = ProposalId(proposal.into());
            if yes { Decision::Approve(proposal) } else { Decision::Reject(proposal) }
        };
        for yes in [true, false] {
            let early = pass.store.decide(&word(yes), "eva", at(12)).await;
            assert!(matches!(early, Err(StoreError::InDoubtYet(_))), "it is not known yet: {early:?}");
        }
        pass.settle(id, MergeOutcome::Person, None).await;
        pass.store.decide(&word(approved), "eva", at(25)).await.unwrap();
        let merge = pass.store.merges(&MergeQuery::Of(ProposalId(proposal.into()))).await.unwrap().remove(0);
        let outcome = if approved { MergeOutcome::Applied } else { MergeOutcome::NotApplied };
        assert_eq!((merge.outcome, merge.detail.as_str()), (Some((outcome, at(25))), "by-a-person"));
    }
    assert_eq!([pass.state("m").await, pass.state("n").await], [ProposalState::Done, ProposalState::Rejected]);
    let parted = pass.store.found(&["c3", "c4"].map(customer), &[]).await.unwrap().parted;
    assert!(parted.contains(&(customer("c3"), customer("c4"))));
}

pub async fn two_people_are_not_merged_whoever_asks(place: &dyn Place) {
    let pass = begun(place).await;
    pass.store.decide(&Decision::Reject(ProposalId("m".into())), "eva", at(3)).await.unwrap();
    let by_hand = NewMerge { run: None, ..by_eva(new(&pass, "hand", "c2", "c1")) };
    assert_eq!(pass.refused(&by_hand).await, NotDeclared::DifferentPeople);
}

pub async fn an_old_proposal_is_not_approved(place: &dyn Place) {
    let pass = begun(place).await;
    let month = 30 * 86_400;
    let decide = async |second| pass.store.decide(&Decision::Approve(ProposalId("m".into())), "eva", at(second)).await;
    assert!(matches!(decide(month + 2).await, Err(StoreError::Expired { .. })));
    pass.record_at(month, vec![with(1, "c1", vec![propose_merge("m", 1, "c1", &["c2"])])]).await;
    decide(month + 2).await.unwrap();
}

pub async fn what_customers_were_is_kept_for_thirty_days(place: &dyn Place) {
    let pass = begun(place).await;
    let id = pass.made(&new(&pass, "m", "c1", "c2")).await;
    pass.settle(id, MergeOutcome::Applied, Some("c1")).await;
    let before = async |second| pass.store.before(&ProposalId("m".into()), at(second)).await.unwrap().len();
    let month = 30 * 86_400;
    assert_eq!((before(10 + month - 1).await, before(10 + month).await), (2, 0));
    // And no longer than that: the next one forgets it.
    pass.record_at(month, vec![with(1, "c1", vec![propose_merge("n", 1, "c3", &["c4"])])]).await;
    pass.made(&NewMerge { at: at(11 + month), ..new(&pass, "n", "c3", "c4") }).await;
    assert_eq!(before(11).await, 0);
    pass.store.decide(&Decision::Restored(ProposalId("m".into())), "eva", at(12)).await.unwrap();
    let parted = pass.store.found(&["c1", "c2"].map(customer), &[]).await.unwrap().parted;
    assert_eq!(parted.len(), 1, "who was parted again is two people");
    let nothing = pass.store.decide(&Decision::Restored(ProposalId("x".into())), "eva", at(12)).await;
    assert!(matches!(nothing, Err(StoreError::NoProposal(_))));
}

pub async fn g2_nothing_of_a_merge_is_left_of_who_was_erased(place: &dyn Place) {
    let pass = begun(place).await;
    let id = pass.made(&new(&pass, "m", "c1", "c2")).await;
    pass.settle(id, MergeOutcome::Applied, Some("c1")).await;
    let whom = Erasure { contacts: vec![contact(1)], ..Erasure::default() };
    let erased = pass.store.erase(&whom, "eva", at(20)).await.unwrap();
    assert_eq!((erased.removed["befores"], erased.removed["merges"], erased.removed["proposals"]), (2, 1, 1));
    let merge = pass.store.merges(&MergeQuery::Last(1)).await.unwrap().remove(0);
    assert_eq!((merge.contact, merge.evidence), (None, vec![]));
    assert_eq!(pass.store.before(&ProposalId("m".into()), at(21)).await.unwrap(), []);
    let again = pass.store.declare_merge(&pass.lease, &new(&pass, "m", "c1", "c3")).await;
    assert!(matches!(again, Err(StoreError::Erased(_))), "{again:?}");
}

pub async fn d2_a_lost_lease_declares_and_settles_nothing(place: &dyn Place) {
    let pass = begun(place).await;
    let id = pass.made(&new(&pass, "m", "c1", "c2")).await;
    succeed(&*pass.store, 2, at(30)).await;
    let lost = [
        pass.store.declare_merge(&pass.lease, &new(&pass, "m", "c1", "c2")).await.map(drop),
        pass.store
            .settle_merge(
                &pass.lease,
                &MergeStep::Settled {
                    id,
                    outcome: MergeOutcome::Applied,
                    detail: String::new(),
                    remains: Some(customer("c1")),
                    doubt: None,
                },
                at(31),
            )
            .await,
        pass.store.hold_merges(&pass.lease, pass.run, &new_hold("h"), &[], at(31)).await.map(drop),
    ];
    assert!(lost.iter().all(|lost| matches!(lost, Err(StoreError::LeaseLost))), "{lost:?}");
    assert_eq!(pass.merging().await.open.len(), 1);
}
