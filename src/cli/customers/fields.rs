//! Fields of a customer as they are said on the command line, and what became of them. Calls nobody.

use serde_json::{Map, Value};

use crate::{
    cli::{
        Failure,
        person::{Given, object_on_stdin},
    },
    model::{Customer, CustomerId},
};

/// What to send: `key=TEXT`, `key:=JSON`, or an object on standard input for `-` alone.
pub fn assignments(given: Vec<Given>, id_field: &str) -> Result<Map<String, Value>, Failure> {
    let from_stdin = given.iter().any(|Given(text)| text == "-");
    let fields = match (from_stdin, given.len()) {
        (true, 1) => object_on_stdin()?,
        (true, _) => return Err(Failure::usage("`-` stands alone: give fields, or an object on standard input")),
        (false, _) => said(given)?,
    };
    if fields.is_empty() {
        return Err(Failure::usage("nothing to send: name at least one field"));
    }
    if fields.contains_key(id_field) {
        return Err(Failure::usage(format!("{id_field}: the id of a customer cannot be changed; leave it out")));
    }
    Ok(fields)
}

fn said(given: Vec<Given>) -> Result<Map<String, Value>, Failure> {
    let mut fields = Map::new();
    for (index, Given(text)) in given.into_iter().enumerate() {
        // Counted, not quoted: what has no `=` may be somebody's address.
        let wrong = |what: &str| Failure::usage(format!("field {}: {what}", index + 1));
        let (key, text) = text.split_once('=').ok_or_else(|| wrong("give key=TEXT or key:=JSON"))?;
        let (key, value) = match key.strip_suffix(':') {
            Some(key) => (key, serde_json::from_str(text).map_err(|_| wrong("what follows := is not JSON"))?),
            None => (key, Value::from(text)),
        };
        if key.trim().is_empty() {
            return Err(wrong("a name stands before the ="));
        }
        if fields.insert(key.to_owned(), value).is_some() {
            return Err(wrong("it was given before"));
        }
    }
    Ok(fields)
}

/// What became of a write, by field.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Came {
    /// Stood before, was not sent, and is gone.
    pub vanished: Vec<String>,
    /// Was sent, and what stood before stands still.
    pub untaken: Vec<String>,
    /// Was sent, and something else stands now: servers trim.
    pub otherwise: Vec<String>,
}

impl Came {
    /// Compares what came back with what was there and what was sent. Absent and null are the same.
    pub fn of(before: &Customer, sent: &Map<String, Value>, after: &Customer) -> Self {
        let mut came = Self::default();
        let of = |document: &'_ Map<String, Value>, field: &str| document.get(field).cloned().unwrap_or(Value::Null);
        for field in before.document.keys().filter(|field| !sent.contains_key(*field)) {
            if !of(&before.document, field).is_null() && of(&after.document, field).is_null() {
                came.vanished.push(field.clone());
            }
        }
        for (field, value) in sent {
            let now = of(&after.document, field);
            if now == *value {
                continue;
            }
            let list = if now == of(&before.document, field) { &mut came.untaken } else { &mut came.otherwise };
            list.push(field.clone());
        }
        came
    }

    /// Whether all is as it was to be.
    pub fn as_meant(&self) -> bool {
        *self == Self::default()
    }

    /// What is wrong and what to do; a value that came back in another form is not.
    pub fn complaint(&self, id: &CustomerId) -> Option<String> {
        let mut parts = Vec::new();
        if !self.vanished.is_empty() {
            parts.push(format!(
                "fields that were not sent vanished ({}): the account's update overrides; pause Anagrafe (`anagrafe pause`) \
                 and put them back with `anagrafe customers update {id}`",
                self.vanished.join(", ")
            ));
        }
        if !self.untaken.is_empty() {
            parts.push(format!(
                "the answer was success, and yet not written: {}; check [vivocha.endpoints] and that the account has such \
                 fields",
                self.untaken.join(", ")
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(given: &[&str]) -> Result<Value, String> {
        let given = given.iter().map(|text| Given((*text).to_owned())).collect();
        assignments(given, "id").map(Value::Object).map_err(|failure| failure.error.to_string())
    }

    fn customer(document: Value) -> Customer {
        Customer { id: "c1".parse().unwrap(), document: serde_json::from_value(document).unwrap() }
    }

    #[test]
    fn a_field_is_a_text_or_any_json() {
        let read = read(&["nickname=nina=x", "note=", "tags:=[\"a\"]", "visits=3", "gone:=null", "a:b=c"]).unwrap();
        let expected =
            json!({"nickname": "nina=x", "note": "", "tags": ["a"], "visits": "3", "gone": null, "a:b": "c"});
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_no_assignment_is_refused_by_its_place_and_not_quoted() {
        for (given, told) in [
            (&["nickname=nina", "anna@x.it"][..], "field 2: give key="),
            (&["=anna@x.it"], "field 1: a name"),
            (&["tags:=anna@x.it"], "field 1: what follows := is not JSON"),
            (&["a=1", "a:=2"], "field 2: it was given before"),
            (&["id=c2"], "id: the id of a customer cannot be changed"),
            (&["-", "a=1"], "`-` stands alone"),
        ] {
            let error = read(given).unwrap_err();
            assert!(error.contains(told) && !error.contains("anna"), "{error}");
        }
    }

    #[test]
    fn what_became_of_each_field_is_told_apart() {
        let before = customer(json!({"id": "c1", "email": "a@x.it", "note": null, "nick": "x", "tags": [1]}));
        let Value::Object(sent) = json!({"nick": " nina ", "first": "Anna", "note": null, "tags": [2]}) else { return };
        let as_meant = customer(json!({"id": "c1", "email": "a@x.it", "nick": " nina ", "first": "Anna", "tags": [2]}));
        assert!(Came::of(&before, &sent, &as_meant).as_meant());
        let after = customer(json!({"id": "c1", "nick": "nina", "tags": [1]}));
        let came = Came::of(&before, &sent, &after);
        assert_eq!(came.vanished, ["email"]);
        assert_eq!(came.untaken, ["first", "tags"]);
        assert_eq!(came.otherwise, ["nick"]);
        let complaint = came.complaint(&before.id).unwrap();
        assert!(complaint.contains("(email)") && complaint.contains("first, tags") && !complaint.contains("a@x.it"));
        let trimmed = Came { otherwise: vec!["nick".into()], ..Came::default() };
        assert_eq!(trimmed.complaint(&before.id), None);
    }
}
