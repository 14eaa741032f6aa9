-- A store of version 1 with something in every table, for either database. {a} to {f} are hashes, {check} is the key's.
INSERT INTO accounts VALUES ('account', '{check}', 5, 'looking', 'eva');
INSERT INTO leases VALUES ('account', 7, 1000, 'host', 'boot', 11, 12, 'sync');
INSERT INTO shops VALUES ('account', 'alfa', 9, 1, 9, 1, 800, 700), ('account', 'beta', 3, 0, 0, 0, NULL, NULL);
INSERT INTO observations VALUES ('account', 'alfa', 600, 8), ('account', 'alfa', 800, 9);
INSERT INTO contacts VALUES
    ('account', 'alfa', 1, '{a}', '{b}', '{c} {d}', 'linked', 'both', '{e}', 'r=1', 10, NULL, 0, NULL, 50, 1),
    ('account', 'alfa', 2, NULL, '{b}', '', 'linked', 'phone', '{e}', 'r=1', NULL, 20, 2, 15, 50, 1),
    ('account', 'alfa', 3, '{f}', NULL, '{c}', 'waiting', 'names', '{e}', 'r=0', NULL, NULL, 0, NULL, 51, 2),
    ('account', 'beta', 1, '{a}', NULL, '', NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL);
INSERT INTO links VALUES
    ('account', 'alfa', 1, 'c1', 'owner', 'both', 'row', 50, '{"email":{"source":"{a}"}}'),
    ('account', 'alfa', 2, 'c1', 'secondary', 'phone', 'row2', 51, '{}');
INSERT INTO rulings VALUES ('account', 'alfa', 3, 'c9', 'different', 'eva', 52);
INSERT INTO proposals VALUES
    ('account', 'p', 'alfa', 3, 'link', 'c8', '[]', '["names"]', '["email"]', 'open', 40, 41, 'anagrafe'),
    ('account', 'm', 'alfa', 1, 'merge', 'c1', '["c2"]', NULL, '[]', 'approved', 42, 43, 'eva');
INSERT INTO runs VALUES (1, 'account', 'alfa', 'survey', 6, 'failed', 30, 'why', NULL),
                        (2, 'account', 'alfa', 'sync', 7, 'running', 60, NULL, NULL);
INSERT INTO writes VALUES
    (1, 'account', 1, 6, 'alfa', 1, 'c1', 'row', '{}', 61, 'applied', 62),
    (2, 'account', 2, 7, 'alfa', 2, 'c1', 'row', '{}', 63, NULL, NULL);
INSERT INTO holds VALUES
    (1, 'account', 'alfa', 'merges', '{f}', 'many', 12, '[["alfa",1]]', 1, 45, NULL, NULL),
    (2, 'account', 'alfa', 'updates', '{f}', 'more', 3, '[]', 2, 46, 47, 'eva');
