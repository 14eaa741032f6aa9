//! The words of alerts, and of `status` where it tells the same: what is the matter, and what to type. Numbers, codes and times of
//! ours; nothing a person typed, and nobody's id.

use crate::model::{
    ShopName,
    alert::{About, OpenDoubt},
    hold::Hold,
    merge::MergeId,
    proposal::ProposalId,
    run::{Pass, RunId},
    time::Moment,
};

/// A sentence, and commands.
type Words = (String, Vec<String>);

/// So many of several are named.
const NAMED: usize = 5;

/// Writing is paused. `why` is what a person wrote.
#[must_use]
pub fn paused(since: Moment, why: Option<&str>) -> String {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    format!("PAUSED since {since}{why}: nothing is written; `anagrafe resume` lets it go on")
}

/// A hold stands.
#[must_use]
pub fn held(hold: &Hold) -> String {
    format!("HELD ({}): {}; see `anagrafe holds show {}`", hold.what.kind.as_str(), hold.what.reason, hold.id)
}

/// The store went back in time.
#[must_use]
pub fn doubted(shop: &ShopName, since: Moment) -> String {
    format!("{shop}: IN DOUBT since {since}: the store went back in time; nothing is written before `anagrafe resync`")
}

/// What became of a merge is not known. `which`: of whom, or nothing.
#[must_use]
pub fn in_doubt(merge: MergeId, which: &str, since: Moment, proposal: &ProposalId, needs_a_person: bool) -> String {
    let what = format!("merge {merge}{which} since {since}");
    if needs_a_person {
        format!(
            "A PERSON IS NEEDED: nothing that can be read tells what became of {what}; nothing else is done with the two until you say: anagrafe merges show {proposal}"
        )
    } else {
        format!(
            "IN DOUBT: {what}: a sync later than vivocha.late_apply reads both and decides; until then it is not sent again (anagrafe merges show {proposal})"
        )
    }
}

pub(super) fn of_pause(since: Moment) -> Words {
    (paused(since, None), vec!["anagrafe status".into(), "anagrafe resume".into()])
}

pub(super) fn of_holds(holds: &[&Hold]) -> Words {
    let told: Vec<String> = holds.iter().take(NAMED).map(|hold| held(hold)).collect();
    let shown = holds.iter().take(NAMED).map(|hold| format!("anagrafe holds show {}", hold.id));
    let released = holds.iter().take(NAMED).map(|hold| format!("anagrafe holds release {}", hold.id));
    (told.join(" · "), shown.chain(released).collect())
}

pub(super) fn of_doubted(shop: &ShopName, since: Moment) -> Words {
    (doubted(shop, since), vec![format!("anagrafe resync --shop {shop}")])
}

pub(super) fn of_doubts(doubts: &[&OpenDoubt]) -> Words {
    let told = |doubt: &&OpenDoubt| {
        let OpenDoubt { merge, proposal, since, needs_a_person } = doubt;
        in_doubt(*merge, "", *since, proposal, *needs_a_person)
    };
    let mut told: Vec<String> = doubts.iter().take(NAMED).map(told).collect();
    if doubts.len() > NAMED {
        told.push(format!("and {} more (anagrafe status)", doubts.len() - NAMED));
    }
    (
        told.join(" · "),
        doubts.iter().take(NAMED).map(|doubt| format!("anagrafe merges show {}", doubt.proposal)).collect(),
    )
}

pub(super) fn of_failure(shop: &ShopName, pass: Pass, run: RunId, error: &str) -> Words {
    let summary = format!("FAILED: the last {} of shop {shop} (run {run}): {error}", pass.as_str());
    (summary, vec![format!("anagrafe runs {run}"), "anagrafe check".into()])
}

pub(super) fn of_staleness(shop: &ShopName, pass: Pass, done: Option<Moment>) -> Words {
    let pass = pass.as_str();
    let summary = match done {
        Some(done) => format!("STALE: the last {pass} of shop {shop} that came to its end began {done}"),
        None => format!("STALE: no {pass} of shop {shop} has come to its end"),
    };
    (summary, vec!["anagrafe status".into(), "anagrafe runs".into(), format!("anagrafe {pass} --shop {shop}")])
}

pub(super) fn of_recovery(about: &About, since: Moment) -> Words {
    (format!("RECOVERED: {about}, which began {since}, is over"), Vec::new())
}
