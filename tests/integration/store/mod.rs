//! The contract of the store; every test runs on SQLite and on Postgres.

mod blobs;
mod claims;
mod curves;
mod datasets;
mod events;
mod fixture;
mod leases;
mod log;
mod sweeps;
mod tokens;
mod told;
