-- The same table as migrations/sqlite/0010_queue.sql.

-- Sweeps that have work which isn't over, in the order in which they get their turn, so that a claim
-- looks at few of them however many there are. It doesn't refer to its sweep, as families don't: see
-- 0001_initial.sql.
create table queue (
    sweep text collate "C" primary key,
    -- as the sweep has it
    priority bigint not null,
    -- the turn of its last claim; 0 before its first
    turn bigint not null,
    -- since when the oldest of its segments that aren't over waits
    queued_ms bigint not null
);

create index queue_in_order on queue (priority desc, turn, queued_ms, sweep);

-- The segments of a sweep that aren't over, in the order in which they are given out.
create index open_segments_in_order on segments (sweep, queued_ms, segment)
where state <> 'closed';

insert into queue (sweep, priority, turn, queued_ms)
select w.sweep, w.priority,
    (select max(s.turn) from segments s where s.sweep = w.sweep),
    (select min(s.queued_ms) from segments s where s.sweep = w.sweep and s.state <> 'closed')
from sweeps w
where w.status in ('queued', 'running')
and w.sweep in (select sweep from segments where state <> 'closed');
