//! What a reader would see of a text. Copying from web pages, mails and spreadsheets brings characters along that nobody
//! sees and that make equal texts differ.

/// Whether a character shows nothing and is no white space.
pub(in crate::plan) const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// The text without its invisible characters.
pub(in crate::plan) fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect()
}

/// Whether a field was left empty, or filled with a mark that says so: spaces, dashes, dots.
pub(in crate::plan) fn is_blank(visible: &str) -> bool {
    visible.chars().all(|c| c.is_whitespace() || matches!(c, '-' | '.' | '_' | '/' | '\u{2010}'..='\u{2015}'))
}
