//! How the statements of a page are planned, on a database that is full of others' rows.

use std::fmt::Write as _;

use sqlx::{AssertSqlSafe, PgConnection, query_scalar};

use super::{
    super::sql::{HOT, OF_RUNS},
    Database, open, survey_then,
};

/// Many accounts, of which one is large; as many rows of each kind as make it pay to find them by their keys.
const FULL: &str = "
    SET session_replication_role = replica; SET synchronous_commit = off;
    INSERT INTO accounts (account, key_check) SELECT 'other' || n, repeat('0', 32) FROM generate_series(1, 3000) n;
    INSERT INTO leases (account, epoch) SELECT 'other' || n, 1 FROM generate_series(1, 3000) n;
    INSERT INTO shops (account, shop) SELECT 'other' || n, 'alfa' FROM generate_series(1, 3000) n;
    INSERT INTO shops (account, shop) VALUES ('account', 'alfa'), ('account', 'beta');
    INSERT INTO observations SELECT account, shop, n, n FROM generate_series(1, 20) n, shops;
    INSERT INTO runs (account, shop, pass, epoch, outcome, started_at, report)
    SELECT CASE WHEN n % 2 = 0 THEN 'account' ELSE 'other' || n % 3000 + 1 END, 'alfa', 'sync', n, 'done', n, '{}' FROM generate_series(1, 6000) n;
    INSERT INTO contacts (account, shop, id, email, phone, name, retry_at, missing, state, content, reason, rules, judged_at, judged_by)
    SELECT 'account', shop, n, md5('e' || n), md5('p' || n), '', CASE WHEN n % 50 = 0 THEN n END, CAST(n % 200 = 0 AS INT),
           'linked', md5('c'), 'both', 'rules', n, 1
      FROM generate_series(1, 30000) n, (VALUES ('alfa'), ('beta')) s (shop);
    INSERT INTO links (account, shop, id, customer, role, grounds, made_by, since, baselines, known_name, ended_at)
    SELECT account, shop, id, 'c' || shop || id, 'owner', 'both', 'row', 1, '{}', '', CASE WHEN id % 100 = 0 THEN id END FROM contacts;
    INSERT INTO rulings SELECT account, shop, id, 'c' || id, 'same', 'eva', id FROM contacts;
    INSERT INTO proposals SELECT account, md5(shop || id), shop, id, 'link', 'c' || id, '[]', NULL, '[]',
           CASE WHEN id % 20 = 0 THEN 'open' ELSE 'done' END, id, id, 'us' FROM contacts WHERE id % 2 = 0;
    INSERT INTO writes (account, run, epoch, shop, id, customer, why, fields, declared_at, outcome, settled_at)
    SELECT account, 1, 1, shop, id, 'c' || id, 'row', '{}', id, CASE WHEN id % 4 > 0 THEN 'applied' END,
           CASE WHEN id % 4 > 0 THEN id END FROM contacts;
    INSERT INTO holds (account, shop, kind, bound, reason, count, sample, run, since)
    SELECT 'account', 'alfa', 'updates', md5('b' || n), 'why', 1, '[]', 1, n FROM generate_series(1, 3000) n;
    INSERT INTO held SELECT account, shop, id, 1 + id % 3000, md5('c'), 'rules', md5('w') FROM contacts;
    INSERT INTO erasures (account, at, by, removed) SELECT 'account', n, 'eva', '{}' FROM generate_series(1, 3000) n;
    INSERT INTO tombstones SELECT 'account', 'email', md5('t' || n), 1 + n % 3000 FROM generate_series(1, 60000) n;
    INSERT INTO rekeyed_contacts SELECT account, shop, id, email, phone, name, content FROM contacts WHERE id % 2 = 0;
    INSERT INTO rekeyed_links SELECT account, shop, id, customer, baselines, known_email, known_phone, known_name FROM links WHERE id % 2 = 0;
    INSERT INTO merges (account, proposal, run, epoch, shop, id, survivor, absorbed, evidence, rests_on, declared_at, outcome, settled_at, remains, gone)
    SELECT account, md5('m' || shop || id), 1, 1, shop, id, 'c' || shop || id, 'd' || shop || id, '[]', '{}', id,
           CASE WHEN id % 50 > 0 THEN 'applied' ELSE 'unknown' END, id, CASE WHEN id % 50 > 0 THEN 'c' || shop || id END,
           CASE WHEN id % 50 > 0 THEN 'd' || shop || id END
      FROM contacts;
    INSERT INTO parted SELECT 'account', 'c' || n, 'd' || n, 'eva', n FROM generate_series(1, 60000) n;
    INSERT INTO resyncs SELECT account, shop, 1, 1, 1, 1, 1, 1, 1, 0, 0 FROM shops";

/// A shop with links.
const LINKED: &str = "
    INSERT INTO contacts (account, shop, id, name) SELECT 'account', 'alfa', n, '' FROM generate_series(100, 3000) n;
    INSERT INTO links (account, shop, id, customer, role, grounds, made_by, since, baselines, known_name)
    SELECT account, shop, id, 'c' || id, 'owner', 'both', 'row', 1, '{}', '' FROM contacts";

/// The database never comes round to see what is in its tables.
const NEVER_ANALYZED: &str = "
    DO $$ DECLARE its_name TEXT;
    BEGIN FOR its_name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
        EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = false)', its_name); END LOOP; END $$";
const ANALYZED: &str = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = CAST('public' AS regnamespace) AND relpages > 0 ORDER BY 1";

#[tokio::test]
async fn no_statement_of_a_page_reads_a_whole_table() {
    let database = Database::new().await;
    open(&database).await;
    database.meddle(FULL).await;
    database.meddle("ANALYZE").await;
    let whole = whole(&database).await;
    assert!(whole.is_empty(), "{whole}");
}

/// Runs are as many as the store is old.
#[tokio::test]
async fn what_is_asked_of_runs_is_found_by_their_shop_and_pass() {
    let database = Database::new().await;
    open(&database).await;
    database.meddle(FULL).await;
    database.meddle("ANALYZE").await;
    let mut session = database.cluster.connect("anagrafe", &database.name).await;
    sqlx::raw_sql("SET plan_cache_mode = force_generic_plan").execute(&mut session).await.unwrap();
    for (name, sql) in OF_RUNS {
        let plan = plan(&mut session, sql).await.unwrap_or_else(|| panic!("{name} cannot be prepared: {sql}"));
        let mut of_runs = false;
        for step in &plan {
            assert!(!step.contains("Seq Scan on"), "{name}:\n{}", plan.join("\n"));
            if step.contains(" on ") {
                of_runs = step.contains(" on runs");
            }
            if of_runs && step.trim().starts_with("Index Cond:") {
                let found = step.contains("(run = ") || (step.contains("shop = ") && step.contains("pass = "));
                assert!(found, "{name}:\n{}", plan.join("\n"));
            }
        }
    }
}

/// As in the first minute of a first crossing, or for ever where autovacuum is off.
#[tokio::test]
async fn a_page_has_the_tables_analyzed_that_nobody_ever_analyzed() {
    let database = Database::new().await;
    let store = open(&database).await;
    database.meddle(NEVER_ANALYZED).await;
    database.meddle(FULL).await;
    assert!(whole(&database).await.contains("step back:"), "it would go wrong here");
    survey_then(&store, async { Ok(()) }).await.unwrap();
    let mut session = database.cluster.connect("anagrafe", &database.name).await;
    let all: Vec<String> = query_scalar(ANALYZED).fetch_all(&mut session).await.unwrap();
    let looked_into = ["contacts", "held", "links", "merges", "parted", "proposals", "rulings", "tombstones", "writes"];
    assert_eq!(all, looked_into);
    let whole = whole(&database).await;
    assert!(whole.is_empty(), "{whole}");
}

/// Tables of somebody else's are left alone, and the page stands.
#[tokio::test]
async fn tables_of_another_owner_are_not_analyzed() {
    let database = Database::new().await;
    let store = open(&database).await;
    database.meddle(NEVER_ANALYZED).await;
    survey_then(&store, async { Ok(()) }).await.unwrap();
    database.meddle(LINKED).await;
    database.meddle("ALTER TABLE contacts OWNER TO postgres; GRANT ALL ON contacts TO anagrafe").await;
    survey_then(&store, async { Ok(()) }).await.unwrap();
    let mut session = database.cluster.connect("anagrafe", &database.name).await;
    let analyzed: Vec<String> = query_scalar(ANALYZED).fetch_all(&mut session).await.unwrap();
    assert!(!analyzed.contains(&"contacts".into()) && analyzed.contains(&"links".into()), "{analyzed:?}");
}

/// The statements that read a whole table, or all of an account, with their plans.
async fn whole(database: &Database) -> String {
    let mut session = database.cluster.connect("anagrafe", &database.name).await;
    let force = "SET plan_cache_mode = force_generic_plan";
    sqlx::raw_sql(force).execute(&mut session).await.unwrap();
    let mut whole = String::new();
    for (name, sql) in HOT {
        let plan = plan(&mut session, sql).await.unwrap_or_else(|| panic!("{name} cannot be prepared: {sql}"));
        // Whatever the values are: what a page names is found by it.
        let read = plan.iter().any(|step| step.contains("Seq Scan on"));
        if read || by_the_account_alone(&plan) {
            let _ = writeln!(whole, "{name}:\n{}", plan.join("\n"));
        }
    }
    whole
}

/// Whether an index is gone through from one end of the account to the other.
fn by_the_account_alone(plan: &[String]) -> bool {
    let condition = plan.iter().map(|step| step.trim()).filter(|step| step.starts_with("Index Cond:"));
    let few = plan.iter().any(|step| ["accounts", "leases"].iter().any(|table| step.contains(&format!(" on {table}"))));
    !few && condition.into_iter().any(|step| step == "Index Cond: (account = $1)")
}

/// The plan of a statement whose parameters nobody named the kinds of: those with which it can be prepared.
async fn plan(session: &mut PgConnection, sql: &str) -> Option<Vec<String>> {
    let parameters = (1..=12).rev().find(|number| sql.contains(&format!("${number}"))).unwrap_or(0_u32);
    for kinds in 0..1_u32 << parameters {
        let kind = |number: u32| if kinds & 1 << number == 0 { "text" } else { "bigint" };
        let kinds = (0..parameters).map(kind).collect::<Vec<_>>().join(", ");
        let prepare = format!("PREPARE asked ({kinds}) AS {sql}");
        if sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *session).await.is_err() {
            continue;
        }
        let values = vec!["NULL"; parameters as usize].join(", ");
        let explain = format!("EXPLAIN EXECUTE asked ({values})");
        let plan = query_scalar(AssertSqlSafe(explain)).persistent(false).fetch_all(&mut *session).await.unwrap();
        sqlx::raw_sql("DEALLOCATE asked").execute(session).await.unwrap();
        return Some(plan);
    }
    None
}
