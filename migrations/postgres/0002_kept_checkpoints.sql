-- The same table as migrations/sqlite/0002_kept_checkpoints.sql.

-- What a trial keeps beside its newest checkpoint: its best epoch, and for a trunk the states at
-- which dormant levels can be woken.
create table kept_checkpoints (
    sweep text collate "C" not null references sweeps on delete cascade,
    family bigint not null,
    arm bigint not null,
    digest text collate "C" not null,
    primary key (sweep, family, arm, digest)
);

create index kept_checkpoints_by_digest on kept_checkpoints (digest);
