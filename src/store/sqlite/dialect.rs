//! What the units of work say to `SQLite` in its own words. Not here: what they say to every database.

use std::time::Duration;

/// How a unit that writes begins: in turn with every other process, instead of colliding at its first write.
pub(super) const BEGIN_WRITING: &str = "BEGIN IMMEDIATE";
/// How a unit that reads begins, on one snapshot.
pub(super) const BEGIN_READING: &str = "BEGIN";

/// How much of the file a connection keeps, in KiB; negative, as `SQLite` wants it. The system keeps the rest, and gives it away when
/// somebody needs it. So little that a small shop fills it already: what memory is taken depends on no shop's size.
pub(super) const CACHE: &str = "-500";
/// The one that writes keeps what a page of contacts changes until it commits.
pub(super) const WRITERS_CACHE: &str = "-1000";
/// How many connections read: each is a thread, with what memory a thread keeps.
pub(super) const READERS: u32 = 2;

/// Whoever writes has the whole file to itself from the beginning on.
pub(super) const ENTER: Option<&str> = None;
/// Nothing comes after a page: how much of what there is stands in the migrations.
pub(super) const AFTER_PAGE: Option<&str> = None;
/// Connections are ours alone: what one has prepared stands.
pub(super) const KEEP_PREPARED: bool = true;
/// A file answers, or fails.
pub(super) const LONGEST_STEP: Option<Duration> = None;
pub(super) const LONGEST_UNIT: Option<Duration> = None;
pub(super) const LONGEST_OF_ALL: Option<Duration> = None;
pub(super) const UNHURRIED: Option<&str> = None;

/// The limit stands inside, per identifier: one that a whole shop shares costs no more than another.
pub(super) const HOLDERS_BY_EMAIL: &str = "
    SELECT asked.value,
           (SELECT json_group_array(json_array(few.shop, few.id, few.name))
              FROM (SELECT shop, id, name FROM contacts
                     WHERE account = $1 AND email = asked.value
                       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
                     ORDER BY shop, id LIMIT $3) few)
      FROM json_each($2) asked";
pub(super) const HOLDERS_BY_PHONE: &str = "
    SELECT asked.value,
           (SELECT json_group_array(json_array(few.shop, few.id, few.name))
              FROM (SELECT shop, id, name FROM contacts
                     WHERE account = $1 AND phone = asked.value
                       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
                     ORDER BY shop, id LIMIT $3) few)
      FROM json_each($2) asked";

/// After these the next run has a greater number than the one given: what was numbered up to it was forgotten.
pub(super) const RUNS_GO_ON_AFTER: &[&str] = &[
    "INSERT INTO sqlite_sequence (name, seq)
     SELECT 'runs', $1 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'runs')",
    "UPDATE sqlite_sequence SET seq = $1 WHERE name = 'runs' AND seq < $1",
];
/// What the database is, in words.
pub(super) const ENGINE: &str = "SELECT 'SQLite ' || sqlite_version()";
