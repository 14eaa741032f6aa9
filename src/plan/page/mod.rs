//! The plan of a page: for each contact what she is to us from now on, and what is written for her. Plain data: it prints,
//! serialises, and is compared in tests; a dry run is a plan not applied. The same evidence in any order gives the same plan.

mod draft;
mod overlap;
mod show;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{
    ContactKey, CustomerId, Keyed,
    link::{Baselines, Field, Grounds, Role},
    proposal::Proposal,
    rules::MatchingRules,
    state::ContactState,
};

use super::{
    aliases,
    evidence::{Evidence, Hashes, Subject},
    fields::{Guard, Patch, Reading},
    merges::NewLinks,
    owners::{self, Claim, Granted},
    view::View,
    weigh::{SharedSides, Weighing},
};
use draft::{Draft, Surroundings};

/// The reason of a contact whose link is in question: it keeps its link, and nothing is written, until a person says, or until what
/// brought it into question is so no more.
pub const QUESTIONED: &str = "questioned";

/// Why a link is in question that its owner's own identifiers and name speak against, where another contact fits.
pub const CONTRADICTED: &str = "another-contact-fits";

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
    /// Whether it stood before: today, or until its contact was gone for a while.
    pub standing: bool,
    /// Who the contact is, as the link stands: what a later judgement is made against.
    pub known_as: Hashes,
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
    /// Contacts of other pages that what was found here gives a reason to look at again: the owner that she contradicts, who was linked
    /// to her lost customer too, who may have waited for the customer that she leaves. Sorted.
    pub look_again: Vec<ContactKey>,
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
    let (evidence, heirs) = aliases::followed(evidence, matching, reading);
    let view = View::of(&evidence, &heirs, matching, reading);
    let mut subjects: Vec<&Subject> = evidence.subjects.iter().collect();
    subjects.sort_by(|a, b| a.key.cmp(&b.key));
    let drafts: Vec<Draft<'_>> = subjects.into_iter().map(|subject| Draft::of(subject, &view)).collect();
    let claims: Vec<Claim<'_>> = drafts.iter().filter_map(|draft| draft.claim(&view)).collect();
    let granted = owners::settle(&claims, &view);
    let mut links = NewLinks::new();
    for claim in claims.iter().filter(|claim| matches!(granted.get(claim.contact), Some(Granted::As(_)))) {
        links.entry(claim.customer).or_default().insert(claim.contact);
    }
    let around = Surroundings { links: &links, view: &view, reading };
    // Identifiers that this page writes, and to whom: of two customers the first contact's gets it.
    let mut written: BTreeMap<Keyed, CustomerId> = BTreeMap::new();
    let contacts =
        drafts.iter().map(|draft| draft.finish(granted.get(draft.contact()).copied(), &around, &mut written)).collect();
    let mut plan = PagePlan { contacts };
    overlap::reconcile(&mut plan);
    plan
}

impl ContactPlan {
    /// The fields that are to be written.
    #[must_use]
    pub fn writes(&self) -> Vec<Field> {
        self.patch.sent().map(|(field, _)| field).collect()
    }
}

#[cfg(test)]
pub(super) mod tests;
