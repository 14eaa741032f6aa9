//! Why a text is no identifier. A closed list: an operator can look every code up, and none carries a piece of the text.

use serde::{Deserialize, Serialize};

/// The field a text stood in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// The e-mail.
    Email,
    /// The telephone number.
    Phone,
}

/// Why a text that is not blank gave no identifier. Shown and serialised as its code: `email-no-at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[error("{}", self.code())]
pub enum Defect {
    /// No `@`.
    EmailNoAt,
    /// More than one `@`.
    EmailSeveralAt,
    /// A space inside: two addresses, or an address and something else.
    EmailSpace,
    /// Nothing, or nothing that the grammar allows, before the `@`.
    EmailLocalPart,
    /// What follows the `@` is no domain name.
    EmailDomain,
    /// The domain is one word.
    EmailNoDot,
    /// An IP address instead of a domain.
    EmailIpHost,
    /// Longer than an address can be.
    EmailTooLong,
    /// No digit at all.
    PhoneNoDigits,
    /// Letters that are no known label.
    PhoneLetters,
    /// A character that has no place in a number.
    PhoneSymbols,
    /// A number with an extension: a switchboard's.
    PhoneExtension,
    /// More than one number, or a number and digits beyond it.
    PhoneTwoNumbers,
    /// A bracketed zero that may or may not belong to the number, both being valid.
    PhoneAmbiguous,
    /// Digits typed to fill a field.
    PhonePlaceholder,
    /// Too few digits for the country.
    PhoneTooShort,
    /// Too many digits for the country.
    PhoneTooLong,
    /// An international prefix that no country has.
    PhoneUnknownCountry,
    /// The right length, but no such numbers exist in the country.
    PhoneNotValidForRegion,
    /// Toll-free, premium, shared-cost, personal-numbering, company-wide or voicemail numbers.
    PhoneService,
}

impl Defect {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 20] = [
        Self::EmailNoAt,
        Self::EmailSeveralAt,
        Self::EmailSpace,
        Self::EmailLocalPart,
        Self::EmailDomain,
        Self::EmailNoDot,
        Self::EmailIpHost,
        Self::EmailTooLong,
        Self::PhoneNoDigits,
        Self::PhoneLetters,
        Self::PhoneSymbols,
        Self::PhoneExtension,
        Self::PhoneTwoNumbers,
        Self::PhoneAmbiguous,
        Self::PhonePlaceholder,
        Self::PhoneTooShort,
        Self::PhoneTooLong,
        Self::PhoneUnknownCountry,
        Self::PhoneNotValidForRegion,
        Self::PhoneService,
    ];

    /// The code: what `--json`, reports and pages show.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::EmailNoAt => "email-no-at",
            Self::EmailSeveralAt => "email-several-at",
            Self::EmailSpace => "email-space",
            Self::EmailLocalPart => "email-local-part",
            Self::EmailDomain => "email-domain",
            Self::EmailNoDot => "email-no-dot",
            Self::EmailIpHost => "email-ip-host",
            Self::EmailTooLong => "email-too-long",
            Self::PhoneNoDigits => "phone-no-digits",
            Self::PhoneLetters => "phone-letters",
            Self::PhoneSymbols => "phone-symbols",
            Self::PhoneExtension => "phone-extension",
            Self::PhoneTwoNumbers => "phone-two-numbers",
            Self::PhoneAmbiguous => "phone-ambiguous",
            Self::PhonePlaceholder => "phone-placeholder",
            Self::PhoneTooShort => "phone-too-short",
            Self::PhoneTooLong => "phone-too-long",
            Self::PhoneUnknownCountry => "phone-unknown-country",
            Self::PhoneNotValidForRegion => "phone-not-valid-for-region",
            Self::PhoneService => "phone-service",
        }
    }

    /// The field it is about.
    #[must_use]
    pub const fn field(self) -> Field {
        match self {
            Self::EmailNoAt
            | Self::EmailSeveralAt
            | Self::EmailSpace
            | Self::EmailLocalPart
            | Self::EmailDomain
            | Self::EmailNoDot
            | Self::EmailIpHost
            | Self::EmailTooLong => Field::Email,
            Self::PhoneNoDigits
            | Self::PhoneLetters
            | Self::PhoneSymbols
            | Self::PhoneExtension
            | Self::PhoneTwoNumbers
            | Self::PhoneAmbiguous
            | Self::PhonePlaceholder
            | Self::PhoneTooShort
            | Self::PhoneTooLong
            | Self::PhoneUnknownCountry
            | Self::PhoneNotValidForRegion
            | Self::PhoneService => Field::Phone,
        }
    }

    /// What is wrong and what to do, in plain words.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::EmailNoAt => "the e-mail has no @; write it whole, as name@domain",
            Self::EmailSeveralAt => "the e-mail has more than one @; keep one address in the field",
            Self::EmailSpace => "the e-mail has a space inside; keep one address in the field and nothing else",
            Self::EmailLocalPart => "what stands before the @ is missing or no mailbox can be called so; correct it",
            Self::EmailDomain => "what stands after the @ is missing or no domain can be called so; correct it",
            Self::EmailNoDot => "the domain after the @ has no dot; add its ending, such as .it",
            Self::EmailIpHost => "an IP address stands after the @; write the domain's name",
            Self::EmailTooLong => "the e-mail is longer than an address can be; keep one address in the field",
            Self::PhoneNoDigits => "the telephone field holds no digit; leave it empty, or write the number",
            Self::PhoneLetters => {
                "there are letters in the telephone number; keep the digits and move the words to the note"
            }
            Self::PhoneSymbols => {
                "a character in the telephone number does not belong there; keep digits, spaces and a leading +"
            }
            Self::PhoneExtension => {
                "the number has an extension, so it is a switchboard's and many people's; write a direct number"
            }
            Self::PhoneTwoNumbers => "the field holds more than one telephone number; keep the person's own",
            Self::PhoneAmbiguous => {
                "the number is valid with its bracketed zero and without it; write it as it is dialled from abroad"
            }
            Self::PhonePlaceholder => "the digits look typed to fill the field; leave it empty, or write the number",
            Self::PhoneTooShort => {
                "the telephone number has too few digits for its country; complete it, area code included"
            }
            Self::PhoneTooLong => {
                "the telephone number has too many digits for its country; keep one number in the field"
            }
            Self::PhoneUnknownCountry => {
                "no country has this international prefix; correct what follows the + or the 00"
            }
            Self::PhoneNotValidForRegion => {
                "no such telephone number exists in its country; correct it, with + and country code if it is a foreign one"
            }
            Self::PhoneService => "this is a service number, nobody's own; write the person's",
        }
    }
}
