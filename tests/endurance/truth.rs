//! What a town has come to, held against the truth about what happened in it.

use std::collections::{BTreeMap, BTreeSet};

use anagrafe::sandbox::{
    drift::Drift,
    population::{AskTruth, ContactTruth, Expected, Kind, Why},
};
use serde_json::Value;

use super::{
    support::{Town, kept::Kept},
    world::Customers,
};

pub const fn word(expected: Expected) -> &'static str {
    match expected {
        Expected::Linked => "linked",
        Expected::Unmatched => "unmatched",
        Expected::Waiting => "waiting",
        Expected::Invalid => "invalid",
        Expected::Gone => "gone",
    }
}

/// Contacts that are not in the state, or not linked, as the truth says.
pub fn contacts(drift: &Drift, kept: &BTreeMap<i64, Kept>) -> Vec<String> {
    let wrong = |truth: &ContactTruth| {
        let kept = kept.get(&truth.contact)?;
        let questioned = truth.asks.iter().any(|ask| ask.why == Why::Questioned);
        let owns = kept.role.as_deref() == Some("owner");
        // Of somebody registered twice, whoever was met first owns, and stays owner.
        let owned = owns == truth.owner || truth.kind == Kind::RegisteredTwice || truth.customer.is_none();
        let same = kept.state.as_deref() == Some(word(truth.state)) && kept.customer == truth.customer && owned;
        (same && questioned == (kept.reason.as_deref() == Some("questioned"))).then_some(())
    };
    let told = |truth: &ContactTruth| {
        let change = drift.changed.get(&truth.contact);
        format!("{change:?}, {:?}/{}: {:?}, wanted {truth:?}", truth.kind, truth.case, kept.get(&truth.contact))
    };
    let mut differ: Vec<String> =
        drift.truth.contacts.values().filter(|truth| wrong(truth).is_none()).map(told).collect();
    let unknown = kept.keys().filter(|id| !drift.truth.contacts.contains_key(id));
    differ.extend(unknown.map(|id| format!("contact {id} is nobody's")));
    differ
}

/// Links and merges that are proposed, and should not be; or should, and are not. Where the rules may not merge, that is the one reason
/// to ask about those that would be automatic.
pub async fn proposals(drift: &Drift, town: &Town) -> Vec<String> {
    let row = "SELECT CAST(id AS TEXT) || ' ' || kind || ' ' || customer || ' ' || absorbed || CASE WHEN because = '[\"auto-merge-off\"]' \
               THEN ' automatic' ELSE ' asks' END FROM proposals WHERE state = 'open'";
    let found: BTreeSet<String> = town.texts(row).await.into_iter().collect();
    let asks = |truth: &ContactTruth| {
        let row = |ask: &AskTruth| format!("{} link {} [] asks", truth.contact, ask.customer);
        truth.asks.iter().map(row).collect::<Vec<_>>()
    };
    let merges = |truth: &ContactTruth| {
        let merge = truth.merge.as_ref()?;
        let (absorbed, how) =
            (serde_json::to_string(&merge.absorbed).unwrap(), if merge.automatic { "automatic" } else { "asks" });
        Some(format!("{} merge {} {absorbed} {how}", truth.contact, merge.survivor))
    };
    let truths = drift.truth.contacts.values();
    let wanted: BTreeSet<String> = truths.flat_map(|truth| asks(truth).into_iter().chain(merges(truth))).collect();
    let change = |row: &str| {
        let id: i64 = row.split(' ').next().unwrap().parse().unwrap();
        let kind = drift.truth.contacts.get(&id).map(|truth| (truth.kind, truth.case));
        format!("{:?} {kind:?} {row}", drift.changed.get(&id))
    };
    let lacks = wanted.difference(&found).map(|row| format!("lacks {}", change(row)));
    lacks.chain(found.difference(&wanted).map(|row| format!("has {}", change(row)))).collect()
}

/// Fields that are neither as before nor as the truth has them written.
pub fn fields(drift: &Drift, before: &Customers, after: &Customers) -> Vec<String> {
    let mut wanted: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let mut of: BTreeMap<&str, i64> = BTreeMap::new();
    for truth in drift.truth.contacts.values() {
        let Some(customer) = truth.customer.as_deref() else { continue };
        of.insert(customer, truth.contact);
        wanted.entry(customer).or_default().extend(truth.writes.iter().map(|(f, v)| (f.as_str(), v.as_str())));
    }
    let (mut wrong, none) = (Vec::new(), BTreeMap::new());
    for (id, now) in after {
        let (before, wanted) = (&before[id], wanted.get(id.as_str()).unwrap_or(&none));
        let fields: BTreeSet<&str> =
            before.keys().chain(now.keys()).map(String::as_str).chain(wanted.keys().copied()).collect();
        for field in fields {
            let (was, is, wanted) = (before.get(field), now.get(field), wanted.get(field));
            let right = wanted.map_or(was == is, |value| is.and_then(Value::as_str) == Some(value));
            if !right {
                let change = of.get(id.as_str()).and_then(|contact| drift.changed.get(contact));
                wrong.push(format!("{change:?} {id}.{field}: {was:?} became {is:?}, wanted {wanted:?}"));
            }
        }
    }
    let stands = drift.stands.iter().filter(|stands| {
        let id = drift.absorbed.get(&stands.customer).unwrap_or(&stands.customer);
        after[id].get(&stands.field).unwrap_or(&Value::Null) != &stands.value
    });
    wrong.extend(stands.map(|stands| format!("an agent's value is gone: {stands:?}")));
    wrong
}

/// How many fields the truth has written.
pub fn written(drift: &Drift) -> usize {
    drift.truth.contacts.values().filter(|truth| !truth.writes.is_empty()).count()
}
