-- The same table as migrations/postgres/0002_kept_checkpoints.sql.

-- What a trial keeps beside its newest checkpoint: its best epoch, and for a trunk the states at
-- which dormant levels can be woken.
create table kept_checkpoints (
    sweep text not null references sweeps on delete cascade,
    family integer not null,
    arm integer not null,
    digest text not null,
    primary key (sweep, family, arm, digest)
) strict, without rowid;

create index kept_checkpoints_by_digest on kept_checkpoints (digest);
