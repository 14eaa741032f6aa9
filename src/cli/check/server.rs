//! The store of a server, as a check asks it. It is not made and not brought up to date: the first sync does that.

use secrecy::SecretString;

use super::super::{
    Context,
    setup::{self, Purpose},
};
use crate::{
    config::Settings,
    model::finding::{Finding, Standing},
    store::{Health, StoreError, postgres},
};

/// The store of a server: opened as a sync opens it, but nothing is made and nothing brought up to date.
pub(super) async fn findings(context: &Context, settings: &Settings, url: &SecretString) -> Vec<Finding> {
    const URL: &str = "store.url";
    let failing = |error: &StoreError| {
        let subject = if matches!(error, StoreError::WrongKey) { "store.hash_key" } else { URL };
        let text = error.to_string();
        let (what, advice) = text.rsplit_once(": ").unwrap_or((&text, ""));
        vec![Finding::new(subject, Standing::Contradicted, what, advice)]
    };
    let confirmed = |subject, text: String| Finding::new(subject, Standing::Confirmed, text, "");
    let patience = setup::patience(context, settings, Purpose::Look);
    let notice = |text: &str| context.out.notice(text);
    let (place, found) = match (postgres::place(url), postgres::schema_version(url, &patience, &notice).await) {
        (Ok(place), Ok(found)) => (place, found),
        (Err(error), _) | (_, Err(error)) => return failing(&error),
    };
    let needed = postgres::known_version();
    if found < needed {
        let text = match found {
            0 => format!("none yet; the first sync makes it: {place}"),
            found => format!("schema version {found}; the next sync brings it to {needed}: {place}"),
        };
        return vec![confirmed(URL, text)];
    }
    let memory = match setup::standing(context, settings, url).await {
        Ok(memory) => memory,
        Err(error) => return failing(&error),
    };
    let health = memory.health().await;
    match health {
        Ok(Health { engine, schema, read_only: None }) => vec![
            confirmed("store.hash_key", "the key is the one this store was made with".to_owned()),
            confirmed(URL, format!("opens, and can be written to: {place}, {engine}, schema version {schema}")),
        ],
        Ok(Health { read_only: Some(why), .. }) => failing(&StoreError::ReadOnly(why)),
        Err(error) => failing(&error),
    }
}
