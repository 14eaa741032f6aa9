//! Telephone numbers: E.164, by the rules of Google's library, and only where no second reading is left.
//!
//! - A text is one number, or the same number several times. Of two numbers neither is taken: which of them is the
//!   person's own, nobody knows, and the shop's field cuts the second one short anyway.
//! - An extension makes no identifier: the number is the switchboard's, and all its people share it.
//! - Service numbers belong to nobody. Digits typed to get past a form do neither.

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationError,
};

use super::defect::Defect;
use super::phone_text::{Stretch, written};
use super::region::Region;
use super::visible::{is_blank, visible};
use crate::model::{Line, Phone};

/// Longer texts are not telephone fields.
const LONGEST_TEXT: usize = 100;
/// San Marino's area code. It is reached as `+378 0549…` and, through Italy, as `+39 0549…`: the first is kept.
const SAN_MARINO: &str = "0549";

/// Reads a telephone number, `region` being the country of numbers written without one; `Ok(None)` where the field is
/// blank.
///
/// # Errors
/// The [`Defect`] for which the text is no identifier.
pub fn phone(text: &str, region: Region) -> Result<Option<Phone>, Defect> {
    let text = visible(text);
    if is_blank(&text) {
        return Ok(None);
    }
    if text.chars().count() > LONGEST_TEXT {
        return Err(Defect::PhoneTooLong);
    }
    let numbers = written(&text)?.into_iter().flat_map(|stretches| joined(stretches, region));
    let mut readings = numbers.map(|number| read(&number, region));
    let first = readings.next().unwrap_or(Err(Defect::PhoneNoDigits));
    for other in readings {
        if first.is_err() || other != first {
            return Err(Defect::PhoneTwoNumbers);
        }
    }
    first.map(Some)
}

/// The numbers that one run of stretches holds. `06/12345678` is one number because `06` is none; in `06 123456/7` the
/// first part is complete, so what follows is another number, or the end of a range.
fn joined(stretches: Vec<Stretch>, region: Region) -> Vec<Stretch> {
    let mut numbers = Vec::new();
    let mut open: Option<Stretch> = None;
    for next in stretches {
        open = Some(match open {
            None => next,
            Some(before) if continues(&before, &next, region) => glued(before, &next),
            Some(before) => {
                numbers.push(before);
                next
            }
        });
    }
    numbers.extend(open);
    numbers
}

fn continues(before: &Stretch, next: &Stretch, region: Region) -> bool {
    if next.plus { is_calling_code(before, next) } else { read(before, region).is_err() }
}

/// Whether a second plus is a slip after the country code, as in `+44+207 2243688`. Where the code stands there twice,
/// what was meant is open.
fn is_calling_code(before: &Stretch, next: &Stretch) -> bool {
    let code = if before.plus { Some(before.digits.as_str()) } else { before.digits.strip_prefix("00") };
    code.is_some_and(|code| {
        let known = code.parse().is_ok_and(|code| PHONE_NUMBER_UTIL.get_region_for_country_code(code).is_some());
        known && !next.digits.starts_with(code)
    })
}

fn glued(mut before: Stretch, next: &Stretch) -> Stretch {
    before.zero = before.zero.or_else(|| next.zero.map(|at| at + before.digits.len()));
    before.digits.push_str(&next.digits);
    before
}

fn read(number: &Stretch, region: Region) -> Result<Phone, Defect> {
    if is_placeholder(&number.digits) {
        return Err(Defect::PhonePlaceholder);
    }
    let plus = if number.plus { "+" } else { "" };
    let phone = valid(&format!("{plus}{}", number.digits), region)?;
    if let Some((before, after)) = number.zero.and_then(|at| number.digits.split_at_checked(at)) {
        let without = format!("{plus}{before}{}", after.strip_prefix('0').unwrap_or(after));
        if valid(&without, region).is_ok_and(|other| other != phone) {
            return Err(Defect::PhoneAmbiguous);
        }
    }
    Ok(phone)
}

/// The phone that plus and digits are, if it exists and can be a person's.
fn valid(dialled: &str, region: Region) -> Result<Phone, Defect> {
    let mut number = parsed(dialled, region)?;
    if !number.is_valid() {
        return Err(why_not_valid(&number));
    }
    let significant = number.get_national_significant_number();
    if is_placeholder(&significant) {
        return Err(Defect::PhonePlaceholder);
    }
    if number.country_code == 39 && significant.starts_with(SAN_MARINO) {
        let direct = parsed(&format!("+378{significant}"), region).ok().filter(PhoneNumber::is_valid);
        number = direct.unwrap_or(number);
    }
    let line = line(number.get_type()).ok_or(Defect::PhoneService)?;
    Ok(Phone::from_normalised(number.format_as(PhoneNumberFormat::E164).into_owned(), line))
}

/// The library's reading of plus and digits; not yet known to exist.
pub(in crate::plan) fn parsed(dialled: &str, region: Region) -> Result<PhoneNumber, Defect> {
    PhoneNumber::parse(dialled, Some(region.library())).map_err(|error| match error {
        ParseError::InvalidCountryCode => Defect::PhoneUnknownCountry,
        // Nothing but digits is asked about, so this is a single digit.
        ParseError::NotANumber(_) | ParseError::TooShortAfterIdd | ParseError::TooShortNsn => Defect::PhoneTooShort,
        ParseError::TooLongNsn => Defect::PhoneTooLong,
    })
}

/// A San Marino number as it is reached through Italy.
pub(in crate::plan) fn san_marino_from_italy(phone: &Phone) -> Option<String> {
    let national = phone.e164().strip_prefix("+378")?;
    national.starts_with(SAN_MARINO).then(|| format!("+39{national}"))
}

fn why_not_valid(number: &PhoneNumber) -> Defect {
    match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) | Err(ValidationError::InvalidLength) => Defect::PhoneNotValidForRegion,
        Ok(NumberLengthType::IsPossibleLocalOnly) | Err(ValidationError::TooShort) => Defect::PhoneTooShort,
        Err(ValidationError::TooLong) => Defect::PhoneTooLong,
        Err(ValidationError::InvalidCountryCode) => Defect::PhoneUnknownCountry,
    }
}

/// What a number says about one person, if it can be anybody's. Italy's 178 and 199 are "personal" numbers to the
/// library and a company's hotline to everybody else.
const fn line(kind: PhoneNumberType) -> Option<Line> {
    match kind {
        PhoneNumberType::Mobile => Some(Line::Mobile),
        PhoneNumberType::FixedLine
        | PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::VoIP
        | PhoneNumberType::Pager
        | PhoneNumberType::Unknown => Some(Line::Fixed),
        PhoneNumberType::TollFree
        | PhoneNumberType::PremiumRate
        | PhoneNumberType::SharedCost
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::UAN
        | PhoneNumberType::VoiceMail => None,
    }
}

/// Whether digits were typed to fill a field: one digit only, the keyboard's row in either direction, or one digit
/// seven times at the end.
fn is_placeholder(digits: &str) -> bool {
    let digits = digits.as_bytes();
    let steps = || digits.iter().zip(digits.iter().skip(1)).map(|(a, b)| (10 + b - a) % 10);
    let same_at_end = digits.iter().rev().take_while(|digit| Some(*digit) == digits.last()).count();
    let is_row = digits.len() > 5 && (steps().all(|step| step == 1) || steps().all(|step| step == 9));
    is_row || same_at_end >= 7 || (digits.len() > 4 && same_at_end == digits.len())
}
