//! The outcome table: one contact against one candidate customer. Every row an operator can meet has a name, and
//! `tests` below prints the whole table.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::{
    Line,
    rules::{AskOrLink, MatchingRules},
};

use super::names::NameMatch;

/// How an identifier of the contact compares with the customer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// The same, and not shared.
    Agree,
    /// One side has none, or it is shared.
    Lacking,
    /// Two different ones.
    Differ,
}

impl Agreement {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Lacking => "lacking",
            Self::Differ => "differ",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Row {
    /// E-mail and telephone agree, names do not differ.
    Both,
    /// The e-mail agrees, names do not differ; the telephone is lacking or another, and stays untouched.
    Email,
    /// A mobile agrees, the e-mail is lacking, names do not differ.
    Mobile,
    /// A fixed line and the name agree, the e-mail is lacking.
    FixedAndName,
    /// A fixed line agrees and nothing else is known: a household's, or an office's.
    FixedAlone,
    /// Telephone and name agree, the e-mail is another and stays untouched.
    PhoneAndName,
    /// The telephone agrees, the e-mail is another, a name is blank.
    PhoneOtherEmail,
    /// The e-mail agrees, the names differ.
    EmailOtherName,
    /// The telephone agrees, the e-mail is lacking, the names differ.
    PhoneOtherName,
    /// The telephone agrees; e-mail and name are another's.
    PhoneOfAnother,
    /// No identifier agrees.
    Nothing,
}

impl Row {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Both,
        Self::Email,
        Self::Mobile,
        Self::FixedAndName,
        Self::FixedAlone,
        Self::PhoneAndName,
        Self::PhoneOtherEmail,
        Self::EmailOtherName,
        Self::PhoneOtherName,
        Self::PhoneOfAnother,
        Self::Nothing,
    ];

    /// Its code, as the store keeps it and reports show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Email => "email",
            Self::Mobile => "mobile",
            Self::FixedAndName => "fixed-and-name",
            Self::FixedAlone => "fixed-alone",
            Self::PhoneAndName => "phone-and-name",
            Self::PhoneOtherEmail => "phone-other-email",
            Self::EmailOtherName => "email-other-name",
            Self::PhoneOtherName => "phone-other-name",
            Self::PhoneOfAnother => "phone-of-another",
            Self::Nothing => "nothing",
        }
    }

    /// The row in a sentence, for a person.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Both => "e-mail and telephone agree, and the names do not differ",
            Self::Email => "the e-mail agrees, and the names do not differ",
            Self::Mobile => "the mobile number agrees, one side has no e-mail of its own, and the names do not differ",
            Self::FixedAndName => "the fixed line and the name agree, and one side has no e-mail of its own",
            Self::FixedAlone => {
                "only a fixed line agrees, which may be a household's or an office's (matching.fixed_line_alone)"
            }
            Self::PhoneAndName => "telephone and name agree; the e-mails are two, and both stay as they are",
            Self::PhoneOtherEmail => "the telephone agrees, the e-mails are two, and no name tells",
            Self::EmailOtherName => "the e-mail agrees, but the names differ (matching.names_differ)",
            Self::PhoneOtherName => "the telephone agrees, but the names differ (matching.names_differ)",
            Self::PhoneOfAnother => "the telephone agrees, but e-mail and name are another person's",
            Self::Nothing => "no identifier agrees that is one person's alone",
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// They are linked.
    Link,
    /// A person decides.
    Ask,
    /// They have nothing to do with each other.
    NoMatch,
}

impl Outcome {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Ask => "ask",
            Self::NoMatch => "no-match",
        }
    }
}

/// The row for a contact and a candidate. `line` is the line of the number that agrees, and says nothing where none does.
#[must_use]
pub const fn row(email: Agreement, phone: Agreement, line: Line, names: NameMatch) -> Row {
    use Agreement::{Agree, Differ, Lacking};
    match (email, phone, names) {
        (Agree, _, NameMatch::Differ) => Row::EmailOtherName,
        (Agree, Agree, NameMatch::Agree | NameMatch::Blank) => Row::Both,
        (Agree, Lacking | Differ, NameMatch::Agree | NameMatch::Blank) => Row::Email,
        (Lacking, Agree, NameMatch::Differ) => Row::PhoneOtherName,
        (Lacking, Agree, NameMatch::Agree) => match line {
            Line::Mobile => Row::Mobile,
            Line::Fixed => Row::FixedAndName,
        },
        (Lacking, Agree, NameMatch::Blank) => match line {
            Line::Mobile => Row::Mobile,
            Line::Fixed => Row::FixedAlone,
        },
        (Differ, Agree, NameMatch::Agree) => Row::PhoneAndName,
        (Differ, Agree, NameMatch::Blank) => Row::PhoneOtherEmail,
        (Differ, Agree, NameMatch::Differ) => Row::PhoneOfAnother,
        (Lacking | Differ, Lacking | Differ, _) => Row::Nothing,
    }
}

/// What a row comes to under the operator's rules.
#[must_use]
pub const fn outcome(row: Row, rules: &MatchingRules) -> Outcome {
    match row {
        Row::Both | Row::Email | Row::Mobile | Row::FixedAndName | Row::PhoneAndName => Outcome::Link,
        Row::FixedAlone => chosen(rules.fixed_line_alone),
        Row::EmailOtherName | Row::PhoneOtherName => chosen(rules.names_differ),
        Row::PhoneOtherEmail => Outcome::Ask,
        Row::PhoneOfAnother | Row::Nothing => Outcome::NoMatch,
    }
}

const fn chosen(choice: AskOrLink) -> Outcome {
    match choice {
        AskOrLink::Ask => Outcome::Ask,
        AskOrLink::Link => Outcome::Link,
    }
}

#[cfg(test)]
mod tests;
