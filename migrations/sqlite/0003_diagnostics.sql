-- The same columns as migrations/postgres/0003_diagnostics.sql.

-- How the training of an epoch went. Rows from before have none; where `flooded_steps` is there,
-- a null norm is `diverged`. It is `any` as the metrics are.
alter table reports add column grad_norm any;
alter table reports add column ascending any;
alter table reports add column flooded_steps integer;
