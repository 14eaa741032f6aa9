-- All that is remembered, keyed by account. No personal data: ids, keyed hashes (32 hexadecimal digits, enforced
-- below), states and codes. Moments are milliseconds since 1970 UTC. Forward only: never edit, add the next file.

CREATE TABLE accounts (
    account    TEXT    NOT NULL PRIMARY KEY,
    -- What the hash key is recognised by.
    key_check  TEXT    NOT NULL CHECK (length(key_check) = 32 AND key_check NOT GLOB '*[^0-9a-f]*'),
    paused_at  INTEGER,
    paused_why TEXT,
    paused_by  TEXT,
    CHECK ((paused_at IS NULL) = (paused_why IS NULL) AND (paused_at IS NULL) = (paused_by IS NULL))
) STRICT;

-- One row per account, for ever: the epoch survives the holder.
CREATE TABLE leases (
    account    TEXT    NOT NULL PRIMARY KEY REFERENCES accounts,
    epoch      INTEGER NOT NULL,
    expires_at INTEGER,
    host       TEXT,
    boot       TEXT,
    pid        INTEGER,
    started    INTEGER,
    purpose    TEXT,
    CHECK ((host IS NULL) = (expires_at IS NULL) AND (host IS NULL) = (boot IS NULL) AND (host IS NULL) = (pid IS NULL)
       AND (host IS NULL) = (started IS NULL) AND (host IS NULL) = (purpose IS NULL))
) STRICT;

CREATE TABLE shops (
    account        TEXT    NOT NULL REFERENCES accounts,
    shop           TEXT    NOT NULL,
    surveyed       INTEGER NOT NULL DEFAULT 0,
    surveyed_whole INTEGER NOT NULL DEFAULT 0 CHECK (surveyed_whole IN (0, 1)),
    checkpoint     INTEGER NOT NULL DEFAULT 0,
    crossed        INTEGER NOT NULL DEFAULT 0 CHECK (crossed IN (0, 1)),
    -- When the end of the shop was last seen; observations are coarser.
    ended_at       INTEGER,
    -- When the whole lookback was last read.
    deep_at        INTEGER,
    PRIMARY KEY (account, shop)
) STRICT;

-- At `at`, every id up to `highest` had been seen.
CREATE TABLE observations (
    account TEXT    NOT NULL,
    shop    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    PRIMARY KEY (account, shop, at),
    FOREIGN KEY (account, shop) REFERENCES shops
) STRICT, WITHOUT ROWID;

-- The index of contacts and the judgement on them. A row without a state was only surveyed.
CREATE TABLE contacts (
    account      TEXT    NOT NULL,
    shop         TEXT    NOT NULL,
    id           INTEGER NOT NULL,
    email        TEXT    CHECK (length(email) = 32 AND email NOT GLOB '*[^0-9a-f]*'),
    phone        TEXT    CHECK (length(phone) = 32 AND phone NOT GLOB '*[^0-9a-f]*'),
    -- The hashes of the name's words, sorted, with a space between.
    name         TEXT    NOT NULL CHECK ((name = '' OR length(name) % 33 = 32) AND name NOT GLOB '*[^0-9a-f ]*'),
    state        TEXT,
    reason       TEXT,
    content      TEXT    CHECK (length(content) = 32 AND content NOT GLOB '*[^0-9a-f]*'),
    rules        TEXT,
    recheck_at   INTEGER,
    retry_at     INTEGER,
    attempts     INTEGER NOT NULL DEFAULT 0,
    parked_since INTEGER,
    judged_at    INTEGER,
    judged_by    INTEGER,
    PRIMARY KEY (account, shop, id),
    FOREIGN KEY (account, shop) REFERENCES shops,
    CHECK ((state IS NULL) = (content IS NULL) AND (state IS NULL) = (reason IS NULL) AND (state IS NULL) = (rules IS NULL)
       AND (state IS NULL) = (judged_at IS NULL) AND (state IS NULL) = (judged_by IS NULL))
) STRICT, WITHOUT ROWID;
-- Who holds an identifier, in the order (shop, id).
CREATE INDEX contacts_by_email ON contacts (account, email, shop, id) WHERE email IS NOT NULL;
CREATE INDEX contacts_by_phone ON contacts (account, phone, shop, id) WHERE phone IS NOT NULL;
-- What is due.
CREATE INDEX contacts_by_retry ON contacts (account, shop, retry_at, id) WHERE retry_at IS NOT NULL;
-- How many are how.
CREATE INDEX contacts_by_state ON contacts (account, shop, state, reason);

CREATE TABLE links (
    account   TEXT    NOT NULL,
    shop      TEXT    NOT NULL,
    id        INTEGER NOT NULL,
    customer  TEXT    NOT NULL,
    role      TEXT    NOT NULL CHECK (role IN ('owner', 'secondary')),
    grounds   TEXT    NOT NULL,
    -- The row of the outcome table that made it.
    made_by   TEXT    NOT NULL,
    since     INTEGER NOT NULL,
    -- An object by field, of hashes.
    baselines TEXT    NOT NULL,
    PRIMARY KEY (account, shop, id),
    FOREIGN KEY (account, shop, id) REFERENCES contacts
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_customer ON links (account, customer, shop, id);
-- One owner per customer, over all shops.
CREATE UNIQUE INDEX links_owner ON links (account, customer) WHERE role = 'owner';

-- A person's word on a pair.
CREATE TABLE rulings (
    account    TEXT    NOT NULL,
    shop       TEXT    NOT NULL,
    id         INTEGER NOT NULL,
    customer   TEXT    NOT NULL,
    ruling     TEXT    NOT NULL CHECK (ruling IN ('same', 'different')),
    decided_by TEXT    NOT NULL,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (account, shop, id, customer),
    FOREIGN KEY (account, shop, id) REFERENCES contacts
) STRICT, WITHOUT ROWID;
CREATE INDEX rulings_by_customer ON rulings (account, customer);

CREATE TABLE proposals (
    account    TEXT    NOT NULL,
    -- The hash of the content.
    proposal   TEXT    NOT NULL,
    shop       TEXT    NOT NULL,
    id         INTEGER NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('link', 'merge')),
    -- The one to link, or the survivor.
    customer   TEXT    NOT NULL,
    -- An array of customers; empty for a link.
    absorbed   TEXT    NOT NULL,
    -- NULL: automatic. Else an array of codes: why a person has to be asked.
    because    TEXT,
    -- An array of codes.
    evidence   TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    since      INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT    NOT NULL,
    PRIMARY KEY (account, proposal),
    FOREIGN KEY (account, shop, id) REFERENCES contacts
) STRICT;
CREATE INDEX proposals_by_contact ON proposals (account, shop, id);
CREATE INDEX proposals_by_state ON proposals (account, state, since);

CREATE TABLE runs (
    run        INTEGER PRIMARY KEY AUTOINCREMENT,
    account    TEXT    NOT NULL REFERENCES accounts,
    shop       TEXT    NOT NULL,
    pass       TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    outcome    TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    -- Why it never made a report.
    error      TEXT,
    -- An object: the report as it was made at its end.
    report     TEXT
) STRICT;
CREATE INDEX runs_by_shop ON runs (account, shop, pass, run);
CREATE INDEX runs_running ON runs (account, epoch) WHERE outcome = 'running';

-- Declared before the first byte is sent.
CREATE TABLE writes (
    write       INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT    NOT NULL REFERENCES accounts,
    run         INTEGER NOT NULL REFERENCES runs,
    epoch       INTEGER NOT NULL,
    shop        TEXT    NOT NULL,
    id          INTEGER NOT NULL,
    customer    TEXT    NOT NULL,
    why         TEXT    NOT NULL,
    -- An object by field, of hashes.
    fields      TEXT    NOT NULL,
    declared_at INTEGER NOT NULL,
    outcome     TEXT,
    settled_at  INTEGER,
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
) STRICT;
CREATE INDEX writes_by_contact ON writes (account, shop, id);
CREATE INDEX writes_by_customer ON writes (account, customer);
CREATE INDEX writes_unsettled ON writes (account, shop, id) WHERE outcome IS NULL OR outcome = 'unknown';

CREATE TABLE holds (
    hold        INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT    NOT NULL REFERENCES accounts,
    shop        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    -- The hash of what a release is bound to.
    bound       TEXT    NOT NULL CHECK (length(bound) = 32 AND bound NOT GLOB '*[^0-9a-f]*'),
    reason      TEXT    NOT NULL,
    count       INTEGER NOT NULL,
    -- An array of (shop, id).
    sample      TEXT    NOT NULL,
    run         INTEGER NOT NULL REFERENCES runs,
    since       INTEGER NOT NULL,
    released_at INTEGER,
    released_by TEXT,
    CHECK ((released_at IS NULL) = (released_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX holds_standing ON holds (account, shop, kind, bound) WHERE released_at IS NULL;

-- How the rows lie, told once. Without it SQLite takes every index for selective from its first column on, and here
-- that is the account: it would read a whole table to find a page. (Rows, then rows per value of each column prefix.)
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('observations', 'observations',        '4000 4000 2000 1'),
    ('contacts',     'contacts',            '100000 100000 50000 1'),
    ('contacts',     'contacts_by_email',   '100000 100000 2 1 1'),
    ('contacts',     'contacts_by_phone',   '100000 100000 2 1 1'),
    ('contacts',     'contacts_by_retry',   '1000 1000 500 2 1'),
    ('contacts',     'contacts_by_state',   '100000 100000 50000 10000 5000 1'),
    ('links',        'links',               '100000 100000 50000 1'),
    ('links',        'links_by_customer',   '100000 100000 2 1 1'),
    ('links',        'links_owner',         '100000 100000 1'),
    ('rulings',      'rulings',             '1000 1000 500 2 1'),
    ('rulings',      'rulings_by_customer', '1000 1000 2'),
    ('proposals',    'sqlite_autoindex_proposals_1', '10000 10000 1'),
    ('proposals',    'proposals_by_contact', '10000 10000 5000 2'),
    ('proposals',    'proposals_by_state',  '10000 10000 3000 2'),
    ('runs',         'runs_by_shop',        '10000 10000 5000 2000 1'),
    ('runs',         'runs_running',        '2 2 1'),
    ('writes',       'writes_by_contact',   '100000 100000 50000 2'),
    ('writes',       'writes_by_customer',  '100000 100000 2'),
    ('writes',       'writes_unsettled',    '100 100 50 1');
ANALYZE sqlite_schema;
