//! What may be believed of a reading: each record by itself, and the order of a page as a whole.
//!
//! One unreadable record never spoils its page; a page that does not advance ends the reading, since nothing the server
//! says about what lies behind it could be trusted.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::wire::Field;
use crate::model::{Contact, ContactId, ShopCustomerId};

/// One page of a reading by rising id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// In the order of their ids; an empty page ends a reading.
    pub records: Vec<Record>,
    /// The highest id of the page: where the next one goes on. For an empty page, where it was asked from.
    pub last: i64,
}

/// A row of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It is what the vendor's page shows.
    Whole(Contact),
    /// It is not.
    Malformed {
        /// Its id, where that much could be read.
        id: Option<ContactId>,
        /// What is wrong.
        defect: RecordDefect,
    },
}

impl Record {
    /// Its id, where that could be read.
    #[must_use]
    pub fn id(&self) -> Option<ContactId> {
        match self {
            Self::Whole(contact) => Some(contact.id),
            Self::Malformed { id, defect: _ } => *id,
        }
    }
}

/// Why a record cannot be read. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum RecordDefect {
    /// Not a JSON object.
    #[error("the record is not a JSON object")]
    NotAnObject,
    /// `id` is missing, or not an integer from 1 up.
    #[error("the record has no id that is an integer from 1 up")]
    BadId,
    /// A field has another type than the vendor's page gives it.
    #[error("field {0} of the record has the wrong type")]
    WrongType(Field),
    /// It holds bytes that are not UTF-8, or half a surrogate pair.
    #[error("the record holds text that is not Unicode")]
    CorruptText,
}

type Row<'a> = BTreeMap<String, &'a RawValue>;

/// Reads one row, each member by itself: what is wrong with one does not hide the id. `corrupt` says that the answer it
/// came in was not UTF-8 throughout.
pub(super) fn record(raw: &str, corrupt: bool) -> Record {
    let Ok(row) = serde_json::from_str::<Row<'_>>(raw) else {
        return Record::Malformed { id: None, defect: RecordDefect::NotAnObject };
    };
    let id = row.get(Field::Id.as_str()).and_then(|raw| integer(raw)).and_then(|id| ContactId::try_from(id).ok());
    let Some(id) = id else {
        return Record::Malformed { id: None, defect: RecordDefect::BadId };
    };
    let whole = if corrupt && raw.contains(char::REPLACEMENT_CHARACTER) {
        Err(RecordDefect::CorruptText)
    } else {
        contact(id, &row)
    };
    match whole {
        Ok(contact) => Record::Whole(contact),
        Err(defect) => Record::Malformed { id: Some(id), defect },
    }
}

fn contact(id: ContactId, row: &Row<'_>) -> Result<Contact, RecordDefect> {
    let owner = match member(row, Field::Customer) {
        None => None,
        Some(raw) => {
            let owner = integer(raw).and_then(|id| ShopCustomerId::try_from(id).ok());
            Some(owner.ok_or(RecordDefect::WrongType(Field::Customer))?)
        }
    };
    Ok(Contact {
        id,
        owner,
        name: text(row, Field::Name)?,
        phone: text(row, Field::Phone)?,
        email: text(row, Field::Email)?,
        note: text(row, Field::Note)?,
    })
}

/// `None` where it is null or absent: both are blank.
fn member<'a>(row: &Row<'a>, field: Field) -> Option<&'a RawValue> {
    row.get(field.as_str()).copied().filter(|raw| raw.get() != "null")
}

fn text(row: &Row<'_>, field: Field) -> Result<String, RecordDefect> {
    match member(row, field) {
        None => Ok(String::new()),
        // A string that is none holds half a surrogate pair: JSON by its form, but no text.
        Some(raw) if raw.get().starts_with('"') => {
            serde_json::from_str(raw.get()).map_err(|_| RecordDefect::CorruptText)
        }
        Some(_) => Err(RecordDefect::WrongType(field)),
    }
}

fn integer(raw: &RawValue) -> Option<i64> {
    serde_json::from_str(raw.get()).ok()
}

/// Reads the rows of an answer; `None` where they are no array.
pub(super) fn records(raw: &RawValue, corrupt: bool) -> Option<Vec<Record>> {
    let rows: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    Some(rows.into_iter().map(|row| record(row.get(), corrupt)).collect())
}

/// A page that cannot be read on from. Numbers only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Disorder {
    /// An id at or below the one it was asked from: the page would be read for ever.
    #[error(
        "contacts after {after} were asked for, and {id} came: the shop does not honour `after`; nothing more is read from it"
    )]
    NotAfter { after: i64, id: ContactId },
    /// Ids that do not rise.
    #[error(
        "of the contacts after {after}, {then} came behind {first}: the shop does not honour the order by id; nothing more \
         is read from it"
    )]
    NotRising { after: i64, first: ContactId, then: ContactId },
    /// Rows, but nothing to go on from.
    #[error("of the {rows} contacts that came after {after} not one has a readable id, so there is no way past them")]
    NoWayOn { after: i64, rows: usize },
}

/// The page, if ids strictly rise above `after`. More rows than were asked for do no harm.
pub(super) fn page(records: Vec<Record>, after: i64) -> Result<Page, Disorder> {
    let mut before: Option<ContactId> = None;
    for id in records.iter().filter_map(Record::id) {
        match before {
            Some(first) if id <= first => return Err(Disorder::NotRising { after, first, then: id }),
            None if id.get() <= after => return Err(Disorder::NotAfter { after, id }),
            Some(_) | None => before = Some(id),
        }
    }
    match before {
        Some(last) => Ok(Page { records, last: last.get() }),
        None if records.is_empty() => Ok(Page { records, last: after }),
        None => Err(Disorder::NoWayOn { after, rows: records.len() }),
    }
}
