-- What version 9 brought: that of a run is said from its beginning whether it is of a part. One that runs.
INSERT INTO runs (account, shop, pass, epoch, outcome, started_at, error, report, partial) VALUES
    ('account', 'alfa', 'resync', 7, 'running', 104, NULL, NULL, 1);
