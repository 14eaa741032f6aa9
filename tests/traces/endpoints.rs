//! Whoever takes traces may be away, hang or answer rubbish: runs are what they are, end when they would, and the log says it once.

use std::time::{Duration, Instant};

use super::{
    anagrafe,
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
async fn an_authority_that_cannot_be_read_is_told_by_whoever_needs_it() {
    let (town, _collector) = traced(Mood::Takes).await;
    town.append("[http]\nca_bundle = \"/nowhere/ca.pem\"");
    let ended = anagrafe(&town, &["sync"], &[]).await;
    assert_ne!(ended.code, 0);
    assert!(ended.stderr.contains("/nowhere/ca.pem"), "{ended:?}");
}
