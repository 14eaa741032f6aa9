//! Which merges may be carried out now, by whose authority, and which a safeguard holds. All of a run is looked at together: over a
//! budget none of its automatic ones is done.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    ContactKey, CustomerId, ShopName,
    merge::{AuthorisedBy, Tried},
    proposal::{Authority, GOOD_FOR, KeptProposal, ProposalId, ProposalState, Proposed},
    rules::SafeguardLimits,
    time::Moment,
};

/// A share of merges never counts as less than this many.
const SMALL: u64 = 10;
/// So often a merge may be sent in vain before it is a person's.
const IN_VAIN: u64 = 2;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The shop whose merges are to be carried out.
    pub shop: &'a ShopName,
    /// Merges of the shop that are open or approved, and those of the account that name a customer of theirs, in any order. Others change
    /// nothing.
    pub proposals: &'a [KeptProposal],
    /// What was tried of them.
    pub tried: &'a BTreeMap<ProposalId, Tried>,
    /// Contacts of whom a merge was restored.
    pub restored: &'a BTreeSet<ContactKey>,
    /// Customers that another write is in doubt for.
    pub in_doubt: &'a BTreeSet<CustomerId>,
    /// Automatic ones of the last 24 hours.
    pub automatic_today: u64,
    /// Approved ones of the last 24 hours.
    pub approved_today: u64,
    /// Customers that this run has seen.
    pub customers_seen: u64,
    /// Whether a person has looked at merges of this shop before.
    pub looked_at: bool,
    /// `[safeguards]`.
    pub limits: &'a SafeguardLimits,
    /// Now.
    pub now: Moment,
}

/// Why a merge that is authorised, or would be, has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waits {
    /// Another write to one of its customers is in doubt.
    InDoubt,
    /// Another proposal names one of its customers, and not all of them: which one is right is a person's to say.
    Overlaps,
    /// Another one of the same customers comes first.
    AnotherFirst,
    /// A merge of its contact was restored: whether she is this one, too, is a person's to say.
    Restored,
    /// Vivocha refused it, or it was sent in vain too often.
    InVain,
    /// A safeguard holds it.
    Held,
    /// As many as a day may have were approved before it.
    OverTheDay,
}

impl Waits {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InDoubt => "in-doubt",
            Self::Overlaps => "overlapping",
            Self::AnotherFirst => "another-first",
            Self::Restored => "restored-before",
            Self::InVain => "sent-in-vain",
            Self::Held => "held",
            Self::OverTheDay => "over-the-day",
        }
    }
}

/// What may be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer<'a> {
    /// To be carried out, in this order; no two name the same customer.
    pub go: Vec<(&'a KeptProposal, AuthorisedBy)>,
    /// To be held, and why.
    pub hold: Option<(String, Vec<&'a KeptProposal>)>,
    /// Approved too long ago: to be withdrawn.
    pub expired: Vec<&'a KeptProposal>,
    /// Those that wait.
    pub waits: BTreeMap<&'a ProposalId, Waits>,
}

/// Answers.
#[must_use]
pub fn authorise<'a>(question: &Question<'a>) -> Answer<'a> {
    let mut answer = Answer::default();
    let mut taken: BTreeSet<&CustomerId> = BTreeSet::new();
    approved(question, &mut answer, &mut taken);
    automatic(question, &mut answer, &taken);
    answer
}

/// The customers of a merge.
#[must_use]
pub fn members(kept: &KeptProposal) -> BTreeSet<&CustomerId> {
    match &kept.proposal.proposed {
        Proposed::Merge { survivor, absorbed } => absorbed.iter().chain([survivor]).collect(),
        Proposed::Link { .. } => BTreeSet::new(),
    }
}

/// How many calls are left of it.
fn calls(kept: &KeptProposal, question: &Question<'_>) -> u64 {
    let gone = question.tried.get(&kept.proposal.id).map_or(0, |tried| tried.gone.len());
    members(kept).len().saturating_sub(gone + 1) as u64
}

fn of_shop<'a>(question: &Question<'a>, state: ProposalState) -> Vec<&'a KeptProposal> {
    let is = |kept: &&KeptProposal| {
        kept.state == state && kept.proposal.contact.shop == *question.shop && !members(kept).is_empty()
    };
    question.proposals.iter().filter(is).collect()
}

/// Oldest first, as many as a day may have: none goes before one that was approved earlier.
fn approved<'a>(question: &Question<'a>, answer: &mut Answer<'a>, taken: &mut BTreeSet<&'a CustomerId>) {
    let mut approved = of_shop(question, ProposalState::Approved);
    approved.sort_by_key(|kept| (kept.changed_at, kept.since, &kept.proposal.id));
    let mut left = question.limits.max_approved_per_day.saturating_sub(question.approved_today);
    let mut full = false;
    for kept in approved {
        let id = &kept.proposal.id;
        let begun = question.tried.get(id).is_some_and(|tried| !tried.gone.is_empty());
        if kept.changed_at.after(GOOD_FOR) < question.now && !begun {
            answer.expired.push(kept);
            continue;
        }
        let members = members(kept);
        let needed = calls(kept, question);
        full |= needed > left;
        let waits = if members.iter().any(|customer| question.in_doubt.contains(customer)) {
            Some(Waits::InDoubt)
        } else if members.iter().any(|customer| taken.contains(customer)) {
            Some(Waits::AnotherFirst)
        } else {
            full.then_some(Waits::OverTheDay)
        };
        if let Some(waits) = waits {
            answer.waits.insert(id, waits);
            continue;
        }
        left -= needed;
        taken.extend(members);
        answer.go.push((kept, AuthorisedBy::Person(kept.changed_by.clone())));
    }
}

fn automatic<'a>(question: &Question<'a>, answer: &mut Answer<'a>, taken: &BTreeSet<&CustomerId>) {
    let mut candidates = of_shop(question, ProposalState::Open);
    candidates.retain(|kept| kept.proposal.authority == Authority::Automatic);
    candidates.sort_by(|a, b| (&a.proposal.contact, &a.proposal.id).cmp(&(&b.proposal.contact, &b.proposal.id)));
    let rivals = Rivals::of(question);
    // What is held stays so until a person says, whatever else stands in its way just now: a hold that takes another's place takes all
    // that the other one held.
    let (mut held, candidates): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|kept| kept.held_by.is_some());
    let mut fresh = Vec::new();
    for kept in candidates {
        match obstacle(kept, question, &rivals, taken) {
            Some(waits) => drop(answer.waits.insert(&kept.proposal.id, waits)),
            None => fresh.push(kept),
        }
    }
    let calls = fresh.iter().map(|kept| calls(kept, question)).sum();
    match why_held(question, calls, held.len()) {
        Some(reason) if !fresh.is_empty() => {
            fresh.append(&mut held);
            answer.waits.extend(fresh.iter().map(|kept| (&kept.proposal.id, Waits::Held)));
            answer.hold = Some((reason, fresh));
        }
        Some(_) | None => {
            answer.waits.extend(held.iter().map(|kept| (&kept.proposal.id, Waits::Held)));
            answer.go.extend(fresh.into_iter().map(|kept| (kept, AuthorisedBy::Rules)));
        }
    }
}

/// Who else names a customer.
struct Rivals<'a> {
    by_customer: BTreeMap<&'a CustomerId, Vec<&'a KeptProposal>>,
}

impl<'a> Rivals<'a> {
    fn of(question: &Question<'a>) -> Self {
        let mut by_customer = BTreeMap::<_, Vec<_>>::new();
        for kept in question.proposals {
            for customer in members(kept) {
                by_customer.entry(customer).or_default().push(kept);
            }
        }
        Self { by_customer }
    }

    fn to(&self, kept: &'a KeptProposal) -> impl Iterator<Item = &'a KeptProposal> {
        let named = members(kept).into_iter().filter_map(|customer| self.by_customer.get(customer)).flatten().copied();
        named.filter(|other| other.proposal.id != kept.proposal.id)
    }
}

fn obstacle<'a>(
    kept: &'a KeptProposal,
    question: &Question<'a>,
    rivals: &Rivals<'a>,
    taken: &BTreeSet<&CustomerId>,
) -> Option<Waits> {
    let mine = members(kept);
    if mine.iter().any(|customer| question.in_doubt.contains(customer)) {
        return Some(Waits::InDoubt);
    }
    if question.restored.contains(&kept.proposal.contact) {
        return Some(Waits::Restored);
    }
    let tried = question.tried.get(&kept.proposal.id);
    if tried.is_some_and(|tried| tried.refused > 0 || tried.not_applied >= IN_VAIN) {
        return Some(Waits::InVain);
    }
    if rivals.to(kept).any(|rival| members(rival) != mine) {
        return Some(Waits::Overlaps);
    }
    let first = |rival: &KeptProposal| {
        rival.state == ProposalState::Approved
            || (&rival.proposal.contact, &rival.proposal.id) < (&kept.proposal.contact, &kept.proposal.id)
    };
    let is_taken = mine.iter().any(|customer| taken.contains(customer));
    (is_taken || rivals.to(kept).any(first)).then_some(Waits::AnotherFirst)
}

/// Why so many automatic merges are held, if they are: in a sentence, with the figures and the setting.
fn why_held(question: &Question<'_>, calls: u64, held: usize) -> Option<String> {
    let limits = question.limits;
    let share = limits.max_merge_share.of(question.customers_seen).max(SMALL);
    let day = limits.max_merges_per_day.saturating_sub(question.automatic_today);
    let shop = question.shop;
    let why = if !question.looked_at {
        format!("the first merges of shop {shop} wait until a person has looked at them ({calls})")
    } else if held > 0 {
        format!("{held} merges of shop {shop} are held already, and {calls} have come to them")
    } else if calls > limits.max_merges_per_run {
        format!(
            "{calls} customers would be merged away in one run, and safeguards.max_merges_per_run allows {}",
            limits.max_merges_per_run
        )
    } else if calls > share {
        format!(
            "{calls} customers would be merged away, and safeguards.max_merge_share ({}) of the {} customers seen in this run allows {share}",
            limits.max_merge_share, question.customers_seen
        )
    } else if calls > day {
        format!(
            "{calls} customers would be merged away, and safeguards.max_merges_per_day ({}) leaves {day} for today",
            limits.max_merges_per_day
        )
    } else {
        return None;
    };
    Some(format!(
        "{why}: none of them was sent. Look at `anagrafe merges list`, then release the hold, or approve or reject them one by one"
    ))
}

#[cfg(test)]
mod tests;
