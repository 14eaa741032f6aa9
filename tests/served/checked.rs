//! `anagrafe check` of a store on a server: its version, the role's rights, how long a unit takes, the key; and nothing is changed.

use serde_json::Value;
use sqlx::Connection as _;

use crate::{Served, Town, migrations::migrations};

/// What a check finds of the store: its findings, after it ended with this code.
async fn store(town: &Town, code: i32) -> Vec<Value> {
    let report = town.anagrafe(&["check", "--json"]).await.code(code).json();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["section"] == "store").cloned().collect()
}

/// Text and advice of the one finding about a subject with this verdict.
fn told(findings: &[Value], subject: &str, verdict: &str) -> String {
    let mut of = findings.iter().filter(|found| found["subject"] == subject && found["verdict"] == verdict);
    let found = of.next().unwrap_or_else(|| panic!("nothing {verdict} of {subject} in {findings:#?}"));
    format!("{} → {}", found["text"].as_str().unwrap(), found["advice"].as_str().unwrap_or("-"))
}

fn none_is(findings: &[Value], verdict: &str) {
    assert!(findings.iter().all(|found| found["verdict"] != verdict), "{findings:#?}");
}

/// A store as version 1 left it, made by the role of the tests with the key of the tests.
async fn version_1(served: &Served) {
    let mut session = served.database.cluster.connect("anagrafe", &served.database.name).await;
    migrations("postgres").await.run_to(1, &mut session).await.unwrap();
    let check = anagrafe::model::HashKey::new(b"a key for the tests of a server").unwrap().check_value();
    let account = format!("INSERT INTO accounts VALUES ('acme', '{check}'); INSERT INTO leases VALUES ('acme', 1)");
    served.database.meddle(account).await;
    session.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_version_rights_latency_and_key_and_changes_nothing() {
    let served = Served::of(5, 60, 60).await;
    let before = store(&served.town, 0).await;
    assert!(told(&before, "store.url", "confirmed").contains("the first sync makes it: Postgres database"));
    assert!(told(&before, "store.rights", "confirmed").contains("anagrafe may make tables in schema public"));
    let tables = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(served.database.number(tables).await, 0, "a check makes no store");

    served.town.anagrafe(&["sync"]).await.code(0);
    let sums = "SELECT CAST((SELECT SUM(epoch + beat) FROM leases) + (SELECT COUNT(*) FROM runs) + (SELECT COUNT(*) FROM writes)
                       + (SELECT SUM(hashtext(CAST(contacts AS TEXT))) FROM contacts) AS BIGINT)";
    let stood = served.database.number(sums).await;
    let found = store(&served.town, 0).await;
    none_is(&found, "contradicted");
    none_is(&found, "unknown");
    assert!(told(&found, "store.url", "confirmed").contains("schema version"));
    assert!(told(&found, "store.hash_key", "confirmed").contains("the one this store was made with"));
    assert!(told(&found, "store.server", "confirmed").starts_with("PostgreSQL "));
    assert!(told(&found, "store.rights", "confirmed").contains("may read and write all tables"));
    let latency = told(&found, "store.latency", "confirmed");
    assert!(latency.contains("a unit that reads takes") && latency.contains(" ms"), "{latency}");
    assert_eq!(served.database.number(sums).await, stood);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_rights_is_told_which_it_lacks() {
    let served = Served::of(5, 60, 60).await;
    let schema = "ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO anagrafe";
    served.database.meddle(schema).await;
    let making = told(&store(&served.town, 1).await, "store.rights", "contradicted");
    assert!(making.contains("GRANT USAGE, CREATE ON SCHEMA \"public\" TO \"anagrafe\""), "{making}");

    served.database.meddle("GRANT CREATE ON SCHEMA public TO anagrafe").await;
    served.town.anagrafe(&["sync"]).await.code(0);
    // What a check itself does can still be done: only asking finds out.
    served
        .database
        .meddle("REVOKE INSERT ON writes FROM anagrafe; REVOKE UPDATE ON SEQUENCE runs_run_seq FROM anagrafe")
        .await;
    let lacking = told(&store(&served.town, 1).await, "store.rights", "contradicted");
    assert!(lacking.contains("anagrafe lacks UPDATE on runs_run_seq, INSERT on writes"), "{lacking}");
    assert!(lacking.contains("ON ALL TABLES IN SCHEMA \"public\" TO \"anagrafe\""), "{lacking}");

    served.database.meddle("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM anagrafe").await;
    let found = store(&served.town, 1).await;
    assert!(told(&found, "store.url", "contradicted").contains("permission denied"));
    assert!(told(&found, "store.rights", "contradicted").contains("SELECT on accounts"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_an_older_version_is_asked_for_its_key_and_for_the_right_to_bring_it_up_to_date() {
    let served = Served::of(5, 60, 60).await;
    version_1(&served).await;
    let found = store(&served.town, 0).await;
    assert!(told(&found, "store.url", "confirmed").contains("schema version 1; the next sync brings it to"));
    assert!(told(&found, "store.hash_key", "confirmed").contains("the one this store was made with"));
    assert!(told(&found, "store.migrations", "confirmed").contains("pending, and anagrafe may make them"));
    assert!(told(&found, "store.rights", "confirmed").contains("all tables"));

    served.database.meddle("ALTER TABLE runs OWNER TO postgres; GRANT ALL ON runs TO anagrafe").await;
    served.replace("a key for the tests of a server", "quite another key of theirs");
    let found = store(&served.town, 1).await;
    assert!(told(&found, "store.hash_key", "contradicted").contains("not the one this store was made with"));
    let pending = told(&found, "store.migrations", "contradicted");
    assert!(pending.contains("runs belong to another role") && pending.contains("anagrafe migrate"), "{pending}");
    assert_eq!(served.database.number("SELECT MAX(version) FROM _sqlx_migrations").await, 1);
}
