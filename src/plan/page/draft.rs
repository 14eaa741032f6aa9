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
        heirs,
        matching::Outcome,
        merges::{self, NewLinks},
        normalise::Identity,
        owners::{Claim, Granted},
        past::{How, Past, Place, is_who_it_was},
        rivals,
        view::View,
        weigh::{SharedSides, Weighing, weigh},
    },
    CONTRADICTED, ContactPlan, PlannedLink, QUESTIONED,
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
    past: Option<Past<'a>>,
    shared: SharedSides,
    weighed: Vec<Weighing>,
    /// The customer it would be linked to, by its place in `weighed`.
    survivor: Option<usize>,
    /// Why its link is in question, if it is.
    questioned: Option<&'static str>,
}

impl<'a> Draft<'a> {
    pub fn of(subject: &'a Subject, view: &View<'a>) -> Self {
        let past = Past::of(subject, view);
        let shared = SharedSides::of(subject, view);
        let mut weighed = weigh(subject, past.as_ref(), shared, view);
        let mut questioned = None;
        // Where a person said who the contact is, the link it has for other reasons counts no more than any other evidence.
        let assigned = weighed.iter().any(|weighing| weighing.ruled == Some(Ruling::Same));
        for weighing in weighed.iter_mut().filter(|weighing| weighing.standing && weighing.ruled.is_none() && !assigned)
        {
            questioned = past.as_ref().and_then(|past| question(subject, past, view));
            // The link that stands needs no evidence of today; only a person's "different people" ends it.
            weighing.outcome = if questioned.is_some() { Outcome::Ask } else { Outcome::Link };
        }
        let cluster: Vec<&Weighing> = weighed.iter().filter(|w| w.outcome == Outcome::Link).collect();
        let chosen = if questioned.is_some() {
            weighed.iter().find(|w| w.standing).map(|w| w.customer.clone())
        } else {
            merges::survivor(&cluster).map(|w| w.customer.clone())
        };
        let survivor = weighed.iter().position(|w| Some(&w.customer) == chosen.as_ref());
        Self { subject, past, shared, weighed, survivor, questioned }
    }

    pub fn contact(&self) -> &'a ContactKey {
        &self.subject.key
    }

    /// The link that leads to a customer.
    fn standing(&self, weighing: &Weighing) -> Option<&Past<'a>> {
        self.past.as_ref().filter(|_| weighing.standing)
    }

    /// A questioned owner keeps its place, so that nobody writes to that customer before a person has decided.
    pub fn claim(&self, view: &View<'_>) -> Option<Claim<'_>> {
        let weighing = self.weighed.get(self.survivor?)?;
        let past = self.standing(weighing);
        let place = past.map_or(Place::Beside, |past| past.place(view));
        (self.questioned.is_none() || place == Place::Owner).then(|| Claim {
            contact: &self.subject.key,
            customer: &weighing.customer,
            grounds: past.map_or(weighing.grounds(), |past| past.grounds().min(weighing.grounds())),
            name: &self.subject.hashes.name,
            place,
            stands: past.is_some_and(|past| matches!(past.how, How::Linked)),
        })
    }

    pub fn finish(
        &self,
        granted: Option<Granted>,
        around: &Surroundings<'_>,
        written: &mut BTreeMap<Keyed, CustomerId>,
    ) -> ContactPlan {
        let mut plan = self.decided(granted, around, written);
        plan.look_again = self.look_again(&plan, around.view);
        plan
    }

    fn decided(
        &self,
        granted: Option<Granted>,
        around: &Surroundings<'_>,
        written: &mut BTreeMap<Keyed, CustomerId>,
    ) -> ContactPlan {
        let base = self.blank();
        let survivor = self.survivor.and_then(|at| self.weighed.get(at));
        if let Some((standing, because)) = survivor.zip(self.questioned) {
            let proposals = vec![merges::link(self.subject, standing, because, around.view)];
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
            look_again: Vec::new(),
        }
    }

    fn look_again(&self, plan: &ContactPlan, view: &View<'_>) -> Vec<ContactKey> {
        let mut again: BTreeSet<&ContactKey> = BTreeSet::new();
        let key = &self.subject.key;
        let now = plan.link.as_ref().map(|link| &link.customer);
        if let Some(asked) = self.survivor.and_then(|at| self.weighed.get(at)).filter(|_| now.is_none()) {
            let candidate = view.customer(&asked.customer);
            again.extend(candidate.and_then(|candidate| rivals::owner_to_look_at(key, candidate, view)));
        }
        if let Some(link) = self.subject.link.as_ref().filter(|link| Some(&link.customer) != now) {
            let others =
                view.lost(&link.customer).iter().filter(|other| other.ended.is_none()).map(|other| &other.contact);
            again.extend(others.filter(|other| *other != key && !view.is_of_page(other)));
            if link.role == Role::Owner && plan.reason != QUESTIONED {
                let left = view.customer(&link.customer);
                again.extend(left.into_iter().flat_map(|candidate| rivals::waiting_for(candidate, view)));
            }
        }
        again.into_iter().cloned().collect()
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
        let cluster = merges::undivided(cluster, &weighing.customer, view);
        if cluster.len() > 1 {
            proposals.push(merges::merge(self.subject, &cluster, &weighing.customer, links, view));
        }
        let plan = ContactPlan { state: ContactState::Linked, reason: link.row.clone(), proposals, ..base };
        match (role, view.customer(&weighing.customer)) {
            (Role::Owner, Some(candidate)) => {
                let baselines = self.baselines(candidate, view);
                let guard = self.guard(candidate, view, written);
                let patch = self.patch(candidate, &baselines, &guard, reading, written);
                // Where nothing is sent all is settled as it stands: what both sides say now, an agent may empty for good.
                let baselines =
                    if patch.is_empty() { patch.settled(&baselines, &candidate.customer, reading) } else { baselines };
                ContactPlan { link: Some(link), patch, guard, baselines, ..plan }
            }
            // What it wrote while it was the owner stays ours.
            (Role::Secondary, Some(candidate)) => {
                let baselines = heirs::own(self.subject, self.past.as_ref(), candidate);
                ContactPlan { link: Some(link), baselines, ..plan }
            }
            (Role::Owner | Role::Secondary, None) => ContactPlan { link: Some(link), ..plan },
        }
    }

    fn planned_link(&self, role: Role, weighing: &Weighing) -> PlannedLink {
        let customer = weighing.customer.clone();
        let known_as = self.subject.hashes.clone();
        let said = weighing.ruled == Some(Ruling::Same);
        let person = || (Grounds::Person, "person".to_owned());
        let Some(past) = self.standing(weighing) else {
            let (grounds, row) = if said { person() } else { (weighing.grounds(), weighing.row.to_string()) };
            return PlannedLink { customer, role, grounds, row, standing: false, known_as };
        };
        // A link that stands keeps the row and the grounds on which it was made; one to an heir has those on which that was found.
        let (grounds, row) = if said { person() } else { (past.grounds(), past.row().to_owned()) };
        let standing = matches!(past.how, How::Linked | How::Returned);
        PlannedLink { customer, role, grounds, row, standing, known_as }
    }

    /// What was last settled with this customer: by this contact, or by the owners it follows.
    fn baselines(&self, candidate: &Candidate, view: &View<'_>) -> Baselines {
        let mut baselines = heirs::of_owner(self.subject, self.past.as_ref(), candidate, view);
        for declared in self.subject.declared.get(&candidate.customer.id).into_iter().flatten() {
            baselines.extend(fields::adopted(&candidate.customer, declared, view.reading));
        }
        baselines
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

/// Why a link is in question: the record may be somebody else's now, or the customer is.
fn question(subject: &Subject, past: &Past<'_>, view: &View<'_>) -> Option<&'static str> {
    match past.how {
        How::Linked if !is_who_it_was(&past.link.known_as, &subject.hashes) => Some(QUESTIONED),
        How::Linked | How::Returned => {
            let candidate = view.customer(&past.link.customer)?;
            rivals::questioned(subject, past.link, candidate, view).then_some(CONTRADICTED)
        }
        // Found by evidence of today.
        How::Heir(_) | How::Lost => None,
    }
}
