-- What version 8 brought: an index of whole runs that came to their end. One of a part, which is not in it.
INSERT INTO runs (account, shop, pass, epoch, outcome, started_at, error, report) VALUES
    ('account', 'alfa', 'resync', 7, 'done', 103, NULL,
     '{"run":5,"account":"account","shop":"alfa","pass":"resync","partial":true,"outcome":"done","started_at":"1970-01-01T00:00:00.103Z","duration_ms":5,"read":1,"counts":{"unchanged":1,"linked":0,"updated":0,"unmatched":0,"waiting":0,"parked":0,"invalid":0,"excluded":0,"surveyed":0},"gone":0,"merges":{"proposed":0,"merged":0,"refused":0,"unknown":0,"held":0},"calls":{"open2b":{},"vivocha":{}},"holds":[],"updates":0}');
