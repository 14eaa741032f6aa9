//! `anagrafe sync`: one pass over what is new or due, shop after shop, under the account's lease.

use std::sync::Arc;

use super::{
    Context, Exit, Failure,
    args::SyncArgs,
    exit, logging,
    output::Output,
    progress::Progress,
    setup::{self, Memory, Network, Purpose},
    signals::Signals,
};
use crate::{
    config::Settings,
    model::{
        ShopName,
        run::{Outcome, RunReport, SurveyNote},
    },
    sync::{
        Bridge, SystemClock, Tenure,
        run::{Ran, Surveyed, SyncOptions, survey, sync},
    },
    vivocha::Reader,
};

pub async fn run(context: &Context, args: SyncArgs) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    logging::begin(&settings.observe, &context.globals);
    let shops = setup::shops(&settings, args.shop.as_ref())?;
    let signals = Signals::cancelling(&context.stop).map_err(Failure::failed)?;
    let memory = setup::memory(context, &settings, Purpose::Work).await?;
    let network = Network::new(&settings)?;
    let reader = network.reader(&settings).await?;
    let store = Arc::clone(&memory.store);
    let tenure = Tenure::take(store, Arc::new(SystemClock), settings.store.lease, "sync", args.wait).await?;
    let works = Works { settings: &settings, memory: &memory, network: &network, reader: &reader, signals: &signals };
    let mut exit = Exit::Done;
    let mut crossings = Vec::new();
    for shop in shops {
        let bridge = works.bridge(&shop, context.out)?;
        match survey(&bridge, &tenure).await? {
            Surveyed::Whole(note) => crossings.push((bridge, note)),
            Surveyed::Ended(ran) => {
                show(&ran.report, context.out)?;
                exit = exit.and(exit::of_run(&ran.report, signals.caught(), false));
            }
        }
    }
    for (bridge, surveyed) in crossings {
        if signals.caught().is_some() {
            break;
        }
        let options = SyncOptions { limit: args.limit, full: false };
        exit = exit.and(one(&works, &bridge, &tenure, options, surveyed, context.out).await?);
    }
    tenure.end().await?;
    Ok(signals.caught().map_or(exit, |number| exit.and(Exit::Signal(number))))
}

/// What all shops of a command share.
struct Works<'a> {
    settings: &'a Settings,
    memory: &'a Memory,
    network: &'a Network,
    reader: &'a Reader,
    signals: &'a Signals,
}

impl Works<'_> {
    fn bridge(&self, shop: &ShopName, out: Output) -> Result<Bridge, Failure> {
        let watch = Arc::new(Progress::of(shop.as_str(), out));
        let until = self.signals.stop.clone();
        setup::bridge(self.settings, shop, self.network, self.reader, self.memory, true, watch, until)
    }
}

async fn one(
    works: &Works<'_>,
    bridge: &Bridge,
    tenure: &Tenure,
    options: SyncOptions,
    surveyed: Option<SurveyNote>,
    out: Output,
) -> Result<Exit, Failure> {
    let standing: Vec<i64> = works.memory.store.holds(false).await?.into_iter().map(|hold| hold.id).collect();
    let Ran { report, error: _ } = sync(bridge, tenure, options, surveyed).await?;
    show(&report, out)?;
    // A pause puts up no hold; it is told every time, for whoever forgot it.
    let stood = !report.holds.is_empty() && report.holds.iter().all(|hold| standing.contains(&hold.id));
    Ok(exit::of_run(&report, works.signals.caught(), stood))
}

/// A report: JSON, or a few sentences.
pub fn show(report: &RunReport, out: Output) -> Result<(), Failure> {
    if out.json {
        return out.json(report);
    }
    let counts = &report.counts;
    let mut parts = Vec::new();
    for (count, word) in [
        (counts.updated, "updated"),
        (counts.linked, "linked"),
        (counts.unchanged, "unchanged"),
        (counts.unmatched, "without a customer"),
        (counts.waiting, "waiting for a person"),
        (counts.parked, "parked"),
        (counts.invalid, "without a usable identifier"),
        (counts.excluded, "excluded"),
        (counts.surveyed, "surveyed"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let sum = |calls: &std::collections::BTreeMap<String, u64>| calls.values().sum::<u64>();
    if let Some(survey) = &report.survey {
        out.line(format!(
            "shop {}: surveyed {} contacts in {} ms (run {})",
            report.shop, survey.read, survey.duration_ms, survey.run
        ));
    }
    let found = if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") };
    out.line(format!(
        "shop {}: {} {}: {} contacts read: {found}; {} updates sent; {} merges proposed; {} calls to the shop, {} to Vivocha, {} ms (run {})",
        report.shop,
        report.pass.as_str(),
        report.outcome.as_str(),
        report.read,
        report.updates,
        report.merges.proposed,
        sum(&report.calls.open2b),
        sum(&report.calls.vivocha),
        report.duration_ms,
        report.run,
    ));
    for hold in &report.holds {
        out.line(format!("hold {} ({}): {}", hold.id, hold.kind, hold.reason));
    }
    if let Some(error) = report.error.as_ref().filter(|_| report.outcome != Outcome::Held || report.holds.is_empty()) {
        out.notice(format!("anagrafe: {error}"));
    }
    if counts.waiting > 0 {
        out.notice("What waits for a person: anagrafe links list");
    }
    if report.merges.proposed > 0 {
        out.notice("Merges proposed: anagrafe merges list");
    }
    Ok(())
}
