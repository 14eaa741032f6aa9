//! A name in one field as first and last name, where that is certain. Where it is not, the name stays whole: a wrong split
//! is written over a customer and greets her by her surname.

use super::fold::{fold, words_of};
use super::{given, words};
use crate::plan::normalise::visible::is_invisible;

/// A name for the two fields, or for one.
#[derive(Clone, PartialEq, Eq)]
pub enum SplitName {
    /// Both are there and not blank.
    Split {
        /// The first name, as written.
        first: String,
        /// The last name with its particles, as written.
        last: String,
    },
    /// The name as written, white space collapsed; blank if the text was.
    Whole(String),
}

impl std::fmt::Debug for SplitName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Split { .. } => "Split(…)",
            Self::Whole(_) => "Whole(…)",
        })
    }
}

/// Splits a name. Certain are: two plain words in the order of speech (`Mario Rossi`), a last name that a particle
/// joins (`Maria De Luca`), and a comma (`Rossi, Mario`).
#[must_use]
pub fn split(text: &str) -> SplitName {
    let text = collapsed(text);
    let parts = match text.split_once(',') {
        Some((last, first)) => by_comma(first.trim(), last.trim()),
        None => by_order(&text),
    };
    match parts {
        Some((first, last)) if !fold(&text).is_blank() => SplitName::Split { first, last },
        Some(_) | None => SplitName::Whole(text),
    }
}

/// White space collapsed, and no invisible character but those by which some scripts join their letters.
fn collapsed(text: &str) -> String {
    let joins = |c: char| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let kept: String = text.chars().filter(|c| !is_invisible(*c) || joins(*c)).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn by_comma(first: &str, last: &str) -> Option<(String, String)> {
    let firsts: Vec<&str> = first.split(' ').collect();
    let lasts: Vec<&str> = last.split(' ').collect();
    let (name, particles) = lasts.split_last()?;
    let is_certain = firsts.len() <= 2
        && firsts.iter().all(|word| is_plain(word))
        && is_plain(name)
        && particles.len() <= 2
        && particles.iter().all(|word| is_particle(word))
        && (is_given(first) || !is_given(last));
    is_certain.then(|| (first.to_owned(), last.to_owned()))
}

fn by_order(text: &str) -> Option<(String, String)> {
    let (first, last) = text.split_once(' ')?;
    let lasts: Vec<&str> = last.split(' ').collect();
    let (name, particles) = lasts.split_last()?;
    let is_certain = is_plain(first)
        && is_plain(name)
        && particles.len() <= 2
        && particles.iter().all(|word| is_particle(word))
        && (!particles.is_empty() || !is_register_order(first, name));
    is_certain.then(|| (first.to_owned(), last.to_owned()))
}

/// Whether two plain words may stand surname first: a given name comes last, or only the first is in capitals. Two given
/// names (`Maria Vittoria`) lack a surname rather than have a strange one.
fn is_register_order(first: &str, last: &str) -> bool {
    let is_shouted = |word: &str| !word.chars().any(char::is_lowercase);
    is_given(last) || (is_shouted(first) && !is_shouted(last))
}

fn is_given(word: &str) -> bool {
    words_of(word).first().is_some_and(|word| given::is_given(&word.text))
}

/// A particle that cannot be an initial (`Mario L Abbate`) or an "or" (`Mario o Anna`).
fn is_particle(word: &str) -> bool {
    let is_spelled_so = word.chars().all(|c| c.is_alphabetic() || is_apostrophe(c)) && word.chars().count() > 1;
    is_spelled_so && words_of(word).first().is_some_and(|word| words::is_particle(&word.text))
}

/// A word that is a name by itself: at least two Latin letters, apostrophes and hyphens between them, and none of the
/// words that are something else.
fn is_plain(word: &str) -> bool {
    let is_letter = |c: char| c.is_alphabetic() && matches!(c, '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    let is_mark = |c: char| matches!(c, '\u{300}'..='\u{36f}');
    let letters = word.chars().filter(|c| is_letter(*c)).count();
    let is_spelled_so = word.chars().all(|c| is_letter(c) || is_mark(c) || is_apostrophe(c) || c == '-')
        && word.chars().next().is_some_and(is_letter)
        && !word.ends_with('-');
    let is_another_kind = |word: &str| {
        words::is_particle(word)
            || words::is_title(word)
            || words::is_title_ending(word)
            || words::is_business(word)
            || words::is_conjunction(word)
            || words::says_nothing(word)
    };
    letters > 1 && is_spelled_so && !words_of(word).iter().any(|word| is_another_kind(&word.text))
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '`' | '\u{b4}')
}
