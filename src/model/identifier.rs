//! Identifiers: a normalised e-mail or telephone number. One that exists is a valid one, and none of them shows itself
//! in a log: `Debug` masks, and there is no `Display`. Made only by [`crate::plan::normalise`].

use std::fmt;

/// A normalised e-mail: lower case, ASCII domain with a dot in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// Wraps what the normaliser has found valid.
    #[must_use]
    pub(crate) fn from_normalised(text: String) -> Self {
        Self(text)
    }

    /// The address itself. Personal: for comparing, hashing, sending; never for a log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with all but the first letter and the domain's ending hidden: `a…@…it`.
    #[must_use]
    pub fn masked(&self) -> String {
        let first = self.0.chars().next().unwrap_or('…');
        let ending = self.0.rsplit('.').next().unwrap_or("…");
        format!("{first}…@….{ending}")
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// What kind of line a number is; decides how much it says about one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// One person's.
    Mobile,
    /// A household's or an office's; also whatever cannot be told from one (a US number, a VoIP number).
    Fixed,
}

/// A telephone number valid for its region, in E.164.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone {
    e164: String,
    line: Line,
}

impl Phone {
    /// Wraps what the normaliser has found valid: `+` and digits.
    #[must_use]
    pub(crate) fn from_normalised(e164: String, line: Line) -> Self {
        Self { e164, line }
    }

    /// `+390612345678`. Personal: for comparing, hashing, sending; never for a log.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// Mobile or fixed.
    #[must_use]
    pub const fn line(&self) -> Line {
        self.line
    }

    /// The number with all but its country's first digits and the last two hidden: `+39…78`.
    #[must_use]
    pub fn masked(&self) -> String {
        let head: String = self.e164.chars().take(3).collect();
        let tail: String = self.e164.chars().skip(self.e164.chars().count().saturating_sub(2)).collect();
        format!("{head}…{tail}")
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// Either of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identifier {
    /// An e-mail.
    Email(Email),
    /// A telephone number.
    Phone(Phone),
}
