//! What is in a trace: one per run, its pages and phases below it, and each request where it belongs.

use anagrafe::sandbox::{Fault, FaultKind, Options, population::Population};
use serde_json::json;

use super::{
    anagrafe, calls, reported,
    support::{
        Town,
        collector::{Collector, Mood},
        contact,
    },
    traced,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_is_one_trace_with_a_span_for_each_page_and_each_request() {
    let (town, collector) = traced(Mood::Takes).await;
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    let trees = collector.trees("sync");
    assert_eq!(trees.len(), 1);
    let (tree, root) = (&trees[0], trees[0].root());
    assert_eq!(root.says("anagrafe.run"), report["run"]);
    assert_eq!(root.says("anagrafe.shop"), "main");
    assert_eq!(root.says("anagrafe.account"), report["account"]);
    assert_eq!((root.says("anagrafe.pass"), root.says("anagrafe.outcome")), (json!("sync"), json!("done")));
    assert_eq!(root.says("anagrafe.dry_run"), false);
    assert_eq!(root.says("anagrafe.read"), report["read"]);
    assert_eq!(root.says("anagrafe.updates"), report["updates"]);
    for (state, count) in report["counts"].as_object().unwrap() {
        assert_eq!(root.says(&format!("anagrafe.contacts.{state}")), *count, "{state}");
    }
    assert!(!root.failed);

    assert_eq!(calls(tree), reported(&report), "as many requests of each kind as the report counts");
    let pages = tree.named("page");
    let contacts: Vec<i64> = pages.iter().map(|page| page.says("anagrafe.contacts").as_i64().unwrap()).collect();
    assert_eq!(contacts, [50, 50, 50, 50, 30, 0], "the last one says that there are no more");
    let mut after = 0;
    for page in &pages {
        assert_eq!(tree.parent(page).name, "sync");
        assert_eq!(page.says("anagrafe.after"), after);
        after = page.says("anagrafe.last").as_i64().unwrap();
        let find = tree.named("contacts.find").into_iter().filter(|call| call.parent.as_ref() == Some(&page.id));
        assert_eq!(find.count(), 1, "each page is asked for in its own span");
    }
    for call in tree.calls() {
        let parent = tree.parent(call).name.as_str();
        match call.name.as_str() {
            "contacts.find" | "customers.search" | "customers.update" => assert_eq!(parent, "page", "{call:?}"),
            _ => assert!(["page", "sync", "doubts", "merging"].contains(&parent), "{call:?}"),
        }
        assert_eq!(call.kind, 3, "a client's");
        assert_eq!(call.says("server.address"), "127.0.0.1");
        assert!(call.says("server.port").is_i64() && call.says("anagrafe.waited_ms").is_i64());
        assert_eq!(call.says("http.response.status_code"), 200, "{call:?}");
        assert_eq!(call.says("anagrafe.verdict"), "ok");
        assert!(!call.failed && call.says("error.type").is_null());
    }
    assert!(tree.below("sync").is_superset(&["doubts", "page", "merging"].into()), "{:?}", tree.below("sync"));

    // What is traced beside runs is a trace of its own, and none of it is the exporter's.
    let survey = collector.trees("survey");
    assert_eq!(survey.len(), 1);
    assert_eq!(survey[0].root().says("anagrafe.contacts.surveyed"), 230);
    assert_eq!(survey[0].named("page").len(), 6);
    let (ours, http) = (collector.spans(), collector.deliveries());
    assert!(ours.iter().all(|span| span.events == 0 && span.says("server.port") != collector.port));
    assert!(http.iter().all(|one| one.path == "/v1/traces" && one.headers["content-type"] == "application/x-protobuf"));
    let resource = &collector.resources()[0];
    assert_eq!(resource["service.name"], "anagrafe");
    assert_eq!(resource["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(resource["service.instance.id"].as_str().unwrap().len(), 36);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_run_is_a_trace_of_its_own() {
    let (town, collector) = traced(Mood::Takes).await;
    let runs = [
        town.anagrafe(&["sync", "--json"]).await.code(0).json(),
        town.anagrafe(&["sync", "--json"]).await.code(0).json(),
        town.anagrafe(&["resync", "--json"]).await.code(0).json(),
    ];
    let syncs = collector.trees("sync");
    assert_eq!(syncs.len(), 2);
    assert_ne!(syncs[0].root().trace, syncs[1].root().trace);
    let resyncs = collector.trees("resync");
    assert_eq!(resyncs.len(), 1);
    for (tree, report) in syncs.iter().chain(&resyncs).zip(&runs) {
        assert_eq!(tree.root().says("anagrafe.run"), report["run"]);
        assert_eq!(calls(tree), reported(report));
    }
    let resync = &resyncs[0];
    assert_eq!(resync.named("page").len(), 6);
    assert!(resync.below("resync").is_superset(&["doubts", "page", "vanished", "merging"].into()));
    let instances: std::collections::BTreeSet<String> =
        collector.resources().iter().map(|resource| resource["service.instance.id"].to_string()).collect();
    assert_eq!(instances.len(), 3, "each process is told apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_is_another_span_and_a_run_that_fails_says_so() {
    let (town, collector) = traced(Mood::Takes).await;
    let broken = FaultKind::Status { status: 503, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::next("customers.search", 1, broken));
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    let tree = collector.trees("sync").remove(0);
    assert_eq!(calls(&tree), reported(&report));
    let failed: Vec<_> = tree.calls().into_iter().filter(|call| call.failed).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].says("http.response.status_code"), 503);
    assert_eq!((failed[0].says("error.type"), failed[0].says("anagrafe.verdict")), (json!("503"), json!("retry")));
    let again: Vec<_> = tree.calls().into_iter().filter(|call| call.says("http.request.resend_count") == 1).collect();
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].name.as_str(), again[0].parent.clone()), ("customers.search", failed[0].parent.clone()));

    collector.forget();
    let denied = FaultKind::Status { status: 401, retry_after: None, body: None };
    town.sandbox.faults().set(Fault::always("contacts.find", denied));
    town.anagrafe(&["sync"]).await.code(1);
    let tree = collector.trees("sync").remove(0);
    let root = tree.root();
    assert!(root.failed);
    assert_eq!((root.says("anagrafe.outcome"), root.says("error.type")), (json!("failed"), json!("status")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_a_span_with_all_that_is_read_and_sent_for_it() {
    let people = (1..=4).map(|n| contact(n, "Anna Neri", &email(n), &format!("333 {:07}", 1_000_000 + n)));
    let chats = (1..=4).flat_map(|n| {
        [
            json!({"id": format!("a{n}"), "email": email(n), "telnum": "", "vvcu": format!("v{n}")}),
            json!({"id": format!("b{n}"), "email": email(n), "telnum": format!("+39333{:07}", 1_000_000 + n)}),
        ]
    });
    let customers = chats.map(|customer| customer.as_object().unwrap().clone()).collect();
    let population = Population { contacts: people.collect(), customers, ..Population::default() };
    let town = Town::with(population, Options::default()).await.merging();
    let collector = Collector::start(Mood::Takes).await;
    town.append(&collector.table());
    let held = town.anagrafe(&["sync", "--json"]).await.code(4).json();
    let root = collector.trees("sync").remove(0).root().clone();
    assert_eq!((root.says("anagrafe.outcome"), root.says("anagrafe.merges.held")), (json!("held"), json!(4)));
    assert!(!root.failed, "a safeguard is no failure");
    town.anagrafe(&["holds", "release", &held["holds"][0]["id"].to_string()]).await.code(0);
    collector.forget();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    let tree = collector.trees("sync").remove(0);
    assert_eq!(calls(&tree), reported(&report));
    assert_eq!(report["merges"]["merged"], 4, "{report}");
    let merges = tree.named("merge");
    assert_eq!(merges.len(), 4);
    for merge in merges {
        assert_eq!(tree.parent(merge).name, "merging");
        assert_eq!((merge.says("anagrafe.merged"), merge.says("anagrafe.refused")), (json!(1), json!(0)));
        let sent = tree.named("customers.merge").into_iter().filter(|call| call.parent.as_ref() == Some(&merge.id));
        assert_eq!(sent.count(), 1, "several at once, and each request below its own merge");
    }
    assert!(tree.below("merge").is_superset(&["contacts.get", "customers.get", "customers.merge"].into()));
    assert!(tree.below("merging").is_superset(&["merge", "survivors"].into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_between_two_pages_of_a_resync_is_a_trace_of_its_own_that_names_the_other() {
    let town = Town::of(3, 60, 60).await;
    town.edit(|text| text.replace("[shops.main]", "[shops.main]\npage_size = 2"));
    let collector = Collector::start(Mood::Takes).await;
    town.append(&collector.table());
    town.anagrafe(&["sync"]).await.code(0);
    collector.forget();
    // Every minute is the shortest schedule there is: the resync is made to last over the turn of one.
    town.append("[schedule]\nsync = \"* * * * *\"");
    #[expect(clippy::disallowed_methods, reason = "the real binary asks the system too")]
    let to_the_minute = 60 - std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() % 60;
    let ms = (to_the_minute + 1) * 1000 / 25;
    town.sandbox.faults().set(Fault::next("contacts.find", 30, FaultKind::Latency { ms }));
    town.anagrafe(&["resync"]).await.code(0);
    let (syncs, resyncs) = (collector.trees("sync"), collector.trees("resync"));
    assert_eq!((syncs.len(), resyncs.len()), (1, 1));
    assert_eq!(syncs[0].root().links, [resyncs[0].root().trace.clone()]);
    assert!(resyncs[0].root().links.is_empty() && resyncs[0].named("sync").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_that_it_is_one_and_what_is_called_beside_runs_is_a_trace_of_its_own() {
    let (town, collector) = traced(Mood::Takes).await;
    town.anagrafe(&["plan", "--full"]).await.code(0);
    let trees = collector.trees("sync");
    assert!(!trees.is_empty() && trees.iter().all(|tree| tree.root().says("anagrafe.dry_run") == true));
    collector.forget();
    anagrafe(&town, &["contacts", "find", "--limit", "1"], &[]).await.code(0);
    let traces = collector.traces();
    assert_eq!(traces.len(), 1, "{traces:?}");
    assert!(collector.spans()[0].is_call() && collector.spans()[0].parent.is_none());
}

fn email(n: i64) -> String {
    format!("p{n}@example.it")
}
