-- Merges: declared before their first byte is sent, with what both customers were; what a hold holds; customers who are two people.

-- When a reading last found a proposal to be so.
ALTER TABLE proposals ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
UPDATE proposals SET made_at = changed_at;

CREATE TABLE merges (
    merge         INTEGER PRIMARY KEY AUTOINCREMENT,
    account       TEXT    NOT NULL REFERENCES accounts,
    -- The hash of what was proposed. One by hand is in no list of proposals.
    proposal      TEXT    NOT NULL,
    -- NULL: by hand.
    run           INTEGER REFERENCES runs,
    epoch         INTEGER NOT NULL,
    -- NULL: of customers whom no contact is linked to.
    shop          TEXT,
    id            INTEGER,
    survivor      TEXT    NOT NULL,
    absorbed      TEXT    NOT NULL,
    -- NULL: the rules.
    authorised_by TEXT,
    -- An array of codes.
    evidence      TEXT    NOT NULL,
    -- An object by customer, of hashes.
    rests_on      TEXT    NOT NULL,
    declared_at   INTEGER NOT NULL,
    outcome       TEXT,
    settled_at    INTEGER,
    -- What was found, a code.
    detail        TEXT    NOT NULL DEFAULT '',
    remains       TEXT,
    gone          TEXT,
    -- Since when it is in doubt, by the clock of a machine since it was booted: which boot, and milliseconds.
    doubt_boot    TEXT,
    doubt_uptime  INTEGER,
    restored_at   INTEGER,
    restored_by   TEXT,
    CHECK ((outcome IS NULL) = (settled_at IS NULL) AND (shop IS NULL) = (id IS NULL)),
    CHECK ((COALESCE(outcome, '') = 'applied') = (remains IS NOT NULL) AND (remains IS NULL) = (gone IS NULL)),
    CHECK (survivor <> absorbed)
) STRICT;
CREATE INDEX merges_by_proposal ON merges (account, proposal, merge);
CREATE INDEX merges_by_survivor ON merges (account, survivor);
CREATE INDEX merges_by_absorbed ON merges (account, absorbed);
CREATE INDEX merges_by_contact ON merges (account, shop, id);
CREATE INDEX merges_by_day ON merges (account, declared_at);
CREATE INDEX merges_open ON merges (account) WHERE outcome IS NULL OR outcome = 'unknown' OR outcome = 'person';
-- Nobody goes twice.
CREATE UNIQUE INDEX merges_gone ON merges (account, gone) WHERE gone IS NOT NULL;

-- What a customer was before a merge, sealed under a key drawn from that of the hashes.
CREATE TABLE befores (
    merge    INTEGER NOT NULL REFERENCES merges,
    customer TEXT    NOT NULL,
    account  TEXT    NOT NULL,
    -- The check value of the key it was sealed under.
    under    TEXT    NOT NULL,
    sealed   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (merge, customer)
) STRICT, WITHOUT ROWID;
CREATE INDEX befores_by_age ON befores (account, at);

-- Proposals that a hold holds.
CREATE TABLE held_merges (
    account  TEXT    NOT NULL,
    proposal TEXT    NOT NULL,
    hold     INTEGER NOT NULL REFERENCES holds,
    PRIMARY KEY (account, proposal, hold)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_merges_by_hold ON held_merges (hold);

-- Two customers who are two people, by a person's word; `one` is the lesser id.
CREATE TABLE parted (
    account    TEXT    NOT NULL,
    one        TEXT    NOT NULL,
    other      TEXT    NOT NULL,
    decided_by TEXT    NOT NULL,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (account, one, other),
    CHECK (one < other)
) STRICT, WITHOUT ROWID;
CREATE INDEX parted_by_other ON parted (account, other);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('merges',      'merges_by_proposal', '10000 10000 2 1'),
    ('merges',      'merges_by_survivor', '10000 10000 2'),
    ('merges',      'merges_by_absorbed', '10000 10000 2'),
    ('merges',      'merges_by_contact',  '10000 10000 5000 2'),
    ('merges',      'merges_by_day',      '10000 10000 2'),
    ('merges',      'merges_open',        '20 20'),
    ('merges',      'merges_gone',        '10000 10000 1'),
    ('befores',     'befores',            '20000 2 1'),
    ('befores',     'befores_by_age',     '20000 20000 2'),
    ('held_merges', 'held_merges',        '1000 1000 1 1'),
    ('held_merges', 'held_merges_by_hold', '1000 200'),
    ('parted',      'parted',             '1000 1000 2 1'),
    ('parted',      'parted_by_other',    '1000 1000 2');
ANALYZE sqlite_schema;
