//! The server over its real router, a real socket, embedded storage in a temporary home, and real audits of small data.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test, also in the harness")]

mod audits;
mod backup;
mod clients;
mod coverage;
mod dashboard;
mod dashboard_interactions;
mod harness;
mod idempotency;
mod identity;
mod interactions;
mod jobs;
mod monitoring;
mod narrative;
mod pages;
mod reference;
mod refusals;
mod shared;
mod stopping;
mod tenancy;
mod trail;
mod transparency;
mod webhooks;
