//! Sorting a page: who is to be looked at, who is as she was, who is erased, who cannot be read. Reads nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bridge, gather::Member, survey::index_entry, tally::Ended};
use crate::{
    model::{Contact, ContactId, Hashes, Keyed, state::ContactState, time::Moment},
    open2b::{Record, RecordDefect},
    plan::{fingerprint, normalise},
    store::{ContactRecord, Fingerprint, Known, LinkChange, Prior},
};

/// By what contacts are sorted.
pub(super) struct Sieve<'a> {
    pub bridge: &'a Bridge,
    /// The rules, as fingerprints name them.
    pub rules: &'a str,
    /// Everything is looked at, whether it changed or not.
    pub everything: bool,
    pub now: Moment,
}

/// A page taken apart.
#[derive(Default)]
pub(super) struct Sorted {
    pub work: Vec<Member>,
    /// Of everybody on the page who may hold an identifier.
    pub hashes: BTreeMap<ContactId, Hashes>,
    pub content: BTreeMap<ContactId, Keyed>,
    /// Malformed records with an id.
    pub malformed: Vec<(ContactId, String)>,
    /// What is wrong with those without one.
    pub nameless: Vec<RecordDefect>,
    /// Erased and not excluded yet.
    pub excluded: Vec<ContactRecord>,
    /// By which identifiers, if by any.
    pub erased_by: Vec<(ContactId, Vec<Keyed>)>,
    pub ended: Vec<Ended>,
    /// Known contacts of whom nothing is what it was, each with the hash of what it is now.
    pub strangers: BTreeMap<ContactId, Keyed>,
    /// How many were known at all.
    pub known: u64,
    /// For each that is looked at and was judged by other rules, the sections that changed.
    pub other_rules: Vec<Vec<String>>,
}

impl Sorted {
    /// Tells what was noticed. Not while it is sorted: a page may be sorted again in portions.
    pub fn tell(&self, bridge: &Bridge) {
        let shop = bridge.shop_name();
        for defect in &self.nameless {
            bridge.watch.notice(&format!(
                "shop {shop}: a record without a readable id was passed over ({defect}); correct it in the shop"
            ));
        }
        for sections in &self.other_rules {
            bridge.watch.judged_by_other_rules(sections);
        }
    }
}

/// The contacts of a page, normalised.
pub(super) fn normalised<'r>(bridge: &Bridge, records: impl IntoIterator<Item = &'r Record>) -> Vec<Member> {
    let member = |contact: &Contact| {
        let identity = normalise::identity(&contact.name, &contact.email, &contact.phone, bridge.rules.region);
        let hashes = Hashes::of(&identity, &bridge.key);
        Member { contact: contact.clone(), identity, hashes, prior: None }
    };
    records
        .into_iter()
        .filter_map(|record| match record {
            Record::Whole(contact) => Some(member(contact)),
            Record::Malformed { .. } => None,
        })
        .collect()
}

impl Sieve<'_> {
    pub fn sort(&self, records: &[&Record], members: Vec<Member>, known: &Known) -> Sorted {
        let mut sorted = Sorted::default();
        for record in records {
            match record {
                Record::Whole(_) => {}
                Record::Malformed { id: Some(id), defect } => sorted.malformed.push((*id, defect.to_string())),
                Record::Malformed { id: None, defect } => {
                    // Without an id there is nothing to keep a state under: it is reported in every run that reads it.
                    sorted.nameless.push(*defect);
                    sorted.ended.push(Ended::In(ContactState::Parked));
                }
            }
        }
        for member in members {
            self.place(member, known, &mut sorted);
        }
        sorted
    }

    fn place(&self, mut member: Member, known: &Known, sorted: &mut Sorted) {
        let id = member.contact.id;
        let prior = known.contacts.get(&id);
        let judged = prior.and_then(|prior| prior.judged.as_ref());
        if let Some(judged) = judged.filter(|judged| judged.state == ContactState::Excluded) {
            sorted.ended.push(Ended::In(ContactState::Excluded));
            if judged.at == Moment::default() {
                // Erased by her id before anybody read her: from now on she has a state of her own.
                sorted.excluded.push(self.excluded(id));
                sorted.erased_by.push((id, Vec::new()));
            }
            return;
        }
        if is_erased(&member.hashes, &known.erased) {
            sorted.ended.push(Ended::In(ContactState::Excluded));
            sorted.excluded.push(self.excluded(id));
            let Hashes { email, phone, name: _ } = member.hashes;
            sorted.erased_by.push((id, [email, phone].into_iter().flatten().collect()));
            return;
        }
        let content = fingerprint::content(&member.contact, &self.bridge.rules.fields, &self.bridge.key);
        sorted.hashes.insert(id, member.hashes.clone());
        if let Some(prior) = prior.filter(|prior| prior.judged.is_some()) {
            sorted.known += 1;
            if is_stranger(prior, &member.hashes) {
                sorted.strangers.insert(id, content);
            }
        }
        if let Some(ended) = self.settled(prior, content) {
            sorted.ended.push(ended);
            return;
        }
        if let Some(judged) = judged.filter(|judged| judged.fingerprint.rules != self.rules) {
            sorted.other_rules.push(fingerprint::changed_sections(&judged.fingerprint.rules, self.rules));
        }
        member.prior = prior.cloned();
        sorted.content.insert(id, content);
        sorted.work.push(member);
    }

    /// How a contact ends that is not to be looked at: unchanged and not due.
    fn settled(&self, prior: Option<&Prior>, content: Keyed) -> Option<Ended> {
        let prior = prior?;
        let judged = prior.judged.as_ref()?;
        if self.everything || prior.missing || !prior.unsettled.is_empty() {
            return None;
        }
        let due = |at: Option<Moment>| at.is_some_and(|at| at <= self.now);
        let now = Fingerprint { content, rules: self.rules.to_owned() };
        // While an update is held, and would be the same, there is nothing to look at but what a person, or a call, says. Who was parked since is
        // looked at when her time comes, and who was gone is back.
        let stays = !matches!(judged.state, ContactState::Parked | ContactState::Gone);
        if let Some(held) = prior.held.as_ref().filter(|_| stays) {
            let quiet = !held.released && held.fingerprint == now && !due(prior.retry_at);
            return quiet.then_some(Ended::Unchanged);
        }
        // Judged in the future, by a clock that was ahead: then what it is due at is ahead too.
        let ahead = judged.at.is_ahead(self.now);
        let same = match judged.state {
            // By which rules she was judged before says nothing of when she is tried again.
            ContactState::Parked => judged.fingerprint.content == content,
            _ => judged.fingerprint == now,
        };
        let quiet = same && !ahead && !due(judged.recheck_at) && !due(prior.retry_at);
        match judged.state {
            ContactState::Gone => None,
            ContactState::Parked if quiet => Some(Ended::In(ContactState::Parked)),
            _ if quiet => Some(Ended::Unchanged),
            _ => None,
        }
    }

    /// The record of a contact that was erased.
    pub fn excluded(&self, id: ContactId) -> ContactRecord {
        ContactRecord {
            entry: index_entry(id, Hashes::default()),
            state: ContactState::Excluded,
            reason: "erased".into(),
            fingerprint: Fingerprint { content: self.bridge.key.hash("content", ""), rules: String::new() },
            recheck_at: None,
            retry_at: None,
            was_due: None,
            attempts: 0,
            parked_since: None,
            link: LinkChange::Drop,
            proposals: Some(Vec::new()),
        }
    }
}

fn is_erased(hashes: &Hashes, erased: &BTreeSet<Keyed>) -> bool {
    [hashes.email, hashes.phone].into_iter().flatten().any(|identifier| erased.contains(&identifier))
}

/// Whether a contact that was judged is somebody else altogether now: she had something to be known by, and nothing of it remains.
pub(super) fn is_stranger(prior: &Prior, now: &Hashes) -> bool {
    let before = &prior.entry;
    let shares = |one: Option<Keyed>, other: Option<Keyed>| one.is_some() && one == other;
    let named = before.name.iter().any(|word| now.name.contains(word));
    let had = before.email.is_some() || before.phone.is_some() || !before.name.is_empty();
    had && !shares(before.email, now.email) && !shares(before.phone, now.phone) && !named
}
