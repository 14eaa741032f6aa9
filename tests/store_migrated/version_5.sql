-- What version 5 brought: an index of runs that came to their end. Two such, one with its report.
INSERT INTO runs (account, shop, pass, epoch, outcome, started_at, error, report) VALUES
    ('account', 'alfa', 'resync', 7, 'done', 91, NULL,
     '{"run":3,"account":"account","shop":"alfa","pass":"resync","outcome":"done","started_at":"1970-01-01T00:00:00.091Z","duration_ms":5,"read":2,"counts":{"unchanged":2,"linked":0,"updated":0,"unmatched":0,"waiting":0,"parked":0,"invalid":0,"excluded":0,"surveyed":0},"gone":0,"merges":{"proposed":0,"merged":0,"refused":0,"unknown":0,"held":0},"calls":{"open2b":{},"vivocha":{}},"holds":[],"updates":0}'),
    ('account', 'beta', 'survey', 7, 'parked', 92, NULL, NULL);
