//! Rows and what they mean: each word and hash is read back into the value it was, or named as unreadable.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IntoDeserializer, value::Error as WordError},
};
use sqlx::{Row as _, query::Query};

use super::{Connection, Database, Row, failure::failed, statement::Arguments};
use crate::{
    model::{
        ContactId, ContactKey, CustomerId, Hashes, Keyed, ShopName,
        hold::{Hold, HoldKind, NewHold},
        link::Link,
        proposal::{Authority, KeptProposal, Proposal, ProposalId, ProposalState, Proposed},
        run::RunId,
        state::ContactState,
        time::Moment,
    },
    store::{Fingerprint, IndexEntry, Judged, KeptWrite, StoreError, Unsettled, WriteId, WriteOutcome},
};

/// A value as a JSON text: what bulk statements and the columns that hold lists take.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(sqlx::Error::Encode(Box::new(error))))
}

/// The value of a JSON text.
pub(super) fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Inconsistent(what))
}

/// The value of a word.
pub(super) fn from_word<'a, T: Deserialize<'a>>(word: &'a str, what: &'static str) -> Result<T, StoreError> {
    let word: serde::de::value::StrDeserializer<'a, WordError> = word.into_deserializer();
    T::deserialize(word).map_err(|_| StoreError::Inconsistent(what))
}

/// The hashes of a name's words as one text.
pub(super) fn words(name: &[Keyed]) -> String {
    name.iter().map(Keyed::to_string).collect::<Vec<_>>().join(" ")
}

/// The hashes of a name's words.
pub(super) fn from_words(text: &str) -> Result<Vec<Keyed>, StoreError> {
    text.split_ascii_whitespace().map(|word| keyed(word, "a word of a name")).collect()
}

/// A hash.
pub(super) fn keyed(text: &str, what: &'static str) -> Result<Keyed, StoreError> {
    Keyed::parse(text).ok_or(StoreError::Inconsistent(what))
}

/// Milliseconds, for a column that may be empty.
pub(super) fn millis(moment: Option<Moment>) -> Option<i64> {
    moment.map(Moment::millis)
}

/// What a number of rows is.
pub(super) fn count(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::Inconsistent("a count"))
}

/// A column of a row.
pub(super) fn get<'r, T>(row: &'r Row, column: &str) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, Database> + sqlx::Type<Database>,
{
    row.try_get(column).map_err(failed)
}

/// A yes or no, which is 1 or 0.
pub(super) fn flag(row: &Row, column: &str) -> Result<bool, StoreError> {
    Ok(get::<i64>(row, column)? == 1)
}

pub(super) fn moment(row: &Row, column: &str) -> Result<Moment, StoreError> {
    get(row, column).map(Moment::from_millis)
}

pub(super) fn maybe_moment(row: &Row, column: &str) -> Result<Option<Moment>, StoreError> {
    Ok(get::<Option<i64>>(row, column)?.map(Moment::from_millis))
}

pub(super) fn shop(row: &Row) -> Result<ShopName, StoreError> {
    ShopName::try_from(get::<String>(row, "shop")?).map_err(|_| StoreError::Inconsistent("the name of a shop"))
}

pub(super) fn customer(row: &Row) -> Result<CustomerId, StoreError> {
    customer_in(row, "customer")
}

/// A customer in another column than `customer`.
pub(super) fn customer_in(row: &Row, column: &str) -> Result<CustomerId, StoreError> {
    CustomerId::try_from(get::<String>(row, column)?).map_err(|_| StoreError::Inconsistent("the id of a customer"))
}

pub(super) fn contact(row: &Row) -> Result<ContactKey, StoreError> {
    let id =
        ContactId::try_from(get::<i64>(row, "id")?).map_err(|_| StoreError::Inconsistent("the id of a contact"))?;
    Ok(ContactKey { shop: shop(row)?, id })
}

/// The hash of an identifier, where there is one.
fn maybe_keyed(row: &Row, column: &str) -> Result<Option<Keyed>, StoreError> {
    get::<Option<&str>>(row, column)?.map(|text| keyed(text, "an identifier's hash")).transpose()
}

pub(super) fn entry(row: &Row) -> Result<IndexEntry, StoreError> {
    Ok(IndexEntry {
        id: contact(row)?.id,
        email: maybe_keyed(row, "email")?,
        phone: maybe_keyed(row, "phone")?,
        name: from_words(get(row, "name")?)?,
    })
}

/// The judgement on a contact and the run that made it; none while it is only surveyed.
pub(super) fn judged(row: &Row) -> Result<Option<(Judged, RunId)>, StoreError> {
    let Some(state) = get::<Option<&str>>(row, "state")? else { return Ok(None) };
    let judged = Judged {
        state: ContactState::parse(state).ok_or(StoreError::Inconsistent("the state of a contact"))?,
        reason: get(row, "reason")?,
        fingerprint: Fingerprint { content: keyed(get(row, "content")?, "a fingerprint")?, rules: get(row, "rules")? },
        recheck_at: maybe_moment(row, "recheck_at")?,
        attempts: u32::try_from(get::<i64>(row, "attempts")?).map_err(|_| StoreError::Inconsistent("attempts"))?,
        parked_since: maybe_moment(row, "parked_since")?,
        at: moment(row, "judged_at")?,
    };
    Ok(Some((judged, RunId(get(row, "judged_by")?))))
}

pub(super) fn link(row: &Row) -> Result<Link, StoreError> {
    Ok(Link {
        contact: contact(row)?,
        customer: customer(row)?,
        role: from_word(get(row, "role")?, "the role of a link")?,
        grounds: from_word(get(row, "grounds")?, "the grounds of a link")?,
        row: get(row, "made_by")?,
        since: moment(row, "since")?,
        baselines: from_json(get(row, "baselines")?, "the baselines of a link")?,
        known_as: Hashes {
            email: maybe_keyed(row, "known_email")?,
            phone: maybe_keyed(row, "known_phone")?,
            name: from_words(get(row, "known_name")?)?,
        },
        ended: maybe_moment(row, "ended_at")?,
    })
}

pub(super) fn unsettled(row: &Row) -> Result<Unsettled, StoreError> {
    Ok(Unsettled {
        id: WriteId(get(row, "write")?),
        customer: customer(row)?,
        doubted_at: maybe_moment(row, "settled_at")?,
        fields: from_json(get(row, "fields")?, "the fields of a write")?,
    })
}

pub(super) fn write(row: &Row) -> Result<KeptWrite, StoreError> {
    let Unsettled { id, customer, doubted_at: _, fields } = unsettled(row)?;
    let outcome = match (get::<Option<&str>>(row, "outcome")?, maybe_moment(row, "settled_at")?) {
        (None, None) => None,
        (Some(word), Some(at)) => {
            Some((WriteOutcome::parse(word).ok_or(StoreError::Inconsistent("the outcome of a write"))?, at))
        }
        (None, Some(_)) | (Some(_), None) => return Err(StoreError::Inconsistent("the outcome of a write")),
    };
    Ok(KeptWrite {
        id,
        run: RunId(get(row, "run")?),
        contact: contact(row)?,
        customer,
        why: get(row, "why")?,
        fields: fields.into_keys().collect(),
        declared_at: moment(row, "declared_at")?,
        outcome,
    })
}

pub(super) fn proposal(row: &Row) -> Result<KeptProposal, StoreError> {
    let proposed = match get(row, "kind")? {
        "link" => Proposed::Link { customer: customer(row)? },
        "merge" => Proposed::Merge {
            survivor: customer(row)?,
            absorbed: from_json(get(row, "absorbed")?, "the customers of a merge")?,
        },
        _ => return Err(StoreError::Inconsistent("the kind of a proposal")),
    };
    let authority = match get::<Option<&str>>(row, "because")? {
        None => Authority::Automatic,
        Some(reasons) => Authority::Ask(from_json(reasons, "the reasons of a proposal")?),
    };
    Ok(KeptProposal {
        proposal: Proposal {
            id: ProposalId(get(row, "proposal")?),
            contact: contact(row)?,
            proposed,
            authority,
            evidence: from_json(get(row, "evidence")?, "the evidence of a proposal")?,
        },
        state: ProposalState::parse(get(row, "state")?).ok_or(StoreError::Inconsistent("the state of a proposal"))?,
        since: moment(row, "since")?,
        changed_at: moment(row, "changed_at")?,
        changed_by: get(row, "changed_by")?,
        held_by: get(row, "held_by")?,
        made_at: moment(row, "made_at")?,
    })
}

pub(super) fn hold(row: &Row) -> Result<Hold, StoreError> {
    let sample: Vec<(ShopName, ContactId)> = from_json(get(row, "sample")?, "the sample of a hold")?;
    let released = match (maybe_moment(row, "released_at")?, get::<Option<String>>(row, "released_by")?) {
        (None, None) => None,
        (Some(at), Some(by)) => Some((at, by)),
        (None, Some(_)) | (Some(_), None) => return Err(StoreError::Inconsistent("the release of a hold")),
    };
    Ok(Hold {
        id: get(row, "hold")?,
        what: NewHold {
            shop: shop(row)?,
            kind: HoldKind::parse(get(row, "kind")?).ok_or(StoreError::Inconsistent("the kind of a hold"))?,
            reason: get(row, "reason")?,
            count: count(get(row, "count")?)?,
            sample: sample.into_iter().map(|(shop, id)| ContactKey { shop, id }).collect(),
            bound: keyed(get(row, "bound")?, "what a hold is bound to")?,
        },
        run: RunId(get(row, "run")?),
        since: moment(row, "since")?,
        released,
    })
}

/// What a statement finds, by what each row means, in the order they come. A row is let go once it is read: it is many times as large as
/// what it means.
pub(super) async fn all<T>(
    asked: Query<'_, Database, Arguments>,
    c: &mut Connection,
    read: impl Fn(&Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = asked.fetch(c);
    let mut found = Vec::new();
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        found.push(read(&row)?);
    }
    Ok(found)
}

/// Rows gathered under a key each.
pub(super) fn grouped<K: Ord, T>(pairs: Vec<(K, T)>) -> BTreeMap<K, Vec<T>> {
    let mut groups = BTreeMap::<K, Vec<T>>::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}
