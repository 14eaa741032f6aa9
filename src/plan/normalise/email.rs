//! E-mail addresses: compared as the mailbox they name, as far as that can be known from outside. Dots and plus signs in
//! the mailbox stay, since only its provider knows what they mean.

use email_address::{EmailAddress, Options};
use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::defect::Defect;
use super::visible::{is_blank, visible};
use crate::model::Email;

/// RFC 5321: octets before the `@`, and of the whole address.
const LONGEST_LOCAL_PART: usize = 64;
const LONGEST: usize = 254;

/// Reads an e-mail; `Ok(None)` where the field is blank.
///
/// # Errors
/// The [`Defect`] for which the text is no e-mail.
pub fn email(text: &str) -> Result<Option<Email>, Defect> {
    let text: String = visible(text).nfkc().collect();
    let text = text.trim();
    if is_blank(text) {
        return Ok(None);
    }
    let text = unwrapped(text);
    let (local, domain) = halves(text)?;
    let local = local_part(local)?;
    let domain = ascii_domain(domain)?;
    let address = format!("{local}@{domain}");
    if address.len() > LONGEST {
        return Err(Defect::EmailTooLong);
    }
    let grammar = Options::default().without_display_text().without_domain_literal().with_required_tld();
    match EmailAddress::parse_with_options(&address, grammar) {
        Ok(_) => Ok(Some(Email::from_normalised(address))),
        Err(_) => Err(Defect::EmailLocalPart),
    }
}

/// Takes off what a mail program puts around an address. Neither can be part of one, so nothing is guessed; an address
/// under percent signs is left as it is and fails.
fn unwrapped(text: &str) -> &str {
    let text = match text.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") && !text.contains('%') => text.get(7..).unwrap_or(text),
        Some(_) | None => text,
    };
    text.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(text).trim()
}

fn halves(text: &str) -> Result<(&str, &str), Defect> {
    let Some((local, domain)) = text.split_once('@') else { return Err(Defect::EmailNoAt) };
    if domain.contains('@') {
        return Err(Defect::EmailSeveralAt);
    }
    if text.contains(char::is_whitespace) {
        return Err(Defect::EmailSpace);
    }
    Ok((local, domain))
}

/// Quoted mailboxes are refused: nobody has one, and a quote is rather a slip.
fn local_part(local: &str) -> Result<String, Defect> {
    let local: String = local.to_lowercase().nfkc().collect();
    if local.len() > LONGEST_LOCAL_PART {
        return Err(Defect::EmailTooLong);
    }
    if local.contains('"') || !EmailAddress::is_valid_local_part(&local) {
        return Err(Defect::EmailLocalPart);
    }
    Ok(local)
}

/// The domain as the DNS knows it. A closing dot is the DNS's own way of writing the same name.
fn ascii_domain(domain: &str) -> Result<String, Defect> {
    if domain.starts_with('[') {
        return Err(Defect::EmailIpHost);
    }
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .map_err(|_| Defect::EmailDomain)?;
    let Some((_, ending)) = ascii.rsplit_once('.') else { return Err(Defect::EmailNoDot) };
    if ending.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Defect::EmailIpHost);
    }
    let is_ending = ending.starts_with("xn--") || (ending.len() > 1 && ending.bytes().all(|b| b.is_ascii_lowercase()));
    if is_ending { Ok(ascii.into_owned()) } else { Err(Defect::EmailDomain) }
}
