//! The product as a user meets it: the real binary, the real clients, a real browser.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
#![expect(clippy::print_stderr, reason = "what went wrong beside the test stands in its output")]

#[path = "../../../../xtask/src/postgres.rs"]
mod cluster;

mod adversity;
mod audit_files;
mod bad_input;
mod browser;
mod chaos;
mod dashboard;
mod deploy;
mod harness;
mod hostile_files;
mod interactions;
mod models;
mod postgres;
mod reference;
mod restart;
mod schemathesis;
mod secrets;
mod shared;
mod verify;
