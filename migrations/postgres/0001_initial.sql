-- The same tables as migrations/sqlite/0001_initial.sql. Ids and digests are text, JSON
-- is text too, so that every digit of a number stays as it was written.

-- The database's clock, in milliseconds since 1970.
create view clock as
select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms;

create table sweeps (
    -- "C": by byte, as in sqlite, whatever the database's locale
    sweep text collate "C" primary key,
    name text not null,
    -- the name in lower case, for searching
    name_folded text not null,
    spec text not null,
    status text not null,
    scheduler_version bigint not null,
    priority bigint not null,
    head_seq bigint not null,
    best text,
    created_ms bigint not null,
    updated_ms bigint not null
);

create table events (
    id bigint generated always as identity primary key,
    -- the writing transaction: ids alone are given out before their rows are seen
    transaction bigint not null default (pg_current_xact_id()::text::bigint),
    sweep text collate "C" not null references sweeps on delete cascade,
    seq bigint not null,
    at_ms bigint not null,
    event text not null,
    decisions text not null,
    unique (sweep, seq)
);

create index events_in_global_order on events (transaction, id);

create table segments (
    sweep text collate "C" not null references sweeps on delete cascade,
    segment bigint not null,
    family bigint not null,
    body text not null,
    state text not null check (state in ('queued', 'leased', 'closed')),
    queued_ms bigint not null,
    -- how often it has been claimed
    attempt bigint not null default 0,
    -- of the lease that holds it
    lease text collate "C" unique,
    token_sha256 text,
    worker text,
    expires_ms bigint,
    primary key (sweep, segment),
    check ((state = 'leased') = (lease is not null))
);

create index open_segments on segments (state, sweep) where state <> 'closed';

-- The numerics fingerprint to which a family is pinned. It doesn't refer to its sweep: a
-- claim, which locks a segment before this, would wait for a delete that waits for it.
create table families (
    sweep text collate "C" not null,
    family bigint not null,
    fingerprint text not null,
    primary key (sweep, family)
);

create table trials (
    sweep text collate "C" not null references sweeps on delete cascade,
    family bigint not null,
    arm bigint not null,
    status text not null,
    epochs bigint not null,
    onset_step bigint,
    checkpoint text collate "C",
    reason text,
    primary key (sweep, family, arm)
);

create index trials_by_checkpoint on trials (checkpoint) where checkpoint is not null;

-- Metrics: null is `diverged`.
create table reports (
    sweep text collate "C" not null references sweeps on delete cascade,
    family bigint not null,
    arm bigint not null,
    epoch bigint not null,
    step bigint not null,
    train_loss double precision,
    val_loss double precision,
    val_error double precision,
    branch bigint not null,
    primary key (sweep, family, arm, epoch)
);

create table idempotency_keys (
    key text collate "C" primary key,
    body_sha256 text not null,
    sweep text collate "C" not null references sweeps on delete cascade
);

create index idempotency_keys_by_sweep on idempotency_keys (sweep);

create table blobs (
    digest text collate "C" primary key,
    size bigint not null,
    created_ms bigint not null
);

-- Which leases uploaded a blob; only one that is still on its segment holds it.
create table blob_holds (
    digest text collate "C" not null references blobs on delete cascade,
    lease text collate "C" not null,
    primary key (digest, lease)
);
