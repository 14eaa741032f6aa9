//! The query language of Vivocha's framework, as it was observed: parsed after one percent-decoding by the web framework,
//! its values decoded once more. What it cannot parse is an exception there, and so a 500 on the wire.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::pattern;

/// A condition on a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Query {
    And(Vec<Query>),
    Or(Vec<Query>),
    /// `eq` and `in`: the field equals one of these.
    In(String, Vec<Value>),
    Ne(String, Value),
    /// `lt`, `le`, `gt`, `ge`.
    Order(String, &'static str, Value),
    Matches(String, String),
}

/// What the framework throws at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unparsable;

/// An argument of a call: a value, a nested list, or a call.
enum Term {
    Value(Value),
    List(Vec<Term>),
    Call(Query),
}

/// Parses what the web framework has decoded once. An empty query has no condition.
pub(super) fn parse(text: &str) -> Result<Query, Unparsable> {
    let mut parser = Parser { rest: text };
    let query = parser.sequence()?;
    if parser.rest.is_empty() { Ok(query) } else { Err(Unparsable) }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, expected: char) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// `a&b` is `and`, `a|b` is `or`; mixed without parentheses it is an error.
    fn sequence(&mut self) -> Result<Query, Unparsable> {
        if self.rest.is_empty() {
            return Ok(Query::And(Vec::new()));
        }
        let mut parts = vec![self.condition()?];
        let by = if self.rest.starts_with('|') { '|' } else { '&' };
        while self.eat(by) {
            parts.push(self.condition()?);
        }
        Ok(if by == '|' { Query::Or(parts) } else { Query::And(parts) })
    }

    fn condition(&mut self) -> Result<Query, Unparsable> {
        match self.term()? {
            Term::Call(query) => Ok(query),
            Term::Value(_) | Term::List(_) => Err(Unparsable),
        }
    }

    fn term(&mut self) -> Result<Term, Unparsable> {
        let word = self.word();
        if !self.eat('(') {
            return if word.is_empty() { Err(Unparsable) } else { value(word).map(Term::Value) };
        }
        let mut terms = Vec::new();
        if !self.eat(')') {
            terms.push(self.term()?);
            while self.eat(',') {
                terms.push(self.term()?);
            }
            if !self.eat(')') {
                return Err(Unparsable);
            }
        }
        if word.is_empty() { Ok(Term::List(terms)) } else { call(word, terms).map(Term::Call) }
    }

    /// The characters the framework's own expression allows; a bare `@` or `'` is none of them.
    fn word(&mut self) -> &'a str {
        let part = |c: char| c.is_ascii_alphanumeric() || "_+*$-:%.".contains(c);
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }
}

fn call(name: &str, terms: Vec<Term>) -> Result<Query, Unparsable> {
    if let "and" | "or" = name {
        let queries =
            terms.into_iter().map(|term| if let Term::Call(query) = term { Ok(query) } else { Err(Unparsable) });
        let queries = queries.collect::<Result<_, _>>()?;
        return Ok(if name == "and" { Query::And(queries) } else { Query::Or(queries) });
    }
    let mut values = terms.into_iter().map(plain).collect::<Result<Vec<_>, _>>()?.into_iter();
    let Some(Value::String(field)) = values.next() else { return Err(Unparsable) };
    if name == "in" {
        return Ok(Query::In(field, values.collect()));
    }
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Unparsable) };
    match (name, value) {
        ("eq", value) => Ok(Query::In(field, vec![value])),
        ("ne", value) => Ok(Query::Ne(field, value)),
        ("lt", value) => Ok(Query::Order(field, "lt", value)),
        ("le", value) => Ok(Query::Order(field, "le", value)),
        ("gt", value) => Ok(Query::Order(field, "gt", value)),
        ("ge", value) => Ok(Query::Order(field, "ge", value)),
        ("matches", Value::String(pattern)) => Ok(Query::Matches(field, pattern)),
        // A pattern of digits has become a number on the way; the framework makes a pattern of that again.
        ("matches", Value::Number(digits)) => Ok(Query::Matches(field, digits.to_string())),
        _ => Err(Unparsable),
    }
}

/// A list becomes an array *value*: `in(email,(a,b))` looks for a document whose e-mail is that array, and finds none.
fn plain(term: Term) -> Result<Value, Unparsable> {
    match term {
        Term::Value(value) => Ok(value),
        Term::List(terms) => Ok(Value::Array(terms.into_iter().map(plain).collect::<Result<_, _>>()?)),
        Term::Call(_) => Err(Unparsable),
    }
}

/// `string:…`, `number:…`, `boolean:…`; without a type digits are a number and `true`, `false`, `null` are themselves.
fn value(word: &str) -> Result<Value, Unparsable> {
    let Some((kind, rest)) = word.split_once(':') else { return automatic(word) };
    match kind {
        "string" | "re" | "RE" => decoded(rest).map(Value::String),
        "number" => decoded(rest)?.parse::<serde_json::Number>().map(Value::Number).map_err(|_| Unparsable),
        "boolean" => Ok(Value::Bool(rest == "true")),
        "auto" => automatic(rest),
        _ => Err(Unparsable),
    }
}

fn automatic(word: &str) -> Result<Value, Unparsable> {
    let text = decoded(word)?;
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    Ok(match text.as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        // Leading zeros go, as they do in any number; what is too long loses its last digits, as it does in a double.
        number if digits => {
            let whole = number.parse::<u64>().map(Value::from);
            whole.or_else(|_| number.parse::<f64>().map(Value::from)).map_err(|_| Unparsable)?
        }
        _ => Value::String(text),
    })
}

fn decoded(word: &str) -> Result<String, Unparsable> {
    let mut escapes = word.split('%').skip(1);
    let whole = |escape: &str| escape.get(..2).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if !escapes.all(whole) {
        return Err(Unparsable);
    }
    percent_decode_str(word).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| Unparsable)
}

impl Query {
    /// Whether a document meets it. Equality is byte-exact, and a number never equals a text.
    pub(super) fn accepts(&self, document: &Map<String, Value>) -> bool {
        match self {
            Self::And(queries) => queries.iter().all(|query| query.accepts(document)),
            Self::Or(queries) => queries.iter().any(|query| query.accepts(document)),
            Self::In(field, values) => values.iter().any(|value| equals(held(document, field), value)),
            Self::Ne(field, value) => !equals(held(document, field), value),
            Self::Order(field, operator, value) => {
                held(document, field).is_some_and(|held| in_order(held, operator, value))
            }
            Self::Matches(field, pattern) => {
                let text = held(document, field).and_then(Value::as_str);
                text.is_some_and(|text| pattern::found(pattern, text))
            }
        }
    }
}

fn held<'a>(document: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    let mut names = field.split('.');
    let first = document.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// As the database compares: `null` equals what is not there.
fn equals(held: Option<&Value>, value: &Value) -> bool {
    match held {
        None | Some(Value::Null) => value.is_null(),
        Some(held) => held == value,
    }
}

fn in_order(held: &Value, operator: &str, value: &Value) -> bool {
    let ordering = match (held, value) {
        (Value::String(held), Value::String(value)) => Some(held.cmp(value)),
        (Value::Number(held), Value::Number(value)) => {
            held.as_f64().zip(value.as_f64()).and_then(|(held, value)| held.partial_cmp(&value))
        }
        _ => None,
    };
    ordering.is_some_and(|ordering| match operator {
        "lt" => ordering.is_lt(),
        "le" => ordering.is_le(),
        "gt" => ordering.is_gt(),
        _ => ordering.is_ge(),
    })
}
