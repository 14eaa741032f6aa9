-- When a pass last came to its end is asked at every tick of the schedule.
CREATE INDEX runs_ended ON runs (account, pass, shop, started_at) WHERE outcome IN ('done', 'parked', 'held');
