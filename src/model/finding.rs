//! A finding: one assumption about a system we did not write, and what became of it.

use serde::Serialize;

/// What became of an assumption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It holds.
    Confirmed,
    /// It does not hold.
    Contradicted,
    /// Nothing says whether it holds.
    Unknown,
}

impl Standing {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::Unknown => "unknown",
        }
    }
}

/// One assumption and what became of it. Never holds a personal detail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The setting or the call it is about.
    pub subject: String,
    /// What became of it.
    pub verdict: Standing,
    /// What was found.
    pub text: String,
    /// What to do, or whom to ask what, where something is to be done.
    pub advice: Option<String>,
}

impl Finding {
    /// A finding; with an empty `advice` nothing is to be done.
    #[must_use]
    pub fn new(subject: impl Into<String>, verdict: Standing, text: impl Into<String>, advice: &str) -> Self {
        let advice = (!advice.is_empty()).then(|| advice.to_owned());
        Self { subject: subject.into(), verdict, text: text.into(), advice }
    }
}
