//! Customers that an agent merged away. One that answers under its survivor's id is followed where it is read; one that answers
//! nothing is looked for here.
//!
//! Its contact is matched anew, by evidence; and what we wrote to the lost customer, where another one holds it now, counts for this
//! contact, or a person known by nothing else would be lost with it. It counts for nobody else and for no merge: the customer so found,
//! the *heir*, is planned as if the contact's link had led there all along, with those baselines that hold there. So the run after finds
//! what this one found, and proposes what this one proposed.

use std::{borrow::Cow, collections::BTreeMap};

use crate::model::{
    ContactKey, CustomerId,
    link::{Baselines, Link, Ruling},
    rules::MatchingRules,
};

use super::{
    evidence::{Candidate, Evidence, Subject},
    fields::{self, Reading},
    heirs::latest_first,
    matching::Outcome,
    merges,
    past::{Heir, How, Past},
    view::View,
    weigh::{SharedSides, weigh},
};

/// By contact.
pub(super) type Heirs = BTreeMap<ContactKey, Heir>;

/// The evidence with lost customers followed to their heirs.
pub(super) fn followed<'a>(
    evidence: &'a Evidence,
    rules: &MatchingRules,
    reading: &Reading<'_>,
) -> (Cow<'a, Evidence>, Heirs) {
    let gone = |link: &Link| !evidence.customers.contains_key(&link.customer);
    let may_be_lost = |subject: &Subject| subject.link.as_ref().or_else(|| subject.former.first()).is_some_and(gone);
    if !evidence.subjects.iter().any(may_be_lost) {
        return (Cow::Borrowed(evidence), Heirs::new());
    }
    let none = Heirs::new();
    let view = View::of(evidence, &none, rules, reading);
    let heir = |subject: &Subject| Some((subject.key.clone(), heir(subject, &view)?));
    let heirs: Heirs = evidence.subjects.iter().filter_map(heir).collect();
    let mut with_links: BTreeMap<&CustomerId, Vec<Link>> = BTreeMap::new();
    for subject in &evidence.subjects {
        let (Some(heir), Some(past)) = (heirs.get(&subject.key), Past::of(subject, &view)) else { continue };
        // As a former link: what was written through it is ours, and it neither owns nor stands in anybody's way.
        let link = Link {
            customer: heir.customer.clone(),
            baselines: heir.baselines.clone(),
            ended: Some(past.link.ended.unwrap_or(past.link.since)),
            ..past.link.clone()
        };
        with_links.entry(&heir.customer).or_default().push(link);
    }
    let mut evidence = evidence.clone();
    for (customer, links) in with_links {
        if let Some(candidate) = evidence.customers.get_mut(customer) {
            add(candidate, links, reading);
        }
    }
    (Cow::Owned(evidence), heirs)
}

fn add(candidate: &mut Candidate, links: Vec<Link>, reading: &Reading<'_>) {
    for link in &links {
        candidate.ours.extend(fields::still_ours(&candidate.customer, &link.baselines, reading));
    }
    candidate.links.extend(links);
    candidate.sort_links();
}

/// The customer that holds what was written to the lost one and fits the contact by the table. A person's "same person" about another
/// one that can be read goes before.
fn heir(subject: &Subject, view: &View<'_>) -> Option<Heir> {
    let past = Past::of(subject, view).filter(|past| matches!(past.how, How::Lost))?;
    let shared = SharedSides::of(subject, view);
    let weighed = weigh(subject, Some(&past), shared, view);
    if weighed.iter().any(|weighing| weighing.ruled == Some(Ruling::Same)) {
        return None;
    }
    let cluster: Vec<_> = weighed.iter().filter(|w| w.outcome == Outcome::Link).collect();
    let found = merges::survivor(&cluster)?;
    let baselines = handed_on(subject, view.customer(&found.customer)?, view);
    let heir = || Heir {
        customer: found.customer.clone(),
        grounds: found.grounds(),
        row: found.row.to_string(),
        baselines: baselines.clone(),
    };
    (!baselines.is_empty()).then(heir)
}

/// Of all that was written to a contact's lost customer, by itself and by the others who were linked to it, what a customer holds now.
pub(super) fn handed_on(subject: &Subject, candidate: &Candidate, view: &View<'_>) -> Baselines {
    let Some(own) = subject.link.as_ref().or_else(|| subject.former.first()) else { return Baselines::new() };
    let others = view.lost(&own.customer).iter().filter(|link| link.contact != subject.key);
    let mut all = Baselines::new();
    for link in std::iter::once(own).chain(latest_first(others)) {
        for (field, baseline) in fields::carried(&candidate.customer, &link.baselines, view.reading) {
            all.entry(field).or_insert(baseline);
        }
    }
    all
}
