//! The contract of the store; every test runs on SQLite and on Postgres.

mod blobs;
mod claim_costs;
mod claims;
mod clock;
mod curves;
mod datasets;
mod depths;
mod events;
mod fixture;
mod leases;
mod log;
mod notifications;
mod pins;
mod retention;
mod sweeps;
mod taken_away;
mod tokens;
mod troubles;
