//! The product as a user meets it: the real binary, the real clients, a real browser.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod adversity;
mod audit_files;
mod bad_input;
mod browser;
mod dashboard;
mod harness;
mod postgres;
mod reference;
mod restart;
mod verify;
