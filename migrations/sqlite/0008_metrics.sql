-- The same column as migrations/postgres/0008_metrics.sql.

-- The metrics of an epoch by name, as JSON: `{"val_loss":0.5}`, where `"diverged"` is one that
-- isn't finite. Rows from before have none: theirs are the columns val_loss and val_error, which
-- new rows leave empty. JSON is text, so that every digit stays as it was written.
alter table reports add column metrics text;
