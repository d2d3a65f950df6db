-- The same changes as in migrations/postgres/0011_lease_length.sql.

-- How long the lease lasts that holds a segment, so that one which was given before the clock was set
-- back is known by its end: further away than that. Null where an earlier release gave it.
alter table segments add column ttl_ms integer;

-- Two times, in milliseconds since 1970. `now_ms` is what things are stamped with, `steady_ms` what leases and
-- ages are counted by. A server has its own in the place of these, which go on evenly when the system's
-- clock is set: see src/store/clock.rs.
drop view clock;
create view clock as
select cast(round(unixepoch('subsec') * 1000) as integer) as now_ms,
    cast(round(unixepoch('subsec') * 1000) as integer) as steady_ms;
