//! A store that was moved, copied, or put in the place of another while somebody had it open.

use std::{fs, process::Command, sync::Arc};

use anagrafe::sandbox::{Fault, FaultKind};

use super::{
    PEOPLE, Running, all_done, slow,
    support::{On, Town, both, count, kept, postgres::Cluster},
    town, until,
};

const HELD: &str = "SELECT COUNT(*) FROM leases WHERE host IS NOT NULL";

/// Puts a copy of the store in its place, as whoever restores a backup does.
async fn put_copy_in_place(town: &Town) {
    let copy = town.dir.path().join("copy.db");
    kept::execute(&town.store(), &format!("VACUUM INTO '{}'", copy.display())).await;
    for side in ["-wal", "-shm"] {
        drop(fs::remove_file(format!("{}{side}", town.store().display())));
    }
    fs::rename(&copy, town.store()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn d2_a_worker_whose_file_was_replaced_under_it_stops() {
    let town = town(On::Sqlite).await;
    slow(&town);
    let holder = Running::sync(&town, 3).await;
    put_copy_in_place(&town).await;
    holder.end().await.code(1);
    let sent = town.calls("customers.update");
    assert!(sent < usize::try_from(PEOPLE).unwrap(), "it stopped at its next renewal: {sent}");
    town.sandbox.faults().clear();
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await.code(4);
    assert!(town.written().is_empty());
    town.anagrafe(&["resync"]).await.code(0);
    all_done(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_moved_within_its_disk_is_the_same_and_a_copy_costs_one_resync() {
    let town = town(On::Sqlite).await;
    town.anagrafe(&["sync"]).await.code(0);
    let moved = town.store().with_file_name("moved.db");
    fs::rename(town.store(), &moved).unwrap();
    town.edit(|text| text.replace("anagrafe.db", "moved.db"));
    town.sandbox.clear_journal();
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "unchanged"), PEOPLE.unsigned_abs());
    // To another disk it can only be copied.
    fs::copy(&moved, town.store().with_file_name("copied.db")).unwrap();
    town.edit(|text| text.replace("moved.db", "copied.db"));
    town.anagrafe(&["sync"]).await.code(4);
    town.anagrafe(&["resync"]).await.code(0);
    let report = town.anagrafe(&["sync", "--json"]).await.code(0).json();
    assert_eq!(count(&report, "unchanged"), PEOPLE.unsigned_abs());
    assert!(town.written().is_empty(), "nothing was to be written all the while");
}

/// The address of its database.
fn url(town: &Town) -> String {
    let text = fs::read_to_string(town.config()).unwrap();
    text.lines().find_map(|line| line.strip_prefix("url = \"postgres:")).unwrap().trim_end_matches('"').to_owned()
}

/// What this machine remembers is lost, or was never there, as for a job in a cluster: the database itself has to tell.
fn forget_witness(town: &Town) {
    drop(fs::remove_dir_all(town.dir.path().join("state")));
}

async fn is_in_doubt(town: &Town) {
    town.sandbox.clear_journal();
    town.anagrafe(&["sync"]).await.code(4);
    assert!(town.written().is_empty());
    town.anagrafe(&["resync"]).await.code(0);
    town.anagrafe(&["sync"]).await.code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_a_database_that_was_restored_is_noticed_in_its_place_and_in_another() {
    let town = town(On::Postgres).await;
    town.anagrafe(&["sync"]).await.code(0);
    let address = format!("postgres:{}", url(&town));
    let dump = town.dir.path().join("dump.sql");
    let told = |program: &str, args: &[&str]| {
        let told = Command::new(program).args(args).output().unwrap();
        assert!(told.status.success(), "{told:?}");
    };
    told("pg_dump", &["--clean", "--if-exists", "--file", dump.to_str().unwrap(), &address]);
    forget_witness(&town);
    town.anagrafe(&["sync"]).await.code(0);
    forget_witness(&town);
    told("psql", &["--quiet", "--file", dump.to_str().unwrap(), &address]);
    is_in_doubt(&town).await;
    // In another database of the same server.
    let database = address.rsplit('/').next().unwrap();
    let admin = address.replace("anagrafe@", "postgres@");
    let other = format!("{database}_restored");
    let copy = format!("CREATE DATABASE {other} OWNER anagrafe TEMPLATE {database}");
    told("psql", &["--quiet", "--command", &copy, &admin.replace(database, "postgres")]);
    town.edit(|text| text.replace(database, &other));
    forget_witness(&town);
    is_in_doubt(&town).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_a_standby_that_took_over_is_noticed() {
    let cluster = Arc::new(Cluster::new(&[]));
    let database = cluster.database().await;
    let town = town(On::Sqlite).await;
    let store = format!("url = \"{}\"\nhash_key = \"a key of this very test\"", database.url());
    town.edit(|text| text.replace("url = \"sqlite://anagrafe.db\"", &store));
    town.anagrafe(&["sync"]).await.code(0);
    let standby = Cluster::standby(&cluster);
    standby.control(&["promote"]);
    town.edit(|text| text.replace(&format!(":{}/", cluster.port), &format!(":{}/", standby.port)));
    forget_witness(&town);
    is_in_doubt(&town).await;
}

both!(c6_a_store_that_went_back_within_one_run_is_noticed, within_a_run);
async fn within_a_run(on: On) {
    let town = town(on).await;
    slow(&town);
    // Long enough to renew its lease: neither its epoch nor its run tells how far it came, and the beat of its lease does.
    town.anagrafe(&["sync"]).await.code(0);
    let beat = town.number("SELECT beat FROM leases").await;
    assert!(beat >= 2, "{beat}");
    town.sandbox.faults().clear();
    town.execute(&format!("UPDATE leases SET beat = {}", beat - 1)).await;
    town.anagrafe(&["sync"]).await.code(4);
    assert_eq!(town.number(HELD).await, 0, "and the lease is given back");
    town.anagrafe(&["resync"]).await.code(0);
    all_done(&town).await;
}

both!(g2_nothing_is_sent_for_whoever_is_erased_while_her_page_is_handled, erased);
async fn erased(on: On) {
    let town = town(on).await;
    town.sandbox.faults().set(Fault::next("customers.search", 1, FaultKind::Latency { ms: 700 }));
    town.edit(|text| text.replacen("concurrency = 1", "concurrency = 1\nsearch_batch = 1", 1));
    let running = Running::of(town.command(&["sync", "--json"]));
    until(|| town.calls("contacts.find") >= 2).await;
    let erased = town.anagrafe(&["erase", "main/5", "--email", "p7@example.it"]).await.code(0);
    assert!(erased.stderr.is_empty() || !erased.stderr.contains("p7@"), "{erased:?}");
    let report = running.end().await.code(0).json();
    let written = town.written();
    assert_eq!(written.len(), usize::try_from(PEOPLE).unwrap() - 2, "{report}");
    assert!(!written.contains(&"c5".to_owned()) && !written.contains(&"c7".to_owned()));
    assert_eq!((count(&report, "excluded"), report["read"].as_i64()), (2, Some(PEOPLE)), "{report}");
    for id in [5, 7] {
        assert_eq!(town.contact(id).await.state.unwrap(), "excluded");
    }
    assert_eq!(town.number("SELECT COUNT(*) FROM writes WHERE id IN (5, 7)").await, 0);
}
