//! The units of merges, as the script plays them.

use std::{collections::BTreeMap, time::Duration};

use anagrafe::{
    model::{
        Hashes,
        merge::{AuthorisedBy, Doubt, MergeId, MergeOutcome},
        proposal::ProposalId,
    },
    store::{Declared, MergeQuery, MergeStep, NewMerge, SealedCustomer},
};

use super::{Both, shown};
use crate::store_behaviour::{contact, customer, hash, new_hold, shop};

impl Both {
    pub(super) async fn declare_merge(&mut self) {
        let (Some(run), Some(proposal)) = (self.run, self.one_of(&self.proposals.clone())) else { return };
        let pairs = [("c1", "c2"), ("c1", "c3"), ("c3", "c2"), ("c5", "c6")];
        let (survivor, absorbed) = self.one_of(&pairs).unwrap();
        let eva = AuthorisedBy::Person("eva".into());
        let merge = NewMerge {
            run: (!self.chance(4)).then_some(run),
            proposal: ProposalId(if self.chance(4) { "by hand".into() } else { proposal }),
            contact: self.chance(2).then(|| (contact(self.number()), Hashes::default())),
            survivor: customer(survivor),
            absorbed: customer(absorbed),
            authorised_by: self.one_of(&[AuthorisedBy::Rules, eva]).unwrap(),
            evidence: vec!["c1: email".into()],
            rests_on: BTreeMap::from([(customer(absorbed), hash("said"))]),
            before: vec![SealedCustomer { customer: customer(survivor), under: hash("key"), text: "c2VhbGVk".into() }],
            most_a_day: 30,
            at: self.now(),
        };
        let lease = self.held_lease();
        let declared = both!(self, false, |store| store.declare_merge(&lease, &merge));
        if let Ok(Declared::Made(id)) = declared {
            self.count("merge declared", true);
            self.merges.push(id.0);
        }
    }

    pub(super) async fn settle_merge(&mut self) {
        let step = match self.one_of(&self.merges.clone()) {
            Some(id) if !self.chance(6) => MergeStep::Settled {
                id: MergeId(id),
                outcome: self.one_of(&MergeOutcome::ALL).unwrap(),
                detail: "told".into(),
                remains: None,
                doubt: self.chance(2).then(|| Doubt { boot: "b".into(), uptime: Duration::from_millis(7) }),
            },
            _ => match self.one_of(&self.proposals.clone()) {
                Some(proposal) => MergeStep::Dropped { proposal: ProposalId(proposal) },
                None => return,
            },
        };
        let step = self.with_who_remains(step).await;
        let (lease, now) = (self.held_lease(), self.now());
        both!(self, true, |store| store.settle_merge(&lease, &step, now)).unwrap();
    }

    /// One of the two remains of a merge that was applied.
    async fn with_who_remains(&mut self, step: MergeStep) -> MergeStep {
        let MergeStep::Settled { id, outcome: outcome @ MergeOutcome::Applied, detail, doubt, .. } = step else {
            return step;
        };
        let all = self.stores[0].merges(&MergeQuery::Last(1000)).await.unwrap();
        let merge = all.into_iter().find(|merge| merge.id == id).unwrap();
        let remains = self.one_of(&[merge.survivor, merge.absorbed]);
        MergeStep::Settled { id, outcome, detail, remains, doubt }
    }

    pub(super) async fn hold_merges(&mut self) {
        let (Some(run), Some(proposal)) = (self.run, self.one_of(&self.proposals.clone())) else { return };
        let hold = new_hold(&format!("bound{}", self.below(4)));
        let (lease, now, ids) = (self.held_lease(), self.now(), [ProposalId(proposal)]);
        if let Ok(hold) = both!(self, true, |store| store.hold_merges(&lease, run, &hold, &ids, now)) {
            self.holds.push(hold.id);
        }
    }

    pub(super) async fn ask_about_merges(&mut self) {
        let (name, now) = (shop("alfa"), self.now());
        drop(both!(self, false, |store| store.merge_state(&name, now)).unwrap());
        let mut queries = vec![MergeQuery::Last(9), MergeQuery::Naming(vec![customer("c1"), customer("c5")])];
        if let Some(proposal) = self.one_of(&self.proposals.clone()) {
            let proposal = ProposalId(proposal);
            drop(both!(self, false, |store| store.before(&proposal, now)).unwrap());
            queries.push(MergeQuery::Of(proposal));
        }
        for query in queries {
            drop(both!(self, false, |store| store.merges(&query)).unwrap());
        }
    }
}
