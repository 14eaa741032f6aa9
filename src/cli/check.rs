//! `anagrafe check`: asks the configuration, the store, every shop and the account what a sync takes for granted, and says
//! of each whether it holds. What is asked is in [`crate::sync::check`]; here it is put together and printed.
//!
//! Everything is shown at once: nothing ends because something before it failed.

mod write_probe;

use std::{path::Path, sync::Arc};

use futures::future::join_all;
use owo_colors::OwoColorize as _;
use secrecy::ExposeSecret as _;

use super::{
    Context, Exit, Failure,
    args::CheckArgs,
    keys, logging,
    network::{self, Network},
    output::Output,
    setup::{self, Purpose},
    traces,
};
use crate::{
    config::{self, Problems, Settings, StoreUrl},
    model::{
        HashKey, ShopName,
        finding::{Finding, Standing},
    },
    sync::check::{
        self, Entry, Report,
        account::Asked,
        postgres::PostgresPlace,
        sqlite::SqlitePlace,
        state::{IN_THE_WAY, Place, State},
    },
    vivocha::Reader,
};
use write_probe::Right;

const CONFIGURATION: &str = "configuration";
const WRITE_PROBE: &str = "write probe";

pub async fn run(context: &Context, args: CheckArgs) -> Result<Exit, Failure> {
    let named = context.globals.config.as_ref();
    let mut report = Report::default();
    let settings = match setup::settings(named) {
        Ok(settings) => settings,
        Err(failure) => {
            report.add(CONFIGURATION, problems(failure)?);
            return show(&report, Exit::Usage, context.out);
        }
    };
    logging::begin(context, &settings);
    report.add(CONFIGURATION, configuration(&settings, config::source(named.map(AsRef::as_ref))));
    let kept = store(context, &settings).await;
    // A pause, or a store in doubt, is nothing wrong with the store itself: a probe says what it makes of them.
    let is_unfit = |finding: &Finding| {
        finding.verdict == Standing::Contradicted && !IN_THE_WAY.contains(&finding.subject.as_str())
    };
    let store_is_fit = !kept.iter().any(is_unfit);
    report.add("store", kept);
    let network = match Network::impatient(&settings) {
        Ok(network) => network,
        Err(failure) => {
            let text = format!("{:#}", failure.error);
            report.add(
                CONFIGURATION,
                vec![Finding::new("http.ca_bundle", Standing::Contradicted, text, "name a file of certificates")],
            );
            return show(&report, failure.exit, context.out);
        }
    };
    // Taken before anything is asked: whoever is refused is refused at once.
    let right = match &args.write_probe {
        Some(customer) if store_is_fit => Some(Right::take(context, &settings, customer.clone(), &args).await?),
        Some(_) | None => None,
    };
    let shops = join_all(settings.shops.keys().map(|name| shop(&settings, &network, name)));
    let account = account(&settings, &network, right.is_some());
    let (shops, account, traces) = futures::join!(shops, account, traces::finding(&settings));
    for (name, findings) in settings.shops.keys().zip(shops) {
        report.add(format!("shop {name}"), findings);
    }
    let (account, reader) = account;
    report.add("vivocha", account);
    report.add("traces", traces.into_iter().collect());
    let mut ended = Exit::Done;
    match (right, reader) {
        (Some(right), Some(reader)) => {
            let (findings, exit) = right.probe(context, &settings, &reader).await;
            ended = exit;
            report.add(WRITE_PROBE, findings);
            right.end().await?;
        }
        (right, _) if args.write_probe.is_some() => {
            let text = "nothing was written: what is contradicted above stands in the way";
            report.add(WRITE_PROBE, vec![Finding::new("customer", Standing::Unknown, text, "set it right first")]);
            if let Some(right) = right {
                right.end().await?;
            }
        }
        (_, _) => {}
    }
    let exit = if report.ok { Exit::Done } else { Exit::Failed };
    show(&report, exit.and(ended), context.out)
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
    let (state_dir, account) = (settings.store.state_dir.clone(), settings.vivocha.account.clone());
    let place: Box<dyn Place> = match &settings.store.url {
        StoreUrl::Sqlite { path } => {
            Box::new(SqlitePlace { path: path.clone(), state_dir: state_dir.clone(), account })
        }
        StoreUrl::Postgres { url } => {
            let patience = setup::patience(context, settings, Purpose::Look);
            Box::new(PostgresPlace { url: url.clone(), account, patience })
        }
    };
    let given = settings.store.hash_key.as_ref().map(|key| HashKey::new(key.expose_secret().as_bytes()));
    let given = match given.transpose() {
        Ok(key) => key.map(Arc::new),
        Err(error) => {
            return vec![Finding::new("store.hash_key", Standing::Contradicted, error.to_string(), "give another key")];
        }
    };
    let previous = keys::previous(settings);
    State { place, state_dir, given, previous }.findings().await
}

async fn shop(settings: &Settings, network: &Network, name: &ShopName) -> Vec<Finding> {
    let (Some(said), Ok(shop)) = (settings.shops.get(name), network.shop(settings, name)) else {
        let text = "no request can be formed from its settings";
        return vec![Finding::new(format!("shops.{name}"), Standing::Contradicted, text, "check url and secret_key")];
    };
    check::shop::shop(&shop, said.api_version, said.page_size).await
}

/// What was found of the account, and how it is read.
async fn account(settings: &Settings, network: &Network, probed: bool) -> (Vec<Finding>, Option<Reader>) {
    let client = network.account(settings);
    let unfit = |failure: Failure| {
        let text = format!("{:#}", failure.error);
        Finding::new("vivocha", Standing::Contradicted, text, "set that right in [vivocha]")
    };
    let (mut out, base_url) = match &settings.vivocha.base_url {
        Some(base) => (Vec::new(), base.clone()),
        None => match check::account::world(&client, &settings.vivocha.account, &settings.vivocha.www).await {
            (found, Some(base)) => (vec![found], base),
            (found, None) => {
                let rest = "the account was not asked: where it lives is not known";
                return (
                    vec![found, Finding::new("vivocha.*", Standing::Unknown, rest, "set that right, and check again")],
                    None,
                );
            }
        },
    };
    match network::reader(client, settings, base_url) {
        Ok(reader) => {
            let asked = Asked { spellings: &settings.vivocha.spellings, fields: &settings.fields, probed };
            out.extend(check::account::account(&reader, asked).await);
            (out, Some(reader))
        }
        Err(failure) => {
            out.push(unfit(failure));
            (out, None)
        }
    }
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
