//! How a run ended, for a person or a machine.

use super::{Failure, output::Output};
use crate::model::run::{MergeCounts, Outcome, RunReport};

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
        "shop {}: {} {}: {} contacts read: {found}; {} updates sent; {}; {} calls to the shop, {} to Vivocha, {} ms (run {})",
        report.shop,
        report.pass.as_str(),
        report.outcome.as_str(),
        report.read,
        report.updates,
        merges(&report.merges),
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
    if report.merges.unknown > 0 {
        out.notice("A merge is in doubt: anagrafe status says since when, and what happens next");
    }
    Ok(())
}

/// What became of merges: what did not happen is not said.
fn merges(counts: &MergeCounts) -> String {
    let MergeCounts { proposed, merged, refused, unknown, held } = *counts;
    let mut parts = vec![format!("{proposed} merges proposed")];
    for (count, words) in
        [(merged, "merged"), (held, "held"), (refused, "dropped on a second look or refused"), (unknown, "in doubt")]
    {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_merges_only_what_happened_is_said() {
        assert_eq!(merges(&MergeCounts::default()), "0 merges proposed");
        let all = MergeCounts { proposed: 9, merged: 4, refused: 1, unknown: 2, held: 3 };
        assert_eq!(
            merges(&all),
            "9 merges proposed, 4 merged, 3 held, 1 dropped on a second look or refused, 2 in doubt"
        );
    }
}
