-- When a pass last came to its end is asked at every tick of the schedule and whenever a monitor looks. Of the whole: what a person asked for a
-- part of says nothing of the rest.
DROP INDEX runs_ended;
CREATE INDEX runs_whole ON runs (account, pass, shop, started_at)
 WHERE outcome IN ('done', 'parked', 'held') AND report NOT LIKE '%"partial":true%';
