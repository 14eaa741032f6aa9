//! `anagrafe plan`: what a run would do. The same pass as a sync, on a throw-away copy of the store and without a writer: a dry
//! run is a plan not applied. Writes nothing, anywhere.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use super::{
    Context, Exit, Failure,
    args::PlanArgs,
    exit, logging,
    network::Network,
    output::Output,
    progress::Progress,
    setup::{self, Purpose},
    signals::Signals,
};
use crate::{
    model::{ShopName, hold::HoldKind, proposal::Proposed, run::RunReport, state::ContactState},
    plan::{fingerprint, page::ContactPlan},
    store::{Store, StoreError},
    sync::{
        Candidacy, SystemClock, Tenure, Watch,
        run::{Ran, Surveyed, SyncOptions, survey, sync},
    },
};

pub async fn run(context: &Context, args: PlanArgs) -> Result<Exit, Failure> {
    let settings = setup::settings(context.globals.config.as_ref())?;
    logging::begin(context, &settings);
    let shops = setup::shops(&settings, args.shop.as_ref())?;
    let signals = Signals::cancelling(&context.stop).map_err(Failure::failed)?;
    let memory = setup::memory(context, &settings, Purpose::Plan).await?;
    memory.recognises()?;
    let network = Network::new(&settings)?;
    let reader = network.reader(&settings).await?;
    let tenure = Tenure::take(Candidacy {
        store: Arc::clone(&memory.store),
        clock: Arc::new(SystemClock),
        ttl: settings.store.lease,
        longest_call: settings.vivocha.timeout,
        purpose: "plan",
        wait: false,
        // A throw-away copy proves nothing about the store it was made from.
        witness: None,
        stop: signals.stop.clone(),
        busy: None,
    })
    .await?;
    let mut exit = Exit::Done;
    for shop in shops {
        let printer = Arc::new(Printer {
            out: context.out,
            all: args.all,
            progress: Progress::of(shop.as_str(), context.out),
            sums: Mutex::default(),
        });
        let watch = Arc::clone(&printer) as Arc<dyn Watch>;
        let bridge = setup::bridge(&settings, &shop, &network, &reader, &memory, false, watch, signals.stop.clone())?;
        // Before anything is judged by the new ones, in the copy that this works on.
        let judged_by = memory.store.judged_by(&shop).await?;
        printer.sums().stands_in_the_way = stands_in_the_way(&*memory.store, &shop).await?;
        printer.sums().due_because = fingerprint::due_because(&judged_by, &bridge.rules_print());
        let options = SyncOptions { limit: args.limit, full: args.full };
        let Ran { report, error: _ } = match survey(&bridge, &tenure).await? {
            Surveyed::Whole(note) => sync(&bridge, &tenure, options, note).await?,
            Surveyed::Ended(ran) => *ran,
        };
        printer.summary(&report)?;
        exit = exit.and(exit::of_run(&report, signals.caught(), false));
    }
    Ok(exit)
}

/// What keeps a run of this shop from writing at all.
async fn stands_in_the_way(store: &dyn Store, shop: &ShopName) -> Result<Vec<String>, StoreError> {
    let overview = store.overview().await?;
    let paused = overview
        .paused
        .map(|(since, _)| format!("No run writes: writing is paused since {since} (`anagrafe resume`)."));
    let doubted = overview.shops.get(shop).and_then(|shop| shop.doubted_at);
    let doubted = doubted.map(|since| {
        format!(
            "No sync would begin: the store went back in time, found {since}; a whole `anagrafe resync` comes first."
        )
    });
    Ok(paused.into_iter().chain(doubted).collect())
}

/// What a plan comes to.
#[derive(Debug, Default, Clone, Serialize)]
struct Sums {
    links: u64,
    updates: u64,
    fields: BTreeMap<String, u64>,
    link_proposals: u64,
    merge_proposals: u64,
    states: BTreeMap<ContactState, u64>,
    /// Updates that would be held, by what would hold them.
    would_be_held: BTreeMap<&'static str, u64>,
    /// What keeps a run from writing at all: that writing is paused, or that the store is in doubt.
    stands_in_the_way: Vec<String>,
    /// Contacts of the shop that are due though they may be the same, by the section of the rules that changed.
    due_because: BTreeMap<String, u64>,
    /// Those of them that a sync would look at; a resync looks at the others.
    due_read: BTreeMap<String, u64>,
}

struct Printer {
    out: Output,
    all: bool,
    progress: Progress,
    sums: Mutex<Sums>,
}

impl Printer {
    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn summary(&self, report: &RunReport) -> Result<(), Failure> {
        let sums = self.sums().clone();
        if self.out.json {
            #[derive(Serialize)]
            struct Summary<'a> {
                plan: &'a Sums,
                report: &'a RunReport,
            }
            return self.out.json(&Summary { plan: &sums, report });
        }
        let fields: Vec<String> = sums.fields.iter().map(|(field, count)| format!("{count} {field}")).collect();
        let fields = if fields.is_empty() { String::new() } else { format!(" ({})", fields.join(", ")) };
        self.out.line(format!(
            "shop {}: {} contacts read, {} unchanged. A sync would link {} contacts, update {} customers{fields}, and put {} links and {} merges before a person or the safeguards.",
            report.shop, report.read, report.counts.unchanged, sums.links, sums.updates, sums.link_proposals, sums.merge_proposals
        ));
        for (section, due) in &sums.due_because {
            let read = sums.due_read.get(section).copied().unwrap_or_default();
            let rest = if read < *due {
                format!(" A sync would look at {read} of them; `anagrafe resync` looks at all.")
            } else {
                String::new()
            };
            self.out.line(format!("{due} contacts are due because [{section}] changed since they were judged.{rest}"));
        }
        for (kind, count) in &sums.would_be_held {
            self.out
                .line(format!("Of the updates {count} would be held until a person releases them (hold of {kind})."));
        }
        for what in &sums.stands_in_the_way {
            self.out.line(what);
        }
        if let Some(error) = &report.error {
            self.out.line(format!("It would end here: {error}"));
        }
        self.out.notice("Nothing was written, neither here nor there.");
        Ok(())
    }
}

impl Watch for Printer {
    fn surveying(&self, read: u64, of: u64) {
        self.progress.surveying(read, of);
    }

    fn crossing(&self, so_far: &RunReport, of: u64) {
        self.progress.crossing(so_far, of);
    }

    fn judged_by_other_rules(&self, sections: &[String]) {
        let mut sums = self.sums();
        for section in sections {
            *sums.due_read.entry(section.clone()).or_default() += 1;
        }
    }

    fn would_be_held(&self, kind: HoldKind) {
        *self.sums().would_be_held.entry(kind.as_str()).or_default() += 1;
    }

    fn planned(&self, plan: &ContactPlan) {
        let new_link = plan.link.as_ref().is_some_and(|link| !link.standing);
        {
            let mut sums = self.sums();
            sums.links += u64::from(new_link);
            sums.updates += u64::from(!plan.patch.is_empty());
            for field in plan.writes() {
                *sums.fields.entry(field.to_string()).or_default() += 1;
            }
            for proposal in &plan.proposals {
                match proposal.proposed {
                    Proposed::Link { .. } => sums.link_proposals += 1,
                    Proposed::Merge { .. } => sums.merge_proposals += 1,
                }
            }
            *sums.states.entry(plan.state).or_default() += 1;
        }
        if self.all || new_link || !plan.patch.is_empty() || !plan.proposals.is_empty() {
            self.progress.done();
            if self.out.json {
                // A contact's plan always serialises: ids, codes and verdicts.
                let _ = self.out.json(plan);
            } else {
                self.out.line(plan.to_string());
            }
        }
    }

    fn notice(&self, text: &str) {
        self.progress.notice(text);
    }

    fn done(&self) {
        self.progress.done();
    }
}
