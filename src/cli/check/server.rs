//! The store of a server, as a check asks it. It is not made and not brought up to date: the first sync does that.

use secrecy::SecretString;

use super::super::{
    Context, keys,
    setup::{self, Purpose},
};
use crate::{
    config::Settings,
    model::finding::{Finding, Standing},
    store::{Health, StoreError, postgres},
    sync::check::state::{of_key, of_the_erased},
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
    let (store, pending) = match setup::standing(context, settings, url).await {
        Ok(opened) => opened,
        Err(error) => return failing(&error),
    };
    match store.health().await {
        Ok(Health { engine, schema, read_only: None }) => {
            let opens = format!("opens, and can be written to: {place}, {engine}, schema version {schema}");
            let erased = of_the_erased(&*store, &keys::previous(settings)).await;
            [of_key(pending)].into_iter().chain(erased).chain([confirmed(URL, opens)]).collect()
        }
        Ok(Health { read_only: Some(why), .. }) => failing(&StoreError::ReadOnly(why)),
        Err(error) => failing(&error),
    }
}
