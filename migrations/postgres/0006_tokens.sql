-- The same tables as migrations/sqlite/0006_tokens.sql.

-- Who may do what. Rows stay when they are revoked: a server that ever had a token never
-- falls back to being open.
create table tokens (
    token text collate "C" not null primary key,
    name text not null,
    -- of the secret, which is stored nowhere
    sha256 text collate "C" not null unique,
    -- with spaces in between
    scopes text not null,
    created_ms bigint not null,
    expires_ms bigint,
    revoked_ms bigint,
    -- the last use, to the hour
    used_ms bigint,
    -- bounds of its own, if any: requests a second, and what its sweeps and data sets come to
    rate bigint,
    open_sweeps bigint,
    arms bigint,
    upload_bytes bigint
);

create unique index live_tokens_by_name on tokens (name) where revoked_ms is null;

-- Browsers that signed in with a token.
create table sessions (
    sha256 text collate "C" not null primary key,
    token text collate "C" not null references tokens on delete cascade,
    expires_ms bigint not null
);

create index sessions_by_expiry on sessions (expires_ms);

-- Which token submitted a sweep, for its bounds.
create table sweep_owners (
    sweep text collate "C" not null primary key references sweeps on delete cascade,
    token text collate "C" not null references tokens
);

create index sweep_owners_by_token on sweep_owners (token);

-- Which token uploaded a data set, for its bounds.
create table dataset_owners (
    name text collate "C" not null primary key references datasets on delete cascade,
    token text collate "C" not null references tokens
);

create index dataset_owners_by_token on dataset_owners (token);
