-- What version 7 brought: writes by hand, one settled, one not.
INSERT INTO by_hand (account, epoch, customer, why, by, fields, declared_at, outcome, settled_at) VALUES
    ('account', NULL, 'c1', 'customers update', 'eva', '["nickname"]', 100, 'applied', 101),
    ('account', 7, 'c1', 'check --write-probe', 'ugo', '["nickname","email"]', 102, NULL, NULL);
