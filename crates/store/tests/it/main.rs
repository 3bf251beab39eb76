//! The store's tests: one conformance suite on both databases, and what only one of them or the file system can show.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod conformance;
mod databases;
mod harness;
mod postgres;
mod s3;
mod sqlite;
