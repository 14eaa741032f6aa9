//! Gather: everything that is read about the contacts to be judged. Reads only.
//!
//! Many contacts per search; an identifier that is known to be shared is not searched at all, since it matches nobody
//! alone. What could not be read makes its contact fail, never its neighbours.

mod anew;

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, stream};

use super::{Bridge, PassError};
use crate::{
    http::{CallError, Cause, Verdict},
    model::{
        Contact, ContactId, ContactKey, Customer, CustomerId, Keyed,
        link::{Link, Role, Ruling},
    },
    plan::{
        evidence::{Candidate, Declared, Evidence, Hashes, Holders, Subject},
        normalise::Identity,
        shared, spellings,
    },
    store::{Found, Known, MAX_HOLDERS, Prior},
    vivocha::Ask,
};

/// A contact of the page, normalised.
#[derive(Debug, Clone)]
pub struct Member {
    /// As the shop wrote it.
    pub contact: Contact,
    /// Normalised.
    pub identity: Identity,
    /// Its hashes.
    pub hashes: Hashes,
    /// What was known of it.
    pub prior: Option<Prior>,
}

/// The evidence, and what could not be gathered.
pub struct Gathered {
    /// On whom the plan is made.
    pub evidence: Evidence,
    /// Contacts that could not be looked at now, and why.
    pub failed: BTreeMap<ContactId, CallError>,
    /// Contacts that a merge in doubt concerns: nothing is planned for them before it is known what became of it.
    pub in_doubt: BTreeSet<ContactId>,
}

/// Gathers the evidence about `work`, contacts of a page whose contents are `page`.
///
/// # Errors
/// What ends the run; what concerns one contact stands in [`Gathered::failed`].
pub async fn gather(
    bridge: &Bridge,
    work: Vec<Member>,
    page: &BTreeMap<ContactId, Hashes>,
    known: &Known,
) -> Result<Gathered, PassError> {
    gather_anew(bridge, work, page, known, &[]).await
}

/// The same, where these customers are read by their ids, whatever a search says of them: it may lag behind.
///
/// # Errors
/// As [`gather`].
pub async fn gather_anew(
    bridge: &Bridge,
    work: Vec<Member>,
    page: &BTreeMap<ContactId, Hashes>,
    known: &Known,
    by_id: &[CustomerId],
) -> Result<Gathered, PassError> {
    let mut holders = holders_now(bridge, page, known);
    let mut subjects: Vec<Subject> = work.into_iter().map(|member| subject(bridge, member)).collect();
    let mut customers = BTreeMap::new();
    let mut failed = search(bridge, &mut subjects, &holders, &mut customers).await?;
    fetch_named(bridge, &mut subjects, &mut customers, &mut failed).await?;
    anew::read(bridge, by_id, &mut customers).await?;
    subjects.retain(|subject| !failed.contains_key(&subject.key.id));

    // Those that cannot be read any more are asked about too: who else was linked to them, and what was written there.
    let lost: BTreeSet<CustomerId> =
        subjects.iter().filter_map(goes_by).filter(|id| !customers.contains_key(id)).cloned().collect();
    let ids: Vec<CustomerId> = customers.keys().chain(&lost).cloned().collect();
    let unread: BTreeMap<CustomerId, Candidate> = read(bridge, customers, &Found::default(), &subjects);
    let found = bridge.store.found(&ids, &foreign_identifiers(bridge, &unread, &holders)).await?;
    let customers: BTreeMap<CustomerId, Customer> =
        unread.into_iter().map(|(id, candidate)| (id, candidate.customer)).collect();
    let candidates = read(bridge, customers, &found, &subjects);
    for (identifier, theirs) in index_holders(bridge, page, &found.holders) {
        holders.entry(identifier).or_insert(theirs);
    }
    let lost = found.links.iter().filter(|(id, _)| lost.contains(id)).map(|(id, links)| (id.clone(), links.clone()));
    let lost = lost.collect();
    let concerned = |subject: &Subject| anew::concerns(&found.in_doubt, subject, &candidates);
    let in_doubt: BTreeSet<ContactId> =
        subjects.iter().filter(|subject| concerned(subject)).map(|subject| subject.key.id).collect();
    subjects.retain(|subject| !in_doubt.contains(&subject.key.id));
    let (linked_names, parted) = (found.names, found.parted);
    let evidence = Evidence { subjects, customers: candidates, holders, linked_names, lost, parted };
    Ok(Gathered { evidence, failed, in_doubt })
}

/// The customer a contact's link leads to, or the last one it had. Where a person said that they are two it is none of hers.
fn goes_by(subject: &Subject) -> Option<&CustomerId> {
    let customer = &subject.link.as_ref().or_else(|| subject.former.first())?.customer;
    (subject.rulings.get(customer) != Some(&Ruling::Different)).then_some(customer)
}

fn subject(bridge: &Bridge, member: Member) -> Subject {
    let Member { contact, identity, hashes, prior } = member;
    let key = ContactKey { shop: bridge.shop_name().clone(), id: contact.id };
    let (mut link, mut rulings, mut declared) = (None, BTreeMap::new(), BTreeMap::new());
    let mut former = Vec::new();
    if let Some(prior) = prior {
        (link, former) = (prior.link, prior.former);
        rulings = prior.rulings.into_iter().collect();
        for write in prior.unsettled {
            let fields: Declared = write.fields.iter().map(|(field, d)| (*field, (d.source, d.sent))).collect();
            declared.entry(write.customer).or_insert_with(Vec::new).push(fields);
        }
    }
    Subject {
        key,
        contact,
        identity,
        hashes,
        link,
        former,
        rulings,
        declared,
        crowded_email: false,
        crowded_phone: false,
    }
}

/// Who holds identifiers among contacts, as of now: the index, with this page's contents in the place of what it knew of them.
fn holders_now(bridge: &Bridge, page: &BTreeMap<ContactId, Hashes>, known: &Known) -> Holders {
    let mut holders = index_holders(bridge, page, &known.holders);
    for (id, hashes) in page {
        let key = ContactKey { shop: bridge.shop_name().clone(), id: *id };
        for identifier in [hashes.email, hashes.phone].into_iter().flatten() {
            holders.entry(identifier).or_default().insert(key.clone(), hashes.name.clone());
        }
    }
    holders
}

fn index_holders(bridge: &Bridge, page: &BTreeMap<ContactId, Hashes>, holders: &Holders) -> Holders {
    let elsewhere = |key: &ContactKey| key.shop != *bridge.shop_name() || !page.contains_key(&key.id);
    holders
        .iter()
        .map(|(identifier, theirs)| {
            // A list that is full is not cut down, or what is held by too many would look like a few people's.
            let keep = |key: &ContactKey| theirs.len() >= MAX_HOLDERS || elsewhere(key);
            (*identifier, theirs.iter().filter(|(key, _)| keep(key)).map(|(k, n)| (k.clone(), n.clone())).collect())
        })
        .collect()
}

fn read(
    bridge: &Bridge,
    customers: BTreeMap<CustomerId, Customer>,
    found: &Found,
    subjects: &[Subject],
) -> BTreeMap<CustomerId, Candidate> {
    let mut declared: BTreeMap<&CustomerId, Vec<&Declared>> = BTreeMap::new();
    for (customer, fields) in subjects.iter().flat_map(|subject| &subject.declared) {
        declared.entry(customer).or_default().extend(fields);
    }
    let mut followed: BTreeMap<&CustomerId, Vec<&Link>> = BTreeMap::new();
    for link in subjects.iter().flat_map(|subject| subject.link.iter().chain(&subject.former)) {
        followed.entry(&link.customer).or_default().push(link);
    }
    let reading = bridge.reading();
    customers
        .into_iter()
        .map(|(id, customer)| {
            let mut links: Vec<Link> = found.links.get(&id).cloned().unwrap_or_default();
            // The links of absorbed customers, which the store keeps under the old id, bring what we wrote there, but no
            // ownership, which may be another's.
            for link in followed.remove(&id).unwrap_or_default() {
                let known = |known: &Link| known.contact == link.contact && known.ended == link.ended;
                if !links.iter().any(known) {
                    let role = if link.ended.is_some() { link.role } else { Role::Secondary };
                    links.push(Link { role, ..link.clone() });
                }
            }
            let declared = declared.get(&id).map_or(&[][..], Vec::as_slice);
            let candidate = Candidate::read(customer, links, declared, &reading);
            (id, candidate)
        })
        .collect()
}

/// Identifiers that customers hold and nobody of this page does: whether those are shared, the store has to say.
fn foreign_identifiers(bridge: &Bridge, customers: &BTreeMap<CustomerId, Candidate>, holders: &Holders) -> Vec<Keyed> {
    use crate::plan::evidence::Side;
    let mut foreign = BTreeSet::new();
    for candidate in customers.values() {
        if let Side::Is(email) = &candidate.email {
            foreign.insert(bridge.key.email(email));
        }
        if let Side::Is(phone) = &candidate.phone {
            foreign.insert(bridge.key.phone(phone));
        }
    }
    foreign.into_iter().filter(|identifier| !holders.contains_key(identifier)).collect()
}

/// What to ask for a contact: nothing for an identifier that is shared among contacts or listed.
fn ask(bridge: &Bridge, subject: &Subject, holders: &Holders) -> Ask {
    let rules = &bridge.rules;
    let among_contacts = |hash: Option<Keyed>| {
        hash.and_then(|hash| shared::by_contacts(holders.get(&hash)?, rules.matching.max_share)).is_some()
    };
    let mut ask = Ask::default();
    if let Some(email) = &subject.identity.email {
        let listed = shared::listed_email(email, &rules.matching.shared_emails).is_some();
        if !listed && !among_contacts(subject.hashes.email) {
            ask.emails = spellings::of_email(&subject.contact.email, email);
        }
    }
    if let Some(phone) = &subject.identity.phone {
        let listed = shared::listed_phone(phone, &rules.matching.shared_phones).is_some();
        if !listed && !among_contacts(subject.hashes.phone) {
            ask.telnums = spellings::of_phone(&subject.contact.phone, phone, rules.region, &rules.spellings);
        }
    }
    ask
}

async fn search(
    bridge: &Bridge,
    subjects: &mut [Subject],
    holders: &Holders,
    customers: &mut BTreeMap<CustomerId, Customer>,
) -> Result<BTreeMap<ContactId, CallError>, PassError> {
    let mut asks: Vec<(usize, Ask)> = Vec::new();
    for (at, subject) in subjects.iter().enumerate() {
        let ask = ask(bridge, subject, holders);
        if !(ask.emails.is_empty() && ask.telnums.is_empty()) {
            asks.push((at, ask));
        }
    }
    let mut failed = BTreeMap::new();
    let crowded = run(bridge, subjects, &asks, customers, &mut failed).await?;
    // Whoever could not be read whole is asked for again, one identifier at a time: the other one may still tell.
    let halves: Vec<(usize, Ask)> = crowded
        .iter()
        .filter_map(|at| asks.iter().find(|(of, _)| of == at))
        .flat_map(|(at, ask)| {
            let email = Ask { emails: ask.emails.clone(), ..Ask::default() };
            let phone = Ask { telnums: ask.telnums.clone(), ..Ask::default() };
            [(*at, email), (*at, phone)]
        })
        .filter(|(_, ask)| !(ask.emails.is_empty() && ask.telnums.is_empty()))
        .collect();
    for half in halves {
        let is_email = !half.1.emails.is_empty();
        let at = half.0;
        let still = run(bridge, subjects, &[half], customers, &mut failed).await?;
        if let Some(subject) = subjects.get_mut(at).filter(|_| !still.is_empty()) {
            if is_email {
                subject.crowded_email = true;
            } else {
                subject.crowded_phone = true;
            }
        }
    }
    Ok(failed)
}

/// Runs searches; answers the subjects whose answer could not be read whole.
async fn run(
    bridge: &Bridge,
    subjects: &[Subject],
    asks: &[(usize, Ask)],
    customers: &mut BTreeMap<CustomerId, Customer>,
    failed: &mut BTreeMap<ContactId, CallError>,
) -> Result<Vec<usize>, PassError> {
    if asks.is_empty() {
        return Ok(Vec::new());
    }
    let texts: Vec<Ask> = asks.iter().map(|(_, ask)| ask.clone()).collect();
    let searched = bridge.reader.search(&texts).await?;
    customers.extend(searched.customers);
    let subject_of = |index: usize| asks.get(index).map(|(at, _)| *at);
    for (index, error) in searched.failed {
        if let Some(subject) = subject_of(index).and_then(|at| subjects.get(at)) {
            failed.insert(subject.key.id, error);
        }
    }
    Ok(searched.crowded.into_iter().filter_map(subject_of).collect())
}

/// Reads customers that no search found and that matter all the same: those linked, and those a person named.
async fn fetch_named(
    bridge: &Bridge,
    subjects: &mut [Subject],
    customers: &mut BTreeMap<CustomerId, Customer>,
    failed: &mut BTreeMap<ContactId, CallError>,
) -> Result<(), PassError> {
    let mut wanted: BTreeMap<CustomerId, Vec<ContactId>> = BTreeMap::new();
    for subject in &*subjects {
        // Whom a person spoke of is looked at wherever it is by now: it may have been merged into somebody who is found.
        let ruled = subject.rulings.keys();
        let linked = subject.link.as_ref().map(|link| &link.customer);
        for id in linked.or_else(|| goes_by(subject)).into_iter().chain(ruled) {
            if !customers.contains_key(id) {
                wanted.entry(id.clone()).or_default().push(subject.key.id);
            }
        }
    }
    let reads = wanted.into_iter().map(|(id, contacts)| async move {
        let got = as_itself(bridge, &id).await;
        (id, contacts, got)
    });
    let mut reads = stream::iter(reads).buffered(bridge.rules.concurrency);
    let mut aliases = BTreeMap::new();
    while let Some((id, contacts, got)) = reads.next().await {
        match got {
            Ok(Some(customer)) => {
                if customer.id != id {
                    aliases.insert(id, customer.id.clone());
                }
                customers.entry(customer.id.clone()).or_insert(customer);
            }
            Ok(None) => {}
            Err(error) if error.verdict == Verdict::Stop => return Err(error.into()),
            Err(error) => failed.extend(contacts.into_iter().map(|contact| (contact, error.clone()))),
        }
    }
    for subject in subjects {
        follow(subject, &aliases);
    }
    Ok(())
}

/// A customer that answers under another id was absorbed by it: the link goes along, with what we wrote there, and so does a person's
/// word about it, unless she said something about the other one too.
fn follow(subject: &mut Subject, aliases: &BTreeMap<CustomerId, CustomerId>) {
    for link in subject.link.iter_mut().chain(&mut subject.former) {
        if let Some(now) = aliases.get(&link.customer) {
            link.customer = now.clone();
        }
    }
    // "Different people" first: of two words that come to mean one customer that is the safe one.
    for said in [Ruling::Different, Ruling::Same] {
        let meant: Vec<CustomerId> = subject
            .rulings
            .iter()
            .filter(|(_, ruling)| **ruling == said)
            .filter_map(|(id, _)| aliases.get(id).cloned())
            .collect();
        for id in meant {
            subject.rulings.entry(id).or_insert(said);
        }
    }
}

/// A customer, or the one that absorbed it. One answer under another id is no evidence of that: whoever it names must answer as
/// itself, or a server that mixes answers up would carry links to somebody else, or to nobody.
async fn as_itself(bridge: &Bridge, id: &CustomerId) -> Result<Option<Customer>, CallError> {
    let got = bridge.reader.get(id).await?;
    let Some(now) = got.as_ref().map(|customer| &customer.id).filter(|now| *now != id) else { return Ok(got) };
    match bridge.reader.get(now).await? {
        Some(itself) if itself.id == *now => Ok(Some(itself)),
        Some(_) | None => Err(CallError {
            system: "vivocha".into(),
            call: "customers.get",
            verdict: Verdict::Park,
            cause: Cause::Protocol(format!("customer {id} answers as {now}, who does not answer as itself")),
        }),
    }
}
