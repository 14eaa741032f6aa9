//! The little of regular expressions that a query by hand needs: `^`, `$`, `.`, `*`, `+`, `?`, `\` and plain characters.

/// Whether the pattern is found in the text.
pub(super) fn found(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    match pattern.split_first() {
        Some(('^', rest)) => here(rest, &text),
        _ => (0..=text.len()).any(|start| text.get(start..).is_some_and(|tail| here(&pattern, tail))),
    }
}

/// Whether the pattern matches where the text begins.
fn here(pattern: &[char], text: &[char]) -> bool {
    let (atom, rest) = match pattern {
        [] => return true,
        ['$'] => return text.is_empty(),
        ['\\', escaped, rest @ ..] => (Atom::Is(*escaped), rest),
        ['.', rest @ ..] => (Atom::Any, rest),
        [plain, rest @ ..] => (Atom::Is(*plain), rest),
    };
    let (least, most, rest) = match rest {
        ['*', rest @ ..] => (0, usize::MAX, rest),
        ['+', rest @ ..] => (1, usize::MAX, rest),
        ['?', rest @ ..] => (0, 1, rest),
        rest => (1, 1, rest),
    };
    let run = text.iter().take(most).take_while(|c| atom.fits(**c)).count();
    (least..=run).rev().any(|taken| text.get(taken..).is_some_and(|tail| here(rest, tail)))
}

#[derive(Clone, Copy)]
enum Atom {
    Any,
    Is(char),
}

impl Atom {
    fn fits(self, c: char) -> bool {
        match self {
            Self::Any => true,
            Self::Is(plain) => plain == c,
        }
    }
}
