//! What the units of work say to `SQLite` in its own words. Not here: what they say to every database.

/// How a unit that writes begins: in turn with every other process, instead of colliding at its first write.
pub(super) const BEGIN_WRITING: &str = "BEGIN IMMEDIATE";
/// How a unit that reads begins, on one snapshot.
pub(super) const BEGIN_READING: &str = "BEGIN";

/// The limit stands inside, per identifier: one that a whole shop shares costs no more than another.
pub(super) const HOLDERS_BY_EMAIL: &str = "
    SELECT asked.value,
           (SELECT json_group_array(json_array(held.shop, held.id, held.name))
              FROM (SELECT shop, id, name FROM contacts
                     WHERE account = $1 AND email = asked.value
                       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
                     ORDER BY shop, id LIMIT $3) held)
      FROM json_each($2) asked";
pub(super) const HOLDERS_BY_PHONE: &str = "
    SELECT asked.value,
           (SELECT json_group_array(json_array(held.shop, held.id, held.name))
              FROM (SELECT shop, id, name FROM contacts
                     WHERE account = $1 AND phone = asked.value
                       AND (state IS NULL OR state NOT IN ('gone', 'excluded'))
                     ORDER BY shop, id LIMIT $3) held)
      FROM json_each($2) asked";
