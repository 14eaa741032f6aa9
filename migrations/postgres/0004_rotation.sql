-- A rotation of the hash key: what stands under the new key is put aside page by page, and takes its place in one transaction.

-- What the key before this one is recognised by.
ALTER TABLE accounts ADD COLUMN former_check TEXT COLLATE "C" CHECK (length(former_check) = 32 AND former_check !~ '[^0-9a-f]');
-- A hash under the former key, hashed under this one: its value was nowhere when the key changed.
ALTER TABLE tombstones ADD COLUMN sealed BIGINT NOT NULL DEFAULT 0 CHECK (sealed IN (0, 1));

-- The columns of contacts and links that hold hashes, under the key to come. Empty but while a resync rotates the key.
CREATE TABLE rekeyed_contacts (
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts,
    shop    TEXT COLLATE "C" NOT NULL,
    id      BIGINT NOT NULL,
    email   TEXT COLLATE "C",
    phone   TEXT COLLATE "C",
    name    TEXT COLLATE "C" NOT NULL,
    content TEXT COLLATE "C",
    PRIMARY KEY (account, shop, id)
);
CREATE TABLE rekeyed_links (
    account     TEXT COLLATE "C" NOT NULL REFERENCES accounts,
    shop        TEXT COLLATE "C" NOT NULL,
    id          BIGINT NOT NULL,
    customer    TEXT COLLATE "C" NOT NULL,
    baselines   TEXT COLLATE "C" NOT NULL,
    known_email TEXT COLLATE "C",
    known_phone TEXT COLLATE "C",
    known_name  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, shop, id, customer)
);
-- Of tombstones, those whose value was met.
CREATE TABLE rekeyed_tombstones (
    account TEXT COLLATE "C" NOT NULL REFERENCES accounts,
    value   TEXT COLLATE "C" NOT NULL,
    rekeyed TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, value)
);
