-- The same table as migrations/postgres/0012_troubled_workers.sql.

-- Workers that said that their machines are in trouble, until they take work. Several may share a
-- name, as they do elsewhere: the last word counts.
create table troubled_workers (
    worker text not null primary key,
    -- what the worker said
    message text not null,
    -- when it means to look again
    next_try_ms integer not null
) strict, without rowid;
