//! A write by hand: looked at and declared before it is sent, refused while writing is paused, and never sent again on an old look.

use serde_json::{Map, Value};

use super::no_customer;
use crate::{
    cli::{
        Context, Failure,
        setup::{self, Purpose},
    },
    config::Settings,
    http::{CallError, Verdict},
    model::{Customer, CustomerId},
    sync::by_hand::Hand,
    vivocha::{Reader, UPDATE, Writer},
};

/// The customer to be written: itself, and not what absorbed it.
pub(super) async fn to_write(reader: &Reader, id: &CustomerId) -> Result<Customer, Failure> {
    match reader.get(id).await? {
        Some(customer) if customer.id == *id => Ok(customer),
        Some(other) => Err(Failure::failed(anyhow::anyhow!(
            "customer {id} is {} now: the two were merged; nothing was sent; name {0} if that is meant",
            other.id
        ))),
        None => Err(no_customer(id)),
    }
}

/// Writes, and again within bounds where it certainly was not applied: after another look, and only where the fields stand as they
/// did. What somebody else wrote meanwhile was not known to whoever asked for this.
pub(super) async fn sent_to<T>(
    hand: &Hand<'_>,
    reader: &Reader,
    before: &Customer,
    sent: &Map<String, Value>,
    write: impl AsyncFn(&Writer) -> Result<T, CallError>,
) -> Result<T, Failure> {
    let mut writer = Writer::new(reader.clone());
    let mut tried = 0;
    loop {
        let error = match hand.write(&before.id, sent, write(&writer)).await? {
            Err(error) if error.verdict == Verdict::Retry && error.call == UPDATE => error,
            written => return written.map_err(|error| doubt(error, &before.id)),
        };
        tried += 1;
        let Some(again) = writer.again(tried).await else { return Err(doubt(error, &before.id)) };
        writer = again;
        let now = to_write(reader, &before.id).await?;
        let changed = |field: &&String| now.document.get(*field) != before.document.get(*field);
        if let Some(field) = sent.keys().find(changed) {
            return Err(Failure::failed(anyhow::anyhow!(
                "somebody else changed {field} of customer {} before this could be sent: nothing was sent; look, and do it again if it is still right",
                before.id
            )));
        }
    }
}

/// Whoever writes by hand, unless writing is paused. The store is made where there is none: what is written is declared in it first.
pub(super) async fn hand(context: &Context, settings: &Settings, why: &'static str) -> Result<Hand<'static>, Failure> {
    let store = setup::memory(context, settings, Purpose::Work).await?.store;
    match store.overview().await?.paused {
        None => Ok(Hand { store, tenure: None, why, by: setup::operator(), puts_back: false }),
        Some((since, why)) => Err(Failure::failed(anyhow::anyhow!(
            "writing is paused since {since} ({why}): nothing was sent; `anagrafe resume` lets it go on"
        ))),
    }
}

/// A write that failed, in words for who wrote it.
fn doubt(error: CallError, id: &CustomerId) -> Failure {
    if error.verdict == Verdict::Unknown {
        let look =
            format!("perhaps written, perhaps not: look with `anagrafe customers get {id}` before doing it again");
        return Failure::failed(anyhow::Error::from(error).context(look));
    }
    error.into()
}
