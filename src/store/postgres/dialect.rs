//! What the units of work say to Postgres in its own words. Not here: what they say to every database.

use std::time::Duration;

/// The limits of a transaction, and how durable it is, hold for that transaction only: behind a pgbouncer the next one may
/// be another session's. What is declared must be on a disk before its first byte is sent, so a database that commits
/// without waiting for that is told to wait; one that waits for more, as for its standbys, is left alone.
macro_rules! limits {
    ($begin:literal) => {
        concat!(
            $begin,
            "; SET LOCAL statement_timeout = '40s'; SET LOCAL lock_timeout = '10s';",
            " SET LOCAL idle_in_transaction_session_timeout = '60s';",
            " SELECT set_config('synchronous_commit', 'on', TRUE) WHERE current_setting('synchronous_commit') = 'off'"
        )
    };
}

/// How a unit that writes begins.
pub(super) const BEGIN_WRITING: &str = limits!("BEGIN ISOLATION LEVEL READ COMMITTED");
/// How a unit that reads begins, on one snapshot.
pub(super) const BEGIN_READING: &str = limits!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
/// Units that write to an account come one after the other, as they do where a whole file is locked: what one has asked
/// still holds when it acts on it. Weaker than `FOR UPDATE`, which would also wait for rows that only refer to it.
pub(super) const ENTER: Option<&str> = Some("SELECT 1 FROM accounts WHERE account = $1 FOR NO KEY UPDATE");

/// What comes after a page. Of a table that was never analysed the planner thinks that an account has a two-hundredth of it, and goes
/// through all of an account for each row of a page: what pages look into is analysed once it is worth it, instead of waiting for
/// the database to come round. Only by who owns the table, and not while somebody else is at it.
pub(super) const AFTER_PAGE: Option<&str> = Some(
    "DO $$ DECLARE its_name TEXT;
     BEGIN
         FOR its_name IN
             SELECT CAST(oid AS regclass) FROM pg_class
              WHERE oid = ANY (CAST('{contacts, links, writes, rulings, proposals, merges, held, tombstones, parted}' AS regclass[]))
                AND relpages = 0 AND pg_relation_size(oid) >= 65536 AND pg_has_role(relowner, 'USAGE')
              ORDER BY relname
         LOOP
             EXECUTE 'ANALYZE (SKIP_LOCKED) ' || its_name;
         END LOOP;
     END $$",
);

/// How many connections read: a question waits for the network, not for another.
pub(super) const READERS: u32 = 3;
/// What one session has prepared, the next transaction's may not have.
pub(super) const KEEP_PREPARED: bool = false;
/// Longer than the database waits for a lock: where it can answer, it says why.
pub(super) const LONGEST_STEP: Option<Duration> = Some(Duration::from_secs(12));
pub(super) const LONGEST_UNIT: Option<Duration> = Some(Duration::from_secs(45));
/// For the one unit that goes over all rows of an account.
pub(super) const LONGEST_OF_ALL: Option<Duration> = Some(Duration::from_mins(31));
pub(super) const UNHURRIED: Option<&str> = Some("SET LOCAL statement_timeout = '30min'");

/// The limit stands inside, per identifier: one that a whole shop shares costs no more than another.
pub(super) const HOLDERS_BY_EMAIL: &str = "
    SELECT asked.atom,
           (SELECT COALESCE(CAST(json_agg(json_build_array(few.shop, few.id, few.name)) AS TEXT), '[]')
              FROM (SELECT shop, id, name FROM contacts
                     WHERE account = $1 AND email = asked.atom
                       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
                     ORDER BY shop, id LIMIT $3) few)
      FROM json_each($2) asked";
pub(super) const HOLDERS_BY_PHONE: &str = "
    SELECT asked.atom,
           (SELECT COALESCE(CAST(json_agg(json_build_array(few.shop, few.id, few.name)) AS TEXT), '[]')
              FROM (SELECT shop, id, name FROM contacts
                     WHERE account = $1 AND phone = asked.atom
                       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
                     ORDER BY shop, id LIMIT $3) few)
      FROM json_each($2) asked";

/// After these the next run has a greater number than the one given: what was numbered up to it was forgotten.
pub(super) const RUNS_GO_ON_AFTER: &[&str] =
    &["SELECT setval(pg_get_serial_sequence('runs', 'run'), $1) WHERE $1 >= (SELECT last_value FROM runs_run_seq)"];
/// What the database is, in words.
pub(super) const ENGINE: &str = "SELECT 'PostgreSQL ' || current_setting('server_version')";
