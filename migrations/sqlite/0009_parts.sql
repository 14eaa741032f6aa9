-- That a person asked for a part of a pass only is known from its beginning: one whose process died has no report to say so.
DROP INDEX runs_whole;
ALTER TABLE runs ADD COLUMN partial INTEGER NOT NULL DEFAULT 0 CHECK (partial IN (0, 1));
UPDATE runs SET partial = 1 WHERE report LIKE '%"partial":true%';
-- The last of them is that of the highest number: a clock that was put back does not make an earlier one the last.
CREATE INDEX runs_whole ON runs (account, pass, shop, run) WHERE outcome IN ('done', 'parked', 'held') AND partial = 0;
