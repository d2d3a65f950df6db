-- The same tables as migrations/postgres/0004_datasets.sql.

-- Data sets whose bytes are a blob: uploaded ones and, as their files are now, named ones.
create table datasets (
    name text not null primary key,
    digest text not null,
    size integer not null,
    -- what an uploaded file holds; null for a named set
    upload text,
    created_ms integer not null
) strict;

create index datasets_by_digest on datasets (digest);

-- The data set that a sweep is pinned to.
create table sweep_data (
    sweep text not null primary key references sweeps on delete cascade,
    name text not null,
    digest text not null
) strict;

create index sweep_data_by_name on sweep_data (name);
create index sweep_data_by_digest on sweep_data (digest);
