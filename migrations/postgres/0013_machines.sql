-- The same changes as migrations/sqlite/0013_machines.sql.

-- Whether epochs of a family are known: until then it may go to another kind of machine, when no
-- lease of its own is alive.
alter table families add column has_rows bigint not null default 0;

update families set has_rows = 1 where exists (
    select 1 from reports r where r.sweep = families.sweep and r.family = families.family
);

-- The fingerprint of whoever claimed a segment last.
alter table segments add column fingerprint text;

update segments set fingerprint = (
    select f.fingerprint from families f
    where f.sweep = segments.sweep and f.family = segments.family
)
where state = 'leased';

-- When a worker of each fingerprint last asked for work.
create table machines (
    fingerprint text primary key,
    seen_ms bigint not null
);
