//! What was last settled with a customer, for whoever is linked to it now. The fields of a customer are handed on from owner to
//! owner: what one wrote the next may replace, and what an agent wrote over it no one of them may.

use std::cmp::Reverse;

use crate::model::{
    link::{Baselines, Link, Role},
    time::Moment,
};

use super::{
    evidence::{Candidate, Subject},
    fields,
    past::{How, Past},
    view::View,
};

/// Until when a link's contact was the owner, as far as is known: for ever, until it ended, or before it was linked beside another one.
fn owned_until(link: &Link) -> (bool, Moment) {
    match (link.role, link.ended) {
        (Role::Owner, None) => (true, link.since),
        (Role::Owner, Some(ended)) => (false, ended),
        (Role::Secondary, _) => (false, link.since),
    }
}

/// Who owned it last comes first.
pub(super) fn latest_first<'a>(links: impl Iterator<Item = &'a Link>) -> Vec<&'a Link> {
    let mut links: Vec<&Link> = links.collect();
    links.sort_by(|a, b| {
        Reverse(owned_until(a)).cmp(&Reverse(owned_until(b))).then_with(|| a.contact.cmp(&b.contact)).then_with(|| {
            // One contact's: its link of today before a former one.
            (a.ended.is_some(), Reverse(a.ended)).cmp(&(b.ended.is_some(), Reverse(b.ended)))
        })
    });
    links
}

/// A contact's own, today's and former ones: what it wrote while it was the owner stays ours.
pub(super) fn own(subject: &Subject, past: Option<&Past<'_>>, candidate: &Candidate) -> Baselines {
    let mut baselines = match past.map(|past| past.how) {
        Some(How::Heir(heir)) if heir.customer == candidate.customer.id => heir.baselines.clone(),
        Some(How::Heir(_) | How::Linked | How::Returned | How::Lost) | None => Baselines::new(),
    };
    for link in own_links(subject, candidate) {
        add(&mut baselines, &link.baselines);
    }
    baselines
}

fn own_links<'a>(subject: &'a Subject, candidate: &'a Candidate) -> impl Iterator<Item = &'a Link> {
    subject.link.iter().chain(&subject.former).filter(|link| link.customer == candidate.customer.id)
}

/// An owner's: its own, and those of the owners before it. Field by field the latest counts, also where it says that nothing of ours
/// stands there any more: an agent who put back what we wrote long ago wrote it herself.
pub(super) fn of_owner(
    subject: &Subject,
    past: Option<&Past<'_>>,
    candidate: &Candidate,
    view: &View<'_>,
) -> Baselines {
    let mut baselines = Baselines::new();
    if let Some(Past { how: How::Heir(heir), .. }) = past
        && heir.customer == candidate.customer.id
    {
        baselines = heir.baselines.clone();
    } else if let Some(past) =
        past.filter(|past| past.customer() == Some(&candidate.customer.id) && past.was_followed(view))
    {
        // Written to another customer, at times that compare with nothing here: what came along with the merge comes first.
        baselines = fields::carried(&candidate.customer, &past.link.baselines, view.reading);
        let others = candidate.links.iter().filter(|link| link.contact != subject.key);
        for link in latest_first(others) {
            add(&mut baselines, &link.baselines);
        }
    }
    let others = candidate.links.iter().filter(|link| link.contact != subject.key);
    for link in latest_first(others.chain(own_links(subject, candidate))) {
        add(&mut baselines, &link.baselines);
    }
    baselines
}

fn add(baselines: &mut Baselines, older: &Baselines) {
    for (field, baseline) in older {
        baselines.entry(*field).or_insert(*baseline);
    }
}
