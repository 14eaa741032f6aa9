//! What a contact was to us: the link it goes by. A link outlives much: its contact may be gone from the shop for a while, and its
//! customer merged into another one by an agent. Here it is told which of these holds; what follows from it is decided in
//! [`super::page`].

use serde::Serialize;

use crate::model::{
    CustomerId,
    link::{Grounds, Link, Role, Ruling},
};

use super::{
    evidence::{Hashes, Subject},
    names::{NameMatch, compare_words},
    view::View,
};

/// The link a contact goes by: its own, or the last one it had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Past<'a> {
    pub link: &'a Link,
    pub how: How<'a>,
}

/// What became of that link.
#[derive(Debug, Clone, Copy)]
pub(super) enum How<'a> {
    /// It is there, and so is its customer.
    Linked,
    /// It ended, and the contact is back: who it was, and nobody said that they are two.
    Returned,
    /// Its customer cannot be read any more. The contact is who it was.
    Lost,
    /// Its customer cannot be read any more, and this one holds what we wrote there.
    Heir(&'a Heir),
}

/// The customer into which a lost one was merged, as far as evidence can tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Heir {
    pub customer: CustomerId,
    pub grounds: Grounds,
    pub row: String,
    pub baselines: crate::model::link::Baselines,
}

/// In which way a contact would be linked to a customer; the order is the order in which they become its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// It is the owner.
    Owner,
    /// It was: of this customer, before it was gone, or of one that was merged into it.
    Owned,
    /// Neither.
    Beside,
}

impl<'a> Past<'a> {
    pub fn of(subject: &'a Subject, view: &View<'a>) -> Option<Self> {
        let link = subject.link.as_ref().or_else(|| subject.former.first())?;
        let ruled = subject.rulings.get(&link.customer);
        let how = if let Some(heir) = view.heir(&subject.key) {
            How::Heir(heir)
        } else if view.customer(&link.customer).is_none() {
            // Whoever took over the record has nothing to do with what was written for somebody else.
            (ruled != Some(&Ruling::Different) && is_who_it_was(&link.known_as, &subject.hashes))
                .then_some(How::Lost)?
        } else if subject.link.is_some() {
            How::Linked
        } else {
            let back = match ruled {
                Some(Ruling::Same) => true,
                Some(Ruling::Different) => false,
                None => is_who_it_was(&link.known_as, &subject.hashes),
            };
            back.then_some(How::Returned)?
        };
        Some(Self { link, how })
    }

    /// The customer it stands on, if it can be read.
    pub fn customer(&self) -> Option<&'a CustomerId> {
        match self.how {
            How::Linked | How::Returned => Some(&self.link.customer),
            How::Heir(heir) => Some(&heir.customer),
            How::Lost => None,
        }
    }

    /// The grounds on which it was made, or its heir was found.
    pub fn grounds(&self) -> Grounds {
        match self.how {
            How::Linked | How::Returned | How::Lost => self.link.grounds,
            How::Heir(heir) => heir.grounds,
        }
    }

    /// The row that made it, or by which its heir was found.
    pub fn row(&self) -> &'a str {
        match self.how {
            How::Linked | How::Returned | How::Lost => &self.link.row,
            How::Heir(heir) => &heir.row,
        }
    }

    /// A customer that answered under another id was followed by whoever gathered: among its own links that contact is no owner.
    pub fn was_followed(&self, view: &View<'_>) -> bool {
        let of_store =
            |link: &Link| link.contact == self.link.contact && link.ended.is_none() && link.role == self.link.role;
        matches!(self.how, How::Linked)
            && !view.customer(&self.link.customer).is_some_and(|candidate| candidate.links.iter().any(of_store))
    }

    pub fn place(&self, view: &View<'_>) -> Place {
        match (self.link.role, self.how) {
            (Role::Secondary, _) | (Role::Owner, How::Lost) => Place::Beside,
            (Role::Owner, How::Linked) if !self.was_followed(view) => Place::Owner,
            (Role::Owner, How::Linked | How::Returned | How::Heir(_)) => Place::Owned,
        }
    }
}

/// A link stands while one earlier identifier or the name remains; otherwise the record may be somebody else's now. It is judged
/// against who the contact was when it was last found to stand: whatever the index has learnt since is no part of that, and what was
/// questioned once stands again as soon as the contact is who it was. Of whom nothing was known nothing can have changed.
pub(super) fn is_who_it_was(known_as: &Hashes, now: &Hashes) -> bool {
    *known_as == Hashes::default()
        || known_as == now
        || (known_as.email.is_some() && known_as.email == now.email)
        || (known_as.phone.is_some() && known_as.phone == now.phone)
        || compare_words(&known_as.name, &now.name) == NameMatch::Agree
}
