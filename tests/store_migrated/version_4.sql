-- What version 4 brought: a rotation of the hash key, half done.
UPDATE accounts SET former_check = '{b}' WHERE account = 'account';
INSERT INTO tombstones (account, kind, value, erasure, sealed) VALUES ('account', 'email', '{a}', 1, 1);
INSERT INTO rekeyed_contacts (account, shop, id, email, phone, name, content) VALUES
    ('account', 'alfa', 1, '{b}', '{c}', '{d} {e}', '{f}'), ('account', 'beta', 1, '{b}', NULL, '', NULL);
INSERT INTO rekeyed_links (account, shop, id, customer, baselines, known_email, known_phone, known_name) VALUES
    ('account', 'alfa', 1, 'c1', '{"email":{"source":"{b}"}}', '{b}', '{c}', '{d} {e}');
INSERT INTO rekeyed_tombstones (account, value, rekeyed) VALUES ('account', '{d}', '{e}');
