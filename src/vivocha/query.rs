//! The text of a search: RQL and query parameters, and how values are written in them.
//!
//! A value in RQL is percent-encoded for RQL and the whole query once more for the address: an `@` is `%2540` on the
//! wire. It always carries `string:`, or a value of digits would become a number and match no text. Nothing here sends.

use std::{collections::BTreeSet, fmt, fmt::Write as _};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::Naming;

/// The spellings of one contact, as they may stand in Vivocha. Any one of them is a hit.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Spellings of its e-mails.
    pub emails: Vec<String>,
    /// Spellings of its telephone numbers.
    pub telnums: Vec<String>,
    /// Vivocha's unique user identifier.
    pub vvcu: Option<String>,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ask({} e-mails, {} telephones)", self.emails.len(), self.telnums.len())
    }
}

impl Ask {
    /// The same without blanks (which would find everybody who left the field empty).
    pub(super) fn trimmed(&self) -> Self {
        let full = |values: &[String]| values.iter().filter(|value| !value.trim().is_empty()).cloned().collect();
        Self {
            emails: full(&self.emails),
            telnums: full(&self.telnums),
            vvcu: self.vvcu.clone().filter(|value| !value.trim().is_empty()),
        }
    }

    /// Every value as an ask of its own: what is left to divide where one ask is too long for an address, and how query
    /// parameters are asked.
    pub(super) fn singly(&self) -> Vec<Self> {
        let email = |value: &String| Self { emails: vec![value.clone()], ..Self::default() };
        let telnum = |value: &String| Self { telnums: vec![value.clone()], ..Self::default() };
        let vvcu = |value: &String| Self { vvcu: Some(value.clone()), ..Self::default() };
        let emails = self.emails.iter().map(email);
        emails.chain(self.telnums.iter().map(telnum)).chain(self.vvcu.iter().map(vvcu)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.emails.is_empty() && self.telnums.is_empty() && self.vvcu.is_none()
    }
}

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What structures RQL stays bare in an address, so that only values grow.
const STRUCTURE: &AsciiSet = &UNRESERVED.remove(b'(').remove(b')').remove(b',').remove(b':');

/// A value for a path segment or a query parameter.
pub(super) fn percent(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

/// A value for RQL, whose parser knows letters, digits and `-_.` bare and turns a capital `%3C` or `%3E` into an
/// operator before it decodes anything: so its hexadecimals are small.
fn rql_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len() * 2);
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02x}");
        }
    }
    out
}

/// The RQL that finds whoever is in `asks`; empty asks give an empty text.
pub(super) fn rql<'a>(naming: &Naming, asks: impl Iterator<Item = &'a Ask> + Clone) -> String {
    let emails = asks.clone().flat_map(|ask| &ask.emails);
    let telnums = asks.clone().flat_map(|ask| &ask.telnums);
    let clauses: Vec<String> = [
        clause(&naming.email, emails),
        clause(&naming.telnum, telnums),
        clause(&naming.vvcu, asks.flat_map(|ask| &ask.vvcu)),
    ]
    .into_iter()
    .flatten()
    .collect();
    match clauses.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        several => format!("or({})", several.join(",")),
    }
}

/// `eq(f,string:a)` or `in(f,string:a,string:b)`: the values side by side, since a list in parentheses finds nothing.
fn clause<'a>(field: &str, values: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut seen = BTreeSet::new();
    let values: Vec<String> =
        values.filter(|value| seen.insert(*value)).map(|value| format!("string:{}", rql_value(value))).collect();
    let operator = if values.len() == 1 { "eq" } else { "in" };
    (!values.is_empty()).then(|| format!("{operator}({},{})", rql_value(field), values.join(",")))
}

/// The query of an RQL search.
pub(super) fn rql_query<'a>(
    naming: &Naming,
    asks: impl Iterator<Item = &'a Ask> + Clone,
    limit: usize,
    skip: usize,
) -> String {
    let text = rql(naming, asks);
    format!("q={}&{}", utf8_percent_encode(&text, STRUCTURE), page(naming, limit, skip))
}

/// The query for whoever holds just this text in a field.
pub(super) fn by_field(naming: &Naming, field: &str, text: &str, limit: usize) -> String {
    let rql = clause(field, [text.to_owned()].iter()).unwrap_or_default();
    format!("q={}&{}", utf8_percent_encode(&rql, STRUCTURE), page(naming, limit, 0))
}

/// The query of a search by parameters, for an ask of one value.
pub(super) fn params_query(naming: &Naming, ask: &Ask, limit: usize, skip: usize) -> String {
    let pairs = [("email", ask.emails.first()), ("telnum", ask.telnums.first()), ("vvcu", ask.vvcu.as_ref())];
    let mut out = String::new();
    for (name, value) in pairs {
        if let Some(value) = value {
            let _ = write!(out, "{name}={}&", percent(value));
        }
    }
    out + &page(naming, limit, skip)
}

/// Sorted by id, since paging by `skip` takes no snapshot; a bare `+` would be a space.
fn page(naming: &Naming, limit: usize, skip: usize) -> String {
    format!("limit={limit}&skip={skip}&sort=%2B{}", percent(&naming.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(emails: &[&str], telnums: &[&str]) -> Ask {
        let own = |values: &[&str]| values.iter().map(ToString::to_string).collect();
        Ask { emails: own(emails), telnums: own(telnums), vvcu: None }
    }

    fn text(asks: &[Ask]) -> String {
        rql(&Naming::default(), asks.iter())
    }

    #[test]
    fn one_kind_needs_no_or_and_one_value_needs_no_in() {
        let table = [
            (vec![ask(&["u3@x.it"], &[])], "eq(email,string:u3%40x.it)"),
            (vec![ask(&["a@x.it"], &[]), ask(&["b@x.it"], &[])], "in(email,string:a%40x.it,string:b%40x.it)"),
            (vec![ask(&[], &["3331234567"])], "eq(telnum,string:3331234567)"),
            (
                vec![ask(&["a@x.it"], &["+39 333", "0039333"])],
                "or(eq(email,string:a%40x.it),in(telnum,string:%2b39%20333,string:0039333))",
            ),
            (vec![ask(&["a@x.it"], &[]), ask(&["a@x.it"], &[])], "eq(email,string:a%40x.it)"),
            (vec![Ask { vvcu: Some("v:1".into()), ..Ask::default() }], "eq(vvcu,string:v%3a1)"),
            (vec![Ask::default()], ""),
        ];
        for (asks, expected) in table {
            assert_eq!(text(&asks), expected);
        }
    }

    #[test]
    fn what_rql_would_read_as_its_own_is_encoded_and_angles_never_in_capitals() {
        assert_eq!(rql_value("<O'Neil>(a,b)|c&d=e/~*$:%"), "%3cO%27Neil%3e%28a%2cb%29%7cc%26d%3de%2f%7e%2a%24%3a%25");
        assert_eq!(rql_value("è"), "%c3%a8");
    }

    #[test]
    fn the_address_encodes_once_more_and_the_plus_of_the_order_too() {
        let query = rql_query(&Naming::default(), [ask(&["u3@x.it"], &["+39"])].iter(), 100, 0);
        assert_eq!(query, "q=or(eq(email,string:u3%2540x.it),eq(telnum,string:%252b39))&limit=100&skip=0&sort=%2Bid");
    }

    #[test]
    fn parameters_are_encoded_once() {
        let query = params_query(&Naming::default(), &ask(&["a+b@x.it"], &["+39 333"]), 100, 20);
        assert_eq!(query, "email=a%2Bb%40x.it&telnum=%2B39%20333&limit=100&skip=20&sort=%2Bid");
    }

    #[test]
    fn parameters_are_asked_one_value_at_a_time() {
        let values = ask(&["a", "b"], &["1", "2", "3"]).singly();
        assert_eq!(values.len(), 5);
        assert_eq!(values.first(), Some(&ask(&["a"], &[])));
        assert_eq!(values.last(), Some(&ask(&[], &["3"])));
    }

    #[test]
    fn blanks_are_never_asked_for() {
        assert!(ask(&["", "  "], &[""]).trimmed().is_empty());
    }
}
