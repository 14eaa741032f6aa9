//! What is written in a telephone field, before anybody asks whether such a number exists: digits, what parts them, and
//! words. The library's own parser reads letters as the digits of a keypad (`33312345O7` becomes a number), so
//! nothing but a plus and digits ever reaches it.

use super::defect::Defect;

/// Words before a number that only say what it is.
const LABELS: [&str; 9] = ["cell", "cellulare", "mob", "mobile", "phone", "ph", "tel", "telefono", "wa"];
/// Words between two numbers, white space on either side: without it an `o` is rather a zero.
const JOINERS: [&str; 10] = ["and", "e", "ed", "et", "o", "od", "oder", "oppure", "or", "und"];
/// Words after which an extension follows.
const EXTENSIONS: [&str; 10] = ["app", "dw", "ext", "extension", "extn", "int", "interno", "klappe", "poste", "x"];
/// The zeros of the scripts in which customers of European shops write digits; nine more follow each.
const ZEROS: [char; 10] =
    ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{be6}', '\u{e50}', '\u{ed0}', '\u{ff10}'];

/// A stretch of digits up to the next slash, lone dash or plus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Stretch {
    /// Whether a plus stands before it.
    pub(super) plus: bool,
    /// Its digits, ASCII.
    pub(super) digits: String,
    /// Where in `digits` a zero stands that was written as `(0)`.
    pub(super) zero: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Digits(String),
    Word(String),
    Plus,
    Open,
    Close,
    Hash,
    /// A slash, or a dash between spaces: parts an area code from its number, or two numbers.
    Cut,
    /// Parts two numbers.
    Break,
    /// Parts digits of one number.
    Glue,
    Space,
}

/// The stretches of each number written in a field, none of them without digits. `Break` and joining words part numbers;
/// whether a cut does depends on which numbers exist, and is the caller's question.
pub(super) fn written(text: &str) -> Result<Vec<Vec<Stretch>>, Defect> {
    let mut tokens = tokens(text)?;
    part_at_joiners(&mut tokens);
    tokens.retain(|token| !matches!(token, Token::Glue | Token::Space));
    if !tokens.iter().any(|token| matches!(token, Token::Digits(_))) {
        return Err(Defect::PhoneNoDigits);
    }
    let mut numbers = Vec::new();
    let mut number = Number::default();
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1);
        match token {
            Token::Digits(digits) => {
                let bracketed = at > 0 && tokens.get(at - 1) == Some(&Token::Open) && next == Some(&Token::Close);
                number.push(digits, bracketed && digits == "0");
            }
            Token::Plus => number.plus(),
            Token::Cut => number.cut(),
            Token::Open | Token::Close | Token::Glue | Token::Space => {}
            Token::Break => numbers.extend(std::mem::take(&mut number).finished()),
            Token::Hash if number.has_digits() && is_digits(next) => return Err(Defect::PhoneExtension),
            Token::Hash => return Err(Defect::PhoneSymbols),
            Token::Word(word) if number.has_digits() && is_digits(next) && EXTENSIONS.contains(&word.as_str()) => {
                return Err(Defect::PhoneExtension);
            }
            Token::Word(word) if !number.has_digits() && LABELS.contains(&word.as_str()) => {}
            Token::Word(_) => return Err(Defect::PhoneLetters),
        }
    }
    numbers.extend(number.finished());
    Ok(numbers)
}

fn part_at_joiners(tokens: &mut [Token]) {
    for at in 1..tokens.len() {
        if let Some([Token::Space, word @ Token::Word(_), Token::Space]) = tokens.get_mut(at - 1..=at + 1)
            && matches!(word, Token::Word(text) if JOINERS.contains(&text.as_str()))
        {
            *word = Token::Break;
        }
    }
}

fn is_digits(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::Digits(_)))
}

/// A number while it is read.
#[derive(Default)]
struct Number {
    done: Vec<Stretch>,
    open: Stretch,
}

impl Number {
    fn has_digits(&self) -> bool {
        !self.done.is_empty() || !self.open.digits.is_empty()
    }

    fn push(&mut self, digits: &str, bracketed_zero: bool) {
        if bracketed_zero && !self.open.digits.is_empty() {
            self.open.zero = Some(self.open.digits.len());
        }
        self.open.digits.push_str(digits);
    }

    fn cut(&mut self) {
        if !self.open.digits.is_empty() {
            self.done.push(std::mem::take(&mut self.open));
        }
    }

    fn plus(&mut self) {
        self.cut();
        self.open.plus = true;
    }

    fn finished(mut self) -> Option<Vec<Stretch>> {
        self.cut();
        if self.done.is_empty() { None } else { Some(self.done) }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, Defect> {
    let chars: Vec<char> = text.chars().map(plain).collect();
    let space_at = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_whitespace());
    let mut tokens: Vec<Token> = Vec::new();
    let mut has_symbol = false;
    for (at, c) in chars.iter().copied().enumerate() {
        let token = match c {
            '0'..='9' => {
                if let Some(Token::Digits(digits)) = tokens.last_mut() {
                    digits.push(c);
                    continue;
                }
                Token::Digits(c.into())
            }
            '+' => Token::Plus,
            '(' | '[' => Token::Open,
            ')' | ']' => Token::Close,
            '#' => Token::Hash,
            '/' | '\\' => Token::Cut,
            '-' if space_at(at.checked_sub(1)) && space_at(at.checked_add(1)) => Token::Cut,
            ';' | ',' | '|' | '&' | '\n' | '\r' => Token::Break,
            ':' if matches!(tokens.last(), Some(Token::Word(_))) => Token::Glue,
            '-' | '.' => Token::Glue,
            c if c.is_whitespace() => Token::Space,
            c if c.is_alphabetic() => {
                if let Some(Token::Word(word)) = tokens.last_mut() {
                    word.extend(c.to_lowercase());
                    continue;
                }
                Token::Word(c.to_lowercase().collect())
            }
            _ => {
                has_symbol = true;
                Token::Glue
            }
        };
        tokens.push(token);
    }
    // Words say more about the mistake than the signs beside them.
    if has_symbol && !tokens.iter().any(|token| matches!(token, Token::Word(_))) {
        return Err(Defect::PhoneSymbols);
    }
    Ok(tokens)
}

/// Digits of any of [`ZEROS`]' scripts, fullwidth signs and the many dashes as their ASCII fellows.
fn plain(c: char) -> char {
    let code = u32::from(c);
    let digit = ZEROS.iter().find_map(|zero| code.checked_sub(u32::from(*zero)).filter(|digit| *digit < 10));
    if let Some(digit) = digit {
        return char::from_digit(digit, 10).unwrap_or(c);
    }
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(code - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => '-',
        _ => c,
    }
}
