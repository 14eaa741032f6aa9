//! Proposals: links that ask, and merges, with the authority each needs. A merge has no way back, so here every doubt asks.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::model::{
    ContactKey, CustomerId, Keyed,
    link::{Field, Link, Ruling},
    proposal::{Authority, Proposal, ProposalId, Proposed},
};

use super::{
    evidence::{Candidate, Side, Subject},
    matching::Agreement,
    names::{self, FoldedName},
    view::View,
    weigh::Weighing,
};

/// To whom the contacts of this page are linked from now on: what the store will know once the page is recorded.
pub(super) type NewLinks<'a> = BTreeMap<&'a CustomerId, BTreeSet<&'a ContactKey>>;

/// The one that stays: the one a person named; else the linked one; else the one that holds more of what we wrote to a customer that was
/// merged away; else the one with more of the contact's identifiers; else the smallest id.
pub(super) fn survivor<'a>(cluster: &[&'a Weighing]) -> Option<&'a Weighing> {
    cluster.iter().copied().min_by(|a, b| {
        let rank = |w: &Weighing| {
            (w.ruled != Some(Ruling::Same), !w.standing, Reverse(w.handed_on.len()), Reverse(w.agreeing()))
        };
        rank(a).cmp(&rank(b)).then_with(|| a.customer.cmp(&b.customer))
    })
}

/// A cluster without those that a person said are somebody else: "different people" splits every later one. Whoever is nearer to
/// the survivor stays.
pub(super) fn undivided<'a>(cluster: Vec<&'a Weighing>, survivor: &CustomerId, view: &View<'_>) -> Vec<&'a Weighing> {
    if cluster.len() < 2 {
        return cluster;
    }
    let rank = |w: &Weighing| (w.customer != *survivor, w.ruled != Some(Ruling::Same), Reverse(w.agreeing()));
    let mut ranked = cluster;
    ranked.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.customer.cmp(&b.customer)));
    let mut one: Vec<&Weighing> = Vec::new();
    for weighing in ranked {
        if !one.iter().any(|member| view.are_parted(&member.customer, &weighing.customer)) {
            one.push(weighing);
        }
    }
    one.sort_by(|a, b| a.customer.cmp(&b.customer));
    one
}

/// The merge of a contact's cluster into its survivor.
pub(super) fn merge(
    subject: &Subject,
    cluster: &[&Weighing],
    survivor: &CustomerId,
    links: &NewLinks<'_>,
    view: &View<'_>,
) -> Proposal {
    let absorbed = cluster.iter().map(|w| &w.customer).filter(|id| *id != survivor).cloned().collect();
    let doubts = doubts(subject, cluster, links, view);
    // What the rules forbid today is no part of what is proposed: it may change without anything else changing.
    let mut reasons = doubts.clone();
    if !view.rules.auto_merge {
        reasons.push("auto-merge-off");
    }
    if cluster.len() > view.rules.max_cluster as usize {
        reasons.push("large-cluster");
    }
    reasons.sort_unstable();
    let authority = if reasons.is_empty() {
        Authority::Automatic
    } else {
        Authority::Ask(reasons.into_iter().map(str::to_owned).collect())
    };
    proposal(subject, Proposed::Merge { survivor: survivor.clone(), absorbed }, authority, &doubts, cluster, view)
}

/// The link of a contact to a customer, for a person to decide.
pub(super) fn link(subject: &Subject, weighing: &Weighing, because: &str, view: &View<'_>) -> Proposal {
    let proposed = Proposed::Link { customer: weighing.customer.clone() };
    proposal(subject, proposed, Authority::Ask(vec![because.to_owned()]), &[because], &[weighing], view)
}

/// Why the evidence does not suffice: in the order of codes, each once.
fn doubts(subject: &Subject, cluster: &[&Weighing], links: &NewLinks<'_>, view: &View<'_>) -> Vec<&'static str> {
    let members: Vec<&Candidate> = cluster.iter().filter_map(|w| view.customer(&w.customer)).collect();
    let mut doubts = Vec::new();
    if members.iter().any(|member| another(subject.identity.email.as_ref(), &member.email)) {
        doubts.push("other-email");
    }
    if members.iter().any(|member| another(subject.identity.phone.as_ref(), &member.phone)) {
        doubts.push("other-phone");
    }
    if names_differ(subject, &members) {
        doubts.push("names-differ");
    }
    let is_another = |contact: &ContactKey| *contact != subject.key;
    let linked_anew = |member: &Candidate| {
        links.get(&member.customer.id).is_some_and(|contacts| contacts.iter().any(|contact| is_another(contact)))
    };
    let linked = |link: &Link| link.ended.is_none() && is_another(&link.contact);
    if members.iter().any(|member| member.links.iter().any(linked) || linked_anew(member)) {
        doubts.push("linked-to-another-contact");
    }
    // A link that stands, or a person's word, brings a customer here without any identifier of today.
    if cluster.iter().any(|w| w.agreeing() == 0) {
        doubts.push("no-identifier-agrees");
    }
    let one_address = cluster.iter().all(|w| w.email == Agreement::Agree);
    if !one_address && !all_names_agree(subject, &members) {
        doubts.push("names-do-not-confirm");
    }
    let by_ours = |w: &&Weighing| {
        (w.email == Agreement::Agree && view.may_be_ours(&w.customer, Field::Email))
            || (w.phone == Agreement::Agree && view.may_be_ours(&w.customer, Field::Phone))
            || (!one_address && (view.may_be_ours(&w.customer, Field::Name) || is_partly_ours(w, view)))
    };
    if cluster.iter().any(by_ours) {
        doubts.push("may-be-our-writing");
    }
    doubts.sort_unstable();
    doubts
}

/// Whether a part of a customer's name may be what we wrote: it was written as one unit once, and a part of that was edited since.
/// Whose the rest is no hash of the whole can tell.
fn is_partly_ours(weighing: &Weighing, view: &View<'_>) -> bool {
    let wrote = |link: &Link| link.baselines.get(&Field::Name).is_some_and(|baseline| baseline.returned.is_some());
    let edited = |candidate: &Candidate| !candidate.ours.contains(&Field::Name) && candidate.links.iter().any(wrote);
    view.customer(&weighing.customer).is_some_and(edited)
}

/// Whether a customer holds another value than the contact's: also one that cannot be read, and one where the contact has none.
fn another<T: PartialEq>(mine: Option<&T>, theirs: &Side<T>) -> bool {
    match theirs {
        Side::Blank => false,
        Side::Is(theirs) => mine != Some(theirs),
        Side::Unreadable | Side::Opaque => true,
    }
}

/// Every name that stands on a member, whoever wrote it, for contradiction: nicknames are not among them.
fn names_differ(subject: &Subject, members: &[&Candidate]) -> bool {
    let all = members.iter().map(|member| &member.name).chain([&subject.identity.name]);
    names::any_differ(all.map(FoldedName::words))
}

/// Whether the contact and every member have a name that is not of our making, and all agree.
fn all_names_agree(subject: &Subject, members: &[&Candidate]) -> bool {
    let all = || members.iter().map(|member| member.called()).chain([&subject.identity.name]);
    all().all(|name| !name.is_blank()) && !names::any_differ(all().map(FoldedName::words))
}

/// The id binds contact, proposal, rows, doubts, and the values that all of it rests on, as hashes: if any of them changes it is
/// another proposal. What we write ourselves is not among those values, so that our own update of the survivor does not
/// make a new proposal of the one that was approved.
fn proposal(
    subject: &Subject,
    proposed: Proposed,
    authority: Authority,
    doubts: &[&str],
    cluster: &[&Weighing],
    view: &View<'_>,
) -> Proposal {
    let evidence: Vec<String> = cluster.iter().map(|w| format!("{}: {}", w.customer, w.row)).collect();
    let values: Vec<Option<Keyed>> = cluster.iter().map(|w| view.values(&w.customer)).collect();
    let content = serde_json::to_string(&(
        (&subject.key, &subject.hashes.email, &subject.hashes.phone, &subject.hashes.name),
        &proposed,
        (&evidence, doubts),
        &values,
    ));
    let mut id = view.key.hash("proposal", &content.unwrap_or_default()).to_string();
    id.truncate(16);
    Proposal { id: ProposalId(id), contact: subject.key.clone(), proposed, authority, evidence }
}
