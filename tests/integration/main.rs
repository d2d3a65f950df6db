//! Tests that need a database or a process; each file says what it is about.

#![allow(clippy::unwrap_used)]

mod http;
mod process;
mod store;
mod support;
