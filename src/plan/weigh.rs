//! One contact against every customer that might be hers.

use serde::Serialize;

use crate::model::{
    CustomerId, Keyed, Line,
    link::{Field, Grounds, Ruling},
};

use super::{
    aliases,
    evidence::{Candidate, Side, Subject},
    matching::{self, Agreement, Outcome, Row},
    names::{self, FoldedName, NameMatch},
    past::{How, Past},
    shared::Shared,
    view::View,
};

/// How a contact compares with one customer, and what that comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weighing {
    /// The customer.
    pub customer: CustomerId,
    /// E-mail.
    pub email: Agreement,
    /// Telephone.
    pub phone: Agreement,
    /// Names.
    pub names: NameMatch,
    /// The row of the table.
    pub row: Row,
    /// What it comes to, a person's word included.
    pub outcome: Outcome,
    /// A person's word, which outranks the row.
    pub ruled: Option<Ruling>,
    /// Whether the contact's link leads here: today's, or the last one of a contact that is back, also by way of a merge.
    pub standing: bool,
    /// What it holds of that which was written to the customer the contact was linked to and that cannot be read any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub handed_on: Vec<Field>,
    /// Fields of the customer that hold our own writing and so said nothing.
    pub ours: Vec<Field>,
    /// The hash of what the customer says for itself.
    #[serde(skip)]
    pub values: Option<Keyed>,
}

impl Weighing {
    /// On what grounds a link would stand.
    #[must_use]
    pub const fn grounds(&self) -> Grounds {
        match (self.ruled, self.email, self.phone) {
            (Some(Ruling::Same), _, _) => Grounds::Person,
            (_, Agreement::Agree, Agreement::Agree) => Grounds::Both,
            (_, Agreement::Agree, Agreement::Lacking | Agreement::Differ) => Grounds::Email,
            (_, Agreement::Lacking | Agreement::Differ, _) => Grounds::Phone,
        }
    }

    /// How many of the contact's identifiers the customer holds.
    #[must_use]
    pub fn agreeing(&self) -> usize {
        usize::from(self.email == Agreement::Agree) + usize::from(self.phone == Agreement::Agree)
    }
}

/// Why the identifiers of a contact are shared, if they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SharedSides {
    /// The e-mail.
    pub email: Option<Shared>,
    /// The telephone number.
    pub phone: Option<Shared>,
}

impl SharedSides {
    pub(super) fn of(subject: &Subject, view: &View<'_>) -> Self {
        let crowded = |crowded: bool| crowded.then_some(Shared::Crowded);
        let email = subject.identity.email.as_ref();
        let phone = subject.identity.phone.as_ref();
        Self {
            email: crowded(subject.crowded_email).or_else(|| view.shared_email(email?)),
            phone: crowded(subject.crowded_phone).or_else(|| view.shared_phone(phone?)),
        }
    }
}

/// Weighs a contact against every customer that holds one of her identifiers, is linked to her, or was named by a person.
/// Sorted by customer; rows without a match are left out.
pub(super) fn weigh(subject: &Subject, past: Option<&Past<'_>>, shared: SharedSides, view: &View<'_>) -> Vec<Weighing> {
    let mut candidates: Vec<&Candidate> = Vec::new();
    // What is shared matches nobody, so whoever holds only that would make a row without a match.
    if let Some(email) = subject.identity.email.as_ref().filter(|_| shared.email.is_none()) {
        candidates.extend(view.with_email(email));
    }
    if let Some(phone) = subject.identity.phone.as_ref().filter(|_| shared.phone.is_none()) {
        candidates.extend(view.with_phone(phone));
    }
    let linked = past.and_then(Past::customer);
    let named = subject.rulings.keys().chain(linked);
    candidates.extend(named.filter_map(|id| view.customer(id)));
    candidates.sort_by(|a, b| a.customer.id.cmp(&b.customer.id));
    candidates.dedup_by(|a, b| a.customer.id == b.customer.id);
    candidates
        .into_iter()
        .map(|candidate| against(subject, past, shared, candidate, view))
        .filter(|weighing| weighing.row != Row::Nothing || weighing.standing || weighing.ruled.is_some())
        .collect()
}

fn against(
    subject: &Subject,
    past: Option<&Past<'_>>,
    shared: SharedSides,
    candidate: &Candidate,
    view: &View<'_>,
) -> Weighing {
    let Subject { identity, .. } = subject;
    let id = &candidate.customer.id;
    let handed_on = match past.map(|past| past.how) {
        Some(How::Lost) => aliases::handed_on(subject, candidate, view).into_keys().collect(),
        Some(How::Linked | How::Returned | How::Heir(_)) | None => Vec::new(),
    };
    // What we wrote says nothing; what came here with the contact's lost customer may confirm, and never contradicts.
    let confirms = |field: Field| candidate.ours.contains(&field) && handed_on.contains(&field);
    let by_email = |side: &Side<_>| {
        agreement(identity.email.as_ref(), shared.email, side, |theirs| view.shared_email(theirs).is_some())
    };
    let by_phone = |side: &Side<_>| {
        agreement(identity.phone.as_ref(), shared.phone, side, |theirs| view.shared_phone(theirs).is_some())
    };
    let mut email = by_email(candidate.email_as_evidence());
    if confirms(Field::Email) && by_email(&candidate.email) == Agreement::Agree {
        email = Agreement::Agree;
    }
    let mut phone = by_phone(candidate.phone_as_evidence());
    if confirms(Field::Phone) && by_phone(&candidate.phone) == Agreement::Agree {
        phone = Agreement::Agree;
    }
    let mut names = name_match(subject, candidate.name_as_evidence(), candidate.nickname_as_evidence());
    if confirms(Field::Name) && name_match(subject, &candidate.name, &candidate.nickname) == NameMatch::Agree {
        names = NameMatch::Agree;
    }
    let line = identity.phone.as_ref().map_or(Line::Fixed, crate::model::Phone::line);
    let row = matching::row(email, phone, line, names);
    let ruled = subject.rulings.get(id).copied();
    let outcome = match ruled {
        Some(Ruling::Same) => Outcome::Link,
        Some(Ruling::Different) => Outcome::NoMatch,
        None => matching::outcome(row, view.rules),
    };
    let standing = past.and_then(Past::customer) == Some(id);
    let ours = candidate.ours.iter().copied().collect();
    let values = view.values(id);
    Weighing { customer: id.clone(), email, phone, names, row, outcome, ruled, standing, handed_on, ours, values }
}

/// A shared identifier says nothing, on whichever side it stands; something unreadable says nothing, and something that is
/// not even a text is somebody's.
fn agreement<T: PartialEq>(
    mine: Option<&T>,
    mine_shared: Option<Shared>,
    theirs: &Side<T>,
    theirs_shared: impl Fn(&T) -> bool,
) -> Agreement {
    match (mine, theirs) {
        (None, _) | (Some(_), Side::Blank | Side::Unreadable) => Agreement::Lacking,
        (Some(_), _) if mine_shared.is_some() => Agreement::Lacking,
        (Some(mine), Side::Is(theirs)) if mine == theirs => Agreement::Agree,
        (Some(_), Side::Is(theirs)) if theirs_shared(theirs) => Agreement::Lacking,
        (Some(_), Side::Is(_) | Side::Opaque) => Agreement::Differ,
    }
}

/// First and last name decide; a nickname may confirm where they are blank, and never contradicts.
fn name_match(subject: &Subject, name: &FoldedName, nickname: &FoldedName) -> NameMatch {
    match names::compare(&subject.identity.name, name) {
        NameMatch::Agree => NameMatch::Agree,
        NameMatch::Differ => NameMatch::Differ,
        NameMatch::Blank => match names::compare(&subject.identity.name, nickname) {
            NameMatch::Agree => NameMatch::Agree,
            NameMatch::Differ | NameMatch::Blank => NameMatch::Blank,
        },
    }
}
