-- All that is remembered, keyed by account. No personal data: ids, keyed hashes (32 hexadecimal digits, enforced
-- below), states and codes. Moments are milliseconds since 1970 UTC. Forward only: never edit, add the next file.
--
-- The tables, columns and keys of ../sqlite, file by file: a plan fills that schema from this one. Texts compare by bytes
-- here too (COLLATE "C"), whatever the database's language. No schema is named: the first of the role's search_path.

-- Many rows in one JSON text: SQLite's function of that name, which the statements of every page use. Neither STRICT nor
-- with settings of its own, so that it is folded into the statement and the planner sees through it. The system's own
-- json_each takes json, and is another.
CREATE FUNCTION json_each(rows text) RETURNS TABLE (key bigint, value json, atom text) LANGUAGE sql IMMUTABLE AS
$$ SELECT ordinality - 1, value, value #>> '{}' FROM json_array_elements($1::json) WITH ORDINALITY $$;

CREATE TABLE accounts (
    account    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    -- What the hash key is recognised by.
    key_check  TEXT COLLATE "C" NOT NULL CHECK (length(key_check) = 32 AND key_check !~ '[^0-9a-f]'),
    paused_at  BIGINT,
    paused_why TEXT COLLATE "C",
    paused_by  TEXT COLLATE "C",
    CHECK ((paused_at IS NULL) = (paused_why IS NULL) AND (paused_at IS NULL) = (paused_by IS NULL))
);

-- One row per account, for ever: the epoch survives the holder.
CREATE TABLE leases (
    account    TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES accounts,
    epoch      BIGINT NOT NULL,
    expires_at BIGINT,
    host       TEXT COLLATE "C",
    boot       TEXT COLLATE "C",
    pid        BIGINT,
    started    BIGINT,
    purpose    TEXT COLLATE "C",
    CHECK ((host IS NULL) = (expires_at IS NULL) AND (host IS NULL) = (boot IS NULL) AND (host IS NULL) = (pid IS NULL)
       AND (host IS NULL) = (started IS NULL) AND (host IS NULL) = (purpose IS NULL))
);

CREATE TABLE shops (
    account        TEXT COLLATE "C" NOT NULL REFERENCES accounts,
    shop           TEXT COLLATE "C" NOT NULL,
    surveyed       BIGINT NOT NULL DEFAULT 0,
    surveyed_whole BIGINT NOT NULL DEFAULT 0 CHECK (surveyed_whole IN (0, 1)),
    checkpoint     BIGINT NOT NULL DEFAULT 0,
    crossed        BIGINT NOT NULL DEFAULT 0 CHECK (crossed IN (0, 1)),
    -- When the end of the shop was last seen; observations are coarser.
    ended_at       BIGINT,
    -- When the whole lookback was last read.
    deep_at        BIGINT,
    PRIMARY KEY (account, shop)
);

-- At `at`, every id up to `highest` had been seen.
CREATE TABLE observations (
    account TEXT COLLATE "C" NOT NULL,
    shop    TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    highest BIGINT NOT NULL,
    PRIMARY KEY (account, shop, at),
    FOREIGN KEY (account, shop) REFERENCES shops
);

-- The index of contacts and the judgement on them. A row without a state was only surveyed.
CREATE TABLE contacts (
    account      TEXT COLLATE "C" NOT NULL,
    shop         TEXT COLLATE "C" NOT NULL,
    id           BIGINT NOT NULL,
    email        TEXT COLLATE "C" CHECK (length(email) = 32 AND email !~ '[^0-9a-f]'),
    phone        TEXT COLLATE "C" CHECK (length(phone) = 32 AND phone !~ '[^0-9a-f]'),
    -- The hashes of the name's words, sorted, with a space between.
    name         TEXT COLLATE "C" NOT NULL CHECK ((name = '' OR length(name) % 33 = 32) AND name !~ '[^0-9a-f ]'),
    state        TEXT COLLATE "C",
    reason       TEXT COLLATE "C",
    content      TEXT COLLATE "C" CHECK (length(content) = 32 AND content !~ '[^0-9a-f]'),
    rules        TEXT COLLATE "C",
    recheck_at   BIGINT,
    retry_at     BIGINT,
    attempts     BIGINT NOT NULL DEFAULT 0,
    parked_since BIGINT,
    judged_at    BIGINT,
    judged_by    BIGINT,
    PRIMARY KEY (account, shop, id),
    FOREIGN KEY (account, shop) REFERENCES shops,
    CHECK ((state IS NULL) = (content IS NULL) AND (state IS NULL) = (reason IS NULL) AND (state IS NULL) = (rules IS NULL)
       AND (state IS NULL) = (judged_at IS NULL) AND (state IS NULL) = (judged_by IS NULL))
);
-- Who holds an identifier, in the order (shop, id).
CREATE INDEX contacts_by_email ON contacts (account, email, shop, id) WHERE email IS NOT NULL;
CREATE INDEX contacts_by_phone ON contacts (account, phone, shop, id) WHERE phone IS NOT NULL;
-- What is due.
CREATE INDEX contacts_by_retry ON contacts (account, shop, retry_at, id) WHERE retry_at IS NOT NULL;
-- How many are how.
CREATE INDEX contacts_by_state ON contacts (account, shop, state, reason);

CREATE TABLE links (
    account   TEXT COLLATE "C" NOT NULL,
    shop      TEXT COLLATE "C" NOT NULL,
    id        BIGINT NOT NULL,
    customer  TEXT COLLATE "C" NOT NULL,
    role      TEXT COLLATE "C" NOT NULL CHECK (role IN ('owner', 'secondary')),
    grounds   TEXT COLLATE "C" NOT NULL,
    -- The row of the outcome table that made it.
    made_by   TEXT COLLATE "C" NOT NULL,
    since     BIGINT NOT NULL,
    -- An object by field, of hashes.
    baselines TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, shop, id),
    FOREIGN KEY (account, shop, id) REFERENCES contacts
);
CREATE INDEX links_by_customer ON links (account, customer, shop, id);
-- One owner per customer, over all shops.
CREATE UNIQUE INDEX links_owner ON links (account, customer) WHERE role = 'owner';

-- A person's word on a pair.
CREATE TABLE rulings (
    account    TEXT COLLATE "C" NOT NULL,
    shop       TEXT COLLATE "C" NOT NULL,
    id         BIGINT NOT NULL,
    customer   TEXT COLLATE "C" NOT NULL,
    ruling     TEXT COLLATE "C" NOT NULL CHECK (ruling IN ('same', 'different')),
    decided_by TEXT COLLATE "C" NOT NULL,
    decided_at BIGINT NOT NULL,
    PRIMARY KEY (account, shop, id, customer),
    FOREIGN KEY (account, shop, id) REFERENCES contacts
);
CREATE INDEX rulings_by_customer ON rulings (account, customer);

CREATE TABLE proposals (
    account    TEXT COLLATE "C" NOT NULL,
    -- The hash of the content.
    proposal   TEXT COLLATE "C" NOT NULL,
    shop       TEXT COLLATE "C" NOT NULL,
    id         BIGINT NOT NULL,
    kind       TEXT COLLATE "C" NOT NULL CHECK (kind IN ('link', 'merge')),
    -- The one to link, or the survivor.
    customer   TEXT COLLATE "C" NOT NULL,
    -- An array of customers; empty for a link.
    absorbed   TEXT COLLATE "C" NOT NULL,
    -- NULL: automatic. Else an array of codes: why a person has to be asked.
    because    TEXT COLLATE "C",
    -- An array of codes.
    evidence   TEXT COLLATE "C" NOT NULL,
    state      TEXT COLLATE "C" NOT NULL,
    since      BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (account, proposal),
    FOREIGN KEY (account, shop, id) REFERENCES contacts
);
CREATE INDEX proposals_by_contact ON proposals (account, shop, id);
CREATE INDEX proposals_by_state ON proposals (account, state, since);

CREATE TABLE runs (
    run        BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    account    TEXT COLLATE "C" NOT NULL REFERENCES accounts,
    shop       TEXT COLLATE "C" NOT NULL,
    pass       TEXT COLLATE "C" NOT NULL,
    epoch      BIGINT NOT NULL,
    outcome    TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    -- Why it never made a report.
    error      TEXT COLLATE "C",
    -- An object: the report as it was made at its end.
    report     TEXT COLLATE "C"
);
CREATE INDEX runs_by_shop ON runs (account, shop, pass, run);
CREATE INDEX runs_running ON runs (account, epoch) WHERE outcome = 'running';

-- Declared before the first byte is sent.
CREATE TABLE writes (
    write       BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    account     TEXT COLLATE "C" NOT NULL REFERENCES accounts,
    run         BIGINT NOT NULL REFERENCES runs,
    epoch       BIGINT NOT NULL,
    shop        TEXT COLLATE "C" NOT NULL,
    id          BIGINT NOT NULL,
    customer    TEXT COLLATE "C" NOT NULL,
    why         TEXT COLLATE "C" NOT NULL,
    -- An object by field, of hashes.
    fields      TEXT COLLATE "C" NOT NULL,
    declared_at BIGINT NOT NULL,
    outcome     TEXT COLLATE "C",
    settled_at  BIGINT,
    CHECK ((outcome IS NULL) = (settled_at IS NULL))
);
CREATE INDEX writes_by_contact ON writes (account, shop, id);
CREATE INDEX writes_by_customer ON writes (account, customer);
CREATE INDEX writes_unsettled ON writes (account, shop, id) WHERE outcome IS NULL OR outcome = 'unknown';

CREATE TABLE holds (
    hold        BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    account     TEXT COLLATE "C" NOT NULL REFERENCES accounts,
    shop        TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL,
    -- The hash of what a release is bound to.
    bound       TEXT COLLATE "C" NOT NULL CHECK (length(bound) = 32 AND bound !~ '[^0-9a-f]'),
    reason      TEXT COLLATE "C" NOT NULL,
    count       BIGINT NOT NULL,
    -- An array of (shop, id).
    sample      TEXT COLLATE "C" NOT NULL,
    run         BIGINT NOT NULL REFERENCES runs,
    since       BIGINT NOT NULL,
    released_at BIGINT,
    released_by TEXT COLLATE "C",
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);
CREATE UNIQUE INDEX holds_standing ON holds (account, shop, kind, bound) WHERE released_at IS NULL;

