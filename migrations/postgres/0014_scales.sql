-- The same column as migrations/sqlite/0014_scales.sql.

-- How large the features of an uploaded set are, as JSON; null for a named set, and for uploads from before
-- that weren't added again. JSON is text, so that every digit stays as it was written.
alter table datasets add column scales text;
