//! Tests that need a database or a process; each file says what it is about.

mod store;
mod support;
