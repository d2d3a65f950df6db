-- The same table as migrations/sqlite/0012_troubled_workers.sql.

-- Workers that said that their machines are in trouble, until they take work. Several may share a
-- name, as they do elsewhere: the last word counts.
create table troubled_workers (
    worker text collate "C" primary key,
    -- what the worker said
    message text not null,
    -- when it means to look again
    next_try_ms bigint not null
);
