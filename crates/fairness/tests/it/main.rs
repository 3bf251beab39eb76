//! Integration tests of the fairness crate.

mod golden;
mod metrics_properties;
mod metrics_scores;
mod metrics_statistics;
mod metrics_support;
mod metrics_verdicts;
