//! Everything durable: organizations, people, API keys, jobs, interactions, blobs, certificates, the transparency log, keys, webhooks and the audit trail, on
//! SQLite or PostgreSQL, with the bytes of blobs in an object store.
//!
//! [`Store::open`] gives a [`Store`]; `store.certificates()` and the like give an accessor per aggregate; what must
//! happen together goes through a [`Unit`] (`store.begin()`), which has the same accessors. One file per aggregate holds
//! its records, its SQL and its row mapping; callers see no dialect and no row.
//!
//! What must hold:
//! - every accessor on an organization's data takes the [`OrganizationId`], and another organization's id behaves like
//!   an unknown one. Looked up without are: certificates, because they are public; keys, sessions and invitations by the
//!   digest of their secret, because whoever has it has the right; accounts, because people belong to several
//!   organizations; and [`queue`] and [`interaction_queue`] serve workers;
//! - there is no clock and no randomness here: time and random bytes are the caller's;
//! - one SQL text serves both databases, and every statement is reached by the conformance suite on both;
//! - a lookup that finds nothing is `Ok(None)`; an outage is [`Error::Unavailable`] within seconds, and ends by itself.

pub mod api_keys;
pub mod audit_trail;
pub mod blobs;
pub mod certificates;
pub mod data_keys;
pub mod idempotency;
pub mod interaction_accounts;
pub mod interaction_queue;
pub mod interaction_usage;
pub mod interactions;
pub mod invitations;
pub mod jobs;
pub mod log;
pub mod organizations;
pub mod queue;
pub mod rate_limits;
pub mod retention;
pub mod saved_views;
pub mod schedules;
pub mod sessions;
pub mod signing_keys;
pub mod snapshot;
pub mod trail_checkpoints;
pub mod users;
pub mod webhooks;

mod backend;
mod error;
mod folders;
mod ids;
mod objects;
mod roles;
mod store;

pub use error::{Cause, Error};
pub use ids::{
    CertificateId, DeliveryId, Digest, JobId, KeyId, ORGANIZATION_ID_BYTES_MAX, OrganizationId, UserId, WebhookId,
};
pub use objects::digest_file;
pub use roles::{KeyInterface, Role};
pub use store::{InteractionsSubmitted, JobsChanged, PoolState, Store, StoreSettings, Unit};
