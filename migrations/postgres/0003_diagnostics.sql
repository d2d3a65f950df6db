-- The same columns as migrations/sqlite/0003_diagnostics.sql.

-- How the training of an epoch went. Rows from before have none; where `flooded_steps` is there,
-- a null norm is `diverged`.
alter table reports add column grad_norm double precision;
alter table reports add column ascending double precision;
alter table reports add column flooded_steps bigint;
