//! `anagrafe migrate`: brings the store to the schema of this version, or makes it. Every command that works with the store
//! does the same by itself; this one is for whoever wants it done, and said, before anything else runs.

use serde_json::json;

use super::{
    Context, Exit, Failure,
    setup::{self, Purpose},
    signals::Signals,
};
use crate::{
    config::{Settings, StoreUrl},
    store::{postgres, sqlite},
};

pub async fn run(context: &Context) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    // The first process of a container gets no signal that it does not ask for.
    let signals = Signals::cancelling(&context.stop).map_err(Failure::failed)?;
    let stopped = |number| Failure { exit: Exit::Signal(number), error: anyhow::anyhow!("stopped by a signal") };
    tokio::select! {
        biased;
        done = migrate(context, &settings) => done.map_err(|failure| signals.caught().map_or(failure, stopped)),
        // A migration is one transaction: left in its midst it is none.
        () = context.stop.cancelled() => Err(stopped(signals.caught().unwrap_or(15))),
    }
}

async fn migrate(context: &Context, settings: &Settings) -> Result<Exit, Failure> {
    let (place, from, to) = match &settings.store.url {
        StoreUrl::Sqlite { path } => {
            let from = if path.exists() { sqlite::schema_version(path).await? } else { 0 };
            (path.display().to_string(), from, sqlite::known_version())
        }
        StoreUrl::Postgres { url } => {
            let patience = setup::patience(context, settings, Purpose::Work);
            let from = postgres::schema_version(url, &patience, &|text| context.out.notice(text)).await?;
            (postgres::place(url)?, from, postgres::known_version())
        }
    };
    setup::memory(context, settings, Purpose::Work).await?;
    if context.out.json {
        context.out.json(&json!({ "store": place, "from": from, "to": to }))?;
    } else {
        context.out.line(match from {
            0 => format!("The store is made, at schema version {to}: {place}"),
            from if from == to => format!("The store is at schema version {to} already: {place}"),
            from => format!("The store is brought from schema version {from} to {to}: {place}"),
        });
    }
    Ok(Exit::Done)
}
