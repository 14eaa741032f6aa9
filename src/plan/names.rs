//! Names, compared. A name confirms what an identifier says or contradicts it; by itself it never identifies anybody.
//!
//! The comparison is inclusion of words and nothing else, so that it works on keyed hashes of the words just as well. All
//! tolerance is in [`fold`]: what should agree must fold to the same words. No distance, no phonetics, no nicknames.

mod fold;
mod given;
mod split;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;

pub use fold::fold;
pub use split::{SplitName, split};

/// The words of a name, folded, sorted, each once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FoldedName(Vec<String>);

impl FoldedName {
    fn new(mut words: Vec<String>) -> Self {
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    /// The name that says nothing.
    #[must_use]
    pub const fn blank() -> Self {
        Self(Vec::new())
    }

    /// Whether it says nothing about who it is.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.is_empty()
    }

    /// The words. Personal: for comparing and hashing.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Debug for FoldedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_blank() { "FoldedName(blank)" } else { "FoldedName(…)" })
    }
}

/// What two names say about each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameMatch {
    /// All words of one are among the other's.
    Agree,
    /// Each has a word that the other lacks.
    Differ,
    /// One of them says nothing: confirms nothing, contradicts nothing.
    Blank,
}

/// Compares two names. Symmetric.
#[must_use]
pub fn compare(a: &FoldedName, b: &FoldedName) -> NameMatch {
    compare_words(&a.0, &b.0)
}

/// The same on the words, or on their hashes. The order of the words does not count, nor does a repeated one.
#[must_use]
pub fn compare_words<T: PartialEq>(a: &[T], b: &[T]) -> NameMatch {
    let is_among = |these: &[T], those: &[T]| these.iter().all(|word| those.contains(word));
    if a.is_empty() || b.is_empty() {
        NameMatch::Blank
    } else if is_among(a, b) || is_among(b, a) {
        NameMatch::Agree
    } else {
        NameMatch::Differ
    }
}

/// Whether two of these names differ; those that say nothing are left out. Each name's words stand there once.
///
/// Not pair by pair: being among is transitive, so names of which no two differ form a chain from the shortest to the longest,
/// and each is compared with the next only.
pub fn any_differ<'a, T: Ord + 'a>(names: impl IntoIterator<Item = &'a [T]>) -> bool {
    let mut names: Vec<&[T]> = names.into_iter().filter(|name| !name.is_empty()).collect();
    names.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    names.dedup();
    names.iter().zip(names.iter().skip(1)).any(|(name, next)| compare_words(name, next) == NameMatch::Differ)
}
