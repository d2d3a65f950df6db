-- The same columns as migrations/sqlite/0007_operations.sql.

-- The trace that the sweep was submitted in, as a W3C `traceparent`, if traces were sent anywhere.
alter table sweeps add column traceparent text;
-- When the checkpoints of an ended sweep were dropped, if they were.
alter table sweeps add column checkpoints_dropped_ms bigint;
