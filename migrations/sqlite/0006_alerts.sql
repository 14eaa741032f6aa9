-- Alerts: of each subject the state that was told last, or is still to be told.
CREATE TABLE alerts (
    account      TEXT    NOT NULL REFERENCES accounts,
    -- Empty: the account's.
    shop         TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    -- Which of that subject; empty where there is one only.
    kind         TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('raised', 'recovered')),
    -- Rises with each change.
    revision     INTEGER NOT NULL,
    -- Of that change, over all tries to deliver it.
    id           TEXT    NOT NULL,
    -- An array of codes: what was told of it since it was raised.
    causes       TEXT    NOT NULL,
    since        INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    summary      TEXT    NOT NULL,
    -- An array: what to do.
    remedy       TEXT    NOT NULL,
    -- Of this change.
    tries        INTEGER NOT NULL DEFAULT 0,
    next_at      INTEGER NOT NULL,
    delivered_at INTEGER,
    -- Who delivers it just now, and until when nobody else does.
    taken_by     TEXT,
    taken_until  INTEGER,
    PRIMARY KEY (account, shop, subject, kind),
    CHECK ((taken_by IS NULL) = (taken_until IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX alerts_pending ON alerts (account, at) WHERE delivered_at IS NULL;
