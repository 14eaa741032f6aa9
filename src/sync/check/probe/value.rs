//! The text that a write probe leaves for a moment, and what a server makes of it. Pure.
//!
//! It holds what stood there before, so that a process killed in the middle loses nothing: whoever comes next reads the
//! original out of it. It is no identifier and looks like none: letters, a sign for agents to read, no digits.

use serde_json::Value;

const OPEN: &str = "[anagrafe-check ";

/// The longest name a shop's contact has: what is written has to be at least as long to tell that it is not cut.
const LONGEST_NAME: usize = 50;

/// The text to write where `original` stands: at least as long as the longest name, with a letter beyond ASCII and a space
/// at its end. `None` where something stands that is neither a text nor null.
pub fn probe(original: &Value, nonce: &str) -> Option<String> {
    let short = brief(original, nonce)?;
    let missing = LONGEST_NAME.saturating_sub(short.chars().count() + 1);
    let body = short.strip_suffix(']').unwrap_or(&short);
    Some(format!("{body} {}] ", "x".repeat(missing)))
}

/// The same, as short as it can be, for an account that takes no long one.
pub fn brief(original: &Value, nonce: &str) -> Option<String> {
    match original {
        Value::Null => Some(format!("{OPEN}n {nonce} è]")),
        Value::String(text) if text.is_empty() => Some(format!("{OPEN}e {nonce} è]")),
        Value::String(text) => Some(format!("{text} {OPEN}t {nonce} è]")),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// What stood before an interrupted probe wrote this, if one did.
pub fn original(standing: &Value) -> Option<Value> {
    let text = standing.as_str()?.trim_end().strip_suffix(']')?;
    let (before, tail) = text.split_at(text.rfind(OPEN)?);
    match (tail.strip_prefix(OPEN)?.split_once(' ')?.0, before) {
        ("n", "") => Some(Value::Null),
        ("e", "") => Some(Value::from("")),
        ("t", before) => Some(Value::from(before.strip_suffix(' ')?)),
        _ => None,
    }
}

/// Twelve letters out of random bytes.
pub fn nonce(bytes: [u8; 12]) -> String {
    bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}

/// What became of a text that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// To the letter.
    Same,
    /// Without the spaces at its ends.
    Trimmed,
    /// Its first so many characters.
    Cut(usize),
    /// Another text, or none.
    Otherwise,
}

/// Compares what was sent with what stands now.
pub fn came(sent: &str, now: &Value) -> Came {
    match now.as_str() {
        Some(now) if now == sent => Came::Same,
        Some(now) if now == sent.trim() => Came::Trimmed,
        Some(now) if !now.is_empty() && sent.starts_with(now) => Came::Cut(now.chars().count()),
        Some(_) | None => Came::Otherwise,
    }
}

/// Whether a cut at so many characters shortens names.
pub const fn shortens_names(cut: usize) -> bool {
    cut < LONGEST_NAME
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stood_before_is_read_out_of_the_probe_itself_to_the_letter() {
        let nonce = nonce([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 255]);
        for before in [json!(null), json!(""), json!(" "), json!("nina"), json!("Zoë [x] "), json!("[anagrafe-check t")]
        {
            for text in [probe(&before, &nonce).unwrap(), brief(&before, &nonce).unwrap()] {
                assert_eq!(original(&json!(text)), Some(before.clone()), "{text:?}");
                assert_eq!(original(&json!(text.trim_end())), Some(before.clone()), "{text:?}");
            }
        }
        for other in [json!("nina"), json!(null), json!(3), json!("nina [anagrafe-check"), json!("x]")] {
            assert_eq!(original(&other), None);
        }
    }

    #[test]
    fn it_is_as_long_as_the_longest_name_and_is_no_identifier() {
        for before in [json!(null), json!("nina"), json!("n".repeat(80))] {
            let text = probe(&before, &nonce([7; 12])).unwrap();
            assert!(text.trim_end().chars().count() >= LONGEST_NAME && text.ends_with("] "), "{text}");
            assert!(!text.contains('@') && !text.contains(|c: char| c.is_ascii_digit()), "{text}");
        }
        assert_eq!(probe(&json!(["nina"]), "abc"), None);
    }

    #[test]
    fn what_a_server_makes_of_it_is_told_apart() {
        for (now, expected) in [
            (json!("nina è] "), Came::Same),
            (json!("nina è]"), Came::Trimmed),
            (json!("nina"), Came::Cut(4)),
            (json!("NINA è]"), Came::Otherwise),
            (json!(""), Came::Otherwise),
            (json!(null), Came::Otherwise),
        ] {
            assert_eq!(came("nina è] ", &now), expected);
        }
        assert!(shortens_names(49) && !shortens_names(50));
    }
}
