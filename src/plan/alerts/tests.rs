//! What is told, and what is no news: every case of each question.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::format_push_string,
    clippy::unnecessary_wraps,
    reason = "a test ends where it fails"
)]

use super::*;
use crate::model::{Keyed, alert::LastRun, hold::NewHold, merge::MergeId, proposal::ProposalId, run::RunId};

fn at(minute: i64) -> Moment {
    Moment::from_millis(1_700_000_000_000 + minute * 60_000)
}

fn shop(name: &str) -> ShopName {
    name.parse().unwrap()
}

fn main() -> BTreeMap<ShopName, Moment> {
    BTreeMap::from([(shop("main"), at(0))])
}

/// A sync has to begin every quarter of an hour, a resync every two days.
fn latest(pass: Pass, begun: Moment) -> Option<Moment> {
    Some(begun.after(match pass {
        Pass::Survey | Pass::Sync => Duration::from_mins(15),
        Pass::Resync => Duration::from_hours(48),
    }))
}

fn terms(shops: &BTreeMap<ShopName, Moment>, now: Moment) -> Terms<'_> {
    Terms { shops, latest: &latest, now }
}

fn about(subject: Subject) -> About {
    About { shop: Some(shop("main")), subject }
}

const SYNC: Subject = Subject::Failed(Pass::Sync);

fn trouble(causes: &[&str]) -> Finding {
    let causes = causes.iter().map(|cause| (*cause).to_owned()).collect();
    Finding::Stands(Trouble { causes, since: at(5), summary: "it stands".into(), todo: vec!["do it".into()] })
}

fn told(state: AlertState, causes: &[&str]) -> Alert {
    Alert {
        about: about(SYNC),
        state,
        revision: 3,
        id: "before".into(),
        causes: causes.iter().map(|cause| (*cause).to_owned()).collect(),
        since: at(1),
        at: at(2),
        summary: "it stood".into(),
        todo: Vec::new(),
    }
}

#[test]
fn every_state_that_was_told_meets_every_finding() {
    use AlertState::{Raised, Recovered};
    let before = [
        None,
        Some(told(Recovered, &[])),
        Some(told(Raised, &[])),
        Some(told(Raised, &["a"])),
        Some(told(Raised, &["a", "b"])),
    ];
    let found = [
        None,
        Some(Finding::Unknown),
        Some(trouble(&[])),
        Some(trouble(&["a"])),
        Some(trouble(&["b"])),
        Some(trouble(&["b", "c"])),
    ];
    let mut table = String::new();
    for was in &before {
        for finding in &found {
            let now = finding.iter().map(|finding| (about(SYNC), finding.clone())).collect();
            let was_told: Vec<Alert> = was.iter().cloned().collect();
            let shops = main();
            let changes = changes(&was_told, &now, terms(&shops, at(9)), || "id".into());
            let name = |alert: &Alert| format!("{} {:?}", alert.state.as_str(), alert.causes);
            let left = was.as_ref().map_or_else(|| "nothing".into(), name);
            let stands = match finding {
                None => "is over".to_owned(),
                Some(Finding::Unknown) => "is unknown".to_owned(),
                Some(Finding::Stands(trouble)) => format!("stands {:?}", trouble.causes),
            };
            let told: Vec<String> = changes
                .iter()
                .map(|(alert, was)| {
                    assert_eq!((alert.at, &*alert.id, alert.revision), (at(9), "id", was.unwrap_or(0) + 1));
                    let since = if alert.since == at(1) { "first" } else { "now" };
                    format!("{}, since {since}, revision {} after {was:?}", name(alert), alert.revision)
                })
                .collect();
            table.push_str(&format!("{left} | {stands} | {}\n", told.join("; ")));
        }
    }
    insta::assert_snapshot!(table);
}

#[test]
fn what_is_another_configurations_is_left_to_it() {
    let mut other = told(AlertState::Raised, &["a"]);
    other.about.shop = Some(shop("other"));
    let shops = main();
    assert_eq!(changes(&[other], &BTreeMap::new(), terms(&shops, at(9)), String::new), vec![]);
    let mut account = told(AlertState::Raised, &["merge 1"]);
    account.about = About { shop: None, subject: Subject::Doubt };
    assert_eq!(changes(&[account], &BTreeMap::new(), terms(&shops, at(9)), String::new).len(), 1);
}

#[test]
fn a_trouble_of_ever_new_causes_falls_silent_until_it_is_over() {
    let shops = main();
    let mut was = Vec::new();
    let mut told = 0;
    for number in 0..100 {
        let now = BTreeMap::from([(about(SYNC), trouble(&[&format!("cause {number}")]))]);
        if let Some((alert, _)) = changes(&was, &now, terms(&shops, at(number)), || "id".into()).pop() {
            told += 1;
            was = vec![alert];
        }
    }
    assert_eq!(told, CAUSES);
}

#[test]
fn the_figures_in_an_error_do_not_make_it_another() {
    let one = cause("shop main: contacts.find: no answer within 30s (read 512 of 900)");
    assert_eq!(one, cause("shop main: contacts.find: no answer within 30s (read 7 of 901)"));
    assert_ne!(one, cause("shop main: contacts.find: the connection broke"));
    assert_eq!(cause(&"x".repeat(1000)).len(), LONGEST_CAUSE);
}

fn run(outcome: Outcome) -> Passes {
    let error = (outcome == Outcome::Failed).then(|| "it broke".to_owned());
    let last = LastRun { run: RunId(7), outcome, started_at: at(0), error };
    Passes { last, last_done: Some(at(0)), first_done: Some(at(0)), first_begun: at(0) }
}

fn standing(passes: &[(Pass, Passes)]) -> Standing {
    let passes = passes.iter().map(|(pass, its)| ((shop("main"), *pass), its.clone())).collect();
    Standing { passes, ..Standing::default() }
}

fn found(standing: &Standing, now: Moment) -> BTreeMap<About, Finding> {
    findings(standing, terms(&main(), now))
}

#[test]
fn each_way_a_run_may_end_says_whether_runs_fail() {
    use Outcome::{Done, Failed, Held, Parked, Running, Stopped};
    for outcome in [Done, Parked, Held] {
        assert_eq!(found(&standing(&[(Pass::Sync, run(outcome))]), at(1)), BTreeMap::new(), "{outcome:?}");
    }
    for outcome in [Running, Stopped] {
        let found = found(&standing(&[(Pass::Sync, run(outcome))]), at(1));
        assert_eq!(found, BTreeMap::from([(about(SYNC), Finding::Unknown)]), "{outcome:?}");
    }
    let found = found(&standing(&[(Pass::Resync, run(Failed)), (Pass::Sync, run(Done))]), at(1));
    let Some(Finding::Stands(failed)) = found.get(&about(Subject::Failed(Pass::Resync))) else { panic!("{found:?}") };
    assert_eq!((failed.since, found.len(), failed.causes.len()), (at(0), 1, 1));
    assert!(failed.summary.contains("resync of shop main (run 7): it broke"), "{failed:?}");
    assert!(failed.todo.contains(&"anagrafe runs 7".to_owned()));
}

#[test]
fn a_pass_is_stale_once_a_good_run_of_it_should_have_begun() {
    let is_stale = |pass, standing: &Standing, now| found(standing, now).contains_key(&about(Subject::Stale(pass)));
    let synced = standing(&[(Pass::Sync, run(Outcome::Failed))]);
    assert!(!is_stale(Pass::Sync, &synced, at(15)) && is_stale(Pass::Sync, &synced, at(16)));
    // It was never resynced: its first crossing is what counts.
    assert!(!is_stale(Pass::Resync, &synced, at(2880)) && is_stale(Pass::Resync, &synced, at(2881)));
    let resynced = Passes { last_done: Some(at(60)), ..run(Outcome::Done) };
    let resynced = standing(&[(Pass::Sync, run(Outcome::Done)), (Pass::Resync, resynced)]);
    assert!(!is_stale(Pass::Resync, &resynced, at(2940)) && is_stale(Pass::Resync, &resynced, at(2941)));
    // Its first crossing may take a day.
    let crossing = Passes { last_done: None, first_done: None, ..run(Outcome::Running) };
    let crossing = standing(&[(Pass::Survey, run(Outcome::Done)), (Pass::Sync, crossing)]);
    assert!(!is_stale(Pass::Sync, &crossing, at(1440)) && is_stale(Pass::Sync, &crossing, at(1441)));
    assert!(!is_stale(Pass::Resync, &crossing, at(9999)));
    // Every run of it fails before it is recorded: since it is watched none has come, and its first crossing has not begun.
    let never = Standing::default();
    assert!(!is_stale(Pass::Sync, &never, at(15)) && is_stale(Pass::Sync, &never, at(16)));
    assert_eq!(found(&never, at(9999)).len(), 1, "that it was never resynced follows");
    let ahead = Passes { last_done: Some(at(600)), ..run(Outcome::Done) };
    let ahead = found(&standing(&[(Pass::Sync, ahead)]), at(60));
    assert_eq!(ahead.get(&about(Subject::Stale(Pass::Sync))), Some(&Finding::Unknown), "by a clock that was ahead");
}

#[test]
fn staleness_counts_from_the_last_good_run_or_from_what_began_first() {
    let from = |standing: &Standing| [Pass::Sync, Pass::Resync].map(|pass| counts_from(standing, &shop("main"), pass));
    assert_eq!(from(&Standing::default()), [None, None]);
    let crossing = Passes { last_done: None, first_done: None, first_begun: at(2), ..run(Outcome::Running) };
    let surveyed = Passes { first_begun: at(1), ..run(Outcome::Failed) };
    let first = standing(&[(Pass::Survey, surveyed), (Pass::Sync, crossing.clone())]);
    assert_eq!((from(&first), is_crossing(&first, &shop("main"))), ([Some(at(1)); 2], true));
    assert!(!is_crossing(&first, &shop("other")));
    let failed = Passes { last: run(Outcome::Failed).last, ..crossing };
    assert!(!is_crossing(&standing(&[(Pass::Sync, failed)]), &shop("main")));
    let synced = Passes { last_done: Some(at(9)), first_done: Some(at(4)), ..run(Outcome::Running) };
    let synced = standing(&[(Pass::Sync, synced)]);
    assert_eq!((from(&synced), is_crossing(&synced, &shop("main"))), ([Some(at(9)), Some(at(4))], false));
    let resynced = Passes { last_done: Some(at(7)), ..run(Outcome::Failed) };
    assert_eq!(from(&standing(&[(Pass::Resync, resynced)])), [None, Some(at(7))]);
}

fn hold(id: i64, shop_name: &str, kind: HoldKind) -> Hold {
    let bound = Keyed::parse(&"0".repeat(32)).unwrap();
    let what =
        NewHold { shop: shop(shop_name), kind, reason: format!("reason {id}"), count: 1, sample: Vec::new(), bound };
    Hold { id, what, run: RunId(1), since: at(id), released: None }
}

#[test]
fn what_is_held_is_told_by_kind() {
    let holds = vec![
        hold(3, "main", HoldKind::Merges),
        hold(2, "main", HoldKind::Merges),
        hold(4, "main", HoldKind::Shrunk),
        hold(5, "other", HoldKind::Updates),
    ];
    let doubted = BTreeMap::from([(shop("main"), at(8)), (shop("other"), at(8))]);
    let found = found(&Standing { holds, doubted, paused: Some(at(6)), ..Standing::default() }, at(9));
    let told: Vec<String> = found
        .iter()
        .map(|(about, finding)| match finding {
            Finding::Stands(Trouble { causes, since, summary, todo }) if causes.is_empty() => {
                format!("{about} | {since} | {summary} | {}", todo.join(" ; "))
            }
            other => panic!("{about}: {other:?}"),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

fn open(merge: i64, since: Moment, needs_a_person: bool) -> OpenDoubt {
    OpenDoubt { merge: MergeId(merge), proposal: ProposalId(format!("p{merge}")), since, needs_a_person }
}

#[test]
fn a_merge_in_doubt_is_told_after_an_hour_and_at_once_where_only_a_person_can_tell() {
    let told = |doubts: Vec<OpenDoubt>, now| {
        let found = found(&Standing { doubts, ..Standing::default() }, now);
        match found.get(&About { shop: None, subject: Subject::Doubt }) {
            Some(Finding::Stands(Trouble { causes, since, .. })) => {
                Some((causes.iter().cloned().collect::<Vec<_>>(), *since))
            }
            Some(Finding::Unknown) | None => None,
        }
    };
    assert_eq!(told(vec![open(1, at(0), false)], at(60)), None);
    assert_eq!(told(vec![open(1, at(0), false)], at(61)), Some((vec!["merge 1".into()], at(0))));
    assert_eq!(told(vec![open(1, at(0), true)], at(0)), Some((vec!["merge 1".into()], at(0))));
    let several = vec![open(1, at(0), false), open(2, at(30), false), open(3, at(50), true)];
    assert_eq!(told(several, at(61)), Some((vec!["merge 1".into(), "merge 3".into()], at(0))));
}
