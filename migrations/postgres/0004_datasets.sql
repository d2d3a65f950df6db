-- The same tables as migrations/sqlite/0004_datasets.sql.

-- Data sets whose bytes are a blob: uploaded ones and, as their files are now, named ones.
create table datasets (
    name text collate "C" primary key,
    digest text collate "C" not null,
    size bigint not null,
    -- what an uploaded file holds; null for a named set
    upload text,
    created_ms bigint not null
);

create index datasets_by_digest on datasets (digest);

-- The data set that a sweep is pinned to.
create table sweep_data (
    sweep text collate "C" primary key references sweeps on delete cascade,
    name text collate "C" not null,
    digest text collate "C" not null
);

create index sweep_data_by_name on sweep_data (name);
create index sweep_data_by_digest on sweep_data (digest);
