//! One contact of a page in the making: weighed alone, then heard against its rivals, then finished.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    ContactKey, CustomerId, Keyed,
    link::{Baselines, Field, Grounds, Role, Ruling},
    proposal::Proposal,
    state::ContactState,
};

use super::{
    super::{
        evidence::{Candidate, Subject},
        fields::{self, Guard, Patch, Reading, Verdict, Wish},
        matching::Outcome,
        merges::{self, NewLinks},
        names::{NameMatch, compare_words},
        normalise::Identity,
        owners::{Claim, Granted},
        view::View,
        weigh::{SharedSides, Weighing, weigh},
    },
    ContactPlan, PlannedLink, QUESTIONED,
};

/// What a draft is finished in the light of.
pub(super) struct Surroundings<'a> {
    pub links: &'a NewLinks<'a>,
    pub view: &'a View<'a>,
    pub reading: &'a Reading<'a>,
}

/// What is known of a subject before its rivals are heard.
pub(super) struct Draft<'a> {
    subject: &'a Subject,
    shared: SharedSides,
    weighed: Vec<Weighing>,
    /// The customer it would be linked to, by its place in `weighed`.
    survivor: Option<usize>,
    questioned: bool,
}

impl<'a> Draft<'a> {
    pub fn of(subject: &'a Subject, view: &View<'_>) -> Self {
        let shared = SharedSides::of(subject, view);
        let mut weighed = weigh(subject, shared, view);
        let in_question = !link_stands(subject);
        let mut questioned = false;
        for weighing in weighed.iter_mut().filter(|weighing| weighing.standing && weighing.ruled.is_none()) {
            questioned = in_question;
            // The link that stands needs no evidence of today; only a person's "different people" ends it.
            weighing.outcome = if in_question { Outcome::Ask } else { Outcome::Link };
        }
        let cluster: Vec<&Weighing> = weighed.iter().filter(|w| w.outcome == Outcome::Link).collect();
        let chosen = if questioned {
            weighed.iter().find(|w| w.standing).map(|w| w.customer.clone())
        } else {
            merges::survivor(&cluster).map(|w| w.customer.clone())
        };
        let survivor = weighed.iter().position(|w| Some(&w.customer) == chosen.as_ref());
        Self { subject, shared, weighed, survivor, questioned }
    }

    pub fn contact(&self) -> &'a ContactKey {
        &self.subject.key
    }

    /// A questioned owner keeps its place, so that nobody writes to that customer before a person has decided.
    pub fn claim(&self) -> Option<Claim<'_>> {
        let weighing = self.weighed.get(self.survivor?)?;
        let link = self.subject.link.as_ref().filter(|_| weighing.standing);
        let standing = link.map(|link| link.role);
        (!self.questioned || standing == Some(Role::Owner)).then(|| Claim {
            contact: &self.subject.key,
            customer: &weighing.customer,
            grounds: link.map_or(weighing.grounds(), |link| link.grounds.min(weighing.grounds())),
            name: &self.subject.hashes.name,
            standing,
        })
    }

    pub fn finish(
        &self,
        granted: Option<Granted>,
        around: &Surroundings<'_>,
        written: &mut BTreeMap<Keyed, CustomerId>,
    ) -> ContactPlan {
        let base = self.blank();
        let survivor = self.survivor.and_then(|at| self.weighed.get(at));
        if let Some(standing) = survivor.filter(|_| self.questioned) {
            let proposals = vec![merges::link(self.subject, standing, QUESTIONED, around.view)];
            return ContactPlan { state: ContactState::Waiting, reason: QUESTIONED.into(), proposals, ..base };
        }
        match (granted, survivor) {
            (Some(Granted::As(role)), Some(weighing)) => self.linked(base, role, weighing, around, written),
            (Some(Granted::OwnerDiffers), Some(_)) => {
                let proposals = self.asks(&[Outcome::Link, Outcome::Ask], Some("owner-differs"), around.view);
                ContactPlan { state: ContactState::Waiting, reason: "owner-differs".into(), proposals, ..base }
            }
            (None, _) | (Some(_), None) => self.unlinked(base, around.view),
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
            defects: self.subject.identity.defects.iter().map(|(_, defect)| defect.to_string()).collect(),
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
        around: &Surroundings<'_>,
        written: &mut BTreeMap<Keyed, CustomerId>,
    ) -> ContactPlan {
        let Surroundings { links, view, reading } = *around;
        let link = self.planned_link(role, weighing);
        let mut proposals = self.asks(&[Outcome::Ask], None, view);
        let cluster: Vec<&Weighing> = self.weighed.iter().filter(|w| w.outcome == Outcome::Link).collect();
        if cluster.len() > 1 {
            proposals.push(merges::merge(self.subject, &cluster, &weighing.customer, links, view));
        }
        let plan = ContactPlan { state: ContactState::Linked, reason: link.row.clone(), proposals, ..base };
        match (role, view.customer(&weighing.customer)) {
            (Role::Owner, Some(candidate)) => {
                let baselines = self.baselines(candidate, reading);
                let guard = self.guard(candidate, view, written);
                let patch = self.patch(candidate, &baselines, &guard, reading, written);
                ContactPlan { link: Some(link), patch, guard, baselines, ..plan }
            }
            // What it wrote while it was the owner stays ours.
            (Role::Secondary, Some(candidate)) => {
                ContactPlan { link: Some(link), baselines: self.own_baselines(candidate), ..plan }
            }
            (Role::Owner | Role::Secondary, None) => ContactPlan { link: Some(link), ..plan },
        }
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

    /// What was last settled with this customer: by this contact, or by the owner it follows.
    fn baselines(&self, candidate: &Candidate, reading: &Reading<'_>) -> Baselines {
        let mut baselines = self.own_baselines(candidate);
        let before = candidate.links.iter().find(|link| link.role == Role::Owner && link.contact != self.subject.key);
        baselines.extend(before.iter().flat_map(|link| link.baselines.clone()));
        if let Some(declared) = self.subject.declared.get(&candidate.customer.id) {
            baselines.extend(fields::adopted(&candidate.customer, declared, reading));
        }
        baselines
    }

    fn own_baselines(&self, candidate: &Candidate) -> Baselines {
        let own = self.subject.link.as_ref().filter(|link| link.customer == candidate.customer.id);
        own.map_or_else(Baselines::new, |link| link.baselines.clone())
    }

    /// Other customers that hold what would be written, whoever wrote it there, or that get it from this very page.
    fn guard(&self, candidate: &Candidate, view: &View<'_>, written: &BTreeMap<Keyed, CustomerId>) -> Guard {
        let others = |found: &[&Candidate], hash: Option<Keyed>| -> Vec<CustomerId> {
            let held = found.iter().map(|holder| &holder.customer.id);
            let to_be = hash.and_then(|hash| written.get(&hash));
            let ids: BTreeSet<&CustomerId> = held.chain(to_be).filter(|id| **id != candidate.customer.id).collect();
            ids.into_iter().cloned().collect()
        };
        let Subject { identity, hashes, .. } = self.subject;
        Guard {
            email_shared: self.shared.email.is_some(),
            phone_shared: self.shared.phone.is_some(),
            email_held_by: identity
                .email
                .as_ref()
                .map_or_else(Vec::new, |email| others(view.with_email(email), hashes.email)),
            phone_held_by: identity
                .phone
                .as_ref()
                .map_or_else(Vec::new, |phone| others(view.with_phone(phone), hashes.phone)),
        }
    }

    fn patch(
        &self,
        candidate: &Candidate,
        baselines: &Baselines,
        guard: &Guard,
        reading: &Reading<'_>,
        written: &mut BTreeMap<Keyed, CustomerId>,
    ) -> Patch {
        let Subject { key, contact, identity, hashes, .. } = self.subject;
        let wish = Wish { shop: &key.shop, contact, identity, baselines, guard };
        let patch = fields::patch(&wish, &candidate.customer, reading);
        for (field, _) in patch.sent().filter(|(_, plan)| plan.verdict == Verdict::Write) {
            let hash = match field {
                Field::Email => hashes.email,
                Field::Phone => hashes.phone,
                Field::Name | Field::Note | Field::Ids => None,
            };
            written.extend(hash.map(|hash| (hash, candidate.customer.id.clone())));
        }
        patch
    }

    fn asks(&self, outcomes: &[Outcome], because: Option<&str>, view: &View<'_>) -> Vec<Proposal> {
        self.weighed
            .iter()
            .filter(|w| outcomes.contains(&w.outcome))
            .map(|w| merges::link(self.subject, w, because.unwrap_or(w.row.as_str()), view))
            .collect()
    }
}

/// A link stands while one earlier identifier or the name remains; otherwise the record may be somebody else's now. Once in
/// question it is so until a person says: what the contact was is known for one judgement only.
fn link_stands(subject: &Subject) -> bool {
    let now = &subject.hashes;
    let remains = |before: &super::super::evidence::Hashes| {
        before == now
            || (before.email.is_some() && before.email == now.email)
            || (before.phone.is_some() && before.phone == now.phone)
            || compare_words(&before.name, &now.name) == NameMatch::Agree
    };
    !subject.questioned && subject.before.as_ref().is_none_or(remains)
}
