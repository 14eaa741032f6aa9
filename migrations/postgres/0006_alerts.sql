-- Alerts: of each subject the state that was told last, or is still to be told.
CREATE TABLE alerts (
    account      TEXT COLLATE "C" NOT NULL REFERENCES accounts,
    -- Empty: the account's.
    shop         TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    -- Which of that subject; empty where there is one only.
    kind         TEXT COLLATE "C" NOT NULL,
    state        TEXT COLLATE "C" NOT NULL CHECK (state IN ('raised', 'recovered')),
    -- Rises with each change.
    revision     BIGINT NOT NULL,
    -- Of that change, over all tries to deliver it.
    id           TEXT COLLATE "C" NOT NULL,
    -- An array of codes: what was told of it since it was raised.
    causes       TEXT COLLATE "C" NOT NULL,
    since        BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    summary      TEXT COLLATE "C" NOT NULL,
    -- An array: what to do.
    remedy       TEXT COLLATE "C" NOT NULL,
    -- Of this change.
    tries        BIGINT NOT NULL DEFAULT 0,
    next_at      BIGINT NOT NULL,
    delivered_at BIGINT,
    -- Who delivers it just now, and until when nobody else does.
    taken_by     TEXT COLLATE "C",
    taken_until  BIGINT,
    PRIMARY KEY (account, shop, subject, kind),
    CHECK ((taken_by IS NULL) = (taken_until IS NULL))
);
CREATE INDEX alerts_pending ON alerts (account, at) WHERE delivered_at IS NULL;
