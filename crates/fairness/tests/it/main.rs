//! Integration tests of the fairness crate.

mod audit;
mod audit_errors;
mod audit_support;
mod explanation;
mod forensics;
mod golden;
mod metrics_properties;
mod metrics_scores;
mod metrics_statistics;
mod metrics_support;
mod metrics_verdicts;
mod narrative;
mod stress;
