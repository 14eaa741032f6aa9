//! The values of `anagrafe contacts`: how fields, orders and ids are said on the command line, what a contact is to say,
//! and a record in the vendor's shape. Calls nobody.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Map, Value};

use crate::{
    cli::Failure,
    model::{ContactId, ShopCustomerId, ids::BadId},
    open2b::{ContactPatch, Field, NewContact, Order, Record},
};

/// The vendor's keys to sort by.
const ORDERS: [&str; 12] =
    ["id", "-id", "customer", "-customer", "name", "-name", "phone", "-phone", "email", "-email", "note", "-note"];

fn named(text: &str) -> Option<Field> {
    Field::ALL.into_iter().find(|field| field.as_str() == text)
}

/// Reads a field.
pub fn field() -> impl TypedValueParser<Value = Field> {
    PossibleValuesParser::new(Field::ALL.map(Field::as_str)).try_map(|text| named(&text).ok_or("no field of a contact"))
}

/// Reads a key to sort by.
pub fn order() -> impl TypedValueParser<Value = Order> {
    PossibleValuesParser::new(ORDERS).try_map(|text| {
        let (name, descending) = text.strip_prefix('-').map_or((text.as_str(), false), |name| (name, true));
        named(name).map(|by| Order { by, descending }).ok_or("no field of a contact")
    })
}

/// Reads an id of Open2b.
pub fn id<T>() -> impl TypedValueParser<Value = T>
where
    T: TryFrom<i64, Error = BadId> + Clone + Send + Sync + 'static,
{
    clap::value_parser!(i64).try_map(T::try_from)
}

/// What a contact is to say; what is `None` is not said. Personal, so without `Debug`.
#[derive(Default, PartialEq, Eq)]
pub struct Changes {
    pub owner: Option<ShopCustomerId>,
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub note: Option<String>,
}

impl Changes {
    /// Reads a JSON object in the vendor's shape, as `contacts get` prints it. `id`: whose; one that says another is refused.
    pub fn read(object: &Map<String, Value>, id: Option<ContactId>) -> Result<Self, Failure> {
        let mut changes = Self::default();
        for (key, value) in object {
            match (key.as_str(), named(key)) {
                (_, Some(Field::Id)) => same(id, value)?,
                (_, Some(Field::Customer)) => {
                    let owner = value.as_i64().and_then(|owner| ShopCustomerId::try_from(owner).ok());
                    changes.owner = Some(owner.ok_or_else(|| wrong("customer", "an integer from 1 up"))?);
                }
                (_, Some(Field::Name)) => {
                    let name = value.as_str().ok_or_else(|| wrong("name", "a text"))?;
                    changes.name = Some(name.to_owned());
                }
                (_, Some(Field::Phone)) => changes.phone = Some(text_or_null("phone", value)?),
                (_, Some(Field::Email)) => changes.email = Some(text_or_null("email", value)?),
                (_, Some(Field::Note)) => changes.note = Some(text_or_null("note", value)?),
                (unknown, None) => {
                    return Err(Failure::usage(format!(
                        "{unknown}: a contact has no such field; it has customer, name, phone, email and note"
                    )));
                }
            }
        }
        Ok(changes)
    }

    /// As a new contact.
    pub fn contact(self) -> Result<NewContact, Failure> {
        let Self { owner, name, phone, email, note } = self;
        let missing = |what: &str| Failure::usage(format!("a contact needs its {what}: give customer and name"));
        let owner = owner.ok_or_else(|| missing("customer"))?;
        let name = name.ok_or_else(|| missing("name"))?;
        Ok(NewContact { owner, name, phone, email, note })
    }

    /// As changes to a contact.
    pub fn patch(self) -> Result<ContactPatch, Failure> {
        if self == Self::default() {
            return Err(Failure::usage(
                "nothing to change: give at least one of customer, name, phone, email and note",
            ));
        }
        let Self { owner, name, phone, email, note } = self;
        Ok(ContactPatch { owner, name, phone, email, note })
    }
}

fn wrong(field: &str, instead: &str) -> Failure {
    Failure::usage(format!("{field}: give {instead}"))
}

fn text_or_null(field: &str, value: &Value) -> Result<String, Failure> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(wrong(field, "a text or null")),
    }
}

fn same(id: Option<ContactId>, value: &Value) -> Result<(), Failure> {
    match id {
        None => Err(Failure::usage("id: the shop gives it; leave it out")),
        Some(id) if value.as_i64() == Some(id.get()) => Ok(()),
        Some(id) => {
            Err(Failure::usage(format!("id: contact {id} was named, and the object is another's; nothing was done")))
        }
    }
}

/// A record as the vendor shapes it, with these fields; one that cannot be read as its id and what is wrong with it.
pub fn value(record: &Record, fields: &[Field]) -> Map<String, Value> {
    match record {
        Record::Whole(contact) => {
            let value = |field: Field| match field {
                Field::Id => contact.id.get().into(),
                Field::Customer => contact.owner.map_or(Value::Null, |owner| owner.get().into()),
                Field::Name => contact.name.as_str().into(),
                Field::Phone => contact.phone.as_str().into(),
                Field::Email => contact.email.as_str().into(),
                Field::Note => contact.note.as_str().into(),
            };
            fields.iter().map(|field| (field.as_str().to_owned(), value(*field))).collect()
        }
        Record::Malformed { id, defect } => {
            let id = id.map_or(Value::Null, |id| id.get().into());
            [("id".to_owned(), id), ("defect".to_owned(), defect.to_string().into())].into_iter().collect()
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value, id: Option<i64>) -> Result<Changes, String> {
        let id = id.map(|id| ContactId::try_from(id).unwrap());
        Changes::read(value.as_object().unwrap(), id).map_err(|failure| failure.error.to_string())
    }

    #[test]
    fn null_takes_a_text_away_and_what_is_absent_stays() {
        let changes = read(&json!({"email": null, "phone": null}), Some(5)).unwrap();
        assert_eq!(changes.email.as_deref(), Some(""));
        assert_eq!(changes.phone.as_deref(), Some(""));
        assert_eq!((changes.name, changes.note), (None, None));
        let sent = serde_json::to_value(read(&json!({"email": null}), Some(5)).unwrap().patch().unwrap()).unwrap();
        assert_eq!(sent, json!({"email": null}));
    }

    #[test]
    fn what_get_prints_may_be_sent_back_to_the_same_contact_only() {
        let whole = json!({"id": 5, "customer": 7, "name": "Anna", "phone": "", "email": "", "note": ""});
        assert!(read(&whole, Some(5)).is_ok());
        assert!(read(&whole, Some(6)).err().unwrap().contains("another's"));
        assert!(read(&whole, None).err().unwrap().contains("leave it out"));
    }

    #[test]
    fn a_wrong_object_is_refused_by_field_and_never_by_value() {
        for (wrong, told) in [
            (json!({"customer": "anna@x.it"}), "customer: give an integer"),
            (json!({"customer": 0}), "customer: give an integer"),
            (json!({"name": null}), "name: give a text"),
            (json!({"phone": 3_331_234_567_i64}), "phone: give a text or null"),
            (json!({"nome": "anna@x.it"}), "no such field"),
        ] {
            let error = read(&wrong, Some(5)).map(drop).unwrap_err();
            assert!(error.contains(told) && !error.contains("anna@") && !error.contains("333"), "{error}");
        }
    }

    #[test]
    fn every_order_of_the_vendors_page_can_be_said() {
        let command = clap::Command::new("x");
        for text in ORDERS {
            let read = order().parse_ref(&command, None, text.as_ref()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), json!(text));
        }
    }
}
