-- What version 3 brought: merges in every state, what their customers were before, merges held, customers who are two people.
INSERT INTO proposals (account, proposal, shop, id, kind, customer, absorbed, because, evidence, state, since, changed_at, changed_by, made_at)
    VALUES ('account', 'n', 'alfa', 3, 'merge', 'c5', '["c6"]', NULL, '["both"]', 'open', 44, 45, 'anagrafe', 46);
INSERT INTO merges (account, proposal, run, epoch, shop, id, survivor, absorbed, authorised_by, evidence, rests_on, declared_at,
                    outcome, settled_at, detail, remains, gone, doubt_boot, doubt_uptime, restored_at, restored_by) VALUES
    ('account', 'm', 2, 7, 'alfa', 1, 'c1', 'c2', 'eva', '["both"]', '{"c1":"{a}"}', 80, 'applied', 81, '', 'c1', 'c2', NULL, NULL, 90, 'eva'),
    ('account', 'u', 2, 7, 'alfa', 3, 'c10', 'c11', NULL, '[]', '{}', 82, 'unknown', 83, 'no answer', NULL, NULL, 'boot', 5000, NULL, NULL),
    ('account', 'h', NULL, 7, NULL, NULL, 'c12', 'c13', 'ugo', '[]', '{}', 84, 'refused', 85, '400', NULL, NULL, NULL, NULL, NULL, NULL),
    ('account', 'd', 2, 7, 'beta', 1, 'c14', 'c15', NULL, '[]', '{}', 86, NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO befores (merge, customer, account, under, sealed, at) VALUES
    (1, 'c1', 'account', '{check}', 'sealed one', 80), (1, 'c2', 'account', '{check}', 'sealed two', 80);
INSERT INTO held_merges (account, proposal, hold) VALUES ('account', 'n', 1);
INSERT INTO parted (account, one, other, decided_by, decided_at) VALUES ('account', 'c3', 'c4', 'eva', 53);
