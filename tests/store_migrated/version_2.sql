-- What version 2 brought: resyncs, former links, updates held one by one, erasures, a lease that no settable clock decides.
UPDATE accounts SET origin = 'elsewhere' WHERE account = 'account';
UPDATE leases SET beat = 4, ttl = 90000 WHERE account = 'account';
UPDATE shops SET source = '{c}', rules = 'r=1', resynced_at = 650 WHERE shop = 'alfa';
UPDATE shops SET source = '{d}', doubted_at = 660 WHERE shop = 'beta';
UPDATE contacts SET missing = 1 WHERE shop = 'beta' AND id = 1;
INSERT INTO contacts (account, shop, id, name, state, reason, content, rules, judged_at, judged_by)
    VALUES ('account', 'alfa', 4, '', 'excluded', 'erased', '{e}', '', 71, 2);
INSERT INTO resyncs (account, shop, started_at, from_id, after, count, highest, read, arrivals, force, whole)
    VALUES ('account', 'beta', 670, 0, 3, 4, 9, 5, 1, 0, 1);
INSERT INTO links (account, shop, id, customer, role, grounds, made_by, since, baselines, known_email, known_phone, known_name, ended_at)
    VALUES ('account', 'alfa', 3, 'c7', 'owner', 'both', 'row', 30, '{"phone":{"source":"{b}"}}', '{f}', NULL, '{c}', 55);
INSERT INTO holds (account, shop, kind, bound, reason, count, sample, run, since)
    VALUES ('account', 'alfa', 'updates', '{d}', 'too many', 1, '[]', 2, 48);
INSERT INTO held (account, shop, id, hold, content, rules, what)
    SELECT 'account', 'alfa', 2, hold, '{e}', 'r=1', '{a}' FROM holds WHERE reason = 'too many';
INSERT INTO erasures (account, at, by, removed, lifted_at, lifted_by) VALUES
    ('account', 71, 'eva', '{"contacts":[{"shop":"alfa","id":4}],"emails":1,"phones":1,"removed":{"links":1}}', NULL, NULL),
    ('account', 72, 'eva', '{"contacts":[],"emails":1,"phones":0,"removed":{}}', 73, 'ugo');
INSERT INTO tombstones (account, kind, value, erasure) VALUES
    ('account', 'contact', 'alfa/4', 1), ('account', 'email', '{d}', 1), ('account', 'phone', '{f}', 1);
