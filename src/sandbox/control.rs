//! The control port: what a person at a running sandbox can do from another terminal. Set faults, read the journal, play
//! the chats and the agents of Vivocha and the staff of the shop. Neither vendor has anything like it.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    drift::{self, Amounts, Drift},
    faults::{Fault, Faults},
    journal::{Entry, Journal},
    open2b::Shop,
    population::{ShopContact, Truth},
    vivocha::Account,
};

/// Everything there is to reach into.
#[derive(Clone)]
pub(super) struct Hand {
    pub(super) open2b: Arc<Shop>,
    pub(super) vivocha: Arc<Account>,
    pub(super) truth: Arc<Truth>,
    pub(super) faults: Arc<Faults>,
    pub(super) journal: Arc<Journal>,
}

/// The routes below `/_sandbox`.
pub(super) fn router(hand: Hand) -> Router {
    Router::new()
        .route("/_sandbox", get(index))
        .route("/_sandbox/journal", get(journal).delete(forget))
        .route("/_sandbox/faults", get(pending).post(set).delete(clear))
        .route("/_sandbox/contacts", get(contacts).post(add_contact))
        .route("/_sandbox/contacts/late", post(add_late_contact))
        .route("/_sandbox/contacts/{id}/visible", post(show_contact))
        .route("/_sandbox/contacts/{id}", get(contact).patch(edit_contact).delete(delete_contact))
        .route("/_sandbox/customers", get(customers).post(add_customer))
        .route("/_sandbox/customers/{id}", get(customer).patch(edit_customer).delete(delete_customer))
        .route("/_sandbox/customers/{id}/absorbs/{other}", post(merge_customers))
        .route("/_sandbox/drift", post(drift))
        .route("/_sandbox/truth", get(truth))
        .with_state(hand)
}

async fn index() -> &'static str {
    "GET DELETE  /_sandbox/journal\n\
     GET POST DELETE  /_sandbox/faults        {\"call\":\"customers.update\",\"times\":1,\"kind\":\"reset-after\"}\n\
     GET POST  /_sandbox/contacts             {\"name\":\"Anna Rossi\",\"email\":\"anna@example.it\",\"phone\":\"\"}\n\
     GET PATCH DELETE  /_sandbox/contacts/{id}\n\
     POST  /_sandbox/contacts/late            an id given now, to become visible by\n\
     POST  /_sandbox/contacts/{id}/visible\n\
     GET POST  /_sandbox/customers            {\"email\":\"anna@example.it\"}\n\
     GET PATCH DELETE  /_sandbox/customers/{id}\n\
     POST  /_sandbox/customers/{id}/absorbs/{other}\n\
     POST  /_sandbox/drift                     {\"seed\":1,\"edits\":10,\"deletions\":5,\"late_ids\":3,\"chats\":10,\"merges\":4,\"agent_edits\":10}\n\
     GET  /_sandbox/truth\n"
}

async fn journal(State(hand): State<Hand>) -> Json<Vec<Entry>> {
    Json(hand.journal.read())
}

async fn forget(State(hand): State<Hand>) -> StatusCode {
    hand.journal.clear();
    StatusCode::NO_CONTENT
}

async fn pending(State(hand): State<Hand>) -> Json<Vec<Fault>> {
    Json(hand.faults.pending())
}

async fn set(State(hand): State<Hand>, Json(fault): Json<Fault>) -> StatusCode {
    hand.faults.set(fault);
    StatusCode::CREATED
}

async fn clear(State(hand): State<Hand>) -> StatusCode {
    hand.faults.clear();
    StatusCode::NO_CONTENT
}

/// What may be said of a contact; what is not said stays, or is empty in a new one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    customer: Option<i64>,
    name: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    note: Option<String>,
}

impl Edit {
    fn apply(self, contact: &mut ShopContact) {
        let Self { customer, name, phone, email, note } = self;
        contact.customer = customer.unwrap_or(contact.customer);
        contact.name = name.unwrap_or_else(|| contact.name.clone());
        contact.phone = phone.unwrap_or_else(|| contact.phone.clone());
        contact.email =
            email.map_or_else(|| contact.email.clone(), |email| Some(email).filter(|text| !text.is_empty()));
        contact.note = note.unwrap_or_else(|| contact.note.clone());
    }
}

async fn contacts(State(hand): State<Hand>) -> Json<Vec<ShopContact>> {
    Json(hand.open2b.contacts())
}

async fn contact(State(hand): State<Hand>, Path(id): Path<i64>) -> Result<Json<ShopContact>, StatusCode> {
    let found = hand.open2b.contacts().into_iter().find(|contact| contact.id == id);
    found.map(Json).ok_or(StatusCode::NOT_FOUND)
}

impl From<Edit> for ShopContact {
    fn from(edit: Edit) -> Self {
        let mut contact = Self { customer: 1, ..Self::default() };
        edit.apply(&mut contact);
        contact
    }
}

async fn add_contact(State(hand): State<Hand>, Json(edit): Json<Edit>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "id": hand.open2b.add_contact(edit.into()) })))
}

async fn add_late_contact(State(hand): State<Hand>, Json(edit): Json<Edit>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "id": hand.open2b.add_late_contact(edit.into()) })))
}

async fn show_contact(State(hand): State<Hand>, Path(id): Path<i64>) -> StatusCode {
    done(hand.open2b.show_contact(id))
}

async fn edit_contact(State(hand): State<Hand>, Path(id): Path<i64>, Json(edit): Json<Edit>) -> StatusCode {
    done(hand.open2b.edit_contact(id, |contact| edit.apply(contact)))
}

async fn delete_contact(State(hand): State<Hand>, Path(id): Path<i64>) -> StatusCode {
    done(hand.open2b.delete_contact(id))
}

async fn customers(State(hand): State<Hand>) -> Json<Vec<Map<String, Value>>> {
    Json(hand.vivocha.customers())
}

async fn customer(State(hand): State<Hand>, Path(id): Path<String>) -> Result<Json<Map<String, Value>>, StatusCode> {
    hand.vivocha.customer(&id).map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn add_customer(State(hand): State<Hand>, Json(document): Json<Map<String, Value>>) -> (StatusCode, Json<Value>) {
    (StatusCode::CREATED, Json(json!({ "id": hand.vivocha.add_customer(document) })))
}

async fn edit_customer(
    State(hand): State<Hand>,
    Path(id): Path<String>,
    Json(fields): Json<Map<String, Value>>,
) -> StatusCode {
    done(hand.vivocha.edit_customer(&id, |document| document.extend(fields)))
}

async fn delete_customer(State(hand): State<Hand>, Path(id): Path<String>) -> StatusCode {
    done(hand.vivocha.delete_customer(&id))
}

async fn merge_customers(State(hand): State<Hand>, Path((id, other)): Path<(String, String)>) -> StatusCode {
    done(hand.vivocha.merge_customers(&id, &other))
}

/// A seed, and how much is to happen.
#[derive(Deserialize)]
struct Happen {
    #[serde(default)]
    seed: u64,
    #[serde(flatten)]
    amounts: Amounts,
}

/// What happens between two passes, at a wave of the hand; once, since the truth it begins with is the first one.
async fn drift(State(hand): State<Hand>, Json(Happen { seed, amounts }): Json<Happen>) -> Json<Drift> {
    Json(drift::apply(&hand.open2b, &hand.vivocha, &hand.truth, seed, &amounts))
}

async fn truth(State(hand): State<Hand>) -> Json<Truth> {
    Json(Truth::clone(&hand.truth))
}

fn done(found: bool) -> StatusCode {
    if found { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}
