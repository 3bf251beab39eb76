//! Remedies that are computed, not advised: what to set, what it mends, what it costs.

mod reweighing;

pub use reweighing::{GroupWeight, reweighing_weights};
