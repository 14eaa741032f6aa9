//! Alerts: told once for each change, signed, whoever finds it, and delivered in the end whatever the receiver and the process do.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anagrafe::sandbox::{Fault, FaultKind, Options, population::Population};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    daemon::Daemon,
    receiver::{Answers, Receiver, in_short},
    support::{On, Town, contact},
};

/// Longer than anything takes that is to come.
const ALL_IS_TOLD: Duration = Duration::from_secs(4);

async fn town(on: On) -> Town {
    let contacts = vec![contact(1, "Anna Rossi", "anna@example.it", "333 1234567")];
    Town::on(on, Population { contacts, ..Population::default() }, Options::default()).await
}

/// What a daemon is told of a receiver. Things are looked at every second, and not every minute.
fn variables(receiver: &Receiver) -> Vec<(&'static str, String)> {
    let mut variables = receiver.variables();
    variables.push(("ANAGRAFE__ALERTS__STALE_RESYNC", "1s".to_owned()));
    variables
}

/// What was told, but for the staleness by which it is looked at so often.
fn told(receiver: &Receiver) -> Vec<String> {
    receiver.told().into_iter().filter(|told| !told.starts_with("staleness resync")).collect()
}

fn breaks(town: &Town, call: &str, status: u16) {
    let kind = FaultKind::Status { status, retry_after: None, body: None };
    town.sandbox.faults().set(Fault { call: call.into(), after: 0, times: None, kind });
}

fn says_nothing_personal(receiver: &Receiver, daemon: &Daemon) {
    let bodies: Vec<String> = receiver.tries().iter().map(|(_, body)| body.to_string()).collect();
    let all = format!("{}\n{}", bodies.join("\n"), daemon.logged());
    for personal in ["anna@", "1234567", "Anna", "Rossi", "the reason", crate::receiver::SECRET] {
        assert!(!all.contains(personal), "{personal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_once_and_so_is_its_end() {
    let town = town(On::Sqlite).await;
    breaks(&town, "contacts.find", 401);
    let receiver = Receiver::that(Answers::Takes).await;
    let daemon = Daemon::begin(&town, &variables(&receiver));
    daemon.until("it is told", async || told(&receiver) == ["failed survey raised"]).await;
    let alert = receiver.taken().remove(0);
    assert_eq!((alert["shop"].as_str(), alert["sequence"].as_i64()), (Some("main"), Some(1)));
    assert!(alert["todo"].as_array().unwrap().contains(&json!("anagrafe check")), "{alert}");
    assert!(alert["summary"].as_str().unwrap().contains("main"), "{alert}");

    // Again, by hand and for the same cause; then for another; then it goes well.
    town.anagrafe(&["sync"]).await.code(1);
    sleep(ALL_IS_TOLD).await;
    assert_eq!(told(&receiver), ["failed survey raised"], "the same again is no news");
    town.sandbox.faults().clear();
    breaks(&town, "contacts.find", 404);
    town.anagrafe(&["sync"]).await.code(1);
    daemon.until("it is told", async || told(&receiver).len() == 2).await;
    town.sandbox.faults().clear();
    town.anagrafe(&["sync"]).await.code(0);
    daemon.until("it is told", async || told(&receiver).len() == 3).await;
    sleep(ALL_IS_TOLD).await;
    assert_eq!(told(&receiver), ["failed survey raised", "failed survey raised", "failed survey recovered"]);
    let of_it = receiver.taken().into_iter().filter(|alert| alert["subject"] == "failed");
    let of_it: Vec<_> = of_it.map(|alert| (alert["sequence"].as_i64().unwrap(), alert["since"].to_string())).collect();
    assert_eq!(of_it.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(of_it.iter().all(|(_, since)| *since == of_it[0].1), "it is one trouble from first to last: {of_it:?}");
    let ids: BTreeSet<String> = receiver.taken().iter().map(|alert| alert["id"].to_string()).collect();
    assert_eq!(ids.len(), receiver.taken().len());
    says_nothing_personal(&receiver, &daemon);
    assert_eq!(daemon.figure("anagrafe_alerts_pending").await, 0);
    assert_eq!(daemon.stop().await, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_asked_for_a_part_of_neither_fails_nor_recovers_the_whole() {
    let town = town(On::Sqlite).await;
    let receiver = Receiver::that(Answers::Takes).await;
    let daemon = Daemon::start(&town, &variables(&receiver)).await;
    town.anagrafe(&["resync", "--contact", "999"]).await.code(2);
    sleep(ALL_IS_TOLD).await;
    assert_eq!(told(&receiver), Vec::<String>::new(), "somebody mistyped");
    breaks(&town, "contacts.find", 401);
    town.anagrafe(&["resync"]).await.code(1);
    daemon.until("it is told", async || told(&receiver) == ["failed resync raised"]).await;
    town.sandbox.faults().clear();
    town.anagrafe(&["resync", "--contact", "1"]).await.code(0);
    sleep(ALL_IS_TOLD).await;
    assert_eq!(told(&receiver), ["failed resync raised"], "one contact is not the shop");
    town.anagrafe(&["resync"]).await.code(0);
    daemon.until("its end is told", async || told(&receiver).len() == 2).await;
    assert_eq!(daemon.stop().await, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_told_and_so_is_its_release() {
    let town = town(On::Sqlite).await.merging();
    for _ in 0..2 {
        let customer = json!({ "email": "anna@example.it", "firstname": "Anna", "lastname": "Rossi" });
        town.sandbox.vivocha.add_customer(customer.as_object().unwrap().clone());
    }
    let receiver = Receiver::that(Answers::Takes).await;
    let daemon = Daemon::start(&town, &variables(&receiver)).await;
    daemon.until("the hold is told", async || told(&receiver) == ["held merges raised"]).await;
    let alert = receiver.taken().into_iter().find(|alert| alert["subject"] == "held").unwrap();
    assert_eq!(alert["todo"], json!(["anagrafe holds show 1", "anagrafe holds release 1"]));
    town.anagrafe(&["pause", "the reason is Anna Rossi"]).await.code(0);
    daemon
        .until("the pause is told", async || told(&receiver).last().is_some_and(|told| told == "held paused raised"))
        .await;
    let alert = receiver.taken().pop().unwrap();
    assert_eq!((&alert["shop"], alert["todo"][1].as_str()), (&json!(null), Some("anagrafe resume")));
    town.anagrafe(&["resume"]).await.code(0);
    daemon.until("its end is told", async || told(&receiver).len() == 3).await;
    town.anagrafe(&["holds", "release", "1"]).await.code(0);
    daemon.until("the release is told", async || told(&receiver).len() == 4).await;
    sleep(ALL_IS_TOLD).await;
    let expected = ["held merges raised", "held paused raised", "held paused recovered", "held merges recovered"];
    assert_eq!(told(&receiver), expected);
    says_nothing_personal(&receiver, &daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_in_doubt_for_over_an_hour_is_told() {
    let town = town(On::Sqlite).await;
    let receiver = Receiver::that(Answers::Takes).await;
    let daemon = Daemon::start(&town, &variables(&receiver)).await;
    let now = i64::try_from(now().as_millis()).unwrap();
    let declared = async |proposal: &str, other: &str, minutes: i64| {
        let at = now - minutes * 60_000;
        let columns =
            "account, proposal, epoch, survivor, absorbed, evidence, rests_on, declared_at, outcome, settled_at";
        let values = format!("'acme', '{proposal}', 1, 'c1', '{other}', '[]', '{{}}', {at}, 'unknown', {at}");
        town.execute(&format!("INSERT INTO merges ({columns}) VALUES ({values})")).await;
    };
    declared("p1", "c2", 59).await;
    sleep(ALL_IS_TOLD).await;
    assert_eq!(told(&receiver), Vec::<String>::new());
    declared("p2", "c3", 61).await;
    daemon.until("it is told", async || told(&receiver) == ["doubt - raised"]).await;
    let alert = receiver.taken().into_iter().find(|alert| alert["subject"] == "doubt").unwrap();
    assert_eq!(alert["todo"], json!(["anagrafe merges show p2"]));
    town.execute("UPDATE merges SET outcome = 'not-applied'").await;
    daemon.until("its end is told", async || told(&receiver) == ["doubt - raised", "doubt - recovered"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_good_sync_for_too_long_is_told() {
    let town = town(On::Sqlite).await;
    let receiver = Receiver::that(Answers::Takes).await;
    let mut variables = receiver.variables();
    variables.push(("ANAGRAFE__ALERTS__STALE_SYNC", "6s".to_owned()));
    let daemon = Daemon::start(&town, &variables).await;
    daemon.until("it is told", async || receiver.told() == ["staleness sync raised"]).await;
    town.anagrafe(&["sync"]).await.code(0);
    daemon.until("its end is told", async || receiver.told().len() == 2).await;
    daemon.until("it is stale again", async || receiver.told().len() == 3).await;
    let expected = ["staleness sync raised", "staleness sync recovered", "staleness sync raised"];
    assert_eq!(receiver.told(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_of_which_no_run_is_ever_recorded_is_told() {
    let town = town(On::Sqlite).await;
    town.anagrafe(&["sync"]).await.code(0);
    // Every run of it fails before it begins: the store knows the shop under its first name.
    town.edit(|text| text.replace("[shops.main]", "[shops.other]"));
    let receiver = Receiver::that(Answers::Takes).await;
    let mut variables = receiver.variables();
    variables.push(("ANAGRAFE__ALERTS__STALE_SYNC", "2s".to_owned()));
    let daemon = Daemon::begin(&town, &variables);
    daemon.until("it is told", async || receiver.told() == ["staleness sync raised"]).await;
    let alert = receiver.taken().remove(0);
    assert_eq!(alert["shop"], "other");
    assert!(alert["summary"].as_str().unwrap().contains("no sync of shop other has come to its end"), "{alert}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_tried_under_one_id_until_the_receiver_takes_it() {
    let town = town(On::Sqlite).await;
    breaks(&town, "contacts.find", 401);
    let mut receiver = Receiver::away();
    let daemon = Daemon::begin(&town, &receiver.variables());
    let failed = "anagrafe_alerts_total{outcome=\"failed\"}";
    daemon.until("it was tried in vain", async || daemon.figure(failed).await >= 1).await;
    assert_eq!(daemon.figure("anagrafe_alerts_pending").await, 1);
    for answers in [Answers::Fails, Answers::Redirects, Answers::Takes] {
        receiver.come(answers).await;
        daemon.until("it was tried", async || receiver.tries().iter().any(|(how, _)| *how == answers)).await;
    }
    daemon.until("it is delivered", async || daemon.figure("anagrafe_alerts_pending").await == 0).await;
    sleep(ALL_IS_TOLD).await;
    assert_eq!(receiver.told(), ["failed survey raised"]);
    let bodies: BTreeSet<String> = receiver.tries().iter().map(|(_, body)| body.to_string()).collect();
    assert_eq!(bodies.len(), 1, "the same bytes at each try: {bodies:?}");
    assert_eq!(daemon.figure("anagrafe_alerts_total{outcome=\"delivered\"}").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn none_are_pending_once_no_alerts_are_wanted() {
    let town = town(On::Sqlite).await;
    breaks(&town, "contacts.find", 401);
    let receiver = Receiver::away();
    let [(_, url), (_, secret)] = receiver.variables().try_into().unwrap();
    town.append(&format!("[alerts]\nurl = \"{url}\"\nsecret = \"{secret}\""));
    let daemon = Daemon::begin(&town, &[]);
    daemon.until("one is pending", async || daemon.figure("anagrafe_alerts_pending").await == 1).await;
    town.edit(|text| text.split("[alerts]").next().unwrap().to_owned());
    daemon.reload();
    let pending = async || daemon.figure("anagrafe_alerts_pending").await;
    daemon.within(Duration::from_mins(1), "none is", async || pending().await == 0).await;
    assert!(daemon.logged().contains("is in force"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_outlives_a_kill_and_is_delivered_by_whoever_comes_next() {
    let town = town(On::Sqlite).await;
    breaks(&town, "contacts.find", 401);
    let mut receiver = Receiver::that(Answers::Fails).await;
    let daemon = Daemon::begin(&town, &receiver.variables());
    daemon.until("it was tried", async || !receiver.tries().is_empty()).await;
    // In the midst of a try.
    receiver.come(Answers::Hangs).await;
    daemon.until("it is tried", async || receiver.tries().iter().any(|(how, _)| *how == Answers::Hangs)).await;
    daemon.kill();
    receiver.come(Answers::Takes).await;
    let daemon = Daemon::begin(&town, &receiver.variables());
    daemon.within(Duration::from_mins(1), "it is delivered", async || !receiver.taken().is_empty()).await;
    sleep(ALL_IS_TOLD).await;
    assert_eq!(receiver.told(), ["failed survey raised"]);
    let ids: BTreeSet<String> = receiver.tries().iter().map(|(_, body)| body["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_was_never_delivered_only_what_came_of_it_is() {
    let town = town(On::Sqlite).await;
    breaks(&town, "contacts.find", 401);
    let mut receiver = Receiver::that(Answers::Fails).await;
    let daemon = Daemon::begin(&town, &variables(&receiver));
    daemon.until("it was tried", async || !receiver.tries().is_empty()).await;
    town.sandbox.faults().clear();
    town.anagrafe(&["sync"]).await.code(0);
    let recovered = async || receiver.tries().iter().any(|(_, body)| in_short(body) == "failed survey recovered");
    daemon.until("its end was tried", recovered).await;
    receiver.come(Answers::Takes).await;
    daemon.until("it is delivered", async || !told(&receiver).is_empty()).await;
    sleep(ALL_IS_TOLD).await;
    assert_eq!(told(&receiver), ["failed survey recovered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_on_one_account_tell_once() {
    let town = town(On::Postgres).await;
    let receiver = Receiver::that(Answers::Takes).await;
    let (one, other) = (Daemon::begin(&town, &variables(&receiver)), Daemon::begin(&town, &variables(&receiver)));
    one.ready().await;
    other.ready().await;
    let synced = async || town.number("SELECT COUNT(*) FROM runs WHERE outcome = 'done' AND pass = 'sync'").await > 0;
    one.until("the first sync has ended", synced).await;
    for round in 0..3 {
        town.anagrafe(&["pause", "the reason"]).await.code(0);
        one.until("it is told", async || told(&receiver).len() == 2 * round + 1).await;
        town.anagrafe(&["resume"]).await.code(0);
        one.until("its end is told", async || told(&receiver).len() == 2 * round + 2).await;
    }
    sleep(ALL_IS_TOLD).await;
    assert_eq!(told(&receiver), ["held paused raised", "held paused recovered"].repeat(3));
    assert_eq!(receiver.tries().len(), receiver.taken().len());
    // And the one that is left goes on alone.
    one.kill();
    town.anagrafe(&["pause", "the reason"]).await.code(0);
    other.until("it is told", async || told(&receiver).len() == 7).await;
}

#[expect(clippy::disallowed_methods, reason = "what is an hour ago is reckoned from now")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
