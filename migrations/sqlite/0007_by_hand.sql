-- Writes to customers that are of no run and for no contact: a person made them, or a probe on a customer she named. Names of fields
-- only: what stands in them is hers.
CREATE TABLE by_hand (
    write       INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT    NOT NULL REFERENCES accounts,
    -- Of the lease it was made under, if any.
    epoch       INTEGER,
    customer    TEXT    NOT NULL,
    why         TEXT    NOT NULL,
    by          TEXT    NOT NULL,
    -- A list of names.
    fields      TEXT    NOT NULL,
    declared_at INTEGER NOT NULL,
    outcome     TEXT,
    settled_at  INTEGER,
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
) STRICT;
CREATE INDEX by_hand_by_customer ON by_hand (account, customer);
