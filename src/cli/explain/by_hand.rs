//! What persons wrote to customers by hand, as `explain` tells it.

use crate::{
    cli::Failure,
    model::CustomerId,
    store::{KeptHandWrite, Store},
};

/// All that was written by hand to these.
pub async fn of(store: &dyn Store, customers: &[CustomerId]) -> Result<Vec<KeptHandWrite>, Failure> {
    let mut all = Vec::new();
    for customer in customers {
        all.extend(store.by_hand(customer).await?);
    }
    all.sort_by_key(|write| std::cmp::Reverse(write.id));
    all.dedup_by_key(|write| write.id);
    Ok(all)
}

/// In words.
pub fn line(write: &KeptHandWrite) -> String {
    let KeptHandWrite { customer, why, by, fields, declared_at, outcome, .. } = write;
    let fields = fields.join(", ");
    let outcome =
        outcome.map_or_else(|| "outcome not recorded".to_owned(), |(outcome, at)| format!("{} {at}", outcome.as_str()));
    format!("  {by} wrote {fields} to {customer} by hand ({why}, declared {declared_at}): {outcome}")
}
