//! The server over its real router, a real socket, embedded storage in a temporary home, and real audits of small data.

mod audits;
mod clients;
mod coverage;
mod harness;
mod pages;
mod reference;
mod refusals;
mod stopping;
mod transparency;
