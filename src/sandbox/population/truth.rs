//! What is true of a population, known because the groups were built so and never found by matching: who a contact is,
//! which customer is the same person, and what the program is to make of it under its default rules.

use std::collections::BTreeMap;

use serde::Serialize;

/// The truth about everybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Truth {
    /// By the id of the contact.
    pub contacts: BTreeMap<i64, ContactTruth>,
    /// By the id of the customer.
    pub customers: BTreeMap<String, CustomerTruth>,
    /// The contacts of further shops: by the shop's name, then by id.
    pub others: BTreeMap<String, BTreeMap<i64, ContactTruth>>,
}

/// The truth about a contact. What it expects is of a first crossing under the default rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContactTruth {
    /// Its id.
    pub contact: i64,
    /// Who it is.
    pub person: u32,
    /// What kind of people she belongs to.
    pub kind: Kind,
    /// Which case of that kind.
    pub case: &'static str,
    /// What it is to become.
    pub state: Expected,
    /// The customer it is to be linked to.
    pub customer: Option<String>,
    /// The customer who *is* the person, whether or not rules allow a link.
    pub counterpart: Option<String>,
    /// Whether a search by every spelling finds that customer at all.
    pub findable: bool,
    /// Whether it owns the fields of its customer.
    pub owner: bool,
    /// The customer's fields that it is to write, and the values.
    pub writes: BTreeMap<String, String>,
    /// The links that are to be proposed to a person.
    pub asks: Vec<AskTruth>,
    /// The merge that is to be proposed or done.
    pub merge: Option<MergeTruth>,
}

/// The truth about a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerTruth {
    /// Its id.
    pub customer: String,
    /// Who it is.
    pub person: u32,
    /// What kind of people she belongs to.
    pub kind: Kind,
}

/// What a contact is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// `linked`
    Linked,
    /// `unmatched`
    Unmatched,
    /// `waiting`
    Waiting,
    /// `invalid`
    Invalid,
    /// `gone`: deleted from the shop. Its link and what we wrote are kept for a while, in case it comes back.
    Gone,
}

/// A link that a person is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskTruth {
    /// To whom.
    pub customer: String,
    /// Why it is asked.
    pub why: Why,
}

/// Why a link is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// An identifier agrees and the names do not.
    NamesDiffer,
    /// Only a fixed line agrees, and a name is blank.
    FixedLineAlone,
    /// The telephone agrees, the e-mail differs, and a name is blank.
    EmailDiffers,
    /// It is linked, and nothing of what it was linked by remains: the record may be somebody else's now.
    Questioned,
}

/// A merge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergeTruth {
    /// Who remains.
    pub survivor: String,
    /// Who goes, by id.
    pub absorbed: Vec<String>,
    /// Whether no person need be asked.
    pub automatic: bool,
}

/// The kinds of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One contact, one customer, one person.
    Plain,
    /// A contact who never chatted.
    NoCounterpart,
    /// A customer whose every identifier is spelled as no search asks.
    NotFindable,
    /// One person who became two or three customers.
    SeveralCustomers,
    /// One person registered twice in the shop.
    RegisteredTwice,
    /// A mailbox of several people: an office's, a family's.
    SharedMailbox,
    /// One address under which many different people chatted.
    PublicMailbox,
    /// One landline of many people of a firm.
    Switchboard,
    /// One landline of a family.
    Family,
    /// Two people of one name.
    Namesakes,
    /// One e-mail, two names.
    NamesDiffer,
    /// Somebody who registered with somebody else's e-mail.
    Hostile,
    /// One mobile of two people.
    Couple,
    /// Too little to be sure.
    Doubtful,
    /// Neither an e-mail nor a telephone number.
    Unusable,
    /// A customer who is no contact.
    Stranger,
}
