//! A link: contact ↔ customer, with the baseline of every field we looked at.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{
    hashes::Hashes,
    ids::{ContactKey, CustomerId},
    keyed::Keyed,
    time::Moment,
};

/// A contact field that has a rule in `[fields]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// First, last and nickname as one unit.
    Name,
    /// The e-mail.
    Email,
    /// The telephone number.
    Phone,
    /// The shop's remarks.
    Note,
    /// The contact's id.
    Ids,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Name, Self::Email, Self::Phone, Self::Note, Self::Ids];

    /// Its word, as in `[fields]`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Note => "note",
            Self::Ids => "ids",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What we know of our last dealing with a field. All are keyed hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// The contact's value when the field was last settled: a write needs a source that differs from it.
    pub source: Keyed,
    /// What came back from our write, where we wrote: the value that is ours, never evidence, and ours to replace.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub returned: Option<Keyed>,
}

/// The baselines of a link, by field.
pub type Baselines = BTreeMap<Field, Baseline>;

/// Whether this link's contact writes to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Its values are the customer's.
    Owner,
    /// Another contact's are.
    Secondary,
}

impl Role {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Secondary => "secondary",
        }
    }
}

/// How strongly a contact is tied to a customer; the order is the order of preference for the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grounds {
    /// A person said so.
    Person,
    /// E-mail and telephone agree.
    Both,
    /// The e-mail agrees.
    Email,
    /// The telephone agrees.
    Phone,
}

impl Grounds {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Both => "both",
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}

/// A link as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Who.
    pub contact: ContactKey,
    /// Is whom.
    pub customer: CustomerId,
    /// Owner or secondary.
    pub role: Role,
    /// On what grounds.
    pub grounds: Grounds,
    /// The row of the outcome table that made it (`plan::matching::Row`), or `person`.
    pub row: String,
    /// When it was made.
    pub since: Moment,
    /// What we last settled, by field. A secondary's are those of the time when it was the owner: it writes nothing, and what it
    /// wrote is ours still.
    pub baselines: Baselines,
    /// Who the contact was when the link was last found to stand: a later judgement is made against this, whatever the index has
    /// learnt meanwhile.
    pub known_as: Hashes,
    /// When it ended, for a former link: its contact is gone from the shop, or linked to another customer. It gives no right to write;
    /// what was written through it is ours still, until it is forgotten. `role` is the one it ended in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<Moment>,
}

/// The links of the customer that remains of a merge, as far as the one that is gone changes them: what was written to that one is ours
/// here, and whoever was linked to it is linked here. Who owns the one that remains goes on owning it.
#[must_use]
pub fn carried_over(of_gone: Vec<Link>, of_remaining: &[Link], remains: &CustomerId) -> Vec<Link> {
    let mut owned = of_remaining.iter().any(|link| link.role == Role::Owner && link.ended.is_none());
    // Those that stand come first, so that what a former one held is added to them.
    let mut of_gone = of_gone;
    of_gone.sort_by(|a, b| (a.ended.is_some(), &a.contact).cmp(&(b.ended.is_some(), &b.contact)));
    let mut carried: Vec<Link> = Vec::new();
    for link in of_gone {
        let known = of_remaining.iter().find(|known| known.contact == link.contact);
        let mut link = Link { customer: remains.clone(), ..link };
        if let Some(known) = known {
            let (mut newer, older) = if known.ended.is_none() { (known.clone(), link) } else { (link, known.clone()) };
            for (field, baseline) in older.baselines {
                newer.baselines.entry(field).or_insert(baseline);
            }
            link = newer;
        } else if link.role == Role::Owner && link.ended.is_none() {
            if owned {
                link.role = Role::Secondary;
            }
            owned = true;
        }
        carried.push(link);
    }
    carried
}

/// A person's word on a pair; it outranks every rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// They are one person.
    Same,
    /// They are two.
    Different,
}

impl Ruling {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Different => "different",
        }
    }
}
