//! E1, E2: never one over, and over a budget none of that run's.

use super::{
    looked_at, merged, sent,
    support::{On, Town, both},
    twins,
};

/// A town whose first look was taken before anything was proposed.
async fn seen(on: On, count: i64, safeguards: &str) -> Town {
    let town = twins(on, count).await;
    town.append(&format!("[safeguards]\n{safeguards}"));
    town.anagrafe(&["sync", "--limit", "1"]).await;
    town.execute("DELETE FROM held_merges").await;
    town.execute("UPDATE holds SET released_at = 1, released_by = 'eva'").await;
    looked_at(&town).await;
    town
}

both!(e2_a_run_over_its_budget_merges_nobody_and_one_within_it_everybody, e2);
async fn e2(on: On) {
    for (safeguards, done) in [
        ("max_merges_per_run = 5", 5),
        ("max_merges_per_run = 6", 5),
        ("max_merges_per_run = 4", 0),
        ("max_merges_per_day = 5", 5),
        ("max_merges_per_day = 4", 0),
    ] {
        let town = seen(on, 5, safeguards).await;
        let code = if done == 5 { 0 } else { 4 };
        let report = town.anagrafe(&["sync", "--json"]).await.code(code).json();
        assert_eq!(merged(&town).len(), done, "{safeguards}: {report}");
        assert_eq!(report["merges"]["held"].as_u64().unwrap(), 5 - done as u64, "{safeguards}");
        if done == 0 {
            // Nor later, until somebody has looked.
            town.anagrafe(&["sync"]).await.code(0);
            assert_eq!(sent(&town, false), []);
        }
    }
}

both!(e1_a_day_never_sees_more_automatic_merges_than_its_budget, e1);
async fn e1(on: On) {
    let town = seen(on, 3, "max_merges_per_day = 4").await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(merged(&town).len(), 3);
    for n in 4..=6 {
        town.sandbox.open2b.add_contact(super::person(n));
        for chat in super::chats(n) {
            town.sandbox.vivocha.add_customer(chat.as_object().unwrap().clone());
        }
    }
    town.anagrafe(&["sync"]).await.code(4);
    assert_eq!(merged(&town).len(), 3, "one more would be left, and three wait");
    // A day later they are a person's all the same: what was held stays so.
    town.execute("UPDATE merges SET declared_at = declared_at - 90000000").await;
    town.anagrafe(&["sync"]).await.code(0);
    assert_eq!(merged(&town).len(), 3);
}

both!(approved_ones_drain_oldest_first_within_their_own_budget, drained);
async fn drained(on: On) {
    let town = twins(on, 5).await;
    town.append("[safeguards]\nmax_approved_per_day = 2\nmax_merges_per_day = 0");
    super::release(&town).await;
    for day in 1..=3 {
        let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
        assert_eq!(merged(&town).len(), (day * 2).min(5), "{report}");
        town.anagrafe(&["sync"]).await.code(0);
        assert_eq!(merged(&town).len(), (day * 2).min(5), "no more today");
        town.execute("UPDATE merges SET declared_at = declared_at - 90000000").await;
    }
}

both!(e1_four_processes_at_once_never_send_one_over, at_once);
async fn at_once(on: On) {
    let town = seen(on, 6, "max_merges_per_day = 6").await;
    let runs = ["sync", "resync", "sync", "sync"].map(|pass| {
        let mut command = town.command(&[pass, "--wait", "--quiet"]);
        command.spawn().unwrap()
    });
    for mut run in runs {
        tokio::task::spawn_blocking(move || run.wait().unwrap()).await.unwrap();
    }
    let mut all = merged(&town);
    all.sort();
    all.dedup();
    assert_eq!((all.len(), sent(&town, false).len()), (6, 6));
}
