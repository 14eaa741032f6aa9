//! `anagrafe check`: asks the configuration, the store, every shop and the account what a sync takes for granted, and says
//! of each whether it holds. What is asked is in [`crate::sync::check`]; here it is put together and printed.
//!
//! Everything is shown at once: nothing ends because something before it failed.

use std::{path::Path, sync::Arc};

use futures::future::join_all;
use owo_colors::OwoColorize as _;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Context, Exit, Failure, logging,
    output::Output,
    setup::{self, Network, Purpose},
};
use crate::{
    config::{self, Problems, Settings, StoreUrl},
    model::{
        HashKey, ShopName,
        finding::{Finding, Standing},
    },
    store::{Health, StoreError, postgres},
    sync::check::{self, Entry, Report, state::State},
};

const CONFIGURATION: &str = "configuration";

pub async fn run(context: &Context) -> Result<Exit, Failure> {
    let named = context.globals.config.as_ref();
    let mut report = Report::default();
    let settings = match setup::settings(named) {
        Ok(settings) => settings,
        Err(failure) => {
            report.add(CONFIGURATION, problems(failure)?);
            return show(&report, Exit::Usage, context.out);
        }
    };
    logging::begin(&settings.observe, &context.globals);
    report.add(CONFIGURATION, configuration(&settings, config::source(named.map(AsRef::as_ref))));
    report.add("store", store(context, &settings).await);
    let network = match Network::impatient(&settings) {
        Ok(network) => network,
        Err(failure) => {
            let text = format!("{:#}", failure.error);
            report.add(CONFIGURATION, vec![Finding::new("http.ca_bundle", Standing::Contradicted, text, "")]);
            return show(&report, failure.exit, context.out);
        }
    };
    let shops = join_all(settings.shops.keys().map(|name| shop(&settings, &network, name)));
    let (shops, account) = futures::join!(shops, account(&settings, &network));
    for (name, findings) in settings.shops.keys().zip(shops) {
        report.add(format!("shop {name}"), findings);
    }
    report.add("vivocha", account);
    let exit = if report.ok { Exit::Done } else { Exit::Failed };
    show(&report, exit, context.out)
}

/// What is wrong with the configuration, one finding each; another failure stays what it is.
fn problems(failure: Failure) -> Result<Vec<Finding>, Failure> {
    let Some(problems) = failure.error.downcast_ref::<Problems>() else { return Err(failure) };
    let finding = |problem: &config::Problem| {
        let subject = if problem.key.is_empty() { "file" } else { &problem.key };
        Finding::new(subject, Standing::Contradicted, format!("{}: {}", problem.place, problem.what), &problem.instead)
    };
    Ok(problems.iter().map(finding).collect())
}

fn configuration(settings: &Settings, file: Option<&Path>) -> Vec<Finding> {
    let read = file.map_or_else(
        || "no file: everything comes from the environment".to_owned(),
        |file| format!("{} is valid", file.display()),
    );
    let warnings = settings.warnings.iter().map(|warning| {
        let (key, text) = warning.split_once(": ").unwrap_or((CONFIGURATION, warning));
        let (what, advice) = text.split_once(": ").unwrap_or((text, "is it meant?"));
        Finding::new(key, Standing::Unknown, what, advice)
    });
    [Finding::new("file", Standing::Confirmed, read, "")].into_iter().chain(warnings).collect()
}

async fn store(context: &Context, settings: &Settings) -> Vec<Finding> {
    let path = match &settings.store.url {
        StoreUrl::Sqlite { path } => path.clone(),
        StoreUrl::Postgres { url } => return server(context, settings, url).await,
    };
    let given = settings.store.hash_key.as_ref().map(|key| HashKey::new(key.expose_secret().as_bytes()));
    let given = match given.transpose() {
        Ok(key) => key.map(Arc::new),
        Err(error) => {
            return vec![Finding::new("store.hash_key", Standing::Contradicted, error.to_string(), "")];
        }
    };
    let state_dir = settings.store.state_dir.clone();
    State { path, state_dir, account: settings.vivocha.account.clone(), given }.findings().await
}

/// The store of a server: opened as a sync opens it, but nothing is made and nothing brought up to date.
async fn server(context: &Context, settings: &Settings, url: &SecretString) -> Vec<Finding> {
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

async fn shop(settings: &Settings, network: &Network, name: &ShopName) -> Vec<Finding> {
    let (Some(said), Ok(shop)) = (settings.shops.get(name), network.shop(settings, name)) else {
        let text = "no request can be formed from its settings";
        return vec![Finding::new(format!("shops.{name}"), Standing::Contradicted, text, "check url and secret_key")];
    };
    check::shop::shop(&shop, said.api_version, said.page_size).await
}

async fn account(settings: &Settings, network: &Network) -> Vec<Finding> {
    let client = network.account(settings);
    let unfit = |failure: Failure| Finding::new("vivocha", Standing::Contradicted, format!("{:#}", failure.error), "");
    let (mut out, base_url) = match &settings.vivocha.base_url {
        Some(base) => (Vec::new(), base.clone()),
        None => match check::account::world(&client, &settings.vivocha.account, &settings.vivocha.www).await {
            (found, Some(base)) => (vec![found], base),
            (found, None) => {
                let rest = "the account was not asked: where it lives is not known";
                return vec![found, Finding::new("vivocha.*", Standing::Unknown, rest, "")];
            }
        },
    };
    match setup::reader(client, settings, base_url) {
        Ok(reader) => out.extend(check::account::account(&reader).await),
        Err(failure) => out.push(unfit(failure)),
    }
    out
}

fn show(report: &Report, exit: Exit, out: Output) -> Result<Exit, Failure> {
    if out.json {
        out.json(report)?;
    } else if out.csv {
        out.list(&report.findings, &["section", "subject", "verdict", "text", "advice"], row, "")?;
    } else {
        grouped(report, out);
    }
    out.notice(if report.ok {
        "Nothing stands in the way of a first look: anagrafe plan --full"
    } else {
        "A sync would not go well: set right what is contradicted, and check again."
    });
    Ok(exit)
}

fn row(entry: &Entry) -> Vec<String> {
    let Entry { section, finding: Finding { subject, verdict, text, advice } } = entry;
    let advice = advice.clone().unwrap_or_default();
    vec![section.clone(), subject.clone(), verdict.as_str().to_owned(), text.clone(), advice]
}

fn grouped(report: &Report, out: Output) {
    let mut section = "";
    for Entry { section: of, finding: Finding { subject, verdict, text, advice } } in &report.findings {
        if section != of {
            out.line(of.bold().to_string());
            section = of;
        }
        let mark = match verdict {
            Standing::Confirmed => "✓".green().to_string(),
            Standing::Contradicted => "✗".red().to_string(),
            Standing::Unknown => "?".yellow().to_string(),
        };
        out.line(format!("  {mark} {subject}: {text}"));
        if let Some(advice) = advice {
            out.line(format!("      → {advice}"));
        }
    }
    let count = |verdict| format!("{} {}", report.count(verdict), verdict.as_str());
    out.line([Standing::Confirmed, Standing::Contradicted, Standing::Unknown].map(count).join(", "));
}
