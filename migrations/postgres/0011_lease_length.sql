-- The same changes as in migrations/sqlite/0011_lease_length.sql.

-- How long the lease lasts that holds a segment, so that one which was given before the clock was set
-- back is known by its end: further away than that. Null where an earlier release gave it.
alter table segments add column ttl_ms bigint;

-- Two times, in milliseconds since 1970. `now_ms` is what things are stamped with, `steady_ms` what leases and
-- ages are counted by. Here they are one, that of the machine that Postgres runs on.
create or replace view clock as
select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms,
    floor(extract(epoch from clock_timestamp()) * 1000)::bigint as steady_ms;
