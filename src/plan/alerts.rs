//! Alerts: what of how things stand is told to whoever is on call, and what is news. Pure.
//!
//! Level-triggered: each time it is asked anew what stands, and only what differs from what was told is told. So an event that was
//! missed heals itself, and the same trouble, however often it is met, is told once.

mod words;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

pub use words::{doubted, held, in_doubt, paused};

use crate::model::{
    ShopName,
    alert::{About, Alert, AlertState, HeldBy, OpenDoubt, Passes, Standing, Subject},
    hold::{Hold, HoldKind},
    run::{Outcome, Pass},
    time::Moment,
};

/// A merge may be in doubt for so long before anybody is called for it; most doubts end by themselves.
const DOUBT: Duration = Duration::from_hours(1);
/// A shop's first crossing may take so long.
const FIRST: Duration = Duration::from_hours(24);
/// After so many different causes nothing about a subject is news any more until it has ended.
const CAUSES: usize = 20;
/// Of a cause so much counts.
const LONGEST_CAUSE: usize = 300;

/// What is found of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It stands.
    Stands(Trouble),
    /// It cannot be told just now: a run lasts, or was stopped.
    Unknown,
}

/// What stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What makes it another trouble than before, if anything may.
    pub causes: BTreeSet<String>,
    /// Since when.
    pub since: Moment,
    /// In a sentence.
    pub summary: String,
    /// What to do.
    pub todo: Vec<String>,
}

/// By what it is judged.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The shops that are ours to judge, and since when they are watched: one of whom no run is known should have been run since.
    pub shops: &'a BTreeMap<ShopName, Moment>,
    /// By when the next run of a pass must have begun that comes to its end, where the last one began then; none where that cannot be told.
    pub latest: &'a dyn Fn(Pass, Moment) -> Option<Moment>,
    /// Now.
    pub now: Moment,
}

/// What is found; a subject that is not in it has nothing the matter with it.
#[must_use]
pub fn findings(standing: &Standing, terms: Terms<'_>) -> BTreeMap<About, Finding> {
    let Standing { paused, holds, doubted, passes, doubts } = standing;
    let ours = |shop: &ShopName| terms.shops.contains_key(shop);
    let mut found = BTreeMap::new();
    if let Some(since) = paused {
        let about = About { shop: None, subject: Subject::Held(HeldBy::Pause) };
        found.insert(about, stands(BTreeSet::new(), *since, words::of_pause(*since)));
    }
    for kind in HoldKind::ALL {
        for (shop, holds) in by_shop(holds, kind, ours) {
            let since = holds.iter().map(|hold| hold.since).min().unwrap_or(terms.now);
            // Which contacts or merges it holds changes from run to run: that it holds is what matters.
            let about = About { shop: Some(shop.clone()), subject: Subject::Held(HeldBy::Hold(kind)) };
            found.insert(about, stands(BTreeSet::new(), since, words::of_holds(&holds)));
        }
    }
    for (shop, since) in doubted.iter().filter(|(shop, _)| ours(shop)) {
        let about = About { shop: Some(shop.clone()), subject: Subject::Held(HeldBy::Doubt) };
        found.insert(about, stands(BTreeSet::new(), *since, words::of_doubted(shop, *since)));
    }
    found.extend(doubt(doubts, terms.now).map(|finding| (About { shop: None, subject: Subject::Doubt }, finding)));
    for ((shop, pass), its) in passes.iter().filter(|((shop, _), _)| ours(shop)) {
        let about = |subject| About { shop: Some(shop.clone()), subject };
        found.extend(failed(shop, *pass, its).map(|finding| (about(Subject::Failed(*pass)), finding)));
    }
    for (shop, watched) in terms.shops {
        for pass in [Pass::Sync, Pass::Resync] {
            let about = About { shop: Some(shop.clone()), subject: Subject::Stale(pass) };
            found.extend(stale(shop, *watched, pass, standing, terms).map(|finding| (about, finding)));
        }
    }
    found
}

fn stands(causes: BTreeSet<String>, since: Moment, (summary, todo): (String, Vec<String>)) -> Finding {
    Finding::Stands(Trouble { causes, since, summary, todo })
}

fn by_shop(holds: &[Hold], kind: HoldKind, ours: impl Fn(&ShopName) -> bool) -> BTreeMap<&ShopName, Vec<&Hold>> {
    let mut by_shop = BTreeMap::<_, Vec<_>>::new();
    for hold in holds.iter().filter(|hold| hold.what.kind == kind && ours(&hold.what.shop)) {
        by_shop.entry(&hold.what.shop).or_default().push(hold);
    }
    by_shop
}

/// Merges that are in doubt for longer than a doubt may last, or for good.
fn doubt(doubts: &[OpenDoubt], now: Moment) -> Option<Finding> {
    let old: Vec<&OpenDoubt> =
        doubts.iter().filter(|doubt| doubt.needs_a_person || now.since(doubt.since) > DOUBT).collect();
    let since = old.iter().map(|doubt| doubt.since).min()?;
    let causes = old.iter().map(|doubt| format!("merge {}", doubt.merge)).collect();
    Some(stands(causes, since, words::of_doubts(&old)))
}

fn failed(shop: &ShopName, pass: Pass, its: &Passes) -> Option<Finding> {
    let last = &its.last;
    match last.outcome {
        Outcome::Failed => {
            let error = last.error.as_deref().unwrap_or("no reason is known");
            let causes = BTreeSet::from([cause(error)]);
            Some(stands(causes, last.started_at, words::of_failure(shop, pass, last.run, error)))
        }
        Outcome::Running | Outcome::Stopped => Some(Finding::Unknown),
        Outcome::Done | Outcome::Parked | Outcome::Held => None,
    }
}

/// What an error has in common with the next of its kind: not its figures.
fn cause(error: &str) -> String {
    error.chars().filter(|c| !c.is_ascii_digit()).take(LONGEST_CAUSE).collect()
}

fn stale(shop: &ShopName, watched: Moment, pass: Pass, standing: &Standing, terms: Terms<'_>) -> Option<Finding> {
    let of = |pass| standing.passes.get(&(shop.clone(), pass));
    let done = of(pass).and_then(|its| its.last_done);
    if done.is_some_and(|done| done.is_ahead(terms.now)) {
        // Signed by a clock that was ahead: it says nothing.
        return Some(Finding::Unknown);
    }
    let latest = match (done, pass) {
        (Some(done), _) => (terms.latest)(pass, done)?,
        // The first crossing reads everybody, as a resync does.
        (None, Pass::Resync) => (terms.latest)(pass, of(Pass::Sync)?.first_done?)?,
        (None, Pass::Survey | Pass::Sync) => match first_begun(standing, shop) {
            Some(begun) => (terms.latest)(pass, begun)?.max(begun.after(FIRST)),
            // Not one run has come so far that it was recorded.
            None => (terms.latest)(pass, watched)?,
        },
    };
    (latest < terms.now).then(|| stands(BTreeSet::new(), latest, words::of_staleness(shop, pass, done)))
}

fn first_begun(standing: &Standing, shop: &ShopName) -> Option<Moment> {
    let of = |pass| standing.passes.get(&(shop.clone(), pass));
    [Pass::Survey, Pass::Sync].into_iter().filter_map(of).map(|its| its.first_begun).min()
}

/// From when the staleness of a pass counts: from its last good run; where there was none from the first crossing, which reads
/// everybody, as a resync does; or from what began first. None where no run is known.
#[must_use]
pub fn counts_from(standing: &Standing, shop: &ShopName, pass: Pass) -> Option<Moment> {
    let of = |pass| standing.passes.get(&(shop.clone(), pass));
    let crossed = || if pass == Pass::Resync { of(Pass::Sync)?.first_done } else { None };
    of(pass).and_then(|its| its.last_done).or_else(crossed).or_else(|| first_begun(standing, shop))
}

/// Whether the first crossing of a shop goes on.
#[must_use]
pub fn is_crossing(standing: &Standing, shop: &ShopName) -> bool {
    let of = |pass| standing.passes.get(&(shop.clone(), pass));
    let runs = |pass| of(pass).is_some_and(|its| its.last.outcome == Outcome::Running);
    of(Pass::Sync).and_then(|its| its.last_done).is_none() && [Pass::Survey, Pass::Sync].into_iter().any(runs)
}

/// A change, and the revision of what it changes.
pub type Change = (Alert, Option<i64>);

/// What is news. Each change gets an id of its own from `ids`.
pub fn changes(
    told: &[Alert],
    found: &BTreeMap<About, Finding>,
    terms: Terms<'_>,
    mut ids: impl FnMut() -> String,
) -> Vec<Change> {
    let before: BTreeMap<&About, &Alert> = told.iter().map(|alert| (&alert.about, alert)).collect();
    let mut changes = Vec::new();
    for (about, finding) in found {
        let Finding::Stands(trouble) = finding else { continue };
        let was = before.get(about).copied();
        if let Some(causes) = news(was, trouble) {
            let Trouble { since, summary, todo, .. } = trouble;
            // With another cause it is still the trouble that began then.
            let since = was.filter(|was| was.state == AlertState::Raised).map_or(*since, |was| was.since);
            let (summary, todo) = (summary.clone(), todo.clone());
            let told = Told { about, was, state: AlertState::Raised, causes, since, summary, todo };
            changes.push(told.change(terms.now, ids()));
        }
    }
    for was in told.iter().filter(|was| was.state == AlertState::Raised && !found.contains_key(&was.about)) {
        if was.about.shop.as_ref().is_none_or(|shop| terms.shops.contains_key(shop)) {
            let (summary, todo) = words::of_recovery(&was.about, was.since);
            let (state, causes) = (AlertState::Recovered, BTreeSet::new());
            let told = Told { about: &was.about, was: Some(was), state, causes, since: was.since, summary, todo };
            changes.push(told.change(terms.now, ids()));
        }
    }
    changes
}

/// All causes that are told of a trouble once this is told; none where there is nothing new about it.
fn news(was: Option<&Alert>, trouble: &Trouble) -> Option<BTreeSet<String>> {
    match was {
        Some(was) if was.state == AlertState::Raised => {
            let new = !trouble.causes.is_subset(&was.causes) && was.causes.len() < CAUSES;
            new.then(|| was.causes.union(&trouble.causes).cloned().collect())
        }
        Some(_) | None => Some(trouble.causes.clone()),
    }
}

/// What is to be told.
struct Told<'a> {
    about: &'a About,
    was: Option<&'a Alert>,
    state: AlertState,
    causes: BTreeSet<String>,
    since: Moment,
    summary: String,
    todo: Vec<String>,
}

impl Told<'_> {
    fn change(self, at: Moment, id: String) -> Change {
        let Self { about, was, state, causes, since, summary, todo } = self;
        let was = was.map(|was| was.revision);
        let revision = was.unwrap_or(0) + 1;
        (Alert { about: about.clone(), state, revision, id, causes, since, at, summary, todo }, was)
    }
}
