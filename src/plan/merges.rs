//! Proposals: links that ask, and merges, with the authority each needs. A merge has no way back, so here every doubt asks.

use crate::model::{
    CustomerId, Keyed,
    link::Field,
    proposal::{Authority, Proposal, ProposalId, Proposed},
};

use super::{
    evidence::{Candidate, Side, Subject, View},
    matching::Agreement,
    names::{self, FoldedName, NameMatch},
    weigh::Weighing,
};

/// The one that stays: the linked one; else the one with more of the contact's identifiers; else the smallest id.
pub(super) fn survivor<'a>(cluster: &[&'a Weighing]) -> Option<&'a Weighing> {
    cluster.iter().copied().min_by(|a, b| {
        let rank = |w: &Weighing| (!w.standing, usize::MAX - w.agreeing());
        rank(a).cmp(&rank(b)).then_with(|| a.customer.cmp(&b.customer))
    })
}

/// The merge of a contact's cluster into its survivor.
pub(super) fn merge(subject: &Subject, cluster: &[&Weighing], survivor: &CustomerId, view: &View<'_>) -> Proposal {
    let mut absorbed: Vec<CustomerId> =
        cluster.iter().map(|w| &w.customer).filter(|id| *id != survivor).cloned().collect();
    absorbed.sort();
    let mut reasons = reasons_to_ask(subject, cluster, view);
    reasons.sort_unstable();
    reasons.dedup();
    let authority = if reasons.is_empty() {
        Authority::Automatic
    } else {
        Authority::Ask(reasons.into_iter().map(str::to_owned).collect())
    };
    proposal(subject, Proposed::Merge { survivor: survivor.clone(), absorbed }, authority, cluster, view)
}

/// The link of a contact to a customer, for a person to decide.
pub(super) fn link(subject: &Subject, weighing: &Weighing, because: &str, view: &View<'_>) -> Proposal {
    let proposed = Proposed::Link { customer: weighing.customer.clone() };
    proposal(subject, proposed, Authority::Ask(vec![because.to_owned()]), &[weighing], view)
}

fn reasons_to_ask(subject: &Subject, cluster: &[&Weighing], view: &View<'_>) -> Vec<&'static str> {
    let members: Vec<&Candidate> = cluster.iter().filter_map(|w| view.evidence.customers.get(&w.customer)).collect();
    let mut reasons = Vec::new();
    if !view.rules.auto_merge {
        reasons.push("auto-merge-off");
    }
    if cluster.len() > view.rules.max_cluster as usize {
        reasons.push("large-cluster");
    }
    if members.iter().any(|member| another(subject.identity.email.as_ref(), &member.email)) {
        reasons.push("other-email");
    }
    if members.iter().any(|member| another(subject.identity.phone.as_ref(), &member.phone)) {
        reasons.push("other-phone");
    }
    if names_differ(subject, &members) {
        reasons.push("names-differ");
    }
    if members.iter().any(|member| member.links.iter().any(|link| link.contact != subject.key)) {
        reasons.push("linked-to-another-contact");
    }
    let one_address = cluster.iter().all(|w| w.email == Agreement::Agree);
    if !one_address && !all_names_agree(subject, &members) {
        reasons.push("names-do-not-confirm");
    }
    reasons
}

/// Whether a customer holds another value than the contact's: also one that cannot be read, and one where the contact has none.
fn another<T: PartialEq>(mine: Option<&T>, theirs: &Side<T>) -> bool {
    match theirs {
        Side::Blank => false,
        Side::Is(theirs) => mine != Some(theirs),
        Side::Unreadable | Side::Opaque => true,
    }
}

/// Every name that stands on a member, for contradiction: nicknames are not among them.
fn names_differ(subject: &Subject, members: &[&Candidate]) -> bool {
    let mut all: Vec<&FoldedName> = members.iter().map(|member| &member.name).collect();
    all.push(&subject.identity.name);
    pairs(&all).any(|(a, b)| names::compare(a, b) == NameMatch::Differ)
}

/// Whether the contact and every member have a name of their own making, and all agree.
fn all_names_agree(subject: &Subject, members: &[&Candidate]) -> bool {
    let mut all: Vec<&FoldedName> = Vec::new();
    for member in members {
        if member.ours.contains(&Field::Name) {
            return false;
        }
        all.push(if member.name.is_blank() { &member.nickname } else { &member.name });
    }
    all.push(&subject.identity.name);
    pairs(&all).all(|(a, b)| names::compare(a, b) == NameMatch::Agree)
}

fn pairs<'a, T>(all: &'a [T]) -> impl Iterator<Item = (&'a T, &'a T)> {
    all.iter().enumerate().flat_map(move |(at, a)| all.iter().skip(at + 1).map(move |b| (a, b)))
}

/// The id binds contact, proposal, rows, and the values that all of it rests on, as hashes: if any of them changes it is another proposal.
fn proposal(
    subject: &Subject,
    proposed: Proposed,
    authority: Authority,
    cluster: &[&Weighing],
    view: &View<'_>,
) -> Proposal {
    let evidence: Vec<String> = cluster.iter().map(|w| format!("{}: {}", w.customer, w.row)).collect();
    let values: Vec<Keyed> = cluster
        .iter()
        .filter_map(|w| view.evidence.customers.get(&w.customer))
        .flat_map(|member| {
            [
                view.key.hash("evidence-email", side_text(&member.email, crate::model::Email::as_str)),
                view.key.hash("evidence-phone", side_text(&member.phone, crate::model::Phone::e164)),
                view.key.hash("evidence-name", &format!("{:?}/{:?}", member.name.words(), member.nickname.words())),
            ]
        })
        .collect();
    let content = serde_json::to_string(&(
        (&subject.key, &subject.hashes.email, &subject.hashes.phone, &subject.hashes.name),
        &proposed,
        &evidence,
        &values,
    ));
    let mut id = view.key.hash("proposal", &content.unwrap_or_default()).to_string();
    id.truncate(16);
    Proposal { id: ProposalId(id), contact: subject.key.clone(), proposed, authority, evidence }
}

fn side_text<T>(side: &Side<T>, text: impl Fn(&T) -> &str) -> &str {
    match side {
        Side::Is(value) => text(value),
        Side::Blank => "",
        Side::Unreadable => "?",
        Side::Opaque => "!",
    }
}
