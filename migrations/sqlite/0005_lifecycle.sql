-- A sweep that grew: its arms and families as JSON (null: its spec spells them out), and the place
-- in its log at which it last did.
alter table sweeps add column plan text;
alter table sweeps add column grown_seq integer not null default 0;

-- At which turn a segment was last claimed: sweeps of one priority take turns. Turns are counted
-- over all sweeps.
alter table segments add column turn integer not null default 0;

create index segments_by_turn on segments (turn);
create index segments_by_sweep_and_turn on segments (sweep, turn);
