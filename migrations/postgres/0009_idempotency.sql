-- The same changes as in migrations/sqlite/0009_idempotency.sql.

-- Idempotency keys are of the token that sent them: what another one submits by chance under the same
-- key is another sweep. The token is empty where a server was open to whoever asked.
alter table idempotency_keys add column token text collate "C" not null default '';

update idempotency_keys set token = sweep_owners.token
from sweep_owners where sweep_owners.sweep = idempotency_keys.sweep;

alter table idempotency_keys alter column token drop default;

alter table idempotency_keys drop constraint idempotency_keys_pkey;

alter table idempotency_keys add primary key (token, key);
