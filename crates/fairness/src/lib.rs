//! The four-layer bias audit: data and decisions in, a measured and explained certificate body out.
//!
//! [`prepare`] reads and checks, [`Prepared::commitment`] says before the run what will be measured,
//! [`Prepared::measure`] ends in [`Measured`]: a pure function of data, model, settings and version. [`Measured::into_body`] adds who issued the certificate when, and a
//! [`narrative`]. The shape of the result is [`document`].

mod audit;
mod body;
pub mod document;
pub mod domains;
mod explanation;
mod forensics;
pub mod metrics;
pub mod mitigation;
pub mod narrative;
pub mod statistics;
mod stress;
mod verdict;

pub use audit::{
    AuditInput, AuditSettings, Error, MODEL_MISSING, ModelInput, Prepared, Unwatched, Watch, audit, check_model,
    check_request, prepare,
};
pub use body::{Identity, Measured};
pub use verdict::{CERTIFIED_MIN, CONDITIONAL_MIN};
