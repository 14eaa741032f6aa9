//! How an identifier may be written in Vivocha: what a search asks for. Vivocha compares texts byte by byte and keeps
//! whatever a visitor typed, so a person is looked for under every spelling she is likely to have.
//!
//! Not a match: what comes back is normalised and compared again. A spelling that would not be read back as the same number
//! is never asked for, since its answer could not count.

use rlibphonenumber::PhoneNumberFormat;

use super::normalise::{Region, parsed, phone, san_marino_from_italy};
use crate::model::rules::Spelling;
use crate::model::{Email, Phone};

/// The spellings of an e-mail: lower case, and as the shop wrote it.
#[must_use]
pub fn of_email(as_written: &str, email: &Email) -> Vec<String> {
    let mut spellings = Vec::new();
    add(&mut spellings, email.as_str().to_owned());
    add(&mut spellings, as_written.trim().to_owned());
    spellings
}

/// The spellings of a telephone number, in the order of `forms` and each once. `region` is the shop's country: bare and
/// national forms are asked for in its own numbers only: without its plus a foreign number can be somebody else's here.
#[must_use]
pub fn of_phone(as_written: &str, phone: &Phone, region: Region, forms: &[Spelling]) -> Vec<String> {
    let mut spellings = Vec::new();
    for form in forms {
        match form {
            Spelling::AsWritten => add(&mut spellings, as_written.trim().to_owned()),
            Spelling::E164 | Spelling::DoubleZero | Spelling::Bare | Spelling::National => {
                let direct = Some(phone.e164().to_owned());
                for e164 in direct.into_iter().chain(san_marino_from_italy(phone)) {
                    let spelled = spelled(&e164, region, *form).filter(|spelled| reads_back(spelled, phone, region));
                    add(&mut spellings, spelled.unwrap_or_default());
                }
            }
        }
    }
    spellings
}

fn spelled(e164: &str, region: Region, form: Spelling) -> Option<String> {
    let digits = e164.strip_prefix('+')?;
    let number = parsed(e164, region).ok()?;
    let is_own = region.calling_code() == Some(number.country_code);
    match form {
        Spelling::E164 => Some(e164.to_owned()),
        Spelling::DoubleZero => Some(format!("00{digits}")),
        Spelling::Bare => is_own.then(|| digits.to_owned()),
        Spelling::National => {
            is_own.then(|| number.format_as(PhoneNumberFormat::National).chars().filter(char::is_ascii_digit).collect())
        }
        Spelling::AsWritten => None,
    }
}

fn reads_back(spelled: &str, phone_meant: &Phone, region: Region) -> bool {
    phone(spelled, region).is_ok_and(|read| read.as_ref() == Some(phone_meant))
}

fn add(spellings: &mut Vec<String>, spelling: String) {
    if !spelling.is_empty() && !spellings.contains(&spelling) {
        spellings.push(spelling);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

    use proptest::prelude::*;

    use super::{of_email, of_phone};
    use crate::model::rules::Spelling;
    use crate::plan::normalise::{Region, email, phone};

    const ALL: [Spelling; 5] =
        [Spelling::E164, Spelling::DoubleZero, Spelling::Bare, Spelling::National, Spelling::AsWritten];

    fn spelled(text: &str, region: &str, forms: &[Spelling]) -> String {
        let region = Region::parse(region).unwrap();
        of_phone(text, &phone(text, region).unwrap().unwrap(), region, forms).join(" | ")
    }

    #[test]
    fn a_number_is_asked_for_in_every_form_that_reads_back() {
        let rows = [
            ("333/1234567", "IT"),
            ("+393331234567", "IT"),
            ("06 12345678", "IT"),
            ("3924565025", "IT"),
            ("0549 991234", "IT"),
            ("0549 991234", "SM"),
            ("+33 6 12 34 56 78", "IT"),
            ("06 12 34 56 78", "FR"),
            ("020 7224 3688", "GB"),
            ("+39 333 1234567", "US"),
            ("(415) 555-2671", "US"),
            ("+1 416 555 2671", "US"),
        ];
        let table: Vec<_> =
            rows.iter().map(|(text, region)| format!("{region} {text} -> {}", spelled(text, region, &ALL))).collect();
        insta::assert_snapshot!(table.join("\n"), @r"
        IT 333/1234567 -> +393331234567 | 00393331234567 | 393331234567 | 3331234567 | 333/1234567
        IT +393331234567 -> +393331234567 | 00393331234567 | 393331234567 | 3331234567
        IT 06 12345678 -> +390612345678 | 00390612345678 | 390612345678 | 0612345678 | 06 12345678
        IT 3924565025 -> +393924565025 | 00393924565025 | 393924565025 | 3924565025
        IT 0549 991234 -> +3780549991234 | +390549991234 | 003780549991234 | 00390549991234 | 390549991234 | 0549991234 | 0549 991234
        SM 0549 991234 -> +3780549991234 | +390549991234 | 003780549991234 | 00390549991234 | 3780549991234 | 0549991234 | 0549 991234
        IT +33 6 12 34 56 78 -> +33612345678 | 0033612345678 | +33 6 12 34 56 78
        FR 06 12 34 56 78 -> +33612345678 | 0033612345678 | 33612345678 | 0612345678 | 06 12 34 56 78
        GB 020 7224 3688 -> +442072243688 | 00442072243688 | 442072243688 | 02072243688 | 020 7224 3688
        US +39 333 1234567 -> +393331234567 | +39 333 1234567
        US (415) 555-2671 -> +14155552671 | 14155552671 | 4155552671 | (415) 555-2671
        US +1 416 555 2671 -> +14165552671 | 14165552671 | 4165552671 | +1 416 555 2671
        ");
    }

    #[test]
    fn only_the_forms_asked_for_are_given_in_their_order() {
        assert_eq!(spelled("333 1234567", "IT", &[Spelling::National, Spelling::E164]), "3331234567 | +393331234567");
        assert_eq!(spelled(" +393331234567 ", "IT", &[Spelling::AsWritten, Spelling::E164]), "+393331234567");
        assert_eq!(spelled("333 1234567", "IT", &[]), "");
    }

    #[test]
    fn an_e_mail_is_asked_for_in_lower_case_and_as_written() {
        let both = |text: &str| of_email(text, &email(text).unwrap().unwrap());
        assert_eq!(both("anna@x.it"), ["anna@x.it"]);
        assert_eq!(both(" Anna@X.it "), ["anna@x.it", "Anna@X.it"]);
        assert_eq!(both("anna@città.it"), ["anna@xn--citt-3na.it", "anna@città.it"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_spelling_is_read_back_as_the_same_number(
            text in prop_oneof!["(\\+39|)3[2-9][0-9]{7,8}", "0[0-9]{5,10}", "\\+(33|44|49|1|378|54)[0-9]{8,11}"],
            region in prop::sample::select(vec!["IT", "FR", "GB", "DE", "US", "SM", "AR"]),
        ) {
            let region = Region::parse(region).unwrap();
            if let Ok(Some(read)) = phone(&text, region) {
                let spellings = of_phone(&text, &read, region, &ALL);
                prop_assert!(spellings.contains(&read.e164().to_owned()));
                for spelling in spellings {
                    prop_assert_eq!(phone(&spelling, region), Ok(Some(read.clone())));
                }
            }
        }
    }
}
