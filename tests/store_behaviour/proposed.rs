//! Proposals: kept by their hash, withdrawn when no longer made, never reopened once a person has decided.

use anagrafe::{
    model::{
        link::Role,
        proposal::{Authority, KeptProposal, Proposal, ProposalId, ProposalState},
        state::ContactState,
    },
    store::{ContactRecord, Decision},
};

use super::{Pass1, Place, at, judged, linked, propose_link, propose_merge, shop, waiting};

fn kept(proposal: Proposal, state: ProposalState, since: i64, changed: i64, by: &str) -> KeptProposal {
    let (since, changed_at) = (at(since), at(changed));
    KeptProposal { proposal, state, since, changed_at, changed_by: by.into(), held_by: None, made_at: at(0) }
}

/// All of them; when each was last made is another matter.
async fn all(pass: &Pass1) -> Vec<KeptProposal> {
    let all = pass.store.proposals(None).await.unwrap().into_iter();
    all.map(|kept| KeptProposal { made_at: at(0), ..kept }).collect()
}

pub async fn a_proposal_opens_once(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let proposal = propose_link("a", 1, "c1");
    for second in [1, 2] {
        pass.record_at(second, vec![waiting(1, vec![proposal.clone()])]).await;
        assert_eq!(all(&pass).await, [kept(proposal.clone(), ProposalState::Open, 1, 1, "anagrafe")]);
    }
}

pub async fn what_is_no_longer_proposed_is_withdrawn(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let (a, b, c) = (propose_link("a", 1, "c1"), propose_link("b", 1, "c2"), propose_link("c", 2, "c1"));
    pass.record(vec![waiting(1, vec![a.clone(), b.clone()]), waiting(2, vec![c.clone()])]).await;
    pass.record_at(2, vec![waiting(1, vec![b.clone()])]).await;
    let expected = [
        kept(a, ProposalState::Withdrawn, 1, 2, "anagrafe"),
        kept(b, ProposalState::Open, 1, 1, "anagrafe"),
        kept(c, ProposalState::Open, 1, 1, "anagrafe"),
    ];
    assert_eq!(all(&pass).await, expected);
}

pub async fn a_parked_contact_keeps_its_proposals(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record(vec![waiting(1, vec![propose_link("a", 1, "c1")])]).await;
    pass.record_at(2, vec![judged(1, ContactState::Parked)]).await;
    assert_eq!(all(&pass).await[0].state, ProposalState::Open);
}

pub async fn a_withdrawn_proposal_returns_with_its_age(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let a = propose_link("a", 1, "c1");
    pass.record_at(1, vec![waiting(1, vec![a.clone()])]).await;
    pass.record_at(2, vec![waiting(1, vec![])]).await;
    pass.record_at(3, vec![waiting(1, vec![a.clone()])]).await;
    assert_eq!(all(&pass).await, [kept(a, ProposalState::Open, 1, 3, "anagrafe")]);
}

pub async fn what_a_person_decided_stays(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let (a, b) = (propose_link("a", 1, "c1"), propose_merge("b", 1, "c1", &["c2"]));
    pass.record(vec![waiting(1, vec![a.clone(), b.clone()])]).await;
    pass.store.decide(&Decision::Reject(a.id.clone()), "eva", at(2)).await.unwrap();
    pass.store.decide(&Decision::Approve(b.id.clone()), "ugo", at(3)).await.unwrap();
    let rejected = kept(a.clone(), ProposalState::Rejected, 1, 2, "eva");
    for (second, made, b) in [
        (4, vec![a.clone(), b.clone()], kept(b.clone(), ProposalState::Approved, 1, 3, "ugo")),
        // A merge that changes loses its approval.
        (5, vec![], kept(b.clone(), ProposalState::Withdrawn, 1, 5, "anagrafe")),
        (6, vec![a.clone(), b.clone()], kept(b.clone(), ProposalState::Open, 1, 6, "anagrafe")),
    ] {
        pass.record_at(second, vec![waiting(1, made)]).await;
        assert_eq!(all(&pass).await, [rejected.clone(), b]);
    }
}

pub async fn an_approved_link_is_done_once_it_stands(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let (a, b) = (propose_link("a", 1, "c1"), propose_link("b", 2, "c2"));
    pass.record(vec![waiting(1, vec![a.clone()]), waiting(2, vec![b.clone()])]).await;
    pass.store.decide(&Decision::Approve(a.id.clone()), "eva", at(2)).await.unwrap();
    pass.record_at(3, vec![linked(1, "c9", Role::Owner)]).await;
    assert_eq!(all(&pass).await[0].state, ProposalState::Approved, "linked to somebody else");
    pass.record_at(4, vec![linked(1, "c1", Role::Owner), linked(2, "c2", Role::Owner)]).await;
    let expected = [kept(a, ProposalState::Done, 1, 4, "anagrafe"), kept(b, ProposalState::Open, 1, 1, "anagrafe")];
    assert_eq!(all(&pass).await, expected);
}

pub async fn a_merge_reads_back_as_it_was_made(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let merge = propose_merge("m", 1, "c1", &["c2", "c3"]);
    let linked = ContactRecord { proposals: Some(vec![merge.clone()]), ..linked(1, "c1", Role::Owner) };
    pass.record(vec![linked]).await;
    assert_eq!(all(&pass).await[0].proposal, merge);
}

pub async fn proposals_are_listed_by_state(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    pass.record_at(1, vec![waiting(2, vec![propose_link("z", 2, "c1")])]).await;
    pass.record_at(2, vec![waiting(1, vec![propose_link("a", 1, "c1"), propose_link("b", 1, "c2")])]).await;
    pass.store.decide(&Decision::Reject(propose_link("a", 1, "c1").id), "eva", at(3)).await.unwrap();
    let listed = async |state| {
        let proposals = pass.store.proposals(state).await.unwrap();
        proposals.into_iter().map(|kept| kept.proposal.id.0).collect::<Vec<_>>()
    };
    assert_eq!(listed(None).await, ["z", "a", "b"], "oldest first");
    assert_eq!(listed(Some(ProposalState::Open)).await, ["z", "b"]);
    assert_eq!(listed(Some(ProposalState::Rejected)).await, ["a"]);
    assert!(listed(Some(ProposalState::Done)).await.is_empty());
}

pub async fn merging_is_decided_on_what_may_go_and_on_what_names_its_customers(place: &dyn Place) {
    let pass = Pass1::begin(place).await;
    let asks = |proposal, number, customers: &[&str]| Proposal {
        authority: Authority::Ask(vec!["names-differ".into()]),
        ..propose_merge(proposal, number, customers[0], &customers[1..])
    };
    pass.record_at(1, vec![waiting(1, vec![propose_merge("goes", 1, "c1", &["c2", "c3"])])]).await;
    let beside = vec![
        waiting(2, vec![asks("its survivor", 2, &["c1", "c9"]), propose_link("a link", 2, "c1")]),
        waiting(3, vec![asks("as one absorbed", 3, &["c8", "c3"])]),
        waiting(4, vec![asks("others", 4, &["c6", "c7"]), asks("approved", 4, &["c5", "c4"])]),
        waiting(5, vec![asks("of the approved one", 5, &["c10", "c4"]), asks("rejected", 5, &["c2", "c11"])]),
    ];
    pass.record_at(2, beside).await;
    pass.store.decide(&Decision::Approve(ProposalId("approved".into())), "eva", at(3)).await.unwrap();
    pass.store.decide(&Decision::Reject(ProposalId("rejected".into())), "eva", at(3)).await.unwrap();
    let found = pass.store.to_authorise(&shop("alfa")).await.unwrap();
    let all = pass.store.proposals(None).await.unwrap();
    let wanted = ["goes", "approved", "as one absorbed", "its survivor", "of the approved one"];
    let expected: Vec<_> = all.into_iter().filter(|kept| wanted.contains(&kept.proposal.id.0.as_str())).collect();
    assert_eq!((expected.len(), &found), (5, &expected), "whole, and oldest first");
    assert_eq!(pass.store.to_authorise(&shop("beta")).await.unwrap(), [], "no merge of this one may go");
}
