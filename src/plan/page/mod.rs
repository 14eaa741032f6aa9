//! The plan of a page: for each contact what she is to us from now on, and what is written for her. Plain data: it prints,
//! serialises, and is compared in tests; a dry run is a plan not applied. The same evidence in any order gives the same plan.

mod show;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{
    ContactKey, CustomerId,
    link::{Baselines, Field, Grounds, Role, Ruling},
    proposal::{Authority, Proposal, Proposed},
    rules::MatchingRules,
    state::ContactState,
};

use super::{
    evidence::{Candidate, Evidence, Subject, View},
    fields::{self, Guard, Patch, Reading, Wish},
    matching::Outcome,
    merges,
    names::{NameMatch, compare_words},
    normalise::Identity,
    owners::{self, Claim, Granted},
    weigh::{SharedSides, Weighing, weigh},
};

/// The link a contact is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedLink {
    /// Whom.
    pub customer: CustomerId,
    /// Owner or secondary.
    pub role: Role,
    /// On what grounds.
    pub grounds: Grounds,
    /// The row that makes it, or `person`.
    pub row: String,
    /// Whether it stood before.
    pub standing: bool,
}

/// What is done for one contact, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContactPlan {
    /// Who.
    pub contact: ContactKey,
    /// What she is to us.
    pub state: ContactState,
    /// Why, a code.
    pub reason: String,
    /// Her link.
    pub link: Option<PlannedLink>,
    /// What is written to her customer; empty for a secondary. Shown as field and verdict.
    #[serde(serialize_with = "show::patch")]
    pub patch: Patch,
    /// What the patch was planned under, to evaluate it again on a fresh reading.
    pub guard: Guard,
    /// Baselines that the patch is planned on.
    #[serde(skip)]
    pub baselines: Baselines,
    /// What awaits authority.
    pub proposals: Vec<Proposal>,
    /// Which of her identifiers are shared, and why.
    pub shared: SharedSides,
    /// How she compares with each customer.
    pub weighed: Vec<Weighing>,
    /// What is wrong with what the shop says of her: field and code.
    pub defects: Vec<String>,
}

/// The plan of a page, in the order of contacts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PagePlan {
    /// By contact.
    pub contacts: Vec<ContactPlan>,
}

/// Plans a page.
#[must_use]
pub fn plan(evidence: &Evidence, matching: &MatchingRules, reading: &Reading<'_>) -> PagePlan {
    let view = View::of(evidence, matching, reading.key);
    let mut subjects: Vec<&Subject> = evidence.subjects.iter().collect();
    subjects.sort_by(|a, b| a.key.cmp(&b.key));
    let mut drafts: Vec<Draft<'_>> = subjects.into_iter().map(|subject| Draft::of(subject, &view)).collect();
    let claims: Vec<Claim<'_>> = drafts.iter().filter_map(Draft::claim).collect();
    let granted: BTreeMap<ContactKey, Granted> =
        owners::settle(&claims, &view).into_iter().map(|(contact, granted)| (contact.clone(), granted)).collect();
    drop(claims);
    for draft in &mut drafts {
        draft.granted = granted.get(&draft.subject.key).copied();
    }
    let mut plan = PagePlan { contacts: drafts.iter().map(|draft| draft.finish(&view, reading)).collect() };
    reconcile_merges(&mut plan);
    plan
}

/// What is known of a subject before rivals are heard.
struct Draft<'a> {
    subject: &'a Subject,
    shared: SharedSides,
    weighed: Vec<Weighing>,
    /// The customer she would be linked to, by its place in `weighed`.
    survivor: Option<usize>,
    questioned: bool,
    granted: Option<Granted>,
}

impl<'a> Draft<'a> {
    fn of(subject: &'a Subject, view: &View<'_>) -> Self {
        let shared = SharedSides::of(subject, view);
        let mut weighed = weigh(subject, shared, view);
        let questioned = !link_stands(subject);
        if !questioned {
            // The link that stands needs no evidence of today; only a person's "different people" ends it.
            for weighing in &mut weighed {
                if weighing.standing && weighing.ruled != Some(Ruling::Different) {
                    weighing.outcome = Outcome::Link;
                }
            }
        }
        let cluster: Vec<&Weighing> = weighed.iter().filter(|w| w.outcome == Outcome::Link).collect();
        let chosen = merges::survivor(&cluster).map(|w| w.customer.clone());
        let survivor = weighed.iter().position(|w| Some(&w.customer) == chosen.as_ref());
        Self { subject, shared, weighed, survivor, questioned, granted: None }
    }

    fn claim(&self) -> Option<Claim<'_>> {
        if self.questioned {
            return None;
        }
        let weighing = self.weighed.get(self.survivor?)?;
        let link = self.subject.link.as_ref().filter(|_| weighing.standing);
        Some(Claim {
            contact: &self.subject.key,
            customer: &weighing.customer,
            grounds: link.map_or(weighing.grounds(), |link| link.grounds.min(weighing.grounds())),
            name: &self.subject.hashes.name,
            standing: weighing.standing,
        })
    }

    fn finish(&self, view: &View<'_>, reading: &Reading<'_>) -> ContactPlan {
        let base = self.blank();
        if self.questioned {
            return ContactPlan { state: ContactState::Waiting, reason: "questioned".into(), ..base };
        }
        match (self.granted, self.survivor.and_then(|at| self.weighed.get(at))) {
            (Some(Granted::As(role)), Some(weighing)) => self.linked(base, role, weighing, view, reading),
            (Some(Granted::OwnerDiffers), Some(_)) => {
                let proposals = self.asks(&[Outcome::Link, Outcome::Ask], Some("owner-differs"), view);
                ContactPlan { state: ContactState::Waiting, reason: "owner-differs".into(), proposals, ..base }
            }
            (None, _) | (Some(_), None) => self.unlinked(base, view),
        }
    }

    fn blank(&self) -> ContactPlan {
        ContactPlan {
            contact: self.subject.key.clone(),
            state: ContactState::Unmatched,
            reason: String::new(),
            link: None,
            patch: Patch::default(),
            guard: Guard::default(),
            baselines: Baselines::new(),
            proposals: Vec::new(),
            shared: self.shared,
            weighed: self.weighed.clone(),
            defects: defects(&self.subject.identity),
        }
    }

    fn unlinked(&self, base: ContactPlan, view: &View<'_>) -> ContactPlan {
        let proposals = self.asks(&[Outcome::Ask], None, view);
        let row = self.weighed.iter().filter(|w| w.outcome == Outcome::Ask).map(|w| w.row).min();
        let Identity { email, phone, .. } = &self.subject.identity;
        let (state, reason) = match row {
            Some(row) => (ContactState::Waiting, row.as_str()),
            None if email.is_none() && phone.is_none() => (ContactState::Invalid, "no-identifier"),
            None if self.shared.email.is_some() || self.shared.phone.is_some() => (ContactState::Unmatched, "shared"),
            None => (ContactState::Unmatched, "nothing"),
        };
        ContactPlan { state, reason: reason.into(), proposals, ..base }
    }

    fn linked(
        &self,
        base: ContactPlan,
        role: Role,
        weighing: &Weighing,
        view: &View<'_>,
        reading: &Reading<'_>,
    ) -> ContactPlan {
        let link = self.planned_link(role, weighing);
        let mut proposals = self.asks(&[Outcome::Ask], None, view);
        let cluster: Vec<&Weighing> = self.weighed.iter().filter(|w| w.outcome == Outcome::Link).collect();
        if cluster.len() > 1 {
            proposals.push(merges::merge(self.subject, &cluster, &weighing.customer, view));
        }
        proposals.sort();
        let plan = ContactPlan { state: ContactState::Linked, reason: link.row.clone(), proposals, ..base };
        let candidate = view.evidence.customers.get(&weighing.customer);
        let Some(candidate) = candidate.filter(|_| role == Role::Owner) else {
            return ContactPlan { link: Some(link), ..plan };
        };
        let baselines = self.baselines(candidate, reading);
        let guard = self.guard(candidate, view);
        let wish = Wish {
            shop: &self.subject.key.shop,
            contact: &self.subject.contact,
            identity: &self.subject.identity,
            baselines: &baselines,
            guard: &guard,
        };
        let patch = fields::patch(&wish, &candidate.customer, reading);
        ContactPlan { link: Some(link), patch, guard, baselines, ..plan }
    }

    fn planned_link(&self, role: Role, weighing: &Weighing) -> PlannedLink {
        // A link that stands keeps the row and the grounds on which it was made.
        if let Some(link) = self.subject.link.as_ref().filter(|_| weighing.standing) {
            let (grounds, row) = match weighing.ruled {
                Some(Ruling::Same) => (Grounds::Person, "person".to_owned()),
                Some(Ruling::Different) | None => (link.grounds, link.row.clone()),
            };
            return PlannedLink { customer: link.customer.clone(), role, grounds, row, standing: true };
        }
        let row = if weighing.ruled.is_some() { "person".to_owned() } else { weighing.row.to_string() };
        PlannedLink { customer: weighing.customer.clone(), role, grounds: weighing.grounds(), row, standing: false }
    }

    fn baselines(&self, candidate: &Candidate, reading: &Reading<'_>) -> Baselines {
        let id = &candidate.customer.id;
        let mut baselines = match &self.subject.link {
            Some(link) if &link.customer == id => link.baselines.clone(),
            Some(_) | None => Baselines::new(),
        };
        if let Some(declared) = self.subject.declared.get(id) {
            baselines.extend(fields::adopted(&candidate.customer, declared, reading));
        }
        baselines
    }

    /// Other customers that hold what would be written, whoever wrote it there.
    fn guard(&self, candidate: &Candidate, view: &View<'_>) -> Guard {
        let others = |found: &[&Candidate]| -> Vec<CustomerId> {
            let ids: BTreeSet<CustomerId> =
                found.iter().map(|c| c.customer.id.clone()).filter(|id| *id != candidate.customer.id).collect();
            ids.into_iter().collect()
        };
        let identity = &self.subject.identity;
        Guard {
            email_shared: self.shared.email.is_some(),
            phone_shared: self.shared.phone.is_some(),
            email_held_by: identity.email.as_ref().map_or_else(Vec::new, |email| others(view.with_email(email))),
            phone_held_by: identity.phone.as_ref().map_or_else(Vec::new, |phone| others(view.with_phone(phone))),
        }
    }

    fn asks(&self, outcomes: &[Outcome], because: Option<&str>, view: &View<'_>) -> Vec<Proposal> {
        self.weighed
            .iter()
            .filter(|w| outcomes.contains(&w.outcome))
            .map(|w| merges::link(self.subject, w, because.unwrap_or(w.row.as_str()), view))
            .collect()
    }
}

/// A link stands while one earlier identifier or the name remains; otherwise the record may be somebody else's now.
fn link_stands(subject: &Subject) -> bool {
    let (Some(_), Some(before)) = (&subject.link, &subject.before) else { return true };
    let now = &subject.hashes;
    (before.email.is_some() && before.email == now.email)
        || (before.phone.is_some() && before.phone == now.phone)
        || compare_words(&before.name, &now.name) == NameMatch::Agree
}

fn defects(identity: &Identity) -> Vec<String> {
    identity.defects.iter().map(|(_, defect)| defect.to_string()).collect()
}

/// Two contacts of one person propose the same merge: one proposal is enough, the first contact's. Where clusters overlap without
/// being the same, each of them asks: which of them is right is not for us to say.
fn reconcile_merges(plan: &mut PagePlan) {
    let mut clusters: BTreeMap<CustomerId, BTreeSet<Vec<CustomerId>>> = BTreeMap::new();
    for proposal in plan.contacts.iter().flat_map(|contact| &contact.proposals) {
        if let Some(cluster) = cluster(proposal) {
            for member in &cluster {
                clusters.entry(member.clone()).or_default().insert(cluster.clone());
            }
        }
    }
    let mut seen = BTreeSet::new();
    for contact in &mut plan.contacts {
        contact.proposals.retain(|proposal| cluster(proposal).is_none_or(|cluster| seen.insert(cluster)));
        for proposal in &mut contact.proposals {
            let overlaps = |member: &CustomerId| clusters.get(member).is_some_and(|clusters| clusters.len() > 1);
            if cluster(proposal).is_some_and(|cluster| cluster.iter().any(overlaps)) {
                proposal.authority = overlapping(&proposal.authority);
            }
        }
    }
}

fn cluster(proposal: &Proposal) -> Option<Vec<CustomerId>> {
    match &proposal.proposed {
        Proposed::Link { .. } => None,
        Proposed::Merge { survivor, absorbed } => {
            let mut all = absorbed.clone();
            all.push(survivor.clone());
            all.sort();
            Some(all)
        }
    }
}

fn overlapping(authority: &Authority) -> Authority {
    let mut reasons = match authority {
        Authority::Automatic => Vec::new(),
        Authority::Ask(reasons) => reasons.clone(),
    };
    reasons.push("overlapping-clusters".into());
    reasons.sort();
    Authority::Ask(reasons)
}

impl ContactPlan {
    /// The fields that are to be written.
    #[must_use]
    pub fn writes(&self) -> Vec<Field> {
        self.patch.sent().map(|(field, _)| field).collect()
    }
}

#[cfg(test)]
mod tests;
