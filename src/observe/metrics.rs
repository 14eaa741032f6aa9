//! Every figure there is, in one place: its name, what it counts, and the one function that moves it. Where nobody asks for figures (any
//! command but the daemon) moving one costs next to nothing.

use std::{collections::BTreeSet, sync::OnceLock, time::Duration};

use metrics::{Unit, counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::model::{
    ShopName,
    run::{Counts, MergeCounts, Pass, RunReport},
};

/// What kind of figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It is so now.
    Gauge,
    /// How often in which range.
    Histogram,
}

/// A figure.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it says.
    pub help: &'static str,
}

const fn counts(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Counter, help }
}
const fn is(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Gauge, help }
}
const fn takes(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: Kind::Histogram, help }
}

/// All of them.
pub const ALL: &[Metric] = &[
    is("anagrafe_build_info", "The version that runs; always 1"),
    counts("anagrafe_runs_total", "Runs that ended, by shop, pass and outcome"),
    counts("anagrafe_passes_failed_total", "Passes that failed before their run had a report, by pass"),
    takes("anagrafe_run_duration_seconds", "How long runs took, by shop and pass"),
    is("anagrafe_running", "Whether this process runs that pass now"),
    counts("anagrafe_contacts_handled_total", "Contacts read, by how they ended"),
    is("anagrafe_contacts", "Contacts in the store, by state"),
    counts("anagrafe_updates_total", "Updates sent to customers"),
    counts("anagrafe_merges_total", "Merges, by what became of them in a run"),
    counts("anagrafe_calls_total", "Requests sent, each retry counted, by system, call and verdict"),
    takes("anagrafe_call_duration_seconds", "From a request's first byte to the whole answer, by system and call"),
    takes("anagrafe_limiter_wait_seconds", "How long requests waited for their turn, by system"),
    is("anagrafe_limiter_concurrency", "Requests that may be in flight at once now, by system"),
    is("anagrafe_retry_budget", "Retries that may still be made, by system"),
    is("anagrafe_lease_held", "Whether this process has the account's lease"),
    is("anagrafe_lease_epoch", "The epoch of the lease this process had last"),
    counts("anagrafe_lease_lost_total", "Leases that were lost while a run lasted"),
    takes("anagrafe_arrival_lateness_seconds", "How long after a higher id a contact became visible"),
    is("anagrafe_due_contacts", "Contacts whose time to be looked at again has come, by shop"),
    is("anagrafe_holds", "Holds that stand, by shop and kind"),
    is("anagrafe_paused", "Whether a person has stopped every write"),
    is("anagrafe_doubts", "Merges whose outcome is not known"),
    is("anagrafe_oldest_doubt_seconds", "The age of the oldest of them, 0 if there is none"),
    is("anagrafe_open_proposals", "Proposals that wait for a person, by kind"),
    is("anagrafe_ready", "Whether this process is ready, as /readyz says it"),
    is("anagrafe_store_up", "Whether the store answered when it was asked last"),
    is(
        "anagrafe_staleness_seconds",
        "Since the last sync or resync of a shop that came to its end; since the first one, or the start, where none has",
    ),
    is("anagrafe_first_crossing", "Whether the first crossing of a shop goes on"),
    counts("anagrafe_ticks_skipped_total", "Ticks of the schedule that found their pass still waiting or running"),
    is("anagrafe_next_run_timestamp_seconds", "When the schedule's next tick comes, by pass"),
    counts("anagrafe_alerts_total", "Tries to deliver an alert, by outcome: delivered, failed"),
    is("anagrafe_alerts_pending", "Alerts that are not delivered yet"),
    counts(
        "anagrafe_hooks_total",
        "Calls of Vivocha's hook, by outcome: accepted, ignored, forged, replayed, oversized, flooded, malformed",
    ),
    counts("anagrafe_config_reloads_total", "Reloads of the configuration, by outcome: taken, refused, postponed"),
];

/// Upper bounds of seconds, from a call on the same host to a crossing of a day.
const SECONDS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0,
    86_400.0,
];

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to keep figures, and answers what renders them. A second call answers the same.
///
/// # Errors
/// If another recorder was installed in this process.
pub fn keep() -> Result<&'static PrometheusHandle, BuildError> {
    if let Some(handle) = HANDLE.get() {
        return Ok(handle);
    }
    let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?;
    let handle = builder.install_recorder()?;
    for Metric { name, kind, help } in ALL {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, Unit::Count, *help),
            Kind::Gauge => metrics::describe_gauge!(*name, *help),
            Kind::Histogram => metrics::describe_histogram!(*name, Unit::Seconds, *help),
        }
    }
    // What counts how often something changed begins at none: a count that is seen first at one was no change to a monitor.
    for outcome in ["taken", "refused"] {
        counter!("anagrafe_config_reloads_total", "outcome" => outcome).increment(0);
    }
    for pass in [Pass::Sync, Pass::Resync] {
        counter!("anagrafe_ticks_skipped_total", "pass" => pass.as_str()).increment(0);
        counter!("anagrafe_passes_failed_total", "pass" => pass.as_str()).increment(0);
        running(pass.as_str(), false);
    }
    counter!("anagrafe_lease_lost_total").increment(0);
    lease(None);
    gauge!("anagrafe_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(HANDLE.get_or_init(|| handle))
}

/// A request was answered, or failed.
pub fn call(system: &str, call: &'static str, verdict: &'static str, took: Duration) {
    counter!("anagrafe_calls_total", "system" => system.to_owned(), "call" => call, "verdict" => verdict).increment(1);
    histogram!("anagrafe_call_duration_seconds", "system" => system.to_owned(), "call" => call).record(took);
}

/// A request had its turn.
pub fn admitted(system: &str, waited: Duration, concurrency: usize, budget: u32) {
    histogram!("anagrafe_limiter_wait_seconds", "system" => system.to_owned()).record(waited);
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    gauge!("anagrafe_limiter_concurrency", "system" => system.to_owned()).set(concurrency as f64);
    gauge!("anagrafe_retry_budget", "system" => system.to_owned()).set(budget);
}

/// A run ended.
pub fn ran(report: &RunReport) {
    let RunReport { shop, pass, outcome, duration_ms, counts, merges, updates, .. } = report;
    let (shop, pass) = (shop.to_string(), pass.as_str());
    if let Some(survey) = &report.survey {
        let pass = Pass::Survey.as_str();
        counter!("anagrafe_runs_total", "shop" => shop.clone(), "pass" => pass, "outcome" => "done").increment(1);
        histogram!("anagrafe_run_duration_seconds", "shop" => shop.clone(), "pass" => pass)
            .record(Duration::from_millis(survey.duration_ms));
        counter!("anagrafe_contacts_handled_total", "shop" => shop.clone(), "state" => "surveyed")
            .increment(survey.read);
    }
    counter!("anagrafe_runs_total", "shop" => shop.clone(), "pass" => pass, "outcome" => outcome.as_str()).increment(1);
    histogram!("anagrafe_run_duration_seconds", "shop" => shop.clone(), "pass" => pass)
        .record(Duration::from_millis(*duration_ms));
    counter!("anagrafe_updates_total", "shop" => shop.clone()).increment(*updates);
    let Counts { unchanged, linked, updated, unmatched, waiting, parked, invalid, excluded, surveyed } = *counts;
    for (state, count) in [
        ("unchanged", unchanged),
        ("linked", linked),
        ("updated", updated),
        ("unmatched", unmatched),
        ("waiting", waiting),
        ("parked", parked),
        ("invalid", invalid),
        ("excluded", excluded),
        ("surveyed", surveyed),
    ] {
        counter!("anagrafe_contacts_handled_total", "shop" => shop.clone(), "state" => state).increment(count);
    }
    let MergeCounts { proposed, merged, refused, unknown, held } = *merges;
    for (outcome, count) in
        [("proposed", proposed), ("merged", merged), ("refused", refused), ("unknown", unknown), ("held", held)]
    {
        counter!("anagrafe_merges_total", "shop" => shop.clone(), "outcome" => outcome).increment(count);
    }
}

/// A pass failed, and no run has a report of it.
pub fn pass_failed(pass: &'static str) {
    counter!("anagrafe_passes_failed_total", "pass" => pass).increment(1);
}

/// Whether this process is ready, and whether its store answered.
pub fn readiness(ready: bool, store: bool) {
    gauge!("anagrafe_ready").set(f64::from(u8::from(ready)));
    gauge!("anagrafe_store_up").set(f64::from(u8::from(store)));
}

/// This process runs a pass, or does no more.
pub fn running(pass: &'static str, now: bool) {
    gauge!("anagrafe_running", "pass" => pass).set(f64::from(u8::from(now)));
}

/// This process has the lease, of that epoch; or has it no more.
pub fn lease(epoch: Option<i64>) {
    gauge!("anagrafe_lease_held").set(f64::from(u8::from(epoch.is_some())));
    if let Some(epoch) = epoch {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        gauge!("anagrafe_lease_epoch").set(epoch as f64);
    }
}

/// The lease was lost while a run lasted.
pub fn lease_lost() {
    counter!("anagrafe_lease_lost_total").increment(1);
}

/// A contact was seen for the first time so long after one of a higher id.
pub fn arrived_late(shop: &str, by: Duration) {
    histogram!("anagrafe_arrival_lateness_seconds", "shop" => shop.to_owned()).record(by);
}

/// The schedule's next tick of a pass, in seconds since 1970.
pub fn next_run(pass: &'static str, at: i64) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    gauge!("anagrafe_next_run_timestamp_seconds", "pass" => pass).set(at as f64);
}

/// A tick was left out.
pub fn skipped(pass: &'static str) {
    counter!("anagrafe_ticks_skipped_total", "pass" => pass).increment(1);
}

/// It was tried to deliver an alert.
pub fn alert(outcome: &'static str) {
    counter!("anagrafe_alerts_total", "outcome" => outcome).increment(1);
}

/// So many alerts are not delivered yet.
pub fn alerts_pending(pending: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    gauge!("anagrafe_alerts_pending").set(pending as f64);
}

/// The hook was called.
pub fn hook(outcome: &'static str) {
    counter!("anagrafe_hooks_total", "outcome" => outcome).increment(1);
}

/// The configuration was reloaded, refused, or could not be taken up yet.
pub fn reloaded(outcome: &'static str) {
    counter!("anagrafe_config_reloads_total", "outcome" => outcome).increment(1);
}

/// A figure of the store, as it stands now. `name` is one of [`ALL`].
pub fn stands(name: &'static str, labels: &[(&'static str, String)], value: f64) {
    gauge!(name, labels).set(value);
}

/// All figures as text, but for those of shops that are none of these: what stood of one that is not configured any more stands for nothing,
/// and whoever keeps figures forgets none.
#[must_use]
pub fn rendered(figures: &PrometheusHandle, shops: &BTreeSet<ShopName>) -> String {
    of_shops(&figures.render(), |name| shops.iter().any(|shop| shop.as_str() == name))
}

fn of_shops(text: &str, is_ours: impl Fn(&str) -> bool) -> String {
    text.split_inclusive('\n').filter(|line| its_shop(line).is_none_or(&is_ours)).collect()
}

/// The shop of a line, if it is one's. The name of a shop has nothing in it that is written otherwise in a label.
fn its_shop(line: &str) -> Option<&str> {
    let (_, labels) = line.split_once('{').filter(|(name, _)| !name.starts_with('#'))?;
    let at = if labels.starts_with("shop=\"") { 0 } else { labels.find(",shop=\"")? + 1 };
    labels.get(at..)?.strip_prefix("shop=\"")?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_shops_is_left_out_with_it_and_nothing_else() {
        let text = "# HELP anagrafe_holds of {shop=\"old\"}\n\
                    anagrafe_holds{shop=\"main\",kind=\"merges\"} 1\n\
                    anagrafe_holds{shop=\"old\",kind=\"merges\"} 2\n\
                    anagrafe_runs_total{pass=\"sync\",shop=\"old\"} 3\n\
                    anagrafe_calls_total{system=\"old\"} 4\n\
                    anagrafe_build_info{workshop=\"old\"} 1\n\
                    anagrafe_doubts 0\n";
        let kept: Vec<&str> = text.lines().filter(|line| !line.ends_with(['2', '3'])).collect();
        assert_eq!(of_shops(text, |shop| shop == "main").lines().collect::<Vec<_>>(), kept);
        assert_eq!(of_shops(text, |_| true), text);
    }
}
