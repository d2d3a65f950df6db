//! Tests that need a database or a process; each file says what it is about.

#![allow(clippy::unwrap_used)]

mod doctor;
mod http;
mod process;
mod releases;
mod store;
mod support;
