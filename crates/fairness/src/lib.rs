//! The four-layer bias audit: a table and decisions in, a measured and explained certificate body out.

pub mod document;
pub mod metrics;
pub mod mitigation;
pub mod statistics;
