-- A rotation of the hash key: what stands under the new key is put aside page by page, and takes its place in one transaction.

-- What the key before this one is recognised by.
ALTER TABLE accounts ADD COLUMN former_check TEXT CHECK (length(former_check) = 32 AND former_check NOT GLOB '*[^0-9a-f]*');
-- A hash under the former key, hashed under this one: its value was nowhere when the key changed.
ALTER TABLE tombstones ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1));

-- The columns of contacts and links that hold hashes, under the key to come. Empty but while a resync rotates the key.
CREATE TABLE rekeyed_contacts (
    account TEXT    NOT NULL REFERENCES accounts,
    shop    TEXT    NOT NULL,
    id      INTEGER NOT NULL,
    email   TEXT,
    phone   TEXT,
    name    TEXT    NOT NULL,
    content TEXT,
    PRIMARY KEY (account, shop, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE rekeyed_links (
    account     TEXT    NOT NULL REFERENCES accounts,
    shop        TEXT    NOT NULL,
    id          INTEGER NOT NULL,
    customer    TEXT    NOT NULL,
    baselines   TEXT    NOT NULL,
    known_email TEXT,
    known_phone TEXT,
    known_name  TEXT    NOT NULL,
    PRIMARY KEY (account, shop, id, customer)
) STRICT, WITHOUT ROWID;
-- Of tombstones, those whose value was met.
CREATE TABLE rekeyed_tombstones (
    account TEXT NOT NULL REFERENCES accounts,
    value   TEXT NOT NULL,
    rekeyed TEXT NOT NULL,
    PRIMARY KEY (account, value)
) STRICT, WITHOUT ROWID;
