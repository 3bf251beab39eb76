//! Assize as a server: one process that serves the documented interfaces, the public pages and the jobs behind them.
//!
//! Reading order: [`config`] and [`clock`] are parameters; [`app`] holds the operations; [`jobs`] does the long work;
//! `api` and `dashboard` are thin faces over `app`; `middleware` wraps them; `router` says which path is what;
//! [`serve`] runs it all; [`outgoing`] is the only way out.
//!
//! Invariants: only `api` knows the wire; no SQL here; time comes from a [`clock::Clock`]; no body is held whole in
//! memory above its documented bound; a 5xx body never says what went wrong inside.

mod api;
pub mod app;
pub mod clock;
pub mod config;
mod dashboard;
pub mod documents;
pub mod jobs;
mod metrics;
mod middleware;
pub mod openapi;
pub mod outgoing;
mod router;
pub mod serve;
mod state;
