//! Whoever takes traces may be away, hang or answer rubbish: runs are what they are, end when they would, and the log says it once.

use std::time::{Duration, Instant};

use super::{
    support::{Town, collector::Mood},
    traced,
};

/// How often the log says that traces do not arrive.
fn warnings(stderr: &str) -> usize {
    stderr.matches("traces do not arrive").count()
}

async fn untraced() -> Town {
    let town = Town::of(21, 230, 200).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 50"));
    town
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_down_hangs_or_refuses_changes_nothing_about_a_run() {
    let plain = untraced().await.anagrafe(&["sync", "--json"]).await.code(0).json();
    for mood in [None, Some(Mood::Hangs), Some(Mood::Refuses(500)), Some(Mood::Refuses(404)), Some(Mood::Refuses(302))]
    {
        let (town, collector) = traced(mood.unwrap_or(Mood::Takes)).await;
        if mood.is_none() {
            drop(collector);
        }
        let ended = town.anagrafe(&["sync", "--json"]).await.code(0);
        let report = ended.json();
        for what in ["outcome", "read", "counts", "updates", "calls"] {
            assert_eq!(report[what], plain[what], "{mood:?}: {what}");
        }
        assert_eq!(warnings(&ended.stderr), 1, "{mood:?}: {ended:?}");
        assert!(ended.stderr.contains("observe.otlp_endpoint"), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_ends_within_three_seconds_more_where_the_endpoint_hangs() {
    let (town, collector) = traced(Mood::Hangs).await;
    town.anagrafe(&["sync"]).await.code(0);
    let began = Instant::now();
    let ended = town.anagrafe(&["sync"]).await.code(0);
    let with = began.elapsed();
    assert!(!collector.deliveries().is_empty(), "it was called");
    assert_eq!(warnings(&ended.stderr), 1, "{ended:?}");
    town.edit(|text| text.replace("otlp_endpoint", "# otlp_endpoint"));
    let began = Instant::now();
    town.anagrafe(&["sync"]).await.code(0);
    let without = began.elapsed();
    assert!(with < without + Duration::from_secs(3), "{with:?} instead of {without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_otlp_is_as_good_as_any_that_says_it_is_well() {
    let (town, collector) = traced(Mood::Babbles).await;
    let ended = town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(warnings(&ended.stderr), 0, "{ended:?}");
    assert_eq!(collector.trees("sync").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_whether_traces_are_taken_and_fails_for_nothing_of_that() {
    let verdict = async |town: &Town| {
        let report = town.anagrafe(&["check", "--json"]).await.code(0).json();
        let findings = report["findings"].as_array().unwrap().clone();
        let ours: Vec<_> = findings.into_iter().filter(|one| one["subject"] == "observe.otlp_endpoint").collect();
        assert!(ours.len() <= 1, "{ours:?}");
        ours.first().map(|one| (one["verdict"].as_str().unwrap().to_owned(), one["text"].as_str().unwrap().to_owned()))
    };
    let (town, collector) = traced(Mood::Takes).await;
    assert_eq!(verdict(&town).await.unwrap().0, "confirmed");
    drop(collector);
    let (said, why) = verdict(&town).await.unwrap();
    assert!(said == "unknown" && why.contains("cannot connect"), "{why}");
    town.edit(|text| text.replace("otlp_endpoint", "# otlp_endpoint"));
    assert_eq!(verdict(&town).await, None);
    for (mood, word) in [(Mood::Hangs, "no answer within"), (Mood::Refuses(404), "404")] {
        let (town, _collector) = traced(mood).await;
        let (said, why) = verdict(&town).await.unwrap();
        assert!(said == "unknown" && why.contains(word), "{why}");
    }
}
