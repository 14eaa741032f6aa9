//! When a field may be written: the whole rule as one function of six small facts, so that every case can be printed.

use serde::{Deserialize, Serialize};

use crate::model::rules::WriteRule;

/// The contact's side of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// Blank as it was, or nothing usable.
    Absent,
    /// Blank now, and not when the field was last settled.
    Blanked,
    /// The value with which the field was last settled.
    Unchanged,
    /// Another value than that, or the first one.
    Changed,
}

/// The customer's side of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Nothing stands there.
    Blank,
    /// What the contact says, in whatever spelling.
    Equal,
    /// What came back from our last write, untouched.
    Ours,
    /// Somebody else's value.
    Foreign,
}

/// What is done with a field, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The contact's value is written.
    Write,
    /// The field is blanked, as the rule says.
    Clear,
    /// Both sides say the same.
    Equal,
    /// The source did not change since it was settled.
    SourceUnchanged,
    /// Somebody's value stands there, and the rule keeps it.
    Kept,
    /// The contact has nothing to say.
    NoSource,
    /// The rule is `never`.
    Never,
    /// The identifier is shared: it is nobody's alone.
    Shared,
    /// Another customer holds the identifier.
    HeldByAnother,
}

impl Verdict {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Clear => "clear",
            Self::Equal => "equal",
            Self::SourceUnchanged => "source-unchanged",
            Self::Kept => "kept",
            Self::NoSource => "no-source",
            Self::Never => "never",
            Self::Shared => "shared",
            Self::HeldByAnother => "held-by-another",
        }
    }

    /// Whether something is sent.
    #[must_use]
    pub const fn sends(self) -> bool {
        match self {
            Self::Write | Self::Clear => true,
            Self::Equal
            | Self::SourceUnchanged
            | Self::Kept
            | Self::NoSource
            | Self::Never
            | Self::Shared
            | Self::HeldByAnother => false,
        }
    }
}

/// The verdict on a field. `block` says why an identifier must not be written, if it must not.
#[must_use]
pub const fn verdict(rule: WriteRule, clear: bool, source: Source, target: Target, block: Option<Verdict>) -> Verdict {
    match (rule, source) {
        (WriteRule::Never, _) => return Verdict::Never,
        (_, Source::Absent) => return Verdict::NoSource,
        (_, Source::Blanked) => return cleared(rule, clear, target),
        (_, Source::Unchanged | Source::Changed) => {}
    }
    // Here the contact has a value and the rule might write it.
    let wanted = match (rule, source, target) {
        (_, _, Target::Equal) => Verdict::Equal,
        (_, Source::Unchanged | Source::Absent | Source::Blanked, _) => Verdict::SourceUnchanged,
        (WriteRule::Always, Source::Changed, Target::Blank | Target::Ours | Target::Foreign)
        | (WriteRule::IfEmpty, Source::Changed, Target::Blank)
        | (WriteRule::IfUnedited, Source::Changed, Target::Blank | Target::Ours) => Verdict::Write,
        (WriteRule::IfEmpty, Source::Changed, Target::Ours | Target::Foreign)
        | (WriteRule::IfUnedited, Source::Changed, Target::Foreign)
        | (WriteRule::Never, Source::Changed, _) => Verdict::Kept,
    };
    match (wanted, block) {
        (Verdict::Write, Some(blocked)) => blocked,
        _ => wanted,
    }
}

/// A source that became blank blanks only what the rule could write, only where the rule says `clear`, and never a stranger's
/// value unless the rule is `always`.
const fn cleared(rule: WriteRule, clear: bool, target: Target) -> Verdict {
    match (rule, clear, target) {
        (WriteRule::Always, true, Target::Ours | Target::Foreign) | (WriteRule::IfUnedited, true, Target::Ours) => {
            Verdict::Clear
        }
        (WriteRule::Always | WriteRule::IfUnedited | WriteRule::IfEmpty | WriteRule::Never, _, _) => Verdict::NoSource,
    }
}
