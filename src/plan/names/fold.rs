//! From a name as written to the words it is compared by.
//!
//! - Case, accents and the order of words do not count. Umlauts lose their dots and are not spelled out (`Müller` is not
//!   `Mueller`), since `Manuela` would suffer.
//! - An apostrophe joins, and so does a particle: `D'Angelo`, `D’Angelo`, `D Angelo` and `Dangelo` are one word, as are
//!   `De Luca` and `Deluca`. `Maria De Luca` is thus nobody called `Maria Luca`.
//! - Initials stay words: `M. Rossi` does not agree with `Mario Rossi`, for he does not agree with `Marta Rossi` either.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::FoldedName;
use super::words;
use crate::plan::normalise::visible::visible;

/// Folds a name; blank where it says nothing about a person (`Cliente`, `guest 123`, `n/a`, digits, an e-mail).
#[must_use]
pub fn fold(text: &str) -> FoldedName {
    if text.contains(['@', '\u{ff20}']) {
        return FoldedName::default();
    }
    let words = without_titles(words_of(text));
    let whole: String = words.iter().map(|word| word.text.as_str()).collect();
    if words::says_nothing(&whole) || words.iter().all(|word| words::says_nothing(&word.text)) {
        return FoldedName::default();
    }
    FoldedName::new(with_particles_joined(words))
}

/// A folded word and what stood after it.
pub(super) struct Word {
    pub(super) text: String,
    /// Nothing is joined across: a comma, a bracket, or the dot of an abbreviation followed.
    ends: bool,
}

/// The folded words of a text in its order.
pub(super) fn words_of(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut open = String::new();
    for c in letters(text).chars().chain([' ']) {
        if c.is_alphanumeric() || is_combining_mark(c) || c == '.' {
            open.push(c);
        } else {
            push_token(&mut words, &std::mem::take(&mut open));
            if !c.is_whitespace()
                && c != '-'
                && let Some(last) = words.last_mut()
            {
                last.ends = true;
            }
        }
    }
    words
}

/// `sig.ra` and `s.r.l.` are one word each; in `m.rossi` the dot parts two.
fn push_token(words: &mut Vec<Word>, token: &str) {
    let undotted: String = token.chars().filter(|c| *c != '.').collect();
    if undotted.is_empty() {
        return;
    }
    if words::is_title(&undotted) || words::is_company_form(&undotted) || words::is_business(&undotted) {
        words.push(Word { text: undotted, ends: false });
        return;
    }
    let mut parts = token.split('.').peekable();
    while let Some(part) = parts.next() {
        if !part.is_empty() {
            words.push(Word { text: part.to_owned(), ends: parts.peek().is_some() });
        }
    }
}

/// Lower case without accents and apostrophes; everything else as it stands.
fn letters(text: &str) -> String {
    let unquoted: String = visible(text).chars().filter(|c| !is_apostrophe(*c)).collect();
    let bare = unquoted.nfkd().filter(|c| !is_accent(*c) && !is_apostrophe(*c)).flat_map(char::to_lowercase);
    let mut folded = String::new();
    for c in bare {
        match spelled_out(c) {
            Some(latin) => folded.push_str(latin),
            None if is_accent(c) => {}
            None => folded.push(c),
        }
    }
    folded.nfc().collect()
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '`' | '\u{b4}' | '\u{2b9}'..='\u{2bf}' | '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' | '\u{ff07}')
}

/// Marks that are optional or ornament in the scripts that use them; not the vowel signs of India, which are letters.
const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Letters that carry their ornament in one piece.
const fn spelled_out(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ı' => "i",
        'ŋ' => "n",
        'ŧ' => "t",
        'ς' => "σ",
        _ => return None,
    })
}

/// Drops forms of address, unless they are all there is.
fn without_titles(words: Vec<Word>) -> Vec<Word> {
    let mut after_title = false;
    let is_title: Vec<bool> = words
        .iter()
        .map(|word| {
            after_title = words::is_title(&word.text) || (after_title && words::is_title_ending(&word.text));
            after_title
        })
        .collect();
    if is_title.iter().all(|is_title| *is_title) {
        return words;
    }
    words.into_iter().zip(is_title).filter(|(_, is_title)| !is_title).map(|(word, _)| word).collect()
}

fn with_particles_joined(words: Vec<Word>) -> Vec<String> {
    let mut joined = Vec::new();
    let mut particles: Vec<String> = Vec::new();
    for word in words {
        if words::is_particle(&word.text) && !word.ends {
            particles.push(word.text);
            continue;
        }
        if words::is_particle(&word.text) {
            joined.append(&mut particles);
            joined.push(word.text);
        } else {
            joined.push(particles.drain(..).collect::<String>() + &word.text);
        }
    }
    joined.append(&mut particles);
    joined
}
