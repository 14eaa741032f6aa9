//! How what works is told: on a terminal or to a script by what it prints, by a daemon through its log and its figures.

use std::sync::Arc;

use super::{Failure, output::Output, progress::Progress, report};
use crate::{
    model::run::{Outcome, RunReport},
    observe::metrics,
    sync::Watch,
};

/// Who tells.
#[derive(Debug, Clone, Copy)]
pub enum Voice {
    /// A command.
    Command(Output),
    /// A daemon.
    Daemon,
}

impl Voice {
    /// Tells how a run ended; `stood`: it was held by nothing but what had been told before.
    ///
    /// # Errors
    /// If it cannot be printed.
    pub fn report(self, report: &RunReport, stood: bool) -> Result<(), Failure> {
        match self {
            Self::Command(out) => report::show(report, out),
            Self::Daemon => {
                metrics::ran(report);
                log(report, stood);
                Ok(())
            }
        }
    }

    /// Tells something a person should read.
    pub fn notice(self, text: impl AsRef<str>) {
        match self {
            Self::Command(out) => out.notice(text),
            Self::Daemon => tracing::warn!("{}", text.as_ref()),
        }
    }

    /// Who watches the runs of a shop.
    #[must_use]
    pub fn watch(self, shop: &str) -> Arc<dyn Watch> {
        match self {
            Self::Command(out) => Arc::new(Progress::of(shop, out)),
            Self::Daemon => Arc::new(Logged { shop: shop.to_owned() }),
        }
    }
}

/// What a run says of itself, in the log.
struct Logged {
    shop: String,
}

impl Watch for Logged {
    fn notice(&self, text: &str) {
        tracing::info!(shop = self.shop, "{text}");
    }
}

fn log(report: &RunReport, stood: bool) {
    let RunReport { run, shop, pass, outcome, read, updates, gone, merges, duration_ms, error, .. } = report;
    let (pass, outcome_word) = (pass.as_str(), outcome.as_str());
    let holds: Vec<String> = report.holds.iter().map(|hold| format!("{} ({})", hold.kind, hold.id)).collect();
    let holds = holds.join(", ");
    match (outcome, error) {
        (Outcome::Failed, error) => {
            let error = error.as_deref().unwrap_or("no reason is known");
            tracing::error!(run = run.0, %shop, pass, outcome = outcome_word, read, updates, duration_ms, error, "run failed");
        }
        (Outcome::Held, error) if !stood => {
            let error = error.as_deref().unwrap_or("a safeguard holds something: anagrafe holds list");
            tracing::warn!(run = run.0, %shop, pass, outcome = outcome_word, read, updates, duration_ms, holds, error, "run held");
        }
        (Outcome::Done | Outcome::Parked | Outcome::Held | Outcome::Stopped | Outcome::Running, _) => {
            tracing::info!(
                run = run.0, %shop, pass, outcome = outcome_word, read, updates, gone, merged = merges.merged,
                proposed = merges.proposed, parked = report.counts.parked, waiting = report.counts.waiting, duration_ms,
                holds, "run ended"
            );
        }
    }
}
