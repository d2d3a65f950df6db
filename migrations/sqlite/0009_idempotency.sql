-- The same changes as in migrations/postgres/0009_idempotency.sql.

-- Idempotency keys are of the token that sent them: what another one submits by chance under the same
-- key is another sweep. The token is empty where a server was open to whoever asked.
create table idempotency_keys_of_tokens (
    token text not null,
    key text not null,
    body_sha256 text not null,
    sweep text not null references sweeps on delete cascade,
    primary key (token, key)
) strict;

insert into idempotency_keys_of_tokens (token, key, body_sha256, sweep)
select coalesce(sweep_owners.token, ''), key, body_sha256, idempotency_keys.sweep
from idempotency_keys left join sweep_owners on sweep_owners.sweep = idempotency_keys.sweep;

drop table idempotency_keys;

alter table idempotency_keys_of_tokens rename to idempotency_keys;

create index idempotency_keys_by_sweep on idempotency_keys (sweep);
