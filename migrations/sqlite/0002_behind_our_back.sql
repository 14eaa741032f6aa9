-- What changes behind our back: resyncs, former links, held updates, erasures, a lease that no settable clock decides.

-- Where the database was when it was last worked on: a copy of it elsewhere is one that went back in time.
ALTER TABLE accounts ADD COLUMN origin TEXT;

-- How often the lease was renewed, and how long it lasts without. A watcher who saw neither move for that long may succeed.
ALTER TABLE leases ADD COLUMN beat INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leases ADD COLUMN ttl INTEGER;

-- The hash of where the shop is.
ALTER TABLE shops ADD COLUMN source TEXT CHECK (length(source) = 32 AND source NOT GLOB '*[^0-9a-f]*');
-- The rules by which it was last read whole.
ALTER TABLE shops ADD COLUMN rules TEXT;
ALTER TABLE shops ADD COLUMN resynced_at INTEGER;
-- Since when it is in doubt: the store went back in time.
ALTER TABLE shops ADD COLUMN doubted_at INTEGER;
CREATE UNIQUE INDEX shops_by_source ON shops (account, source) WHERE source IS NOT NULL;

-- A resync under way, or interrupted.
CREATE TABLE resyncs (
    account    TEXT    NOT NULL,
    shop       TEXT    NOT NULL,
    started_at INTEGER NOT NULL,
    from_id    INTEGER NOT NULL,
    after      INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    highest    INTEGER NOT NULL,
    read       INTEGER NOT NULL,
    arrivals   INTEGER NOT NULL,
    force      INTEGER NOT NULL CHECK (force IN (0, 1)),
    whole      INTEGER NOT NULL CHECK (whole IN (0, 1)),
    PRIMARY KEY (account, shop),
    FOREIGN KEY (account, shop) REFERENCES shops
) STRICT, WITHOUT ROWID;

-- Not found by a resync where it was.
ALTER TABLE contacts ADD COLUMN missing INTEGER NOT NULL DEFAULT 0 CHECK (missing IN (0, 1));
CREATE INDEX contacts_missing ON contacts (account, shop, id) WHERE missing = 1;

-- Links, former ones too; with who the contact was when the link was last found to stand.
ALTER TABLE links RENAME TO links_before;
DROP INDEX links_by_customer;
DROP INDEX links_owner;
CREATE TABLE links (
    account     TEXT    NOT NULL,
    shop        TEXT    NOT NULL,
    id          INTEGER NOT NULL,
    customer    TEXT    NOT NULL,
    role        TEXT    NOT NULL CHECK (role IN ('owner', 'secondary')),
    grounds     TEXT    NOT NULL,
    -- The row of the outcome table that made it.
    made_by     TEXT    NOT NULL,
    since       INTEGER NOT NULL,
    -- An object by field, of hashes.
    baselines   TEXT    NOT NULL,
    known_email TEXT    CHECK (length(known_email) = 32 AND known_email NOT GLOB '*[^0-9a-f]*'),
    known_phone TEXT    CHECK (length(known_phone) = 32 AND known_phone NOT GLOB '*[^0-9a-f]*'),
    known_name  TEXT    NOT NULL CHECK ((known_name = '' OR length(known_name) % 33 = 32) AND known_name NOT GLOB '*[^0-9a-f ]*'),
    -- When it ended, for a former one.
    ended_at    INTEGER,
    PRIMARY KEY (account, shop, id, customer),
    FOREIGN KEY (account, shop, id) REFERENCES contacts
) STRICT, WITHOUT ROWID;
INSERT INTO links (account, shop, id, customer, role, grounds, made_by, since, baselines, known_email, known_phone, known_name)
SELECT l.account, l.shop, l.id, l.customer, l.role, l.grounds, l.made_by, l.since, l.baselines, c.email, c.phone, c.name
  FROM links_before l JOIN contacts c ON c.account = l.account AND c.shop = l.shop AND c.id = l.id;
DROP TABLE links_before;
CREATE INDEX links_by_customer ON links (account, customer, shop, id);
-- One link a contact, and one owner a customer, over all shops.
CREATE UNIQUE INDEX links_standing ON links (account, shop, id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX links_owner ON links (account, customer) WHERE role = 'owner' AND ended_at IS NULL;
CREATE INDEX links_ended ON links (account, shop, ended_at) WHERE ended_at IS NOT NULL;

-- Updates that a safeguard holds, each with the hash of what it would do.
CREATE TABLE held (
    account TEXT    NOT NULL,
    shop    TEXT    NOT NULL,
    id      INTEGER NOT NULL,
    hold    INTEGER NOT NULL REFERENCES holds,
    content TEXT    NOT NULL CHECK (length(content) = 32 AND content NOT GLOB '*[^0-9a-f]*'),
    rules   TEXT    NOT NULL,
    what    TEXT    NOT NULL CHECK (length(what) = 32 AND what NOT GLOB '*[^0-9a-f]*'),
    PRIMARY KEY (account, shop, id),
    FOREIGN KEY (account, shop, id) REFERENCES contacts
) STRICT, WITHOUT ROWID;
CREATE INDEX held_by_hold ON held (hold, shop, id);

-- Who is not to be brought back: by contact (`shop/id`), or by the hash of an e-mail or a telephone number.
CREATE TABLE erasures (
    erasure   INTEGER PRIMARY KEY AUTOINCREMENT,
    account   TEXT    NOT NULL REFERENCES accounts,
    at        INTEGER NOT NULL,
    by        TEXT    NOT NULL,
    -- An object: whom it excludes, and what was removed, in ids and figures.
    removed   TEXT    NOT NULL,
    lifted_at INTEGER,
    lifted_by TEXT,
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
) STRICT;
CREATE TABLE tombstones (
    account TEXT    NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN ('contact', 'email', 'phone')),
    value   TEXT    NOT NULL,
    erasure INTEGER NOT NULL REFERENCES erasures,
    -- Of two erasures that name the same, each stands for itself.
    PRIMARY KEY (account, kind, value, erasure)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_erasure ON tombstones (erasure);

DELETE FROM sqlite_stat1 WHERE tbl = 'links';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('shops',      'shops',              '20 10 1'),
    ('shops',      'shops_by_source',    '20 10 1'),
    ('contacts',   'contacts_missing',   '100 100 50 1'),
    ('links',      'links',              '100000 100000 50000 1 1'),
    ('links',      'links_by_customer',  '100000 100000 2 1 1'),
    ('links',      'links_standing',     '100000 100000 50000 1'),
    ('links',      'links_owner',        '100000 100000 1'),
    ('links',      'links_ended',        '1000 1000 500 2'),
    ('held',       'held',               '1000 1000 500 1'),
    ('held',       'held_by_hold',       '1000 200 100 1'),
    ('tombstones', 'tombstones',         '1000 1000 300 1 1'),
    ('tombstones', 'tombstones_by_erasure', '1000 2');
ANALYZE sqlite_schema;
