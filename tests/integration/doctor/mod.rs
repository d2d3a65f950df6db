//! `floodgauge doctor` over what a server left behind with exactly one thing wrong.

mod blobs;
mod database;
mod patient;
mod projections;
mod server;
mod workers;
