//! Holders that cannot be seen from here: on another host, in another container, hidden, or of a number that was given again.

use std::time::{Duration, Instant};

use super::{
    Running, all_done, slow,
    support::{On, Town, both},
    town,
};

/// A lease left behind by a process that was killed, changed into somebody else's.
async fn left_behind(on: On, change: &str) -> Town {
    let town = town(on).await;
    slow(&town);
    let mut holder = Running::sync(&town, 1).await;
    holder.signal("KILL");
    holder.0.wait().unwrap();
    town.sandbox.faults().clear();
    town.execute(&format!("UPDATE leases SET {change}")).await;
    town
}

/// Longer than any test has the patience to watch.
pub const LONG: &str = "ttl = 600000";

/// A moment, by the real clock, in milliseconds.
pub fn in_seconds(seconds: i64) -> i64 {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    i64::try_from(now).unwrap() + seconds * 1000
}

async fn sync_takes(town: &Town, args: &[&str]) -> Duration {
    let began = Instant::now();
    town.anagrafe(args).await.code(0);
    began.elapsed()
}

both!(a_number_that_was_given_again_is_not_the_holder, reused);
async fn reused(on: On) {
    let own = std::process::id();
    // A lease that has not run out is busy, unless its holder is seen to be dead.
    let town = left_behind(on, &format!("pid = {own}, started = 1, {LONG}, expires_at = {}", in_seconds(500))).await;
    town.anagrafe(&["sync"]).await.code(0);
    all_done(&town).await;
}

both!(one_elsewhere_whose_lease_ran_out_is_watched_for_as_long_as_it_lasts, ran_out);
async fn ran_out(on: On) {
    // Of another host, of another boot, in another container of this host: nobody here can tell whether it lives.
    for change in ["host = 'elsewhere'", "boot = 'another'", "boot = boot || '0'", "boot = ''"] {
        let town = left_behind(on, &format!("{change}, ttl = 3000, expires_at = 1")).await;
        let took = sync_takes(&town, &["sync"]).await;
        assert!(took >= Duration::from_secs(3), "{change}: {took:?}");
        all_done(&town).await;
    }
}

both!(one_elsewhere_whose_lease_has_not_run_out_is_busy_and_can_be_waited_for, not_yet);
async fn not_yet(on: On) {
    let later = in_seconds(500);
    let town = left_behind(on, &format!("host = 'elsewhere', {LONG}, expires_at = {later}")).await;
    let busy = town.anagrafe(&["sync"]).await.code(5);
    assert!(busy.stderr.contains("elsewhere") && busy.stderr.contains("--wait"), "{busy:?}");
    town.execute("UPDATE leases SET ttl = 3000").await;
    assert!(sync_takes(&town, &["sync", "--wait"]).await >= Duration::from_secs(3));
    all_done(&town).await;
}

both!(one_elsewhere_whose_clock_was_ahead_is_not_busy_until_then, ahead);
async fn ahead(on: On) {
    let late = in_seconds(10 * 365 * 24 * 3600);
    let town = left_behind(on, &format!("host = 'elsewhere', ttl = 3000, expires_at = {late}")).await;
    let took = sync_takes(&town, &["sync"]).await;
    assert!(took >= Duration::from_secs(3), "{took:?}");
    all_done(&town).await;
}
