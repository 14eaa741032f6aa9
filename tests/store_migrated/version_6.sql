-- What version 6 brought: alerts, one that is told, one that somebody delivers, one that still waits.
INSERT INTO alerts (account, shop, subject, kind, state, revision, id, causes, since, at, summary, remedy, tries, next_at, delivered_at, taken_by, taken_until) VALUES
    ('account', '', 'held', 'paused', 'raised', 1, 'one', '["paused"]', 93, 94, 'writing is paused', '["anagrafe resume"]', 1, 94, 95, NULL, NULL),
    ('account', 'alfa', 'held', 'merges', 'raised', 2, 'two', '["1"]', 93, 96, 'merges are held', '[]', 3, 97, NULL, 'daemon', 98),
    ('account', 'beta', 'staleness', 'sync', 'recovered', 4, 'three', '[]', 93, 99, 'synced again', '[]', 0, 99, NULL, NULL, NULL);
