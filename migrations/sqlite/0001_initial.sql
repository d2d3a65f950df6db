-- The same tables as migrations/postgres/0001_initial.sql. Ids and digests are text, JSON
-- is text too, so that every digit of a number stays as it was written.

-- The database's clock, in milliseconds since 1970.
create view clock as
select cast(round(unixepoch('subsec') * 1000) as integer) as now_ms;

create table sweeps (
    sweep text not null primary key,
    name text not null,
    -- the name in lower case, for searching
    name_folded text not null,
    spec text not null,
    status text not null,
    scheduler_version integer not null,
    priority integer not null,
    head_seq integer not null,
    best text,
    created_ms integer not null,
    updated_ms integer not null
) strict;

create table events (
    -- autoincrement: the id of a deleted entry must not come back behind a reader's cursor
    id integer not null primary key autoincrement,
    sweep text not null references sweeps on delete cascade,
    seq integer not null,
    at_ms integer not null,
    event text not null,
    decisions text not null,
    unique (sweep, seq)
) strict;

create table segments (
    sweep text not null references sweeps on delete cascade,
    segment integer not null,
    family integer not null,
    body text not null,
    state text not null check (state in ('queued', 'leased', 'closed')),
    queued_ms integer not null,
    -- how often it has been claimed
    attempt integer not null default 0,
    -- of the lease that holds it
    lease text unique,
    token_sha256 text,
    worker text,
    expires_ms integer,
    primary key (sweep, segment),
    check ((state = 'leased') = (lease is not null))
) strict;

create index open_segments on segments (state, sweep) where state <> 'closed';

-- The numerics fingerprint to which a family is pinned.
create table families (
    sweep text not null,
    family integer not null,
    fingerprint text not null,
    primary key (sweep, family)
) strict, without rowid;

create table trials (
    sweep text not null references sweeps on delete cascade,
    family integer not null,
    arm integer not null,
    status text not null,
    epochs integer not null,
    onset_step integer,
    checkpoint text,
    reason text,
    primary key (sweep, family, arm)
) strict, without rowid;

create index trials_by_checkpoint on trials (checkpoint) where checkpoint is not null;

-- Metrics: null is `diverged`. Their columns are `any`, since a real column would make 0.0
-- of -0.0.
create table reports (
    sweep text not null references sweeps on delete cascade,
    family integer not null,
    arm integer not null,
    epoch integer not null,
    step integer not null,
    train_loss any,
    val_loss any,
    val_error any,
    branch integer not null,
    primary key (sweep, family, arm, epoch)
) strict, without rowid;

create table idempotency_keys (
    key text not null primary key,
    body_sha256 text not null,
    sweep text not null references sweeps on delete cascade
) strict;

create index idempotency_keys_by_sweep on idempotency_keys (sweep);

create table blobs (
    digest text not null primary key,
    size integer not null,
    created_ms integer not null
) strict;

-- Which leases uploaded a blob; only one that is still on its segment holds it.
create table blob_holds (
    digest text not null references blobs on delete cascade,
    lease text not null,
    primary key (digest, lease)
) strict, without rowid;
